// SPDX-License-Identifier: LGPL-2.1-or-later
//! The search for text that can be sent as it is.

use memchr::{memchr2, memrchr};

use super::{CR, CRLF, LF};

/// How much of `text`, from its start on, can be sent as it is: up to a bare CR or LF, or up
/// to a dot after a line end. (A CR at the end of `text` counts as bare.)
#[inline(always)]
pub(super) fn clean_run(text: &[u8]) -> usize {
    let mut clean = 0;
    let mut lines = 0;
    while let Some(stop) = text.get(clean..).and_then(|rest| memchr2(CR, LF, rest)) {
        let at = clean + stop;
        match text.get(at..) {
            Some([CR, LF, b'.', ..]) => return at + CRLF.len(),
            Some([CR, LF, ..]) => clean = at + CRLF.len(),
            _ => return at,
        }
        lines += 1;
        // Text whose first lines are clean is mostly clean: whole windows of it are looked at
        // once before its lines are. With other text that would be work for nothing.
        if lines >= 2 {
            clean += clean_windows(text, clean);
            // Windows end where they end; the octet behind them may begin a line.
            if text.get(clean) == Some(&b'.') {
                return clean;
            }
        }
    }
    text.len()
}

/// Octets that are looked at together.
pub(super) const WINDOW: usize = 512;

/// How many octets from `start`, where a line begins, are whole windows of clean text, up to
/// the last line end in them.
#[inline(always)]
fn clean_windows(text: &[u8], start: usize) -> usize {
    let before = start.checked_sub(1).and_then(|before| text.get(before..)).unwrap_or_default();
    let from_start = text.get(start..).unwrap_or_default();
    let pairs = before.chunks_exact(WINDOW).zip(from_start.chunks_exact(WINDOW));
    let windows = pairs.take_while(|(before, window)| is_clean(before, window)).count();
    let clean = from_start.get(..windows * WINDOW).unwrap_or_default();
    memrchr(LF, clean).map_or(0, |last| last + 1)
}

/// Whether each LF follows a CR, each CR precedes an LF, and no dot begins a line. `before` is
/// the text one octet earlier. Without a branch for an octet, so that the compiler makes vector
/// instructions of it.
#[inline(always)]
fn is_clean(before: &[u8], window: &[u8]) -> bool {
    let stain = |(before, octet): (&u8, &u8)| {
        ((*before == CR) ^ (*octet == LF)) | ((*before == LF) & (*octet == b'.'))
    };
    let stained = before.iter().zip(window).map(stain).fold(0_u8, |any, one| any | u8::from(one));
    stained == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_find_what_lines_find() {
        let clean =
            b"seventy-six columns or so of text that has nothing wrong with it at all.\r\n".repeat(60);
        assert_eq!(clean_run(&clean), clean.len());
        for at in 0..clean.len() {
            for octet in [CR, LF, b'.'] {
                let mut text = clean.clone();
                text[at] = octet;
                let pairs = text.windows(2).enumerate();
                let mut stops = pairs.filter_map(|(at, pair)| match pair {
                    [CR, LF] => None,
                    [CR, _] => Some(at),
                    [LF, b'.'] | [_, LF] => Some(at + 1),
                    _ => None,
                });
                let first = matches!(text.first(), Some(&LF)).then_some(0);
                let last = (text.last() == Some(&CR)).then(|| text.len() - 1);
                let expected = first.or_else(|| stops.next()).or(last).unwrap_or(text.len());
                assert_eq!(clean_run(&text), expected, "{octet} at {at}");
            }
        }
    }

    #[test]
    fn runs() {
        assert_eq!(clean_run(b"ab\r\nc"), 5);
        assert_eq!(clean_run(b"ab\r\n.c"), 4);
        assert_eq!(clean_run(b"ab\r\nc\nd"), 5);
        assert_eq!(clean_run(b"ab\rc"), 2);
        assert_eq!(clean_run(b"ab\r"), 2);
        assert_eq!(clean_run(b""), 0);
    }
}
