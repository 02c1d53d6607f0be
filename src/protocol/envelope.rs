// SPDX-License-Identifier: LGPL-2.1-or-later
//! The parameters of the envelope commands, each checked once, when the application sets it.

use std::ffi::{CStr, CString};

use crate::error::{Error, Result};

/// Longest encoded envelope id (RFC 3461 §4.4).
const ENVID_MAX: usize = 100;
/// Longest encoded original recipient (RFC 3461 §4.2).
const ORCPT_MAX: usize = 500;
/// Longest address type of an original recipient.
const ADDRESS_TYPE_MAX: usize = 64;
/// Longest domain name in text form (RFC 1035 §2.3.4).
pub const DOMAIN_MAX: usize = 255;

/// Text as `xtext` (RFC 3461 §4): printable ASCII but `+` and `=`, everything else as `+XX`. `None`:
/// it is longer than that.
fn xtext(text: &[u8], most: usize) -> Option<Vec<u8>> {
    if text.len() > most {
        return None;
    }
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |value: u8| HEX.get(usize::from(value & 15)).copied().unwrap_or(b'0');
    let mut encoded = Vec::with_capacity(text.len());
    for &byte in text {
        match byte {
            b'!'..=b'~' if !matches!(byte, b'+' | b'=') => encoded.push(byte),
            _ => encoded.extend([b'+', digit(byte >> 4), digit(byte)]),
        }
    }
    Some(encoded)
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
        let fits = |encoded: &Vec<u8>| encoded.len() <= ENVID_MAX;
        let encoded = xtext(id, ENVID_MAX).filter(fits).ok_or(Error::Invalid)?;
        if has_line_end(id) {
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
        let fits = |encoded: &Vec<u8>| address_type.len() + 1 + encoded.len() <= ORCPT_MAX;
        let encoded = xtext(address, ORCPT_MAX).filter(fits).ok_or(Error::Invalid)?;
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
    Headers,
}

/// `NOTIFY=` (RFC 3461 §4.1): when the sender wants a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notify {
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
    pub const SECONDS_MAX: i64 = 999_999_999;

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

    #[test]
    fn xtext_of_rfc_3461() {
        assert_eq!(xtext(b"a+b=c d\x7f\xff", 9).as_deref(), Some(&b"a+2Bb+3Dc+20d+7F+FF"[..]));
        assert_eq!(xtext(b"abc", 2), None);
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
    fn a_domain_goes_into_a_command_as_it_is() {
        assert_eq!(domain(c"mail.example.org").as_deref(), Ok(c"mail.example.org"));
        let long = |length| domain(&CString::new(vec![b'x'; length]).expect("no NUL"));
        assert_eq!(long(255).map(|name| name.as_bytes().len()), Ok(255));
        assert_eq!(long(256), Err(Error::Invalid));
        assert_eq!(domain(c"example.org\r\nQUIT"), Err(Error::Invalid));
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
