// SPDX-License-Identifier: LGPL-2.1-or-later
//! The text of a secret: a line with the secret itself, then lines that say more of it.

use zeroize::Zeroizing;

/// Longest secret.
const SECRET_MAX: usize = 16_384;
/// Longest text: the secret and what is said of it.
pub(super) const TEXT_MAX: usize = 65_536;

/// What a secret's text says.
#[derive(PartialEq, Eq)]
pub(super) struct Content {
    pub(super) secret: Zeroizing<Vec<u8>>,
    /// Until when it is good, in seconds since 1970.
    pub(super) expires: Option<u64>,
}

impl Content {
    /// Reads a text. The error tells nothing of what is secret in it.
    pub(super) fn parse(text: &[u8]) -> Result<Self, &'static str> {
        if text.len() > TEXT_MAX {
            return Err("longer than 65536 octets");
        }
        let mut lines = text.split(|byte| *byte == b'\n').map(without_cr);
        let secret = lines.next().unwrap_or_default();
        if secret.is_empty() {
            return Err("the first line, which is the secret, is empty");
        }
        if secret.len() > SECRET_MAX {
            return Err("the secret is longer than 16384 octets");
        }
        if secret.contains(&0) {
            return Err("a NUL in the secret");
        }
        let mut expires: Option<u64> = None;
        for line in lines {
            let Some(value) = known_value(line) else { continue };
            let moment = number(value).ok_or("the time of expiry is no number")?;
            expires = Some(expires.map_or(moment, |earlier| earlier.min(moment)));
        }
        Ok(Self {
            secret: Zeroizing::new(secret.to_vec()),
            expires,
        })
    }
}

fn without_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The value of a line that says until when the secret is good, in our words or in those of Git's
/// credential helpers.
fn known_value(line: &[u8]) -> Option<&[u8]> {
    line.strip_prefix(b"expires=").or_else(|| line.strip_prefix(b"password_expiry_utc="))
}

fn number(text: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(text)
        .ok()
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &[u8]) -> Result<(Vec<u8>, Option<u64>), &'static str> {
        Content::parse(text).map(|content| (content.secret.to_vec(), content.expires))
    }

    #[test]
    fn a_line_and_what_is_said_of_it() {
        for (text, secret, expires) in [
            (&b"hunter2"[..], &b"hunter2"[..], None),
            (b"hunter2\n", b"hunter2", None),
            (b"hunter2\r\n", b"hunter2", None),
            (b" a b \n\n", b" a b ", None),
            (b"t\nexpires=17\n", b"t", Some(17)),
            (b"t\r\npassword_expiry_utc=18\r\n", b"t", Some(18)),
            (b"t\nscope=mail\nexpires=20\npassword_expiry_utc=19\nnonsense", b"t", Some(19)),
            (b"expires=1\n", b"expires=1", None),
            (b"p\xe4ss\n", b"p\xe4ss", None),
        ] {
            assert_eq!(parsed(text), Ok((secret.to_vec(), expires)));
        }
    }

    #[test]
    fn what_is_no_secret() {
        let long = [b'x'; SECRET_MAX + 1];
        assert!(parsed(long.get(1..).unwrap()).is_ok());
        for (text, error) in [
            (&b""[..], "the first line, which is the secret, is empty"),
            (b"\nhunter2\n", "the first line, which is the secret, is empty"),
            (b"\r\nhunter2", "the first line, which is the secret, is empty"),
            (b"a\0b\n", "a NUL in the secret"),
            (&long, "the secret is longer than 16384 octets"),
            (b"t\nexpires=\n", "the time of expiry is no number"),
            (b"t\nexpires=-1\n", "the time of expiry is no number"),
            (b"t\nexpires=1.5\n", "the time of expiry is no number"),
            (b"t\nexpires=99999999999999999999\n", "the time of expiry is no number"),
        ] {
            assert_eq!(parsed(text), Err(error));
        }
        let huge = [b"t\n", vec![b'x'; TEXT_MAX].as_slice()].concat();
        assert_eq!(parsed(&huge), Err("longer than 65536 octets"));
    }
}
