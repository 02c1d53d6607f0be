// SPDX-License-Identifier: LGPL-2.1-or-later
//! Replies (RFC 5321 §4.2): their codes and their text.

mod parser;

pub use parser::{ReplyForm, ReplyParser};

use std::borrow::Cow;
use std::fmt;

use crate::error::Error;

/// Most of a reply's text that becomes a status, its last line end included.
const STATUS_TEXT_MAX: usize = 4096;
/// The end of each line of a text.
const CRLF: &[u8] = b"\r\n";

/// Three digits, 200 to 599.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyCode(u16);

/// What a reply's first digit says (RFC 5321 §4.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// 2xx: done.
    Completion,
    /// 3xx: go on.
    Intermediate,
    /// 4xx: not now.
    Transient,
    /// 5xx: never.
    Permanent,
}

impl ReplyCode {
    /// 220: the service is ready.
    pub const READY: Self = Self(220);
    /// 421: the service is closing the connection.
    pub const CLOSING: Self = Self(421);
    /// 452: too much of something for now, recipients for one.
    pub const INSUFFICIENT: Self = Self(452);
    /// 552: too much of something for good, or, before RFC 5321, too many recipients for now.
    pub const EXCEEDED: Self = Self(552);
    /// 553: the mailbox name is not allowed.
    pub const MAILBOX_NAME: Self = Self(553);

    /// Reads exactly three digits of a class from 2 to 5.
    const fn parse(digits: [u8; 3]) -> Option<Self> {
        const fn value(digit: u8) -> u16 {
            (digit - b'0') as u16
        }
        match digits {
            [class @ b'2'..=b'5', second @ b'0'..=b'9', third @ b'0'..=b'9'] => {
                Some(Self(value(class) * 100 + value(second) * 10 + value(third)))
            }
            _ => None,
        }
    }

    /// The number.
    #[must_use]
    pub const fn value(self) -> u16 {
        self.0
    }

    /// What the first digit says.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self.0 {
            ..300 => Severity::Completion,
            300..400 => Severity::Intermediate,
            400..500 => Severity::Transient,
            _ => Severity::Permanent,
        }
    }

    /// Whether the server says no, for now or for good.
    const fn refuses(self) -> bool {
        matches!(self.severity(), Severity::Transient | Severity::Permanent)
    }
}

/// An enhanced status code (RFC 3463 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnhancedCode {
    /// 2, 4 or 5.
    pub class: u16,
    /// What it is about.
    pub subject: u16,
    pub detail: u16,
}

impl EnhancedCode {
    /// Reads `c.s.d` at the start of a text; the rest follows after blanks.
    fn parse(text: &[u8]) -> Option<(Self, &[u8])> {
        // Nearly all are like 2.1.5.
        if let [
            class @ (b'2' | b'4' | b'5'),
            b'.',
            subject @ b'0'..=b'9',
            b'.',
            detail @ b'0'..=b'9',
            rest @ ..,
        ] = text
        {
            if matches!(rest, [] | [b' ' | b'\t', ..]) {
                let [class, subject, detail] = [class, subject, detail].map(|digit| u16::from(digit - b'0'));
                return Some((Self { class, subject, detail }, rest));
            }
        }
        let (class, rest) = number(text)?;
        let (subject, rest) = number(rest.strip_prefix(b".")?)?;
        let (detail, rest) = number(rest.strip_prefix(b".")?)?;
        if !matches!(class, 2 | 4 | 5) || !matches!(rest, [] | [b' ' | b'\t', ..]) {
            return None;
        }
        let code = Self { class, subject, detail };
        Some((code, rest))
    }
}

/// One to three digits; a fourth is in the way of what must follow.
fn number(text: &[u8]) -> Option<(u16, &[u8])> {
    let [first @ b'0'..=b'9', rest @ ..] = text else {
        return None;
    };
    let mut value = u16::from(first - b'0');
    let mut rest = rest;
    for _ in 1..3 {
        let [digit @ b'0'..=b'9', after @ ..] = rest else {
            break;
        };
        value = value * 10 + u16::from(digit - b'0');
        rest = after;
    }
    Some((value, rest))
}

/// A valid reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    code: ReplyCode,
    enhanced: Option<EnhancedCode>,
    text: Vec<u8>,
    lacks_enhanced: bool,
    cut_short: Option<Error>,
}

/// As a user may be shown it: its codes and its text, without the last line end.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code.value())?;
        if let Some(EnhancedCode { class, subject, detail }) = self.enhanced {
            write!(f, " {class}.{subject}.{detail}")?;
        }
        write!(f, " {}", String::from_utf8_lossy(self.text.trim_ascii()))
    }
}

impl Reply {
    /// A reply that we give in the server's place.
    #[must_use]
    pub fn local(code: ReplyCode, enhanced: EnhancedCode, text: &str) -> Self {
        Self {
            code,
            enhanced: Some(enhanced),
            text: [text.as_bytes(), CRLF].concat(),
            lacks_enhanced: false,
            cut_short: None,
        }
    }

    /// The code of its first line, which all others carry too.
    #[must_use]
    pub const fn code(&self) -> ReplyCode {
        self.code
    }

    /// What the code's first digit says.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.code.severity()
    }

    /// Whether it is 2xx.
    #[must_use]
    pub fn is_completion(&self) -> bool {
        self.severity() == Severity::Completion
    }

    /// Whether it is 3xx.
    #[must_use]
    pub fn is_intermediate(&self) -> bool {
        self.severity() == Severity::Intermediate
    }

    /// Whether it is 5xx.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        self.severity() == Severity::Permanent
    }

    /// Whether it is 421.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.code == ReplyCode::CLOSING
    }

    /// The enhanced status code of its first line, if that has one and the server had announced
    /// them.
    #[must_use]
    pub const fn enhanced(&self) -> Option<EnhancedCode> {
        self.enhanced
    }

    /// Whether a line lacks the enhanced status code that the server had announced.
    #[must_use]
    pub const fn lacks_enhanced(&self) -> bool {
        self.lacks_enhanced
    }

    /// Why the refusal was not read to its end, if it was not: nothing that comes behind it can
    /// be told from it.
    #[must_use]
    pub const fn cut_short(&self) -> Option<Error> {
        self.cut_short
    }

    /// The texts of its lines without codes, each with CRLF.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// As much of the text as a status shows, ending in CRLF. It is never cut in the middle of a
    /// character.
    #[must_use]
    pub fn status_text(&self) -> Cow<'_, [u8]> {
        if self.text.len() <= STATUS_TEXT_MAX {
            return Cow::Borrowed(&self.text);
        }
        let kept = self.text.get(..STATUS_TEXT_MAX - CRLF.len()).map_or(&[][..], without_begun_character);
        // Nor in the middle of a line end.
        let kept = kept.strip_suffix(CRLF).or_else(|| kept.strip_suffix(b"\r")).unwrap_or(kept);
        Cow::Owned([kept, CRLF].concat())
    }
}

/// Takes off the first octets of a character of UTF-8 of which more would follow.
fn without_begun_character(text: &[u8]) -> &[u8] {
    let lead = text.iter().rev().take(4).position(|octet| octet & 0xC0 != 0x80);
    let Some((before, character)) = lead.and_then(|back| text.split_at_checked(text.len() - back - 1)) else {
        return text;
    };
    let whole = match character.first() {
        Some(0xC0..=0xDF) => 2,
        Some(0xE0..=0xEF) => 3,
        Some(0xF0..) => 4,
        _ => 1,
    };
    if character.len() < whole { before } else { text }
}

#[cfg(test)]
mod tests;
