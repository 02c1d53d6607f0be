// SPDX-License-Identifier: LGPL-2.1-or-later
//! What the envelope commands carry: paths and the parameters of the extensions, each
//! checked once, when the application sets it.

use std::ffi::{CStr, CString};
use std::ops::Range;

use crate::error::{Error, Result};

/// Longest path the application may set, in bytes. RFC 5321 §4.5.3.1.3 guarantees 256; real
/// servers take more, and a command line must stay below the 1,000 bytes that many accept.
const MAILBOX_MAX: usize = 1000;
/// Longest encoded envelope id (RFC 3461 §4.4).
const ENVID_MAX: usize = 100;
/// Longest encoded original recipient (RFC 3461 §4.2).
const ORCPT_MAX: usize = 500;
/// Longest address type of an original recipient.
const ADDRESS_TYPE_MAX: usize = 64;
/// Longest domain name in text form (RFC 1035 §2.3.4).
pub const DOMAIN_MAX: usize = 255;

/// A forward or reverse path: as the application wrote it, and the part that goes between
/// the angle brackets of a command.
#[derive(Debug, Clone)]
pub struct Mailbox {
    given: CString,
    wire: Range<u16>,
}

impl Mailbox {
    /// Checks a path. Blanks around it and one enclosing pair of brackets do not go to the
    /// wire; anything that could end the path or add a parameter is refused.
    pub fn new(given: &CStr) -> Result<Self> {
        let bytes = given.to_bytes();
        if bytes.len() > MAILBOX_MAX {
            return Err(Error::Invalid);
        }
        let blanks = |byte: &&u8| **byte == b' ' || **byte == b'\t';
        let before = bytes.iter().take_while(blanks).count();
        let after = bytes.iter().skip(before).rev().take_while(blanks).count();
        let mut wire = before..bytes.len() - after;
        if let Some([b'<', inner @ .., b'>']) = bytes.get(wire.clone()) {
            wire = wire.start + 1..wire.start + 1 + inner.len();
        }
        if !is_clean_path(bytes.get(wire.clone()).unwrap_or_default()) {
            return Err(Error::Invalid);
        }
        let position = |at| u16::try_from(at).map_err(|_| Error::Invalid);
        Ok(Self {
            wire: position(wire.start)?..position(wire.end)?,
            given: given.to_owned(),
        })
    }

    /// The path as the application wrote it.
    #[must_use]
    pub fn given(&self) -> &CStr {
        &self.given
    }

    /// The path for a command, without brackets; empty for the null path.
    #[must_use]
    pub fn wire(&self) -> &[u8] {
        let range = usize::from(self.wire.start)..usize::from(self.wire.end);
        self.given.to_bytes().get(range).unwrap_or_default()
    }

    /// Whether the path needs SMTPUTF8 (RFC 6531 §3.2).
    #[must_use]
    pub fn needs_utf8(&self) -> bool {
        !self.wire().is_ascii()
    }
}

/// A quoted local part (RFC 5321 §4.1.2) may hold blanks and brackets, nothing else may.
fn is_clean_path(path: &[u8]) -> bool {
    let outside = match path {
        [b'"', rest @ ..] => match closing_quote(rest) {
            Some((quoted, after)) => {
                if quoted.iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
                    return false;
                }
                after
            }
            None => return false,
        },
        all => all,
    };
    !outside.iter().any(|byte| matches!(byte, 0..=b' ' | b'<' | b'>' | 0x7f))
}

/// Splits after the quote that is not escaped: what is inside, what follows.
fn closing_quote(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut escaped = false;
    let at = text.iter().position(|&byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// Text as `xtext` (RFC 3461 §4): printable ASCII but `+` and `=`, everything else as `+XX`.
fn xtext(text: &[u8]) -> Vec<u8> {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |value: u8| HEX.get(usize::from(value & 15)).copied().unwrap_or(b'0');
    let mut encoded = Vec::with_capacity(text.len());
    for &byte in text {
        match byte {
            b'!'..=b'~' if !matches!(byte, b'+' | b'=') => encoded.push(byte),
            _ => encoded.extend([b'+', digit(byte >> 4), digit(byte)]),
        }
    }
    encoded
}

fn has_line_end(text: &[u8]) -> bool {
    text.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0))
}

