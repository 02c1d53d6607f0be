// SPDX-License-Identifier: LGPL-2.1-or-later
//! The incremental parser that makes replies from what the server sends.
//!
//! RFC 5321 §4.5.3.1.5 allows a line 512 octets. Real servers send more, and an outcome that is
//! not understood is a mail lost or sent twice: the bounds are there for memory alone.

use std::mem;
use std::ops::Range;

use memchr::{memchr, memchr2};

use super::{CRLF, EnhancedCode, Reply, ReplyCode, Severity, without_begun_character};
use crate::error::{Error, Result};

/// Longest line without its end: that of an AUTH challenge (RFC 4954 §4).
const LINE_MAX: usize = 12_288;
/// Longest reply, without line ends.
const REPLY_MAX: usize = 65_536;
/// Most lines of a reply to EHLO, which has one for each extension.
const EHLO_LINES_MAX: usize = 1000;
/// Octets of a usual reply to EHLO.
const EHLO_USUAL: usize = 512;
/// Octets of the usual replies to the commands of a group.
const GROUP_USUAL: usize = 1024;
/// Most memory that is kept for the next reply.
const KEPT_MAX: usize = 1024;
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
    // So many octets from there on are neither a line end nor NUL.
    searched: usize,
    lines: Lines,
    // Where the line lies that is all of the last reply, with its end, and the form it was read in, as
    // long as both are there: servers say the same to one recipient after the other.
    whole: Option<(Range<usize>, ReplyForm)>,
}

impl ReplyParser {
    /// Adds bytes that arrived.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start);
        self.start = 0;
        self.whole = None;
        if self.buffer.capacity() == 0 {
            self.buffer.reserve(GROUP_USUAL.max(bytes.len()));
        }
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
    pub fn next(&mut self, form: ReplyForm, tap: impl FnMut(&[u8])) -> Result<Option<Reply>> {
        Ok(self.read(form, tap)?.then(|| self.take()))
    }

    /// Reads the next reply; `false` if more bytes are needed. It stays in its place, to be looked at
    /// ([`ReplyParser::reply`]) or taken ([`ReplyParser::take`]).
    pub fn read(&mut self, form: ReplyForm, mut tap: impl FnMut(&[u8])) -> Result<bool> {
        if self.start == self.buffer.len() && !self.lines.over_bound {
            return Ok(false);
        }
        if self.repeats(form, &mut tap) {
            return Ok(true);
        }
        loop {
            let rest = self.buffer.get(self.start..).unwrap_or_default();
            let (end, has_nul) = match line_end(rest, self.searched) {
                Found::Clean(end) => (end, false),
                Found::WithNul(end) => (end, true),
                Found::None { clean } => {
                    self.searched = clean;
                    if self.lines.have_room_for(without_end(rest)) {
                        return Ok(false);
                    }
                    tap(rest);
                    self.start = self.buffer.len();
                    self.searched = 0;
                    return self.lines.end_over_bound(without_end(rest), form);
                }
            };
            let line = rest.get(..end).unwrap_or_default();
            let place = self.start..self.start + end;
            self.start += end;
            self.searched = 0;
            tap(line);
            if self.lines.add(line, has_nul, form)? {
                let is_whole = self.lines.length == 1 && !self.lines.over_bound;
                self.whole = is_whole.then_some((place, form));
                return Ok(true);
            }
        }
    }

    /// Reads replies that say what the last one said, up to a number of them, and counts them.
    pub fn read_repeated(&mut self, form: ReplyForm, most: usize, mut tap: impl FnMut(&[u8])) -> usize {
        (0..most).take_while(|_| self.repeats(form, &mut tap)).count()
    }

    /// Reads the next reply if it says what the last one said, which is still in its place.
    fn repeats(&mut self, form: ReplyForm, tap: &mut impl FnMut(&[u8])) -> bool {
        let Some((last, _)) = self.whole.as_ref().filter(|(_, formerly)| *formerly == form) else {
            return false;
        };
        let end = self.start + last.len();
        let next = self.buffer.get(self.start..end);
        let Some(line) = next.filter(|next| self.buffer.get(last.clone()) == Some(*next)) else {
            return false;
        };
        if self.lines.has_begun() {
            return false;
        }
        tap(line);
        self.start = end;
        self.searched = 0;
        self.lines.empty = 0;
        true
    }

    /// The reply that was read last.
    #[must_use]
    pub const fn reply(&self) -> &Reply {
        &self.lines.reply
    }

    /// Takes the reply that was read last.
    #[must_use]
    pub fn take(&mut self) -> Reply {
        self.whole = None;
        mem::replace(&mut self.lines.reply, BLANK)
    }

