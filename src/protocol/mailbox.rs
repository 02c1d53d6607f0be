// SPDX-License-Identifier: LGPL-2.1-or-later
//! Forward and reverse paths (RFC 5321 §4.1.2), checked once, when the application sets them.

mod form;

use std::ffi::{CStr, CString};
use std::ops::Range;

use super::plain::{is_plain, is_plain_short};
use crate::domain::to_a_labels;
use crate::error::{Error, Result};
use crate::room::concat;
use form::{Form, is_clean_path, trimmed, without_comments};

/// Longest path that goes into a command, in octets. RFC 5321 §4.5.3.1.3 guarantees 256; real
/// servers take more, and a command line must stay below the 1,000 octets that many accept.
const PATH_MAX: usize = 1000;
/// Longest mailbox that lies in its owner, without its NUL: as much as fills it up to what a longer one
/// needs anyway. Nearly all are shorter, and each is an allocation less.
const SHORT_MAX: usize = 37;

/// A forward or reverse path: as the application wrote it, and the part that goes between
/// the angle brackets of a command.
#[derive(Debug, Clone)]
pub struct Mailbox(Kind);

#[derive(Debug, Clone)]
enum Kind {
    /// What was given is the path.
    Short { length: u8, octets: [u8; SHORT_MAX + 1] },
    /// What was given, and where its path is.
    Any { given: CString, path: Path },
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
        if let Some(short) = Self::short(given) {
            return Ok(short);
        }
        let octets = given.to_bytes();
        let path = if octets.len() <= PATH_MAX && is_plain(octets) {
            Path::within(&(0..octets.len()))
        } else {
            Path::of(octets)?
        };
        Ok(Self(Kind::Any { given: copy(given)?, path }))
    }

    /// What [`Mailbox::new`] makes of a short path that is plain. Nearly all are, and there may be a
    /// hundred thousand of them.
    #[inline]
    #[must_use]
    pub fn short(given: &CStr) -> Option<Self> {
        let given = given.to_bytes();
        let mut padded = [0; 48];
        padded.get_mut(..SHORT_MAX)?.get_mut(..given.len())?.copy_from_slice(given);
        if !is_plain_short(&padded, given.len()) {
            return None;
        }
        // The NUL behind it is there already.
        let octets = *padded.first_chunk()?;
        Some(Self(Kind::Short {
            length: u8::try_from(given.len()).ok()?,
            octets,
        }))
    }

    /// The path as the application wrote it. It stays where it is as long as the mailbox does.
    #[must_use]
    pub fn given(&self) -> &CStr {
        match &self.0 {
            Kind::Short { octets, .. } => CStr::from_bytes_until_nul(octets).unwrap_or_default(),
            Kind::Any { given, .. } => given,
        }
    }

    /// The path for a header: as the application wrote it, but for a line end.
    #[must_use]
    pub fn shown(&self) -> &[u8] {
        let Kind::Any { given, .. } = &self.0 else {
            // What is plain has none.
            return self.wire(false);
        };
        let octets = given.to_bytes();
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
        match &self.0 {
            Kind::Short { length, octets } => octets.get(..usize::from(*length)).unwrap_or_default(),
            Kind::Any { given, path } => match path {
                Path::Within { start, end } => part(given.to_bytes(), *start, *end),
                Path::Apart(apart) => match &**apart {
                    Apart::Ascii(path) | Apart::Utf8(path) => path,
                    Apart::Domain { a_labels, .. } if !utf8 => a_labels,
                    Apart::Domain { utf8, .. } => utf8,
                    Apart::Unusable => b"",
                },
            },
        }
    }

    /// Whether the path needs SMTPUTF8 (RFC 6531 §3.2).
    #[must_use]
    pub fn needs_utf8(&self) -> bool {
        matches!(self.apart(), Some(Apart::Utf8(_)))
    }

    /// Whether it may go to a server at all.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        !matches!(self.apart(), Some(Apart::Unusable))
    }

    fn apart(&self) -> Option<&Apart> {
        match &self.0 {
            Kind::Any { path: Path::Apart(apart), .. } => Some(apart),
            _ => None,
        }
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

#[cfg(test)]
mod tests;
