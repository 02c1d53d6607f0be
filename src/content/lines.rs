// SPDX-License-Identifier: LGPL-2.1-or-later
//! Line ends and dots of a body in DATA.
//!
//! RFC 5321 §2.3.8: a client must send CR and LF only together, as the end of a line. A
//! server that takes another view of a bare one could be made to see the end of the message
//! in the middle of it (SMTP smuggling), so here each of them becomes a whole line end.
//! RFC 5321 §4.5.2: a line that starts with a dot gets one more.

use memchr::{memchr, memchr2, memrchr};

use super::note::{Note, Output};
use super::options::Framing;
use super::{CR, CRLF, LF};

/// Turns blocks of a body, cut anywhere, into lines.
#[derive(Debug)]
pub(super) struct Lines {
    dots: bool,
    count: bool,
    /// Nothing of the present line has come yet.
    at_start: bool,
    /// The last octet was a CR, for which a line end was written: an LF belongs to it.
    after_cr: bool,
    /// Octets of the present line without an added dot; only if lines are counted.
    length: usize,
}

impl Lines {
    /// A body is about to start.
    pub(super) fn new(framing: Framing, count: bool) -> Self {
        Self {
            dots: framing == Framing::Dots,
            count: count && framing == Framing::Dots,
            at_start: true,
            after_cr: false,
            length: 0,
        }
    }

    /// Appends a block of the body.
    pub(super) fn push(&mut self, block: &[u8], out: &mut Output) {
        let mut rest = block;
        if let (true, Some((&first, after))) = (self.after_cr, rest.split_first()) {
            self.after_cr = false;
            if first == LF {
                rest = after;
            }
        }
        out.wire.reserve(rest.len());
        if !self.count {
            return self.encode(rest, out);
        }
        while let Some((line, after)) = memchr(LF, rest).and_then(|at| rest.split_at_checked(at + 1)) {
            self.encode(line, out);
            rest = after;
        }
        self.encode(rest, out);
    }

    /// How much of a block, from its start on, needs no change; nothing if its lines are to be
    /// counted.
    #[inline(always)]
    pub(super) fn clean_length(&self, block: &[u8]) -> usize {
        let dot = self.dots && self.at_start && block.first() == Some(&b'.');
        if self.count || self.after_cr || dot { 0 } else { clean_run(block) }
    }

    /// Takes note of a run that needs no change.
    pub(super) fn pass(&mut self, run: &[u8]) {
        if let Some(last) = run.last() {
            self.at_start = *last == LF;
        }
    }

    /// Ends the last line, if it has no end.
    pub(super) fn end(&mut self, out: &mut Output) {
        if !self.at_start {
            self.end_line(out);
        }
    }

    /// Appends text; if lines are counted, an LF is at most its last octet.
    fn encode(&mut self, text: &[u8], out: &mut Output) {
        let mut rest = text;
        while let Some(&first) = rest.first() {
            if self.dots && self.at_start && first == b'.' {
                out.wire.push(b'.');
            }
            let Some((run, after)) = rest.split_at_checked(clean_run(rest)) else {
                return;
            };
            if !run.is_empty() {
                out.wire.extend_from_slice(run);
                self.at_start = run.last() == Some(&LF);
                if self.count {
                    self.length += run.len();
                    if self.at_start {
                        self.note(out);
                    }
                }
            }
            // What stopped the run: a dot at the start of a line, or a bare CR or LF.
            rest = match after {
                [CR, LF, ..] | [b'.', ..] | [] => after,
                [end, after @ ..] => {
                    self.end_line(out);
                    self.after_cr = *end == CR && after.is_empty();
                    after
                }
            };
        }
    }

    fn end_line(&mut self, out: &mut Output) {
        out.wire.extend_from_slice(CRLF);
        self.at_start = true;
        if self.count {
            self.length += CRLF.len();
            self.note(out);
        }
    }

    fn note(&mut self, out: &mut Output) {
        out.notes.push_back(Note::Data(std::mem::take(&mut self.length)));
    }
}

