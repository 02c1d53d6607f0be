// SPDX-License-Identifier: LGPL-2.1-or-later
//! How a text begins: with headers, with a line of an mbox file, or at once with its body.
//!
//! A text of which the first line is no header would have its lines taken for headers up to the
//! first empty one, or all of them; and a mailbox's `From ` line makes the next server take the
//! headers behind it for text.

use memchr::memchr;

use super::header::NAME_MAX;
use super::{CR, LF};

/// What has come of a text while it is not known how it begins.
#[derive(Debug, Default)]
pub(super) struct Opening {
    /// Never longer than a header's name may be, but for a few octets.
    held: Vec<u8>,
    /// A line of an mbox file was found.
    mbox: bool,
    /// We are in it.
    dropping: bool,
}

/// What is to be done with a block.
#[derive(Debug)]
pub(super) enum Step<'a> {
    /// Nothing yet.
    NeedsMore,
    /// To look at what was held back, then at the rest.
    Again(Vec<u8>, &'a [u8]),
    /// Here are headers, or the empty line that ends them.
    Headers(&'a [u8]),
    /// Here is the body.
    Body(&'a [u8]),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Undecided,
    Mbox,
    /// A header, or the empty line.
    Header,
    Other,
}

impl Opening {
    /// Looks at a block of the text.
    pub(super) fn take<'a>(&mut self, block: &'a [u8]) -> Step<'a> {
        let mut rest = block;
        loop {
            if self.dropping {
                let Some((_, after)) = memchr(LF, rest).and_then(|end| rest.split_at_checked(end + 1)) else {
                    return Step::NeedsMore;
                };
                self.dropping = false;
                rest = after;
            }
            if !self.held.is_empty() {
                let missing = DECIDED.saturating_sub(self.held.len()).min(rest.len());
                let (part, after) = rest.split_at_checked(missing).unwrap_or((rest, &[]));
                self.held.extend_from_slice(part);
                if judge(&self.held) == Line::Undecided {
                    return Step::NeedsMore;
                }
                return Step::Again(std::mem::take(&mut self.held), after);
            }
            match judge(rest) {
                Line::Undecided => {
                    self.held.extend_from_slice(rest);
                    return Step::NeedsMore;
                }
                Line::Header => return Step::Headers(rest),
                // Of several, the later ones are those that a system added that passes mail on.
                Line::Mbox if !self.mbox || rest.starts_with(b">") => {
                    self.mbox = true;
                    self.dropping = true;
                }
                Line::Mbox | Line::Other => return Step::Body(rest),
            }
        }
    }

    /// The text ends: what it had of a first line, which is no header.
    pub(super) fn into_line(self) -> Option<Vec<u8>> {
        Some(self.held).filter(|line| !line.is_empty())
    }
}

/// Octets after which it is always decided what a line is.
const DECIDED: usize = NAME_MAX + 2;

/// What the line is that a text begins with.
fn judge(text: &[u8]) -> Line {
    let text = text.get(..DECIDED).unwrap_or(text);
    let is_of_name = |octet: &&u8| octet.is_ascii_graphic() && **octet != b':';
    let length = text.iter().take_while(is_of_name).count();
    let (name, after) = text.split_at_checked(length).unwrap_or_default();
    // In headers, a CR that ends no line counts as a blank.
    let is_blank = |octet: &&u8| matches!(**octet, b' ' | b'\t' | CR);
    let blanks = after.iter().take_while(is_blank).count();
    let (between, after) = after.split_at_checked(blanks).unwrap_or_default();
    let is_mbox = matches!(name, b"From" | b">From") && between.first() == Some(&b' ');
    match (name, between, after.first()) {
        ([], [] | [CR], Some(&LF)) => Line::Header,
        ([], [] | [CR], None) => Line::Undecided,
        ([], ..) => Line::Other,
        _ if name.len() > NAME_MAX => Line::Other,
        (_, _, Some(b':')) => Line::Header,
        (_, _, None) if text.len() < DECIDED => Line::Undecided,
        _ if is_mbox => Line::Mbox,
        _ => Line::Other,
    }
}

/// Looks for an empty line.
#[derive(Debug)]
pub(super) struct EmptyLine {
    /// Nothing of the present line has come but perhaps a CR.
    at_start: bool,
}

impl Default for EmptyLine {
    fn default() -> Self {
        Self { at_start: true }
    }
}

impl EmptyLine {
    /// Whether one ends in this block.
    pub(super) fn comes_in(&mut self, block: &[u8]) -> bool {
        let is_start = |line: &[u8]| matches!(line, [] | [CR]);
        let mut rest = block;
        while let Some((line, after)) = memchr(LF, rest).and_then(|end| rest.split_at_checked(end)) {
            if self.at_start && is_start(line) {
                return true;
            }
            self.at_start = true;
            rest = after.get(1..).unwrap_or_default();
        }
        self.at_start &= is_start(rest);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A colon is looked for as far as the longest name and a blank before it reach.
    #[test]
    fn it_is_decided_what_a_long_line_is() {
        let line = |name: usize, blanks: usize, end: &str| {
            judge(format!("{}{}{end}", "x".repeat(name), " ".repeat(blanks)).as_bytes())
        };
        assert_eq!(line(998, 0, ""), Line::Undecided);
        assert_eq!(line(998, 0, ":"), Line::Header);
        assert_eq!(line(998, 1, ":"), Line::Header);
        assert_eq!(line(998, 2, ":"), Line::Other);
        assert_eq!(line(999, 0, ":"), Line::Other);
        assert_eq!(line(999, 0, ""), Line::Other);
        assert_eq!(line(1, 998, ""), Line::Undecided);
        assert_eq!(line(1, 998, ":"), Line::Header);
        assert_eq!(line(1, 999, ""), Line::Other);
        assert_eq!(line(1, 999, ":"), Line::Other);
    }
}
