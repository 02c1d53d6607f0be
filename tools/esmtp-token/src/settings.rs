// SPDX-License-Identifier: LGPL-2.1-or-later
//! `token.toml`: where it is, and what it says. It is checked as a whole, whichever name is asked for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::de::DeValue;

use crate::document::{Section, Text};
use crate::entry::Entry;
use crate::error::{Error, Kind, Result};
use crate::name::Name;
use crate::trust;

const SYSTEM: &str = "/etc/libesmtp/token.toml";
/// The name of systemd's credential with the file, which only root can read then.
const CREDENTIAL: &str = "token.toml";
const LARGEST: u64 = 256 * 1024;
/// Who reads a policy's socket waits for 10 seconds.
const TIMEOUT: Duration = Duration::from_secs(9);
const LONGEST_TIMEOUT: Duration = Duration::from_secs(300);

/// The file's content.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) path: PathBuf,
    /// Where refresh tokens are kept, if the file says so.
    pub(crate) state: Option<PathBuf>,
    /// For a whole run.
    pub(crate) timeout: Duration,
    pub(crate) entries: BTreeMap<Name, Entry>,
}

impl Settings {
    /// Reads the file that the command line names, else the service's or the system's.
    pub(crate) fn read(named: Option<PathBuf>) -> Result<Self> {
        let path = named.unwrap_or_else(default_path);
        let content = trust::read_private(&path, LARGEST)?;
        Self::parse(&path, &content)
    }

    pub(crate) fn parse(path: &Path, content: &str) -> Result<Self> {
        let text = Text::new(path, content);
        let document = text.parse()?;
        let top = text.section(&document);
        let version = top.integer("version")?.ok_or_else(|| top.fault("the key \"version\" is missing"))?;
        if version.value != 1 {
            return Err(version.fault("this program knows version 1 alone"));
        }
        let state = top.path("state")?;
        let timeout = timeout(&top)?;
        let mut entries = BTreeMap::new();
        for (key, value) in top.keys() {
            if matches!(key.value, "version" | "state" | "timeout") {
                continue;
            }
            if !matches!(value.get_ref(), DeValue::Table(_)) {
                return Err(key.fault(&format!("unknown key {:?}", key.value)));
            }
            let name = Name::parse(key.value).map_err(|text| key.fault(&text))?;
            entries.insert(name, Entry::read(&top.below(value)?)?);
        }
        Ok(Self {
            path: path.to_owned(),
            state,
            timeout,
            entries,
        })
    }

    pub(crate) fn entry(&self, name: &Name) -> Result<&Entry> {
        self.entries.get(name).ok_or_else(|| {
            Error::new(Kind::Configuration, format!("there is no [{name}] in {}", self.path.display()))
        })
    }
}

fn timeout(top: &Section<'_>) -> Result<Duration> {
    let Some(timeout) = top.duration("timeout")? else {
        return Ok(TIMEOUT);
    };
    if timeout.value.is_zero() || timeout.value > LONGEST_TIMEOUT {
        return Err(timeout.fault("timeout: from 1s to 5m"));
    }
    Ok(timeout.value)
}

fn default_path() -> PathBuf {
    let credential = std::env::var_os("CREDENTIALS_DIRECTORY")
        .filter(|folder| !folder.is_empty())
        .map(|folder| Path::new(&folder).join(CREDENTIAL));
    match credential {
        Some(path) if path.exists() => path,
        _ => PathBuf::from(SYSTEM),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn parse(content: &str) -> Result<Settings> {
        Settings::parse(Path::new("token.toml"), content)
    }

    fn fault(content: &str) -> String {
        parse(content).unwrap_err().to_string()
    }

    const EXCHANGE: &str = "version = 1\n[a]\nprovider = \"microsoft\"\ngrant = \"client-credentials\"\n\
        tenant = \"contoso.example\"\nclient-id = \"id\"\n";

    #[test]
    fn faults_have_a_position() {
        for (content, text) in [
            ("", "token.toml:1:1: the key \"version\" is missing"),
            ("version = 2", "token.toml:1:11: this program knows version 1 alone"),
            ("version = \"1\"", "token.toml:1:11: version: expected a number, found a string"),
            ("version = 0x1_0000_0000_0000_0000_0", "token.toml:1:11: the number is too large"),
            ("version = 1\nfoo = 1", "token.toml:2:1: unknown key \"foo\""),
            ("version = 1\nversion = 1", "token.toml:2:1: duplicate key"),
            (
                "version = 1\n[check]",
                "token.toml:2:2: \"check\" means something else and cannot be a name",
            ),
            (
                "version = 1\n[\"a/b\"]",
                "token.toml:2:2: \"a/b\" is no name: letters, digits, '_', '-' and '.' make one",
            ),
            ("version = 1\n  tímeout = 1", "token.toml:2:4: "),
            ("version = 1\ntimeout = \"0s\"", "token.toml:2:11: timeout: from 1s to 5m"),
            (
                "version = 1\ntimeout = \"1h\"",
                "token.toml:2:11: timeout: expected a time such as \"9s\" or \"1m\"",
            ),
            ("version = 1\nstate = \"x\"", "token.toml:2:9: state: the path must be absolute"),
            ("version = 1\n[a]\nfoo = 1", "token.toml:3:1: unknown key \"foo\""),
            ("version = 1\n[a]", "token.toml:2:1: the key \"grant\" is missing"),
            (
                "version = 1\n[a]\ngrant = \"password\"",
                "token.toml:3:9: grant: one of \"client-credentials\", \"refresh-token\", \"jwt-bearer\"",
            ),
            ("version = 1\n[a]\ngrant = 'refresh-token'\nclient-id = 'é", "token.toml:4:"),
        ] {
            let found = fault(content);
            assert!(found.starts_with(text), "{content:?}: {found}");
        }
    }

    #[test]
    fn every_entry_is_checked() {
        let good = format!("{EXCHANGE}client-secret = \"s\"\n");
        assert_eq!(parse(&good).unwrap().entries.len(), 1);
        let text = fault(&format!("{good}[b]\n"));
        assert!(text.starts_with("token.toml:8:1: "), "{text}");
    }

    #[test]
    fn no_octet_in_any_place_does_harm() {
        let good = format!("{EXCHANGE}client-secret = {{ file = \"/s\" }}\ntimeout = \"9s\"\n");
        for at in 0..good.len() {
            for other in ["", "\0", "\"", "[", "]", "{", "}", "=", "\n", ".", "'", "é", "9", "-", "#", "\\"]
            {
                let changed = format!("{}{other}{}", &good[..at], &good[at + 1..]);
                if let Err(error) = parse(&changed) {
                    let text = error.to_string();
                    assert!(text.starts_with("token.toml:") && !text.contains('\n'), "{changed:?}: {text}");
                }
            }
        }
    }

    #[test]
    fn a_file_cut_anywhere_within_a_line_is_an_error_or_lacks_an_entry() {
        let good = format!("{EXCHANGE}client-secret = \"s\"");
        for end in 1..good.len() {
            let cut = &good[..end];
            if let Ok(settings) = parse(cut) {
                assert!(settings.entries.is_empty(), "{cut}");
            }
        }
    }
}
