// SPDX-License-Identifier: LGPL-2.1-or-later
//! Forward and reverse paths (RFC 5321 §4.1.2), checked once, when the application sets them.

use std::ffi::{CStr, CString};
use std::ops::Range;

use super::plain::is_plain;
use crate::domain::to_a_labels;
use crate::error::{Error, Result};
use crate::room::concat;

/// Longest path that goes into a command, in octets. RFC 5321 §4.5.3.1.3 guarantees 256; real
/// servers take more, and a command line must stay below the 1,000 octets that many accept.
const PATH_MAX: usize = 1000;

/// A forward or reverse path: as the application wrote it, and the part that goes between
/// the angle brackets of a command.
#[derive(Debug, Clone)]
pub struct Mailbox {
    given: CString,
    path: Path,
}

/// What goes to the wire.
#[derive(Debug, Clone)]
enum Path {
    /// A part of what was given.
    Within { start: u32, end: u32 },
    /// Anything rarer.
    Apart(Box<Apart>),
}

/// A path that is no part of what was given, or not the same for every server.
#[derive(Debug, Clone)]
enum Apart {
    /// What is left without comments.
    Ascii(Box<[u8]>),
    /// Only its domain is not ASCII, and has A-labels.
    Domain { utf8: Box<[u8]>, a_labels: Box<[u8]> },
    /// It needs SMTPUTF8 (RFC 6531).
    Utf8(Box<[u8]>),
    /// It could end the path, add a parameter, or means several mailboxes or none.
    Unusable,
}

impl Mailbox {
    /// Takes a path as programs have it from their configurations (RFC 5322 §3.4): blanks and
    /// one line end around it, comments, and a name in front of what is in brackets do not go to
    /// the wire. A line end within is refused; what else makes no path is found out by
    /// [`Mailbox::is_usable`].
    pub fn new(given: &CStr) -> Result<Self> {
        let octets = given.to_bytes();
        // Nearly all are plain, and there may be a hundred thousand of them.
        let path = if octets.len() <= PATH_MAX && is_plain(octets) {
            Path::within(&(0..octets.len()))
        } else {
            Path::of(octets)?
        };
        Ok(Self { given: copy(given)?, path })
    }

    /// The path as the application wrote it.
    #[must_use]
    pub fn given(&self) -> &CStr {
        &self.given
    }

    /// The path for a header: as the application wrote it, but for a line end.
    #[must_use]
    pub fn shown(&self) -> &[u8] {
        let octets = self.given.to_bytes();
        let has_line_end = memchr::memchr2(b'\r', b'\n', octets).is_some();
        if has_line_end {
            octets.get(trimmed(octets)).unwrap_or_default()
        } else {
            octets
        }
    }

    /// The path for a command, without brackets; empty for the null path. With SMTPUTF8 it is
    /// as given, else its domain is in A-labels.
    #[must_use]
    pub fn wire(&self, utf8: bool) -> &[u8] {
        match &self.path {
            Path::Within { start, end } => part(self.given.to_bytes(), *start, *end),
            Path::Apart(apart) => match &**apart {
                Apart::Ascii(path) | Apart::Utf8(path) => path,
                Apart::Domain { a_labels, .. } if !utf8 => a_labels,
                Apart::Domain { utf8, .. } => utf8,
                Apart::Unusable => b"",
            },
        }
    }

    /// Whether the path needs SMTPUTF8 (RFC 6531 §3.2).
    #[must_use]
    pub fn needs_utf8(&self) -> bool {
        matches!(&self.path, Path::Apart(apart) if matches!(**apart, Apart::Utf8(_)))
    }

    /// Whether it may go to a server at all.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        !matches!(&self.path, Path::Apart(apart) if matches!(**apart, Apart::Unusable))
    }
}

/// A copy that fails if memory is short.
fn copy(given: &CStr) -> Result<CString> {
    let copy = concat(&[given.to_bytes_with_nul()])?;
    CString::from_vec_with_nul(copy).map_err(|_| Error::Invalid)
}

fn part(octets: &[u8], start: u32, end: u32) -> &[u8] {
    let position = |at| usize::try_from(at).unwrap_or(usize::MAX);
    octets.get(position(start)..position(end)).unwrap_or_default()
}

