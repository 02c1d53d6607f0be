// SPDX-License-Identifier: LGPL-2.1-or-later
//! Mailboxes as people write them (RFC 5322 §3.4): names, brackets, quotes, comments.

use std::ops::Range;

const fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

/// What is left without blanks around it and one line end behind it.
pub(super) fn trimmed(octets: &[u8]) -> Range<usize> {
    let before_blanks =
        |text: &[u8]| text.iter().rposition(|octet| !is_blank(*octet)).map_or(0, |last| last + 1);
    let start = octets.iter().take_while(|octet| is_blank(**octet)).count();
    let text = octets.get(..before_blanks(octets)).unwrap_or_default();
    let without = [&b"\r\n"[..], b"\n", b"\r"].iter().find_map(|end| text.strip_suffix(*end));
    let end = before_blanks(without.unwrap_or(text));
    start.min(end)..end
}

/// Where the path stands in a mailbox.
pub(super) struct Form {
    /// The path without brackets.
    pub(super) path: Range<usize>,
    /// Whether comments are within it.
    pub(super) has_comments: bool,
}

impl Form {
    /// The last brackets outside quotes and comments hold the path; without any it is all of the
    /// text. `None` if there are several mailboxes: the others would be lost without a word.
    pub(super) fn of(text: &[u8]) -> Option<Self> {
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
pub(super) fn without_comments(text: &[u8]) -> Option<Vec<u8>> {
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
pub(super) fn is_clean_path(path: &[u8]) -> bool {
    let outside = match path {
        [b'"', rest @ ..] => match from_closing_quote(rest) {
            Some(outside) => outside,
            None => return false,
        },
        all => all,
    };
    !outside.iter().any(|byte| matches!(byte, 0..=b' ' | b'<' | b'>' | 0x7f))
}

/// What is left of a quoted string's rest from its closing quote on.
fn from_closing_quote(text: &[u8]) -> Option<&[u8]> {
    let mut escaped = false;
    let at = text.iter().position(|&byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })?;
    text.get(at..)
}
