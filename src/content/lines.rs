// SPDX-License-Identifier: LGPL-2.1-or-later
//! Line ends and dots of a body in DATA.
//!
//! RFC 5321 §2.3.8: a client must send CR and LF only together, as the end of a line. A
//! server that takes another view of a bare one could be made to see the end of the message
//! in the middle of it (SMTP smuggling), so here each of them becomes a whole line end.
//! RFC 5321 §4.5.2: a line that starts with a dot gets one more.

use super::clean::clean_run;
use super::note::{Note, Output};
use super::options::Framing;
use super::{CR, CRLF, LF};
use crate::host::each_position;

/// Octets of a usual line.
const USUAL: usize = 64;

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
        self.encode(rest, out);
    }

    /// How much of a block, from its start on, needs no change.
    pub(super) fn clean_length(&self, block: &[u8]) -> usize {
        let dot = self.dots && self.at_start && block.first() == Some(&b'.');
        if self.after_cr || dot { 0 } else { clean_run(block) }
    }

    /// Takes note of a run that needs no change.
    pub(super) fn pass(&mut self, run: &[u8], out: &mut Output) {
        let Some(last) = run.last() else { return };
        self.at_start = *last == LF;
        if !self.count {
            return;
        }
        out.notes.reserve(run.len() / USUAL);
        let mut start = 0;
        each_position(LF, run, |end| {
            out.notes.push_back(Note::Data(self.length + end + 1 - start));
            self.length = 0;
            start = end + 1;
        });
        self.length += run.len() - start;
    }

    /// Ends the last line, if it has no end.
    pub(super) fn end(&mut self, out: &mut Output) {
        self.after_cr = false;
        if !self.at_start {
            self.end_line(out);
        }
    }

    fn encode(&mut self, text: &[u8], out: &mut Output) {
        let mut rest = text;
        while let Some(&first) = rest.first() {
            if self.dots && self.at_start && first == b'.' {
                out.wire.push(b'.');
            }
            let Some((run, after)) = rest.split_at_checked(clean_run(rest)) else {
                return;
            };
            out.wire.extend_from_slice(run);
            self.pass(run, out);
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

#[cfg(test)]
mod tests {
    use super::super::clean::WINDOW;
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

    /// What needs no change is not copied.
    #[test]
    fn so_much_needs_no_change() {
        let mut out = Output::default();
        let mut lines = Lines::new(Framing::Dots, false);
        assert_eq!(lines.clean_length(b"a.\r\nb"), 5);
        assert_eq!(lines.clean_length(b"a\r\n.b"), 3);
        assert_eq!(lines.clean_length(b".a"), 0);
        lines.push(b"a", &mut out);
        assert_eq!(lines.clean_length(b".a\r\n"), 4);
        lines.push(b"\r", &mut out);
        assert_eq!(lines.clean_length(b"\na"), 0, "it belongs to the CR");
        let without_dots = Lines::new(Framing::Chunks, false);
        assert_eq!(without_dots.clean_length(b".a"), 2);
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
    fn a_dot_behind_whole_windows_is_doubled() {
        for windows in 1..4 {
            let long = "x".repeat(windows * WINDOW - CRLF.len());
            let text = format!("a\r\nb\r\n{long}\r\n.\r\nMAIL FROM:<forged@example.org>\r\n");
            assert_eq!(encode(&[&text]), text.replace("\r\n.\r\n", "\r\n..\r\n"));
        }
    }
}
