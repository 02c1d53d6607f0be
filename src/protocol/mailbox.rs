// SPDX-License-Identifier: LGPL-2.1-or-later
//! Forward and reverse paths (RFC 5321 §4.1.2), checked once, when the application sets them.

use std::ffi::{CStr, CString};
use std::ops::Range;

use crate::domain::to_a_labels;
use crate::error::{Error, Result};

/// Longest path the application may set, in bytes. RFC 5321 §4.5.3.1.3 guarantees 256; real
/// servers take more, and a command line must stay below the 1,000 bytes that many accept.
const MAILBOX_MAX: usize = 1000;

/// A forward or reverse path: as the application wrote it, and the part that goes between
/// the angle brackets of a command.
#[derive(Debug, Clone)]
pub struct Mailbox {
    given: CString,
    path: Range<u16>,
    international: Option<Box<International>>,
}

/// A path that is not ASCII (RFC 6531).
#[derive(Debug, Clone)]
enum International {
    /// Only its domain is not, and has A-labels: the path with these.
    Domain(Box<[u8]>),
    /// It needs SMTPUTF8.
    Utf8,
}

impl Mailbox {
    /// Checks a path. Blanks around it and one enclosing pair of brackets do not go to the
    /// wire; anything that could end the path or add a parameter is refused.
    pub fn new(given: &CStr) -> Result<Self> {
        let bytes = given.to_bytes();
        if bytes.len() > MAILBOX_MAX {
            return Err(Error::Invalid);
        }
        let position = |at| u16::try_from(at).map_err(|_| Error::Invalid);
        // Nearly all are plain, and there may be a hundred thousand of them.
        if bytes.iter().all(|&byte| is_plain(byte)) {
            return Ok(Self {
                path: 0..position(bytes.len())?,
                international: None,
                given: given.to_owned(),
            });
        }
        let blanks = |byte: &&u8| **byte == b' ' || **byte == b'\t';
        let before = bytes.iter().take_while(blanks).count();
        let after = bytes.iter().skip(before).rev().take_while(blanks).count();
        let mut range = before..bytes.len() - after;
        if let Some([b'<', inner @ .., b'>']) = bytes.get(range.clone()) {
            range = range.start + 1..range.start + 1 + inner.len();
        }
        let path = bytes.get(range.clone()).unwrap_or_default();
        if !is_clean_path(path) {
            return Err(Error::Invalid);
        }
        Ok(Self {
            path: position(range.start)?..position(range.end)?,
            international: International::new(path),
            given: given.to_owned(),
        })
    }

    /// The path as the application wrote it.
    #[must_use]
    pub fn given(&self) -> &CStr {
        &self.given
    }

    /// The path for a command, without brackets; empty for the null path. With SMTPUTF8 it is
    /// as given, else its domain is in A-labels.
    #[must_use]
    pub fn wire(&self, utf8: bool) -> &[u8] {
        if let (false, Some(International::Domain(path))) = (utf8, self.international.as_deref()) {
            return path;
        }
        let range = usize::from(self.path.start)..usize::from(self.path.end);
        self.given.to_bytes().get(range).unwrap_or_default()
    }

    /// Whether the path needs SMTPUTF8 (RFC 6531 §3.2).
    #[must_use]
    pub fn needs_utf8(&self) -> bool {
        matches!(self.international.as_deref(), Some(International::Utf8))
    }
}

impl International {
    /// `None` for a path that is ASCII.
    fn new(path: &[u8]) -> Option<Box<Self>> {
        if path.is_ascii() {
            return None;
        }
        let with_a_labels = || {
            let (local, domain) = std::str::from_utf8(path).ok()?.rsplit_once('@')?;
            let domain = to_a_labels(domain).filter(|_| local.is_ascii())?;
            Some(format!("{local}@{domain}").into_bytes().into())
        };
        Some(Box::new(with_a_labels().map_or(Self::Utf8, Self::Domain)))
    }
}

/// Whether an octet means nothing but itself in a path.
const fn is_plain(octet: u8) -> bool {
    octet.is_ascii_graphic() && !matches!(octet, b'<' | b'>' | b'"')
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

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(path: &CStr) -> Option<Vec<u8>> {
        Mailbox::new(path).ok().map(|mailbox| mailbox.wire(false).to_vec())
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
    fn a_domain_goes_out_in_a_labels_unless_the_local_part_needs_more() {
        let mailbox = |path: &str| Mailbox::new(&CString::new(path).expect("no NUL")).expect("valid");
        let domain = mailbox("<a@b\u{fc}cher.example>");
        assert!(!domain.needs_utf8());
        assert_eq!(domain.wire(false), b"a@xn--bcher-kva.example");
        assert_eq!(domain.wire(true), "a@b\u{fc}cher.example".as_bytes());
        let local = mailbox("\u{e9}@b\u{fc}cher.example");
        assert!(local.needs_utf8());
        assert_eq!(local.wire(true), "\u{e9}@b\u{fc}cher.example".as_bytes());
        assert!(mailbox("a@\u{2028}.example").needs_utf8());
        assert!(Mailbox::new(c"\xff@example.org").expect("valid").needs_utf8());
    }
}