/// `ENVID=` (RFC 3461 §4.4), encoded.
#[derive(Debug, Clone)]
pub struct EnvelopeId(Box<[u8]>);

impl EnvelopeId {
    /// Encodes an envelope id.
    pub fn new(id: &[u8]) -> Result<Self> {
        let encoded = xtext(id);
        if has_line_end(id) || encoded.len() > ENVID_MAX {
            return Err(Error::Invalid);
        }
        Ok(Self(encoded.into()))
    }

    /// The encoded id.
    #[must_use]
    pub fn wire(&self) -> &[u8] {
        &self.0
    }
}

/// `ORCPT=` (RFC 3461 §4.2), as `type;xtext`.
#[derive(Debug, Clone)]
pub struct OriginalRecipient(Box<[u8]>);

impl OriginalRecipient {
    /// Encodes an original recipient address.
    pub fn new(address_type: &[u8], address: &[u8]) -> Result<Self> {
        let acceptable = |byte: &u8| byte.is_ascii_graphic() && *byte != b';';
        if address_type.is_empty()
            || address_type.len() > ADDRESS_TYPE_MAX
            || !address_type.iter().all(acceptable)
            || has_line_end(address)
        {
            return Err(Error::Invalid);
        }
        let encoded = xtext(address);
        if address_type.len() + 1 + encoded.len() > ORCPT_MAX {
            return Err(Error::Invalid);
        }
        Ok(Self([address_type, b";", &encoded].concat().into()))
    }

    /// The encoded address with its type.
    #[must_use]
    pub fn wire(&self) -> &[u8] {
        &self.0
    }
}

/// `RET=` (RFC 3461 §4.3): how much of the message a failure report returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Return {
    /// All of it.
    Full,
    /// Its headers.
    Headers,
}

/// `NOTIFY=` (RFC 3461 §4.1): when the sender wants a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notify {
    /// Never.
    Never,
    /// In each of the cases set, of which there is one at least.
    On {
        /// On delivery.
        success: bool,
        /// On failure.
        failure: bool,
        /// On delay.
        delay: bool,
    },
}

/// `BODY=` (RFC 6152 §2, RFC 3030 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyType {
    /// Seven-bit lines.
    SevenBit,
    /// Eight-bit lines.
    EightBit,
    /// Any bytes; needs BDAT.
    Binary,
}

/// What the server does when the time of `BY=` is over (RFC 2852 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByMode {
    /// Tell the sender and go on.
    Notify,
    /// Return the message.
    Return,
}

/// `BY=` (RFC 2852 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliverBy {
    /// Seconds from now, at most nine digits.
    pub seconds: i64,
    /// What happens then.
    pub mode: ByMode,
    /// Whether each relay reports.
    pub trace: bool,
}

impl DeliverBy {
    /// Most seconds that `BY=` can carry (RFC 2852 §4).
    const SECONDS_MAX: i64 = 999_999_999;

    /// Checks a time: nine digits, and more than 0 if the message is to be returned.
    pub fn new(seconds: i64, mode: ByMode, trace: bool) -> Result<Self> {
        let acceptable = seconds.checked_abs().is_some_and(|size| size <= Self::SECONDS_MAX)
            && (mode != ByMode::Return || seconds > 0);
        if !acceptable {
            return Err(Error::Invalid);
        }
        Ok(Self { seconds, mode, trace })
    }
}

/// What ETRN names (RFC 1985 §5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EtrnOption {
    /// A host's own queue.
    Host,
    /// `@`: the queues of a domain and all below it.
    Subdomains,
}

