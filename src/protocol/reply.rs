// SPDX-License-Identifier: LGPL-2.1-or-later
//! Replies (RFC 5321 §4.2) and the incremental parser that makes them from bytes.

use memchr::memchr;

use crate::error::{Error, Result};

/// Longest reply line that is waited for: RFC 5321 §4.5.3.1.5 says 512 and asks clients to
/// take more.
const LINE_MAX: usize = 1000;
/// Longest line of an AUTH challenge (RFC 4954 §4).
const CHALLENGE_MAX: usize = 12_288;
/// Most text of one reply that is kept in a status.
const TEXT_MAX: usize = 4096;
/// Most text of a reply to EHLO, which has a line for each extension.
const EHLO_TEXT_MAX: usize = 65_536;

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
    /// 553: the mailbox name is not allowed.
    pub const MAILBOX_NAME: Self = Self(553);

    /// Reads exactly three digits of a class from 2 to 5.
    fn parse(digits: &[u8]) -> Option<Self> {
        match digits {
            [class @ b'2'..=b'5', second @ b'0'..=b'9', third @ b'0'..=b'9'] => {
                let value = |digit: &u8| u16::from(digit - b'0');
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
}

/// An enhanced status code (RFC 3463 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnhancedCode {
    /// 2, 4 or 5.
    pub class: u16,
    /// What it is about.
    pub subject: u16,
    /// The detail.
    pub detail: u16,
}

impl EnhancedCode {
    /// Reads `c.s.d` at the start of a text; the rest follows after blanks.
    fn parse(text: &[u8]) -> Option<(Self, &[u8])> {
        let (class, rest) = number(text)?;
        let (subject, rest) = number(rest.strip_prefix(b".")?)?;
        let (detail, rest) = number(rest.strip_prefix(b".")?)?;
        if !matches!(class, 2 | 4 | 5) || !matches!(rest.first(), None | Some(b' ' | b'\t')) {
            return None;
        }
        let code = Self { class, subject, detail };
        Some((code, rest))
    }
}

/// One to three digits.
fn number(text: &[u8]) -> Option<(u16, &[u8])> {
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at_checked(length)?;
    if !(1..=3).contains(&length) {
        return None;
    }
    let value = digits.iter().fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    Some((value, rest))
}

/// A complete, valid reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    code: ReplyCode,
    enhanced: Option<EnhancedCode>,
    text: Vec<u8>,
    lacks_enhanced: bool,
}

impl Reply {
    /// A reply that we give in the server's place.
    #[must_use]
    pub fn local(code: ReplyCode, enhanced: EnhancedCode, text: &str) -> Self {
        Self {
            code,
            enhanced: Some(enhanced),
            text: [text.as_bytes(), b"\r\n"].concat(),
            lacks_enhanced: false,
        }
    }

    /// The code that all its lines carry.
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

    /// Its enhanced status code, if it has one and the server had announced them.
    #[must_use]
    pub const fn enhanced(&self) -> Option<EnhancedCode> {
        self.enhanced
    }

    /// Whether a line lacks the enhanced status code that the server had announced.
    #[must_use]
    pub const fn lacks_enhanced(&self) -> bool {
        self.lacks_enhanced
    }

    /// The texts of its lines without codes, each with CRLF.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.text
    }
}

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
    const fn line_max(self) -> usize {
        match self {
            Self::Challenge { .. } => CHALLENGE_MAX,
            Self::Plain { .. } | Self::Ehlo => LINE_MAX,
        }
    }

    const fn text_max(self) -> usize {
        match self {
            Self::Plain { .. } => TEXT_MAX,
            Self::Challenge { .. } => CHALLENGE_MAX,
            Self::Ehlo => EHLO_TEXT_MAX,
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
    partial: Option<Reply>,
}

impl ReplyParser {
    /// Adds bytes that arrived.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Forgets what arrived and was not asked for.
    pub fn discard(&mut self) {
        *self = Self::default();
    }

    /// What arrived and is no part of a reply yet, a begun reply included.
    #[must_use]
    pub fn has_leftover(&self) -> bool {
        self.partial.is_some() || !self.rest().is_empty()
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
                // One more may be the CR of a line end that is on its way.
                if rest.len() > form.line_max() + 1 {
                    tap(rest);
                    self.start = self.buffer.len();
                    self.searched = 0;
                    return Err(Error::UnterminatedResponse);
                }
                return Ok(None);
            };
            let line = rest.get(..end).unwrap_or_default();
            self.start += end;
            self.searched = 0;
            tap(line);
            if line.len() > form.line_max() + 2 {
                return Err(Error::UnterminatedResponse);
            }
            if let Some(reply) = add_line(&mut self.partial, line, form)? {
                return Ok(Some(reply));
            }
        }
    }
}

