// SPDX-License-Identifier: LGPL-2.1-or-later
//! The server's messages (RFC 5802 §7), which may come from anybody.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::{Error, Result};

/// Most iterations that are computed for a server: beyond what was recommended in 2023 for
/// SHA-256 (600,000) and SHA-1 (1,300,000), and a quarter of a second on a machine of that
/// time. A server must not be able to hold its client for long.
pub(super) const ITERATIONS_MAX: u32 = 2_000_000;

/// `r=NONCE,s=SALT,i=COUNT`, extensions may follow.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ServerFirst<'a> {
    /// The client's nonce and the server's addition.
    pub(super) nonce: &'a [u8],
    pub(super) salt: Vec<u8>,
    /// How often the password is hashed.
    pub(super) iterations: u32,
}

impl<'a> ServerFirst<'a> {
    /// Reads the message that answers one with `client_nonce`. A mandatory extension (`m=`)
    /// makes it invalid, since we know none.
    pub(super) fn parse(message: &'a [u8], client_nonce: &[u8]) -> Result<Self> {
        Self::read(message, client_nonce).ok_or(Error::Client)
    }

    fn read(message: &'a [u8], client_nonce: &[u8]) -> Option<Self> {
        let mut attributes = message.split(|byte| *byte == b',');
        let nonce = attributes.next()?.strip_prefix(b"r=")?;
        let addition = nonce.strip_prefix(client_nonce)?;
        if addition.is_empty() || !addition.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        let salt = STANDARD.decode(attributes.next()?.strip_prefix(b"s=")?).ok()?;
        let iterations = iterations(attributes.next()?.strip_prefix(b"i=")?)?;
        if salt.is_empty() || !attributes.all(is_attribute) {
            return None;
        }
        Some(Self { nonce, salt, iterations })
    }
}

/// Whether the message answers a client with another nonce (RFC 5802 §5.1): somebody repeats what
/// a server has said to others.
pub(super) fn is_foreign(message: &[u8], client_nonce: &[u8]) -> bool {
    message.strip_prefix(b"r=").is_some_and(|nonce| !nonce.starts_with(client_nonce))
}

/// The message that ends the exchange.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ServerFinal {
    /// `v=SIGNATURE`, extensions may follow: what proves that the server knows the password's
    /// verifier.
    Proof(Vec<u8>),
    /// `e=REASON`: the server does not take our proof.
    Refusal,
}

impl ServerFinal {
    pub(super) fn parse(message: &[u8]) -> Option<Self> {
        if message.starts_with(b"e=") {
            return Some(Self::Refusal);
        }
        let mut attributes = message.split(|byte| *byte == b',');
        let signature = STANDARD.decode(attributes.next()?.strip_prefix(b"v=")?).ok()?;
        attributes.all(is_attribute).then_some(Self::Proof(signature))
    }
}

/// A positive number without sign or leading zero, within the bound.
fn iterations(digits: &[u8]) -> Option<u32> {
    if !matches!(digits, [b'1'..=b'9', rest @ ..] if rest.iter().all(u8::is_ascii_digit)) {
        return None;
    }
    let count: u32 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (count <= ITERATIONS_MAX).then_some(count)
}

/// An extension: a letter, `=`, and a value.
fn is_attribute(text: &[u8]) -> bool {
    matches!(text, [letter, b'=', _, ..] if letter.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_message() {
        let first = ServerFirst::parse(b"r=abcDEF,s=QSXCR+Q6sek8bf92,i=4096,x=ext", b"abc").unwrap();
        assert_eq!((first.nonce, first.iterations), (b"abcDEF".as_slice(), 4096));
        assert_eq!(first.salt.len(), 12);
        let most = ServerFirst::parse(b"r=abcD,s=QQ==,i=2000000", b"abc").unwrap();
        assert_eq!(most.iterations, ITERATIONS_MAX);
    }

    #[test]
    fn first_messages_that_are_refused() {
        for bad in [
            "",
            ",",
            "r=abcD",
            "r=abcD,s=QQ==",
            "s=QQ==,r=abcD,i=1",
            // Nobody added to the nonce, or it is not ours.
            "r=abc,s=QQ==,i=1",
            "r=abD,s=QQ==,i=1",
            "r=xabcD,s=QQ==,i=1",
            "r=abcD \u{7f},s=QQ==,i=1",
            "r=abc\u{e9},s=QQ==,i=1",
            "r=abcD,s=,i=1",
            "r=abcD,s=Q,i=1",
            "r=abcD,s=Q Q==,i=1",
            "r=abcD,s=QQ==,i=",
            "r=abcD,s=QQ==,i=0",
            "r=abcD,s=QQ==,i=-1",
            "r=abcD,s=QQ==,i=+1",
            "r=abcD,s=QQ==,i=01",
            "r=abcD,s=QQ==,i=1x",
            "r=abcD,s=QQ==,i=2000001",
            "r=abcD,s=QQ==,i=4294967297",
            "r=abcD,s=QQ==,i=99999999999999999999999",
            "r=abcD,s=QQ==,i=1,",
            "r=abcD,s=QQ==,i=1,x",
            "m=must,r=abcD,s=QQ==,i=1",
            "e=other-error",
        ] {
            assert!(ServerFirst::parse(bad.as_bytes(), b"abc").is_err(), "{bad}");
        }
        assert!(ServerFirst::parse(b"r=abc\xff,s=QQ==,i=1", b"abc").is_err());
    }

    #[test]
    fn messages_for_somebody_else() {
        for (message, foreign) in [
            ("r=abcD,s=QQ==,i=1", false),
            ("r=abc", false),
            ("r=abD,s=QQ==,i=1", true),
            ("r=xabcD,s=QQ==,i=1", true),
            ("r=,s=QQ==,i=1", true),
            ("m=must,r=x", false),
            ("", false),
        ] {
            assert_eq!(is_foreign(message.as_bytes(), b"abc"), foreign, "{message}");
        }
    }

    #[test]
    fn final_messages() {
        let proof = || Some(ServerFinal::Proof(vec![0, 1, 2]));
        assert_eq!(ServerFinal::parse(b"v=AAEC"), proof());
        assert_eq!(ServerFinal::parse(b"v=AAEC,x=ext"), proof());
        assert_eq!(ServerFinal::parse(b"e=invalid-proof"), Some(ServerFinal::Refusal));
        for bad in ["", "v", "v=A", "v=AAEC,", "e", "x=v,v=AAEC", "v=AAEC\r\n"] {
            assert_eq!(ServerFinal::parse(bad.as_bytes()), None, "{bad}");
        }
    }
}