    /// Takes back a reply that is not needed any more: the next one has its memory.
    pub fn give_back(&mut self, reply: Reply) {
        let is_free = !self.lines.has_begun() && self.lines.reply.text.capacity() == 0;
        if is_free && reply.text.capacity() <= KEPT_MAX {
            self.lines.reply.text = reply.text;
            self.lines.reply.text.clear();
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
        self.lines.end_of_connection(without_end(rest), form).then(|| self.take())
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

/// Where the first line of a text ends.
enum Found {
    /// Here, and no NUL is before it.
    Clean(usize),
    WithNul(usize),
    /// Nowhere yet; so many octets are neither a line end nor NUL.
    None {
        clean: usize,
    },
}

/// Looks for the end of a line, of which so many octets were searched before.
#[inline]
fn line_end(text: &[u8], searched: usize) -> Found {
    let unseen = text.get(searched..).unwrap_or_default();
    let Some(at) = memchr2(b'\n', 0, unseen).map(|at| searched + at) else {
        return Found::None { clean: text.len() };
    };
    if text.get(at) == Some(&b'\n') {
        return Found::Clean(at + 1);
    }
    match text.get(at..).and_then(|rest| memchr(b'\n', rest)) {
        Some(further) => Found::WithNul(at + further + 1),
        None => Found::None { clean: at },
    }
}

fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// No reply yet.
const BLANK: Reply = Reply {
    code: ReplyCode::READY,
    enhanced: None,
    text: Vec::new(),
    lacks_enhanced: false,
    cut_short: None,
};

/// The lines of the reply that is being read.
#[derive(Debug)]
struct Lines {
    /// What they say, or what those of the last one said: its memory is used again.
    reply: Reply,
    /// How many lines that has, once it is complete.
    length: usize,
    /// How many there are.
    count: usize,
    /// Their octets.
    size: usize,
    /// Empty lines before them.
    empty: usize,
    /// A line or reply was over its bound: what follows is not known to begin a reply.
    over_bound: bool,
}

impl Default for Lines {
    fn default() -> Self {
        Self {
            reply: BLANK,
            length: 0,
            count: 0,
            size: 0,
            empty: 0,
            over_bound: false,
        }
    }
}

impl Lines {
    const fn has_begun(&self) -> bool {
        self.count > 0
    }

    fn room(&self) -> usize {
        REPLY_MAX.saturating_sub(self.size).min(LINE_MAX)
    }

    fn have_room_for(&self, line: &[u8]) -> bool {
        !self.over_bound && line.len() <= self.room()
    }

    /// Adds a line that has its end; says whether it was the last of the reply.
    #[inline]
    fn add(&mut self, line: &[u8], has_nul: bool, form: ReplyForm) -> Result<bool> {
        let text = without_end(line);
        if text.is_empty() || !self.have_room_for(text) || self.count >= form.lines_max() {
            return self.add_unusual(text, form);
        }
        if has_nul {
            // Programs take a status text for a string.
            return Err(Error::ResponseSyntax);
        }
        let last = self.append(text, form)?;
        if last {
            self.end();
        }
        Ok(last)
    }

    /// Adds a line that is empty or one too many.
    #[cold]
    fn add_unusual(&mut self, text: &[u8], form: ReplyForm) -> Result<bool> {
        if text.is_empty() && !self.over_bound && self.count < form.lines_max() {
            if self.has_begun() {
                return Err(Error::ResponseSyntax);
            }
            if self.empty < EMPTY_LINES_MAX {
                self.empty += 1;
                return Ok(false);
            }
        }
        self.end_over_bound(text, form)
    }

    /// Takes over the code and the text of a line that has no NUL; says whether it is the last one.
    #[inline]
    fn append(&mut self, line: &[u8], form: ReplyForm) -> Result<bool> {
        let Line { code, last, enhanced, text } = Line::parse(line, form)?;
        let reply = &mut self.reply;
        if self.count == 0 {
            reply.code = code;
            // Of a reply whose lines have different ones, the first counts.
            reply.enhanced = enhanced.code();
            reply.lacks_enhanced = false;
            reply.cut_short = None;
            reply.text.clear();
            // Nearly every other reply is one line.
            if form == ReplyForm::Ehlo {
                reply.text.try_reserve(EHLO_USUAL).map_err(|_| Error::no_memory())?;
            }
        } else if reply.code != code {
            return Err(Error::StatusMismatch);
        }
        reply.text.try_reserve(text.len() + CRLF.len()).map_err(|_| Error::no_memory())?;
        reply.lacks_enhanced |= enhanced == Enhanced::Missing;
        reply.text.extend_from_slice(text);
        reply.text.extend_from_slice(CRLF);
        self.count += 1;
        self.size += line.len();
        Ok(last)
    }

    /// Takes over what there is of a line.
    fn append_begun(&mut self, line: &[u8], form: ReplyForm) -> Result<bool> {
        if memchr(0, line).is_some() {
            return Err(Error::ResponseSyntax);
        }
        self.append(line, form)
    }

    /// What comes next is another reply.
    const fn end(&mut self) {
        self.length = self.count;
        self.count = 0;
        self.size = 0;
        self.empty = 0;
    }

    /// The reply is longer than it may be. If its code says no, that is the outcome; nothing
    /// more can be read.
    fn end_over_bound(&mut self, line: &[u8], form: ReplyForm) -> Result<bool> {
        if !self.over_bound {
            let kept = line.get(..self.room()).unwrap_or(line);
            // One that is no line of this reply adds nothing to it.
            let _ = self.append_begun(kept, form);
        }
        self.over_bound = true;
        if self.ends_as_refusal(Error::UnterminatedResponse) {
            Ok(true)
        } else {
            Err(Error::UnterminatedResponse)
        }
    }

    /// The connection ended in this line, or, if it is empty, before the next one. Says whether a
    /// refusal was under way.
    fn end_of_connection(&mut self, line: &[u8], form: ReplyForm) -> bool {
        if self.over_bound {
            return false;
        }
        if line.len() >= REFUSAL_MIN && self.append_begun(without_begun_character(line), form).is_err() {
            return false;
        }
        self.ends_as_refusal(Error::Dropped)
    }

    fn ends_as_refusal(&mut self, why: Error) -> bool {
        let refuses = self.has_begun() && self.reply.code.refuses();
        self.reply.cut_short = Some(why);
        self.end();
        refuses
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

impl Enhanced {
    const fn code(self) -> Option<EnhancedCode> {
        match self {
            Self::Code(code) => Some(code),
            Self::NotExpected | Self::Missing => None,
        }
    }
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
}

fn without_leading_blanks(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    text
}
