// SPDX-License-Identifier: LGPL-2.1-or-later
//! Texts that must not be shown, and where the configuration says that they are.

use std::path::PathBuf;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::error::{Error, Kind, Result};
use crate::trust;

/// A key or a service account's file is a few KiB.
const LARGEST: u64 = 64 * 1024;

/// A text that nothing prints by accident.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Takes secrets out of a text that a server sent: some repeat what they were asked.
pub(crate) fn redact<'s>(text: &str, secrets: impl Iterator<Item = &'s str>) -> String {
    let mut forms: Vec<String> = secrets
        .filter(|secret| !secret.is_empty())
        .flat_map(|secret| [secret.to_owned(), utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string()])
        .collect();
    // One may be part of another.
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    forms.iter().fold(text.to_owned(), |text, form| text.replace(form.as_str(), "***"))
}

/// Where a secret is kept.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// In `token.toml` itself.
    Here(Secret),
    /// In a file of its own.
    File(PathBuf),
    /// In the folder that systemd made for the service (`LoadCredential=`).
    Credential(String),
}

impl Source {
    pub(crate) fn read(&self) -> Result<Secret> {
        let text = match self {
            Self::Here(secret) => return Ok(secret.clone()),
            Self::File(path) => trust::read_private(path, LARGEST)?,
            Self::Credential(name) => trust::read_private(&credential(name)?, LARGEST)?,
        };
        // A text file ends with a line end, which is no part of the secret.
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        if text.is_empty() {
            return Err(Error::new(Kind::Configuration, "the secret is empty").about(self.name()));
        }
        Ok(Secret::new(text))
    }

    fn name(&self) -> String {
        match self {
            Self::Here(_) => "token.toml".to_owned(),
            Self::File(path) => path.display().to_string(),
            Self::Credential(name) => format!("credential {name}"),
        }
    }
}

fn credential(name: &str) -> Result<PathBuf> {
    match std::env::var_os("CREDENTIALS_DIRECTORY") {
        Some(folder) if !folder.is_empty() => Ok(PathBuf::from(folder).join(name)),
        _ => {
            let text =
                format!("credential {name}: CREDENTIALS_DIRECTORY is not set; is this systemd's service?");
            Err(Error::new(Kind::Configuration, text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out_of_what_a_server_says() {
        let text = redact("no a/b=, a%2Fb%3D or a/b=c here", ["a/b=", "a/b=c", ""].into_iter());
        assert_eq!(text, "no ***, *** or *** here");
    }

    #[test]
    fn a_secret_is_not_shown() {
        assert_eq!(format!("{:?}", Source::Here(Secret::new("x"))), "Here(Secret(…))");
    }
}