/// Adds a line to the reply that is being read; gives the reply if it was the last.
fn add_line(partial: &mut Option<Reply>, line: &[u8], form: ReplyForm) -> Result<Option<Reply>> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.contains(&0) {
        return Err(Error::ResponseSyntax);
    }
    let (digits, rest) = line.split_at_checked(3).ok_or(Error::ResponseSyntax)?;
    let code = ReplyCode::parse(digits).ok_or(Error::ResponseSyntax)?;
    let (last, text) = match rest {
        [] => (true, rest),
        [b' ', text @ ..] => (true, text),
        [b'-', text @ ..] => (false, text),
        _ => return Err(Error::ResponseSyntax),
    };
    let first = partial.is_none();
    let reply = partial.get_or_insert_with(|| Reply {
        code,
        enhanced: None,
        text: Vec::with_capacity(line.len()),
        lacks_enhanced: false,
    });
    if reply.code != code {
        return Err(Error::StatusMismatch);
    }
    let text = if form.enhanced() && !reply.is_intermediate() {
        without_enhanced(reply, text, first)?
    } else {
        text
    };
    reply.text.extend_from_slice(without_leading_blanks(text));
    reply.text.extend_from_slice(b"\r\n");
    if reply.text.len() > form.text_max() {
        return Err(Error::UnterminatedResponse);
    }
    Ok(if last { partial.take() } else { None })
}

/// Takes the enhanced status code off a line. One that is different from the first line's
/// is a mismatch; a missing one is remembered, and the line is text (RFC 2034 §4).
fn without_enhanced<'a>(reply: &mut Reply, text: &'a [u8], first: bool) -> Result<&'a [u8]> {
    let Some((code, rest)) = EnhancedCode::parse(without_leading_blanks(text)) else {
        reply.lacks_enhanced = true;
        return Ok(text);
    };
    if first {
        reply.enhanced = Some(code);
    } else if reply.enhanced.is_some_and(|earlier| earlier != code) {
        return Err(Error::StatusMismatch);
    }
    Ok(rest)
}

