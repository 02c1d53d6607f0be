// SPDX-License-Identifier: LGPL-2.1-or-later
//! The lines of an AUTH exchange (RFC 4954 §4).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::mechanism::BuiltIn;

/// Longest command line with its CRLF (RFC 5321 §4.5.3.1.4), which goes for AUTH too.
const COMMAND_MAX: usize = 512;
/// Longest line of base64 with its CRLF that a peer must take (RFC 4954 §4).
const RESPONSE_MAX: usize = 12_288;
const CRLF: usize = 2;

/// The line that opens an exchange.
#[derive(Debug, PartialEq, Eq)]
pub struct Opening {
    /// The AUTH command without its CRLF.
    pub line: Zeroizing<Vec<u8>>,
    /// The initial response does not go with it: it is the answer to the server's first
    /// challenge.
    pub deferred: bool,
}

/// The AUTH command for a mechanism and its initial response, if it has one.
#[must_use]
pub fn opening(mechanism: &str, response: Option<&[u8]>) -> Opening {
    let encoded = response.map_or(0, |response| encoded_length(response).max(1));
    let length = "AUTH ".len() + mechanism.len() + " ".len() + encoded;
    let opens_bare = BuiltIn::find(mechanism).is_some_and(BuiltIn::opens_bare);
    let deferred = response.is_some() && (opens_bare || length + CRLF > COMMAND_MAX);
    let mut line = Zeroizing::new(Vec::with_capacity(length));
    line.extend_from_slice(b"AUTH ");
    line.extend_from_slice(mechanism.as_bytes());
    match response {
        // An empty response is not the same as none.
        Some([]) if !deferred => line.extend_from_slice(b" ="),
        Some(response) if !deferred => {
            line.push(b' ');
            encode(response, &mut line);
        }
        _ => {}
    }
    Opening { line, deferred }
}

/// The line that answers a challenge, without its CRLF; `None` if it would be too long.
#[must_use]
pub fn answer(response: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let length = encoded_length(response);
    (length + CRLF <= RESPONSE_MAX).then(|| {
        let mut line = Zeroizing::new(Vec::with_capacity(length));
        encode(response, &mut line);
        line
    })
}

/// Appends base64, written where it stays: by way of a buffer of the crate's a copy of a secret
/// would be left on the stack.
fn encode(response: &[u8], line: &mut Vec<u8>) {
    let start = line.len();
    line.resize(start + encoded_length(response), 0);
    // The room is as large as it has to be.
    let _ = STANDARD.encode_slice(response, line.get_mut(start..).unwrap_or_default());
}

/// The bytes of a challenge; `None` if its text is not base64, to the letter.
#[must_use]
pub fn decode_challenge(text: &[u8]) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

fn encoded_length(bytes: &[u8]) -> usize {
    bytes.len().div_ceil(3).saturating_mul(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(mechanism: &str, response: Option<&[u8]>) -> String {
        String::from_utf8(opening(mechanism, response).line.to_vec()).unwrap()
    }

    #[test]
    fn opening_with_and_without_initial_response() {
        assert_eq!(line("CRAM-MD5", None), "AUTH CRAM-MD5");
        assert_eq!(line("EXTERNAL", Some(b"")), "AUTH EXTERNAL =");
        assert_eq!(line("LOGIN", Some(b"user")), "AUTH LOGIN");
        assert_eq!(line("LOGIN", Some(b"")), "AUTH LOGIN");
        assert!(opening("LOGIN", Some(b"")).deferred && !opening("CRAM-MD5", None).deferred);
        // RFC 4954 §4.3.
        assert_eq!(line("PLAIN", Some(b"\0test\0test123")), "AUTH PLAIN AHRlc3QAdGVzdDEyMw==");
    }

    /// "AUTH PLAIN " takes 11 bytes, so 498 bytes of base64 would be the most.
    #[test]
    fn a_response_too_long_for_the_command_is_deferred() {
        let fits = opening("PLAIN", Some(&[0; 372]));
        assert_eq!((fits.line.len(), fits.deferred), (11 + 496, false));
        assert_eq!(fits.line.capacity(), fits.line.len());
        let longer = opening("PLAIN", Some(&[0; 373]));
        assert_eq!(*longer.line, b"AUTH PLAIN");
        assert!(longer.deferred);
        // "AUTH EXAMPLE9 " takes 14 bytes: 496 more and CRLF are exactly 512.
        let exact = opening("EXAMPLE9", Some(&[0; 372]));
        assert_eq!((exact.line.len() + CRLF, exact.deferred), (COMMAND_MAX, false));
        assert!(opening("EXAMPLE10", Some(&[0; 372])).deferred);
    }

    #[test]
    fn answers_are_bounded() {
        assert_eq!(*answer(b"").unwrap(), b"");
        assert_eq!(*answer(b"\0a\xff").unwrap(), b"AGH/");
        // 12284 bytes of base64 and CRLF.
        assert_eq!(answer(&[0; 9213]).unwrap().len(), 12_284);
        assert!(answer(&[0; 9214]).is_none());
    }

    #[test]
    fn challenges_are_strict_base64() {
        assert_eq!(decode_challenge(b"").unwrap(), b"");
        assert_eq!(decode_challenge(b"VXNlcm5hbWU6").unwrap(), b"Username:");
        assert_eq!(decode_challenge(b"AA==").unwrap(), b"\0");
        for bad in [
            "=",
            "A",
            "AA",
            "AA=",
            "AAA",
            "AAAAA===",
            "AAA*",
            "AA==AA==",
            "A A=",
            "AAAA\r\n",
            "AB==",
            "AA-_",
            "\u{e9}\u{e9}",
        ] {
            assert!(decode_challenge(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
