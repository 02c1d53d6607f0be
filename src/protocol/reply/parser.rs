// SPDX-License-Identifier: LGPL-2.1-or-later
//! The incremental parser that makes replies from what the server sends.
//!
//! RFC 5321 §4.5.3.1.5 allows a line 512 octets. Real servers send more, and an outcome that is
//! not understood is a mail lost or sent twice: the bounds are there for memory alone.

use memchr::memchr;

use super::{CRLF, EnhancedCode, Reply, ReplyCode, Severity, without_begun_character};
use crate::error::{Error, Result};

/// Longest line without its end: that of an AUTH challenge (RFC 4954 §4).
const LINE_MAX: usize = 12_288;
/// Longest reply, without line ends.
const REPLY_MAX: usize = 65_536;
/// Most lines of a reply to EHLO, which has one for each extension.
const EHLO_LINES_MAX: usize = 1000;
/// Most empty lines before a reply. Servers that send one are known.
const EMPTY_LINES_MAX: usize = 8;
/// The least that tells a refusal when the connection ends in it: `550 ` or `550-`.
const REFUSAL_MIN: usize = 4;

/// Which reply is expected, as far as its form depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyForm {
    /// Any reply; `enhanced` = the server announced ENHANCEDSTATUSCODES (RFC 2034).
    Plain {
        /// Whether enhanced status codes are expected.
        enhanced: bool,
    },
    /// A reply to EHLO.
    Ehlo,
    /// A reply to AUTH or to a response.
    Challenge {
        /// Whether enhanced status codes are expected.
        enhanced: bool,
    },
}

impl ReplyForm {
    const fn lines_max(self) -> usize {
        match self {
            Self::Ehlo => EHLO_LINES_MAX,
            Self::Plain { .. } | Self::Challenge { .. } => usize::MAX,
        }
    }

    const fn enhanced(self) -> bool {
        match self {
            Self::Plain { enhanced } | Self::Challenge { enhanced } => enhanced,
            Self::Ehlo => false,
        }
    }
}

/// Collects bytes from the server and cuts them into lines and replies.
#[derive(Debug, Default)]
pub struct ReplyParser {
    buffer: Vec<u8>,
    start: usize,
    searched: usize,
    lines: Lines,
}

impl ReplyParser {
    /// Adds bytes that arrived.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.start == self.buffer.len() {
            self.buffer.clear();
        } else if self.start > 0 {
            self.buffer.drain(..self.start);
        }
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// Forgets what arrived and was not asked for.
    pub fn discard(&mut self) {
        *self = Self::default();
    }

    /// Whether something arrived that is no part of a reply yet, a begun reply included. An empty
    /// line says nothing.
    #[must_use]
    pub fn has_leftover(&self) -> bool {
        self.lines.has_begun() || says_something(self.rest(), self.lines.empty)
    }

    /// Whether nothing at all has arrived behind the last reply.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.lines.has_begun() && self.rest().is_empty()
    }

    /// The bytes that are no part of a line yet.
    #[must_use]
    pub fn rest(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// The next reply, `None` if more bytes are needed. Each line that was used up, wrong
    /// ones included, is given to `tap` as it came.
    pub fn next(&mut self, form: ReplyForm, mut tap: impl FnMut(&[u8])) -> Result<Option<Reply>> {
        loop {
            let rest = self.buffer.get(self.start..).unwrap_or_default();
            let unseen = rest.get(self.searched..).unwrap_or_default();
            let Some(end) = memchr(b'\n', unseen).map(|at| self.searched + at + 1) else {
                self.searched = rest.len();
                if self.lines.have_room_for(without_end(rest)) {
                    return Ok(None);
                }
                tap(rest);
                self.start = self.buffer.len();
                self.searched = 0;
                return self.lines.end_over_bound(without_end(rest), form).map(Some);
            };
            let line = rest.get(..end).unwrap_or_default();
            self.start += end;
            self.searched = 0;
            tap(line);
            if let Some(reply) = self.lines.add(without_end(line), form)? {
                return Ok(Some(reply));
            }
        }
    }

    /// The refusal that the connection ended in the middle of. Nothing but a refusal can be
    /// believed from its beginning: a 250 may be one of `250-`, and more was to come.
    pub fn last_words(&mut self, form: ReplyForm, mut tap: impl FnMut(&[u8])) -> Option<Reply> {
        let rest = self.buffer.get(self.start..).unwrap_or_default();
        if !rest.is_empty() {
            tap(rest);
        }
        self.start = self.buffer.len();
        self.searched = 0;
        self.lines.end_of_connection(without_end(rest), form)
    }
}

/// Whether bytes are more than empty lines, `before` of which were read already.
fn says_something(bytes: &[u8], before: usize) -> bool {
    let mut rest = bytes;
    for _ in before..=EMPTY_LINES_MAX {
        match rest {
            // The second octet of a line end may be on its way.
            [] | [b'\r'] => return false,
            [b'\n', after @ ..] | [b'\r', b'\n', after @ ..] => rest = after,
            _ => return true,
        }
    }
    true
}

fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The lines of the reply that is being read.
#[derive(Debug, Default)]
struct Lines {
    reply: Option<Reply>,
    /// How many it has.
    count: usize,
    /// Their octets.
    size: usize,
    /// Empty lines before it.
    empty: usize,
    /// A line or reply was over its bound: what follows is not known to begin a reply.
    over_bound: bool,
}

