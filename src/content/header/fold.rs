// SPDX-License-Identifier: LGPL-2.1-or-later
//! Line ends in the values that an application sets.
//!
//! A line end that is no fold (RFC 5322 §2.2.3) would let a value put headers of its own into the
//! message, or end the headers. Programs have them all the same: at the end, from a file's line;
//! within, from base64 that comes in lines. What follows becomes one more line of the same header.

use memchr::memchr3;

use super::encoded_word;
use crate::content::{CR, CRLF, LF};
use crate::error::{Error, Result};
use crate::room::{concat, room};

/// Text as it can stand in a header: each line end is a fold, none is left at the end or within
/// an encoded word, and no line consists of blanks, which a server could take for the empty one.
pub(super) fn folded(text: &[u8]) -> Result<Vec<u8>> {
    if memchr3(CR, LF, 0, text).is_none() {
        return concat(&[text]);
    }
    if text.contains(&0) {
        return Err(Error::Invalid);
    }
    let ends = text.iter().filter(|octet| matches!(**octet, CR | LF)).count();
    // Each becomes CRLF and a blank at most.
    let mut folded = room(text.len() + 2 * ends)?;
    let mut rest = text;
    let (mut start, mut is_first) = (0, true);
    while let Some((&octet, after)) = rest.split_first() {
        if let Some((word, after)) = encoded_word::first(rest) {
            folded.extend(word.iter().filter(|octet| !matches!(**octet, CR | LF)));
            rest = after;
            continue;
        }
        rest = after;
        // A CR and its LF are two, with an empty line between them that is taken back.
        if !matches!(octet, CR | LF) {
            folded.push(octet);
            continue;
        }
        end_line(&mut folded, start, is_first);
        is_first = false;
        folded.extend_from_slice(CRLF);
        start = folded.len();
        if !matches!(rest, [b' ' | b'\t', ..]) {
            folded.push(b' ');
        }
    }
    end_line(&mut folded, start, is_first);
    Ok(folded)
}

/// Takes a line that consists of blanks back, and the line end before it. The first line has the
/// header's name.
fn end_line(folded: &mut Vec<u8>, start: usize, is_first: bool) {
    let is_blank = |line: &[u8]| line.iter().all(|octet| matches!(octet, b' ' | b'\t'));
    if !is_first && folded.get(start..).is_some_and(is_blank) {
        folded.truncate(start.saturating_sub(CRLF.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> String {
        String::from_utf8(folded(text.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn folds_stay_and_end_in_crlf() {
        assert_eq!(text("a\r\n b\n\tc"), "a\r\n b\r\n\tc");
        assert_eq!(text("a\r b"), "a\r\n b");
        assert_eq!(text("\n a"), "\r\n a");
        assert_eq!(text("no line end"), "no line end");
    }

    #[test]
    fn other_line_ends_become_folds() {
        assert_eq!(text("a\nBcc: x"), "a\r\n Bcc: x");
        assert_eq!(text("a\r\nb\rc"), "a\r\n b\r\n c");
        assert_eq!(text("\nb"), "\r\n b");
        assert_eq!(text("a \nb"), "a \r\n b");
    }

    #[test]
    fn none_is_left_at_the_end() {
        for end in ["\r\n", "\n", "\r", "\n\n", "\r\n\r\n", "\r\r\n", "\n \n", "\n ", "\r\n\t \r\n  "] {
            assert_eq!(text(&format!("a{end}")), "a", "{end:?}");
        }
        for nothing in ["", "\r\n", "\n\n", "\r", "\n \t"] {
            assert_eq!(text(nothing), "", "{nothing:?}");
        }
        assert_eq!(text(" \n"), " ");
    }

    #[test]
    fn no_line_looks_empty() {
        for between in ["\n\n", "\r\n\r\n", "\n\r", "\r\r\n", "\n \n", "\n\t \r\n\n"] {
            assert_eq!(text(&format!("a{between}b")), "a\r\n b", "{between:?}");
            assert_eq!(text(&format!("a{between}\tb")), "a\r\n\tb", "{between:?}");
        }
    }

    #[test]
    fn an_encoded_word_is_in_one_piece() {
        assert_eq!(text("=?utf-8?B?QUFB\nQkJC\r\n?="), "=?utf-8?B?QUFBQkJC?=");
        assert_eq!(text("x =?utf-8?q?=41\r=42?= y\nz"), "x =?utf-8?q?=41=42?= y\r\n z");
        // These are none.
        assert_eq!(text("=?utf-8?B?QUFB\n QkJC?="), "=?utf-8?B?QUFB\r\n QkJC?=");
        assert_eq!(text("=?utf-8?B?QUFB\nQkJC"), "=?utf-8?B?QUFB\r\n QkJC");
        assert_eq!(text("=?a\nb?="), "=?a\r\n b?=");
    }

    /// More would be asked for where that cannot fail.
    #[test]
    fn there_is_room_for_all_from_the_start() {
        let value = folded(b"a\nb\nc\nd").unwrap();
        assert_eq!(value, b"a\r\n b\r\n c\r\n d");
        assert_eq!((value.len(), value.capacity()), (13, 13));
    }

    #[test]
    fn a_nul_is_refused() {
        assert_eq!(folded(b"a\0b"), Err(Error::Invalid));
        assert_eq!(folded(b"a\n\0"), Err(Error::Invalid));
    }
}