/// How much of `text`, from its start on, can be sent as it is: up to a bare CR or LF, or up
/// to a dot after a line end. (A CR at the end of `text` counts as bare.)
#[inline(always)]
fn clean_run(text: &[u8]) -> usize {
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
const WINDOW: usize = 512;

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

    fn encode(blocks: &[&str]) -> String {
        let mut lines = Lines::new(Framing::Dots, false);
        let mut out = Output::default();
        for block in blocks {
            lines.push(block.as_bytes(), &mut out);
        }
        lines.end(&mut out);
        assert!(out.notes.is_empty());
        String::from_utf8(out.wire).unwrap()
    }

    fn count(blocks: &[&str]) -> Vec<Note> {
        let mut lines = Lines::new(Framing::Dots, true);
        let mut out = Output::default();
        for block in blocks {
            lines.push(block.as_bytes(), &mut out);
        }
        lines.end(&mut out);
        assert_eq!(String::from_utf8(out.wire).unwrap(), encode(blocks));
        out.notes.into()
    }

    #[test]
    fn clean_text_is_left_alone() {
        for text in ["", "a\r\n", "\r\n", "a\r\n\r\nb.\r\n . \r\n"] {
            assert_eq!(encode(&[text]), text);
        }
    }

    #[test]
    fn each_line_end_becomes_crlf() {
        assert_eq!(encode(&["a\nb\n\nc\n"]), "a\r\nb\r\n\r\nc\r\n");
        assert_eq!(encode(&["a\rb\r\rc\r"]), "a\r\nb\r\n\r\nc\r\n");
        assert_eq!(encode(&["a\r\r\nb\n\rc"]), "a\r\n\r\nb\r\n\r\nc\r\n");
    }

    #[test]
    fn a_line_end_may_be_cut() {
        assert_eq!(encode(&["a\r", "\nb"]), "a\r\nb\r\n");
        assert_eq!(encode(&["a\r", "", "\nb\r\n"]), "a\r\nb\r\n");
        assert_eq!(encode(&["a\r", "\r\nb"]), "a\r\n\r\nb\r\n");
        assert_eq!(encode(&["a\r", "b"]), "a\r\nb\r\n");
        assert_eq!(encode(&["a\r"]), "a\r\n");
        assert_eq!(encode(&["a\r\n", "\nb"]), "a\r\n\r\nb\r\n");
    }

    #[test]
    fn the_last_line_is_ended() {
        assert_eq!(encode(&["a"]), "a\r\n");
        assert_eq!(encode(&["."]), "..\r\n");
    }

    #[test]
    fn dots_at_the_start_of_lines_are_doubled() {
        assert_eq!(encode(&[".\r\n..\r\na.\r\n.a"]), "..\r\n...\r\na.\r\n..a\r\n");
        assert_eq!(encode(&["a\r\n", ".", ".\r\n"]), "a\r\n...\r\n");
    }

    #[test]
    fn a_dot_after_a_bare_line_end_is_at_the_start_of_a_line() {
        assert_eq!(encode(&["a\n.\nb"]), "a\r\n..\r\nb\r\n");
        assert_eq!(encode(&["a\r.\rb"]), "a\r\n..\r\nb\r\n");
        assert_eq!(encode(&["a\r", ".\r", "\nb"]), "a\r\n..\r\nb\r\n");
    }

    #[test]
    fn lines_are_counted_as_they_are_sent_but_for_added_dots() {
        let lines = |lengths: &[usize]| lengths.iter().map(|length| Note::Data(*length)).collect::<Vec<_>>();
        assert_eq!(count(&["body1\r\n.x\r\nlast"]), lines(&[7, 4, 6]));
        assert_eq!(count(&["a\nb\rc\r\n"]), lines(&[3, 3, 3]));
        assert_eq!(count(&["a", "bc", "d\r", "\n", "\r\n"]), lines(&[6, 2]));
        assert_eq!(count(&[""]), []);
    }

    #[test]
    fn a_line_without_end_is_not_kept() {
        let mut lines = Lines::new(Framing::Dots, true);
        let mut out = Output::default();
        for _ in 0..100 {
            lines.push(&[b'x'; 10_000], &mut out);
            assert_eq!(out.wire.len(), 10_000);
            assert!(out.notes.is_empty());
            out.wire.clear();
        }
        lines.end(&mut out);
        assert_eq!(out.notes, [Note::Data(1_000_002)]);
    }

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
    fn a_dot_behind_whole_windows_is_doubled() {
        for windows in 1..4 {
            let long = "x".repeat(windows * WINDOW - CRLF.len());
            let text = format!("a\r\nb\r\n{long}\r\n.\r\nMAIL FROM:<forged@example.org>\r\n");
            assert_eq!(encode(&[&text]), text.replace("\r\n.\r\n", "\r\n..\r\n"));
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