impl Lines {
    const fn has_begun(&self) -> bool {
        self.reply.is_some()
    }

    const fn room(&self) -> usize {
        let rest = REPLY_MAX.saturating_sub(self.size);
        if rest < LINE_MAX { rest } else { LINE_MAX }
    }

    const fn have_room_for(&self, line: &[u8]) -> bool {
        !self.over_bound && line.len() <= self.room()
    }

    /// Adds a line without its end; gives the reply if it was the last.
    fn add(&mut self, line: &[u8], form: ReplyForm) -> Result<Option<Reply>> {
        let is_empty = line.is_empty() && !self.has_begun();
        if is_empty && self.empty < EMPTY_LINES_MAX && !self.over_bound {
            self.empty += 1;
            return Ok(None);
        }
        if is_empty || !self.have_room_for(line) || self.count >= form.lines_max() {
            return self.end_over_bound(line, form).map(Some);
        }
        let parsed = Line::parse(line, form)?;
        if parsed.last && !self.has_begun() {
            // Nearly every reply is one line.
            self.empty = 0;
            return Ok(Some(parsed.into_reply()));
        }
        let last = parsed.last;
        self.append(parsed)?;
        self.size += line.len();
        self.count += 1;
        Ok(if last { self.take() } else { None })
    }

    /// Takes over the code and the text of a line.
    fn append(&mut self, line: Line<'_>) -> Result<()> {
        match &mut self.reply {
            None => self.reply = Some(line.into_reply()),
            Some(reply) if reply.code != line.code => return Err(Error::StatusMismatch),
            Some(reply) => {
                // Of a reply whose lines have different enhanced codes, the first counts.
                reply.lacks_enhanced |= line.enhanced == Enhanced::Missing;
                reply.text.extend_from_slice(line.text);
                reply.text.extend_from_slice(CRLF);
            }
        }
        Ok(())
    }

    fn take(&mut self) -> Option<Reply> {
        let reply = self.reply.take();
        *self = Self::default();
        reply
    }

    /// The reply is longer than it may be. If its code says no, that is the outcome; nothing
    /// more can be read.
    fn end_over_bound(&mut self, line: &[u8], form: ReplyForm) -> Result<Reply> {
        if !self.over_bound {
            let kept = line.get(..self.room()).unwrap_or(line);
            // One that is no line of this reply adds nothing to it.
            let _ = Line::parse(kept, form).and_then(|line| self.append(line));
        }
        let refusal = self.take_refusal(Error::UnterminatedResponse);
        self.over_bound = true;
        refusal.ok_or(Error::UnterminatedResponse)
    }

    /// The connection ended in this line, or, if it is empty, before the next one.
    fn end_of_connection(&mut self, line: &[u8], form: ReplyForm) -> Option<Reply> {
        if self.over_bound {
            return None;
        }
        if line.len() >= REFUSAL_MIN {
            self.append(Line::parse(without_begun_character(line), form).ok()?).ok()?;
        }
        self.take_refusal(Error::Dropped)
    }

    fn take_refusal(&mut self, why: Error) -> Option<Reply> {
        let refusal = self.take().filter(|reply| reply.code.refuses())?;
        Some(Reply { cut_short: Some(why), ..refusal })
    }
}

/// What a line says of an enhanced status code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Enhanced {
    /// None is expected.
    NotExpected,
    /// The server had announced them, and there is none.
    Missing,
    Code(EnhancedCode),
}

/// One line of a reply.
struct Line<'a> {
    code: ReplyCode,
    last: bool,
    enhanced: Enhanced,
    text: &'a [u8],
}

impl<'a> Line<'a> {
    fn parse(line: &'a [u8], form: ReplyForm) -> Result<Self> {
        let (digits, last, text) = match line {
            [a, b, c, b' ', text @ ..] => ([*a, *b, *c], true, text),
            [a, b, c, b'-', text @ ..] => ([*a, *b, *c], false, text),
            [a, b, c] => ([*a, *b, *c], true, &[][..]),
            _ => return Err(Error::ResponseSyntax),
        };
        let code = ReplyCode::parse(digits).ok_or(Error::ResponseSyntax)?;
        // Programs take a status text for a string.
        if memchr(0, text).is_some() {
            return Err(Error::ResponseSyntax);
        }
        let text = without_leading_blanks(text);
        let (enhanced, text) = if form.enhanced() && code.severity() != Severity::Intermediate {
            match EnhancedCode::parse(text) {
                Some((code, rest)) => (Enhanced::Code(code), without_leading_blanks(rest)),
                // The line is text all the same (RFC 2034 §4).
                None => (Enhanced::Missing, text),
            }
        } else {
            (Enhanced::NotExpected, text)
        };
        Ok(Self { code, last, enhanced, text })
    }

    /// The reply that begins with this line.
    fn into_reply(self) -> Reply {
        let mut text = Vec::with_capacity(self.text.len() + CRLF.len());
        text.extend_from_slice(self.text);
        text.extend_from_slice(CRLF);
        Reply {
            code: self.code,
            enhanced: match self.enhanced {
                Enhanced::Code(code) => Some(code),
                Enhanced::NotExpected | Enhanced::Missing => None,
            },
            text,
            lacks_enhanced: self.enhanced == Enhanced::Missing,
            cut_short: None,
        }
    }
}

fn without_leading_blanks(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    text
}