fn without_leading_blanks(text: &[u8]) -> &[u8] {
    let blanks = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    text.get(blanks..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: ReplyForm = ReplyForm::Plain { enhanced: false };
    const ENHANCED: ReplyForm = ReplyForm::Plain { enhanced: true };

    fn parse(form: ReplyForm, bytes: &[u8]) -> Result<Option<Reply>> {
        let mut whole = ReplyParser::default();
        whole.feed(bytes);
        let at_once = whole.next(form, |_| {});
        let mut parser = ReplyParser::default();
        for byte in bytes {
            parser.feed(&[*byte]);
            match parser.next(form, |_| {}) {
                Ok(None) => {}
                outcome => {
                    assert_eq!(outcome, at_once, "byte by byte is the same");
                    return outcome;
                }
            }
        }
        assert_eq!(at_once, Ok(None));
        at_once
    }

    fn text(form: ReplyForm, bytes: &[u8]) -> String {
        let reply = parse(form, bytes).expect("valid").expect("complete");
        String::from_utf8_lossy(reply.text()).into_owned()
    }

    #[test]
    fn lines_of_a_reply_are_joined() {
        assert_eq!(text(PLAIN, b"250-one\r\n250 two\r\n"), "one\r\ntwo\r\n");
        assert_eq!(text(PLAIN, b"250   blanks\n"), "blanks\r\n");
        assert_eq!(text(PLAIN, b"250\r\n"), "\r\n");
        assert_eq!(text(PLAIN, b"250 \r\n"), "\r\n");
    }

    #[test]
    fn only_three_digits_of_four_classes_are_a_code() {
        for line in [
            "+250 x",
            "0250 x",
            "25 x",
            "2500 x",
            "150 x",
            "650 x",
            "25a x",
            "",
            "250_x",
            "abc",
            "4294967546 x",
            " 250 x",
            "-250",
            "250\0 x",
            "250 a\0b",
        ] {
            let bytes = format!("{line}\r\n");
            assert_eq!(parse(PLAIN, bytes.as_bytes()), Err(Error::ResponseSyntax), "{line:?}");
        }
    }

    #[test]
    fn all_lines_carry_the_same_code() {
        assert_eq!(parse(PLAIN, b"250-a\r\n251 b\r\n"), Err(Error::StatusMismatch));
    }

    #[test]
    fn lines_and_texts_have_a_bound() {
        let line = |length: usize| [b"250 ".as_slice(), &vec![b'x'; length - 4], b"\r\n"].concat();
        assert!(parse(PLAIN, &line(1000)).is_ok());
        assert_eq!(parse(PLAIN, &line(1001)), Err(Error::UnterminatedResponse));
        let challenge = ReplyForm::Challenge { enhanced: false };
        assert!(parse(challenge, &line(1001)).is_ok());
        let many = b"250-0123456789\r\n".repeat(400);
        assert_eq!(parse(PLAIN, &many), Err(Error::UnterminatedResponse));
        assert_eq!(parse(ReplyForm::Ehlo, &many), Ok(None));
    }

    #[test]
    fn enhanced_codes_are_taken_off() {
        let reply = parse(ENHANCED, b"250-2.1.5 a\r\n250 2.1.5  b\r\n").expect("valid").expect("whole");
        let (class, subject, detail) = (2, 1, 5);
        assert_eq!(reply.enhanced(), Some(EnhancedCode { class, subject, detail }));
        assert_eq!(reply.text(), b"a\r\nb\r\n");
        assert!(!reply.lacks_enhanced());
        assert_eq!(parse(ENHANCED, b"250-2.1.5 a\r\n250 2.1.6 b\r\n"), Err(Error::StatusMismatch));
        assert_eq!(text(ENHANCED, b"250-2.1.5 a\r\n250 b\r\n"), "a\r\nb\r\n");
        assert_eq!(text(ENHANCED, b"354 2.1.5 a\r\n"), "2.1.5 a\r\n");
        assert_eq!(text(PLAIN, b"250 2.1.5 a\r\n"), "2.1.5 a\r\n");
    }

    #[test]
    fn a_broken_enhanced_code_counts_as_lacking() {
        for code in ["2.1", "2.1.", "2.1.1000", "3.1.1", "2.1.5x", "x", "", "2..5"] {
            let bytes = format!("250 {code}\r\n");
            let reply = parse(ENHANCED, bytes.as_bytes()).expect("valid").expect("whole");
            assert!(reply.lacks_enhanced(), "{code:?}");
            assert_eq!(reply.enhanced(), None, "{code:?}");
        }
    }

    #[test]
    fn every_line_is_tapped_and_the_rest_stays() {
        let mut parser = ReplyParser::default();
        parser.feed(b"250-a\r\n250 b\r\n354");
        let mut seen = Vec::new();
        let reply = parser.next(PLAIN, |line| seen.push(line.to_vec())).expect("valid");
        assert!(reply.is_some());
        assert_eq!(seen, [b"250-a\r\n".to_vec(), b"250 b\r\n".to_vec()]);
        assert_eq!(parser.rest(), b"354");
        assert!(parser.has_leftover());
    }
}