impl Path {
    fn within(range: &Range<usize>) -> Self {
        match (u32::try_from(range.start), u32::try_from(range.end)) {
            (Ok(start), Ok(end)) => Self::Within { start, end },
            _ => Self::unusable(),
        }
    }

    fn unusable() -> Self {
        Self::Apart(Box::new(Apart::Unusable))
    }

    fn of(octets: &[u8]) -> Result<Self> {
        let around = trimmed(octets);
        let text = octets.get(around.clone()).unwrap_or_default();
        if memchr::memchr2(b'\r', b'\n', text).is_some() {
            return Err(Error::Invalid.because("a line end in the mailbox"));
        }
        let Some(found) = Form::of(text) else {
            return Ok(Self::unusable());
        };
        let range = around.start + found.path.start..around.start + found.path.end;
        let path = octets.get(range.clone()).unwrap_or_default();
        if !found.has_comments {
            return Ok(Self::checked(path, || Self::within(&range)));
        }
        let Some(path) = without_comments(path) else {
            return Ok(Self::unusable());
        };
        Ok(Self::checked(&path, || Self::Apart(Box::new(Apart::Ascii(path.clone().into())))))
    }

    fn checked(path: &[u8], ascii: impl FnOnce() -> Self) -> Self {
        if path.len() > PATH_MAX || !is_clean_path(path) {
            Self::unusable()
        } else if path.is_ascii() {
            ascii()
        } else {
            Self::Apart(Box::new(Apart::international(path)))
        }
    }
}

impl Apart {
    fn international(path: &[u8]) -> Self {
        let with_a_labels = || {
            let (local, domain) = std::str::from_utf8(path).ok()?.rsplit_once('@')?;
            let domain = to_a_labels(domain).filter(|_| local.is_ascii())?;
            Some(format!("{local}@{domain}").into_bytes().into())
        };
        match with_a_labels() {
            Some(a_labels) => Self::Domain { utf8: path.into(), a_labels },
            None => Self::Utf8(path.into()),
        }
    }
}

const fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

/// What is left without blanks around it and one line end behind it.
fn trimmed(octets: &[u8]) -> Range<usize> {
    let before_blanks =
        |text: &[u8]| text.iter().rposition(|octet| !is_blank(*octet)).map_or(0, |last| last + 1);
    let start = octets.iter().take_while(|octet| is_blank(**octet)).count();
    let text = octets.get(..before_blanks(octets)).unwrap_or_default();
    let without = [&b"\r\n"[..], b"\n", b"\r"].iter().find_map(|end| text.strip_suffix(*end));
    let end = before_blanks(without.unwrap_or(text));
    start.min(end)..end
}

/// Where the path stands in a mailbox.
struct Form {
    path: Range<usize>,
    has_comments: bool,
}

impl Form {
    /// The last brackets outside quotes and comments hold the path; without any it is all of the
    /// text. `None` if there are several mailboxes: the others would be lost without a word.
    fn of(text: &[u8]) -> Option<Self> {
        let mut scan = Scan::default();
        let (mut open, mut brackets) = (None, None);
        let (mut has_at, mut has_comments, mut comments_in_path) = (false, false, false);
        for (at, &octet) in text.iter().enumerate() {
            match scan.next(octet) {
                Place::Text => match octet {
                    b'<' => {
                        open = Some(at + 1);
                        has_comments = false;
                    }
                    b'>' => {
                        if let Some(start) = open.take() {
                            brackets = Some(start..at);
                            comments_in_path = has_comments;
                        }
                    }
                    b'@' => has_at = true,
                    b',' if has_at && open.is_none() => return None,
                    _ => {}
                },
                Place::Comment => has_comments = true,
                Place::Quotes => {}
            }
        }
        // What is not closed begins nothing.
        let closed = scan.is_closed();
        Some(match brackets {
            Some(path) if closed => Self { path, has_comments: comments_in_path },
            _ => Self {
                path: 0..text.len(),
                has_comments: closed && has_comments,
            },
        })
    }
}

/// Where an octet of a mailbox stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Text,
    /// Within a quoted string, its quotes included.
    Quotes,
    /// Within a comment, its parentheses included (RFC 5322 §3.2.2: they nest).
    Comment,
}

/// Follows quotes and comments.
#[derive(Default)]
struct Scan {
    quoted: bool,
    depth: u32,
    escaped: bool,
}