/// Checks a host name or domain that goes into a command as it is.
pub fn domain(name: &CStr) -> Result<CString> {
    let bytes = name.to_bytes();
    if bytes.len() > DOMAIN_MAX || has_line_end(bytes) {
        return Err(Error::Invalid);
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(path: &CStr) -> Option<Vec<u8>> {
        Mailbox::new(path).ok().map(|mailbox| mailbox.wire().to_vec())
    }

    #[test]
    fn one_pair_of_brackets_and_blanks_around_are_left_out() {
        assert_eq!(wire(c"a@example.org").as_deref(), Some(&b"a@example.org"[..]));
        assert_eq!(wire(c" \t<a@b> ").as_deref(), Some(&b"a@b"[..]));
        assert_eq!(wire(c"<>").as_deref(), Some(&b""[..]));
        assert_eq!(wire(c"").as_deref(), Some(&b""[..]));
        assert_eq!(wire(c"<<a@b>>"), None);
        assert_eq!(wire(c"<a@b"), None);
        assert_eq!(wire(c"< a@b>"), None);
    }

    #[test]
    fn nothing_can_be_added_to_a_path() {
        for path in [c"a@b> SIZE=1", c"a b@c", c"a@b\r\nDATA", c"a\x01@b", c"a\x7f@b", c"a\t@b"] {
            assert!(wire(path).is_none(), "{path:?}");
        }
    }

    #[test]
    fn a_quoted_local_part_may_hold_blanks_and_brackets() {
        assert!(wire(c"\"a b\"@c").is_some());
        assert!(wire(c"\"<a>\"@c").is_some());
        assert!(wire(c"\"a\\\" b\"@c").is_some());
        assert!(wire(c"\"a\nb\"@c").is_none());
        assert!(wire(c"\"a\"@c d").is_none());
        assert!(wire(c"\"a b@c").is_none());
        assert!(wire(c"x\"a b\"@c").is_none());
    }

    #[test]
    fn a_mailbox_has_a_greatest_length() {
        let path = |length| CString::new(vec![b'a'; length]).expect("no NUL");
        assert!(wire(&path(1000)).is_some());
        assert!(wire(&path(1001)).is_none());
    }

    #[test]
    fn xtext_of_rfc_3461() {
        assert_eq!(xtext(b"a+b=c d\x7f\xff"), b"a+2Bb+3Dc+20d+7F+FF");
    }

    #[test]
    fn bounds_of_the_dsn_parameters() {
        assert!(EnvelopeId::new(&[b'x'; 100]).is_ok());
        assert!(EnvelopeId::new(&[b'x'; 101]).is_err());
        assert!(EnvelopeId::new(&[b'+'; 34]).is_err());
        assert!(EnvelopeId::new(b"a\nb").is_err());
        let orcpt = OriginalRecipient::new(b"rfc822", b"a+b@c").expect("valid");
        assert_eq!(orcpt.wire(), b"rfc822;a+2Bb@c");
        assert!(OriginalRecipient::new(b"", b"x").is_err());
        assert!(OriginalRecipient::new(&[b'x'; 65], b"x").is_err());
        assert!(OriginalRecipient::new(b"a;b", b"x").is_err());
        assert!(OriginalRecipient::new(b"rfc822", &[b'x'; 494]).is_err());
    }

    #[test]
    fn deliver_by_takes_nine_digits() {
        assert!(DeliverBy::new(999_999_999, ByMode::Return, false).is_ok());
        assert!(DeliverBy::new(1_000_000_000, ByMode::Notify, false).is_err());
        assert!(DeliverBy::new(-120, ByMode::Notify, true).is_ok());
        assert!(DeliverBy::new(0, ByMode::Return, false).is_err());
        assert!(DeliverBy::new(i64::MIN, ByMode::Notify, false).is_err());
    }
}
