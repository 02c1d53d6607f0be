// SPDX-License-Identifier: LGPL-2.1-or-later
//! The address of something that is asked over HTTPS.

use std::fmt;

use ureq::http::Uri;

use crate::document::Section;
use crate::error::Result;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint(String);

impl Endpoint {
    /// One that is written in this program.
    pub(crate) fn known(address: String) -> Self {
        Self(address)
    }

    pub(crate) fn read(section: &Section<'_>, key: &str) -> Result<Option<Self>> {
        let Some(text) = section.string(key)? else {
            return Ok(None);
        };
        Self::parse(text.value).map(Some).map_err(|what| text.fault(&format!("{key}: {what}")))
    }

    /// Secrets go there, so it is HTTPS, and no secret is in it: it is shown in messages.
    pub(crate) fn parse(text: &str) -> std::result::Result<Self, &'static str> {
        let address: Uri = text.parse().map_err(|_| "not an address")?;
        if address.scheme_str() != Some("https") {
            return Err("must begin with https://");
        }
        let authority = address.authority().ok_or("has no host")?;
        if authority.host().is_empty() {
            return Err("has no host");
        }
        if authority.as_str().contains('@') {
            return Err("must not hold a user or a password");
        }
        if text.contains('#') {
            return Err("must not hold a fragment (RFC 6749, sections 3.1 and 3.2)");
        }
        Ok(Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_over_https_alone() {
        assert!(Endpoint::parse("https://id.example:8443/token?v=2").is_ok());
        assert!(Endpoint::parse("https://[::1]/token").is_ok());
        for bad in [
            "",
            "id.example",
            "http://id.example/",
            "HTTPS:/x",
            "https://",
            "https:///x",
            "https://a:b@id.example/",
            "https://id.example/#x",
            "https://id.example/a b",
            "https://id.example/\n",
        ] {
            assert!(Endpoint::parse(bad).is_err(), "{bad}");
        }
    }
}
