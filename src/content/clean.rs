// SPDX-License-Identifier: LGPL-2.1-or-later
//! The search for text that can be sent as it is.

use memchr::memchr2;

use super::{CR, CRLF, LF};
use crate::host::{Wide, wide};

/// How much of `text`, from its start on, can be sent as it is: up to a bare CR or LF, or up
/// to a dot after a line end. (A CR at the end of `text` counts as bare.)
#[inline]
pub(super) fn clean_run(text: &[u8]) -> usize {
    let mut clean = 0;
    while let Some(stop) = text.get(clean..).and_then(|rest| memchr2(CR, LF, rest)) {
        let at = clean + stop;
        match text.get(at..) {
            Some([CR, LF, b'.', ..]) => return at + CRLF.len(),
            Some([CR, LF, ..]) => clean = at + CRLF.len(),
            _ => return at,
        }
        // Text whose first line is clean is mostly clean: whole windows of it are looked at
        // once before its lines are. With other text that would be work for nothing.
        clean += wide(Windows { text, start: clean });
        // Windows end anywhere: behind a CR, or before a dot that begins a line.
        match text.get(clean - 1..) {
            Some([CR, ..]) => clean -= 1,
            Some([LF, b'.', ..]) => return clean,
            _ => {}
        }
    }
    text.len()
}

/// Octets that are looked at together.
pub(super) const WINDOW: usize = 256;

/// Clean windows of a text from a position on, before which a line ends and all is clean.
struct Windows<'a> {
    text: &'a [u8],
    start: usize,
}

impl Wide for Windows<'_> {
    type Output = usize;

    /// How many octets they are.
    #[inline(always)]
    fn run(self) -> usize {
        let before = self.start.checked_sub(1).and_then(|before| self.text.get(before..));
        let from_start = self.text.get(self.start..).unwrap_or_default();
        let before = before.unwrap_or_default().chunks_exact(WINDOW);
        let pairs = before.zip(from_start.chunks_exact(WINDOW));
        let whole = pairs.len();
        let clean = pairs.take_while(|(before, window)| is_clean(before, window)).count();
        if clean == whole && self.ends_clean() {
            from_start.len()
        } else {
            WINDOW * clean
        }
    }
}

impl Windows<'_> {
    /// Whether the last window of the text, which may overlap others, is clean.
    #[inline(always)]
    fn ends_clean(&self) -> bool {
        let window = self.text.last_chunk::<WINDOW>();
        let before = self.text.split_last().and_then(|(_, before)| before.last_chunk::<WINDOW>());
        window.zip(before).is_some_and(|(window, before)| is_clean(before, window))
    }
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
        let lines =
            b"seventy-six columns or so of text that has nothing wrong with it at all.\r\n".repeat(60);
        // As long as some windows, one less and one more.
        for length in [WINDOW - 1, WINDOW, WINDOW + 1, 2 * WINDOW, 3 * WINDOW + 77, lines.len()] {
            each_octet_stops(lines.get(..length).expect("long enough"));
        }
    }

    fn each_octet_stops(clean: &[u8]) {
        for at in 0..clean.len() {
            for octet in [CR, LF, b'.'] {
                let mut text = clean.to_vec();
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
