// SPDX-License-Identifier: LGPL-2.1-or-later
//! The plainest way to read replies (RFC 5321 §4.2, RFC 2034 §4): the whole text at once, a line at
//! a time.

use esmtp::error::Error;
use esmtp::protocol::{Reply, ReplyForm};

/// A reply as it was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plain {
    pub(crate) code: u16,
    pub(crate) enhanced: Option<[u16; 3]>,
    pub(crate) text: Vec<u8>,
}

/// What a text holds: replies, and why no more of it can be read. `None`: a line, a reply or the
/// number of lines is over its bound.
pub(crate) fn read(form: ReplyForm, text: &[u8]) -> Option<(Vec<Plain>, Option<Error>)> {
    let (mut replies, mut current) = (Vec::new(), None::<Plain>);
    let (mut empty, mut size, mut count) = (0, 0, 0);
    let mut lines: Vec<&[u8]> = text.split(|&octet| octet == b'\n').collect();
    let unfinished = lines.pop().unwrap_or_default();
    let without_cr = |line| <[u8]>::strip_suffix(line, b"\r").unwrap_or(line);
    for line in lines {
        let line = without_cr(line);
        if line.is_empty() && current.is_none() {
            empty += 1;
            if empty > 8 {
                return None;
            }
            continue;
        }
        size += line.len();
        count += 1;
        if line.len() > 12_288 || size > 65_536 || form == ReplyForm::Ehlo && count > 1000 {
            return None;
        }
        let digits = line.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        let digits = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()));
        let code = digits.and_then(|digits| digits.parse().ok()).filter(|code| (200..600).contains(code));
        let separator = line.get(3).copied();
        let text = line.get(4..).unwrap_or_default();
        let Some(code) = code.filter(|_| matches!(separator, None | Some(b' ' | b'-')) && !text.contains(&0))
        else {
            return Some((replies, Some(Error::ResponseSyntax)));
        };
        let first = current.is_none();
        let reply = current.get_or_insert_with(|| Plain { code, enhanced: None, text: Vec::new() });
        if reply.code != code {
            return Some((replies, Some(Error::StatusMismatch)));
        }
        let mut text = trimmed(text);
        let announced =
            matches!(form, ReplyForm::Plain { enhanced: true } | ReplyForm::Challenge { enhanced: true });
        if announced && code / 100 != 3 {
            if let Some((enhanced, length)) = enhanced(text) {
                if first {
                    reply.enhanced = Some(enhanced);
                }
                text = trimmed(&text[length..]);
            }
        }
        reply.text.extend_from_slice(text);
        reply.text.extend_from_slice(b"\r\n");
        if separator != Some(b'-') {
            replies.extend(current.take());
            (empty, size, count) = (0, 0, 0);
        }
    }
    let room = 12_288.min(65_536 - size);
    (without_cr(unfinished).len() <= room).then_some((replies, None))
}

fn is_blank(octet: &u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

fn trimmed(text: &[u8]) -> &[u8] {
    let blanks = text.iter().take_while(|octet| is_blank(octet)).count();
    &text[blanks..]
}

/// The enhanced code that a text begins with, and its length.
fn enhanced(text: &[u8]) -> Option<([u16; 3], usize)> {
    let word = text.split(is_blank).next()?;
    let parts: Vec<&[u8]> = word.split(|&octet| octet == b'.').collect();
    let good = |part: &&[u8]| (1..=3).contains(&part.len()) && part.iter().all(u8::is_ascii_digit);
    let number = |part: &[u8]| std::str::from_utf8(part).ok()?.parse::<u16>().ok();
    let numbers: Vec<u16> = parts.iter().filter(|part| good(part)).filter_map(|part| number(part)).collect();
    match (numbers.as_slice(), parts.len()) {
        ([class @ (2 | 4 | 5), subject, detail], 3) => Some(([*class, *subject, *detail], word.len())),
        _ => None,
    }
}

/// A reply of the library's, to compare.
pub(crate) fn of(reply: &Reply) -> Plain {
    Plain {
        code: reply.code().value(),
        enhanced: reply.enhanced().map(|code| [code.class, code.subject, code.detail]),
        text: reply.text().to_vec(),
    }
}