impl Scan {
    fn next(&mut self, octet: u8) -> Place {
        if self.escaped {
            self.escaped = false;
        } else {
            match octet {
                b'\\' => self.escaped = self.quoted || self.depth > 0,
                b'"' if self.depth == 0 => {
                    self.quoted = !self.quoted;
                    return Place::Quotes;
                }
                b'(' if !self.quoted => self.depth = self.depth.saturating_add(1),
                b')' if self.depth > 0 => {
                    self.depth -= 1;
                    return Place::Comment;
                }
                _ => {}
            }
        }
        if self.quoted {
            Place::Quotes
        } else if self.depth > 0 {
            Place::Comment
        } else {
            Place::Text
        }
    }

    const fn is_closed(&self) -> bool {
        !self.quoted && self.depth == 0
    }
}

/// Drops comments with the blanks around them. `None` if that would make one word of two, or
/// nothing of something.
fn without_comments(text: &[u8]) -> Option<Vec<u8>> {
    let mut scan = Scan::default();
    let mut path: Vec<u8> = Vec::with_capacity(text.len());
    let mut gap = false;
    for &octet in text {
        if scan.next(octet) == Place::Comment {
            while path.last().is_some_and(|last| is_blank(*last)) {
                path.pop();
            }
            gap = true;
        } else if !(gap && is_blank(octet)) {
            let joins = octet != b'@' && path.last().is_some_and(|last| *last != b'@');
            if gap && joins {
                return None;
            }
            gap = false;
            path.push(octet);
        }
    }
    (!path.is_empty()).then_some(path)
}

/// A quoted local part (RFC 5321 §4.1.2) may hold blanks and brackets, nothing else may.
fn is_clean_path(path: &[u8]) -> bool {
    let outside = match path {
        [b'"', rest @ ..] => match closing_quote(rest) {
            Some(after) => after,
            None => return false,
        },
        all => all,
    };
    !outside.iter().any(|byte| matches!(byte, 0..=b' ' | b'<' | b'>' | 0x7f))
}

