// SPDX-License-Identifier: LGPL-2.1-or-later
//! The name of a table in `token.toml`, which is also that of a file and of a socket.

use std::fmt;
use std::os::fd::AsRawFd;

use nix::sys::socket::{UnixAddr, getsockname};

use crate::error::{Error, Kind, Result};

/// Longest that goes into a socket's address (108 octets) below any usual folder.
const LONGEST: usize = 64;

/// What the command line knows already.
const RESERVED: [&str; 6] = ["authorize", "check", "import", "version", "state", "timeout"];

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name(String);

impl Name {
    /// Letters, digits, `_`, `-` and `.`, and no dot at the start: nothing that leads to another folder.
    pub(crate) fn parse(text: &str) -> std::result::Result<Self, String> {
        let good = |octet: u8| octet.is_ascii_alphanumeric() || b"_-.".contains(&octet);
        if text.is_empty() || text.starts_with(['.', '-']) || !text.bytes().all(good) {
            return Err(format!("{text:?} is no name: letters, digits, '_', '-' and '.' make one"));
        }
        if text.len() > LONGEST {
            return Err(format!("a name has at most {LONGEST} characters"));
        }
        if RESERVED.contains(&text) {
            return Err(format!("{text:?} means something else and cannot be a name"));
        }
        Ok(Self(text.to_owned()))
    }

    /// The name that a connection asks for: the last part of the path of the socket it came to, which is
    /// standard input. systemd does not say otherwise for which of several sockets it started a service.
    pub(crate) fn of_socket() -> Result<Self> {
        let wrong = |text: String| Error::new(Kind::Usage, text).about("standard input");
        let address: UnixAddr = getsockname(std::io::stdin().as_raw_fd())
            .map_err(|error| wrong(format!("--socket needs a Unix socket there ({})", error.desc())))?;
        let path = address.path().ok_or_else(|| wrong("its socket has no path".to_owned()))?;
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        Self::parse(name).map_err(wrong)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_in_its_folder() {
        for good in ["exchange", "a", "mail.example-2_b", "A9"] {
            assert!(Name::parse(good).is_ok(), "{good}");
        }
        for bad in
            ["", ".", "..", ".a", "-a", "a/b", "a b", "ä", "a\0", "check", "authorize", &"a".repeat(65)]
        {
            assert!(Name::parse(bad).is_err(), "{bad}");
        }
    }
}