/// What follows the quote that is not escaped.
fn closing_quote(text: &[u8]) -> Option<&[u8]> {
    let mut escaped = false;
    let at = text.iter().position(|&byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })?;
    text.get(at + 1..)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(path: &CStr) -> Option<Vec<u8>> {
        let mailbox = Mailbox::new(path).ok().filter(Mailbox::is_usable)?;
        Some(mailbox.wire(false).to_vec())
    }

    fn text(path: &CStr) -> Option<String> {
        wire(path).map(|path| String::from_utf8(path).expect("text"))
    }

    #[test]
    fn brackets_and_blanks_around_are_left_out() {
        assert_eq!(text(c"a@example.org").as_deref(), Some("a@example.org"));
        assert_eq!(text(c" \t<a@b> ").as_deref(), Some("a@b"));
        assert_eq!(text(c"<>").as_deref(), Some(""));
        assert_eq!(text(c"").as_deref(), Some(""));
        assert_eq!(text(c"  ").as_deref(), Some(""));
        assert_eq!(text(c"<<a@b>>").as_deref(), Some("a@b"));
        assert_eq!(text(c"<a@b"), None);
        assert_eq!(text(c"a@b>"), None);
        assert_eq!(text(c"< a@b>"), None);
    }

    #[test]
    fn a_name_in_front_is_left_out() {
        for given in [
            c"Admin <a@example.org>",
            c"\"Last, First\" <a@example.org>",
            c"Last, First <a@example.org>",
            c"\"<x@y>\" <a@example.org>",
            c"\"quote \\\" <x@y>\" <a@example.org>",
            c"a@example.org <a@example.org>",
            c"Admin<a@example.org>",
            c"Admin (<x@y>) <a@example.org> (night, shift)",
            c"Admin <a@example.org>\r\n",
            c"a <x@y> b <a@example.org>",
        ] {
            assert_eq!(text(given).as_deref(), Some("a@example.org"), "{given:?}");
        }
        assert_eq!(text(c"Nobody <>").as_deref(), Some(""));
        assert_eq!(text(c"Admin <\"a b\"@c>").as_deref(), Some("\"a b\"@c"));
    }

    #[test]
    fn comments_are_left_out() {
        for given in [
            c"a@example.org (Admin)",
            c"(Admin) a@example.org",
            c"(a (nested \\) one)) a@example.org(x)(y)",
            c"<a@example.org (x)>",
            c"a (x) @ (y) example.org",
        ] {
            assert_eq!(text(given).as_deref(), Some("a@example.org"), "{given:?}");
        }
        assert_eq!(text(c"\"a(x)\"@b").as_deref(), Some("\"a(x)\"@b"));
        for given in [c"a(x)b@c", c"a(x) b@c", c"(x)", c"a@b (x) c"] {
            assert_eq!(text(given), None, "{given:?}");
        }
        // Not closed, so no comment.
        assert_eq!(text(c"a(b@c").as_deref(), Some("a(b@c"));
    }

    #[test]
    fn several_mailboxes_are_none() {
        for given in [c"A <a@b>, C <c@d>", c"a@b, C <c@d>", c"a@b, c@d", c"<a@b>,<c@d>"] {
            assert_eq!(text(given), None, "{given:?}");
        }
        assert_eq!(text(c"<@x,@y:a@b>").as_deref(), Some("@x,@y:a@b"));
    }

    #[test]
    fn one_line_end_behind_it_is_left_out_and_refused_within() {
        for given in [c"a@b\r\n", c"a@b\n", c"a@b\r", c" a@b \n ", c"<a@b>\n"] {
            assert_eq!(text(given).as_deref(), Some("a@b"), "{given:?}");
        }
        assert_eq!(Mailbox::new(c"A <a@b>\r\n").expect("valid").shown(), b"A <a@b>");
        assert_eq!(Mailbox::new(c" a@b ").expect("valid").shown(), b" a@b ");
        for given in [c"a@b\n\n", c"\na@b", c"a@b\r\nDATA", c"\"a\nb\"@c", c"A\n <a@b>", c"\n\n"] {
            assert_eq!(Mailbox::new(given).map(|_| ()), Err(Error::Invalid), "{given:?}");
        }
        assert_eq!(text(c"\n").as_deref(), Some(""));
    }

    #[test]
    fn nothing_can_be_added_to_a_path() {
        for path in [c"a@b> SIZE=1", c"a b@c", c"a\x01@b", c"a\x7f@b", c"a\t@b", c"<a@b SIZE=1>"] {
            assert!(wire(path).is_none(), "{path:?}");
            assert!(Mailbox::new(path).is_ok(), "{path:?}");
        }
    }

    #[test]
    fn a_quoted_local_part_may_hold_blanks_and_brackets() {
        assert!(wire(c"\"a b\"@c").is_some());
        assert!(wire(c"\"<a>\"@c").is_some());
        assert!(wire(c"\"a\\\" b\"@c").is_some());
        assert!(wire(c"\"a\"@c d").is_none());
        assert!(wire(c"\"a b@c").is_none());
        assert!(wire(c"x\"a b\"@c").is_none());
    }

    #[test]
    fn a_path_has_a_greatest_length() {
        let path = |length| CString::new(vec![b'a'; length]).expect("no NUL");
        assert!(wire(&path(1000)).is_some());
        assert!(wire(&path(1001)).is_none());
        let named = CString::new(format!("{} <a@b>", "N".repeat(70_000))).expect("no NUL");
        assert_eq!(text(&named).as_deref(), Some("a@b"));
    }

    #[test]
    fn a_domain_goes_out_in_a_labels_unless_the_local_part_needs_more() {
        let mailbox = |path: &str| Mailbox::new(&CString::new(path).expect("no NUL")).expect("valid");
        for given in [
            "<a@b\u{fc}cher.example>",
            "J\u{fc}rg <a@b\u{fc}cher.example>",
            "a@b\u{fc}cher.example (x)",
        ] {
            let domain = mailbox(given);
            assert!(!domain.needs_utf8());
            assert_eq!(domain.wire(false), b"a@xn--bcher-kva.example");
            assert_eq!(domain.wire(true), "a@b\u{fc}cher.example".as_bytes());
        }
        let local = mailbox("\u{e9}@b\u{fc}cher.example");
        assert!(local.needs_utf8());
        assert_eq!(local.wire(true), "\u{e9}@b\u{fc}cher.example".as_bytes());
        assert!(mailbox("a@\u{2028}.example").needs_utf8());
        assert!(!mailbox("J\u{fc}rg <a@example.org>").needs_utf8());
        assert!(Mailbox::new(c"\xff@example.org").expect("valid").needs_utf8());
    }
}
