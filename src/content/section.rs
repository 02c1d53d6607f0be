// SPDX-License-Identifier: LGPL-2.1-or-later
//! The header section of a message as it passes (RFC 5322 §2.2).
//!
//! Each header's fate is settled by its name, before any of it is sent; what follows the name
//! streams past or is dropped. The section ends with the first empty line or where the source
//! says so. Then come the headers that the message lacks, and an empty line.

use memchr::{memchr2, memchr3};

use super::header::{Fate, NAME_MAX, Plan};
use super::note::{HeaderNotes, Output};
use super::options::{Framing, Options};
use super::{CR, CRLF, LF};

/// The header section under way.
#[derive(Debug)]
pub(super) struct Section {
    plan: Plan,
    dots: bool,
    line: Line,
    /// The last octet was a CR; what it is worth depends on the next.
    after_cr: bool,
    /// What may be the beginning of a header's name.
    name: Vec<u8>,
    /// Whether the present header goes out.
    passes: bool,
    notes: HeaderNotes,
}

/// Where in a line we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// Nothing of it has come.
    Start,
    /// In what may be a header's name; it is held back.
    Name,
    /// In a header whose fate is settled.
    Settled,
}

impl Section {
    pub(super) fn new(plan: Plan, options: Options) -> Self {
        Self {
            plan,
            dots: options.framing == Framing::Dots,
            line: Line::Start,
            after_cr: false,
            name: Vec::new(),
            passes: true,
            notes: HeaderNotes::new(options.count, options.show_headers),
        }
    }

    /// Appends a block. After the empty line: what follows it in the block.
    pub(super) fn push<'a>(&mut self, block: &'a [u8], out: &mut Output) -> Option<&'a [u8]> {
        let mut rest = block;
        while let Some(&first) = rest.first() {
            if std::mem::take(&mut self.after_cr) && first != LF {
                // A bare CR ends no header; nor may it be sent (RFC 5321 §2.3.8).
                self.run(b" ", out);
            }
            let stop = memchr2(CR, LF, rest).unwrap_or(rest.len());
            let (run, after) = rest.split_at_checked(stop)?;
            if let [CR, LF, after @ ..] = after {
                rest = after;
                if self.line == Line::Start {
                    let (line, _) = block.split_at_checked(block.len() - after.len())?;
                    let line = line.get(line.len() - run.len() - CRLF.len()..)?;
                    if run.is_empty() {
                        return Some(rest);
                    }
                    self.whole(line, run, out);
                } else {
                    self.run(run, out);
                    self.end_line(out);
                }
                continue;
            }
            self.run(run, out);
            let (end, after) = after.split_first()?;
            rest = after;
            if *end == CR {
                self.after_cr = true;
            } else if self.line == Line::Start {
                return Some(rest);
            } else {
                self.end_line(out);
            }
        }
        None
    }

    /// Takes a line in one piece, which needs no change; `text` is the same without its end.
    fn whole(&mut self, line: &[u8], text: &[u8], out: &mut Output) {
        if matches!(text, [b' ' | b'\t', ..]) {
            return self.write(line, out);
        }
        self.notes.close(&mut out.notes);
        let stop = text.iter().position(|octet| matches!(octet, b':' | b' ' | b'\t'));
        let fate = match stop.and_then(|stop| text.split_at_checked(stop)) {
            Some((name, [b':', ..])) if name.len() <= NAME_MAX => self.plan.meet(name),
            _ => Fate::Passes,
        };
        self.passes = matches!(fate, Fate::Passes);
        match fate {
            Fate::Passes => self.start(line, out),
            Fate::Dropped => {}
            Fate::Replaced(header) => add(header, self.dots, &mut self.notes, out),
        }
    }

    /// Notes the header before the present line: nothing follows that could continue it.
    pub(super) fn close_notes(&mut self, out: &mut Output) {
        if self.line == Line::Start {
            self.notes.close(&mut out.notes);
        }
    }

    /// Ends the section: adds what the message lacks, then the empty line.
    pub(super) fn end(&mut self, out: &mut Output) {
        if self.after_cr {
            self.run(b" ", out);
        }
        if self.line != Line::Start {
            self.end_line(out);
        }
        self.notes.close(&mut out.notes);
        for header in self.plan.missing() {
            add(header, self.dots, &mut self.notes, out);
        }
        out.wire.extend_from_slice(CRLF);
    }

    /// Takes part of a line, without line ends.
    fn run(&mut self, run: &[u8], out: &mut Output) {
        let Some(&first) = run.first() else {
            return;
        };
        if self.line == Line::Start {
            // A line that starts with a blank continues the header before it.
            if matches!(first, b' ' | b'\t') {
                self.line = Line::Settled;
            } else {
                self.notes.close(&mut out.notes);
                self.line = Line::Name;
            }
        }
        match self.line {
            Line::Name => self.name(run, out),
            _ => self.write(run, out),
        }
    }

    /// Looks for the end of a name. What has a blank before the colon, or no colon where one
    /// must be, is no header that a rule could be meant for.
    fn name(&mut self, run: &[u8], out: &mut Output) {
        let stop = memchr3(b':', b' ', b'\t', run).unwrap_or(run.len());
        let room = NAME_MAX.saturating_sub(self.name.len());
        let Some((part, after)) = run.split_at_checked(stop.min(room)) else {
            return;
        };
        self.name.extend_from_slice(part);
        match after {
            [] => return,
            [b':', ..] => self.settle(true, out),
            _ => self.settle(false, out),
        }
        self.write(after, out);
    }

    /// What was held back is the start of a header, or of some other line.
    fn settle(&mut self, is_header: bool, out: &mut Output) {
        self.line = Line::Settled;
        let mut name = std::mem::take(&mut self.name);
        let fate = if is_header { self.plan.meet(&name) } else { Fate::Passes };
        self.passes = matches!(fate, Fate::Passes);
        match fate {
            Fate::Passes => self.start(&name, out),
            Fate::Dropped => {}
            Fate::Replaced(header) => add(header, self.dots, &mut self.notes, out),
        }
        name.clear();
        self.name = name;
    }

    fn end_line(&mut self, out: &mut Output) {
        if self.line == Line::Name {
            self.settle(false, out);
        }
        self.write(CRLF, out);
        self.line = Line::Start;
    }

    /// Writes the start of a line.
    fn start(&mut self, text: &[u8], out: &mut Output) {
        start(text, self.dots, out);
        self.notes.add(text, &mut out.notes);
    }

    /// Writes more of the present header, if it goes out.
    fn write(&mut self, text: &[u8], out: &mut Output) {
        if self.passes {
            out.wire.extend_from_slice(text);
            self.notes.add(text, &mut out.notes);
        }
    }
}

/// Writes a header of the library's.
fn add(header: &[u8], dots: bool, notes: &mut HeaderNotes, out: &mut Output) {
    start(header, dots, out);
    notes.add(header, &mut out.notes);
    notes.close(&mut out.notes);
}

fn start(text: &[u8], dots: bool, out: &mut Output) {
    if dots && text.first() == Some(&b'.') {
        out.wire.push(b'.');
    }
    out.wire.extend_from_slice(text);
}

#[cfg(test)]
mod tests {
    use super::super::facts::Facts;
    use super::super::header::{HeaderOption, Headers, Value};
    use super::super::note::Note;
    use super::super::options::Body;
    use super::*;

    /// `Bcc` and `Z-…` are prohibited, `Subject` overridden, nothing missing but Date and From.
    fn section(show: bool) -> Section {
        let mut headers = Headers::default();
        headers.set_option(b"Message-Id", HeaderOption::Prohibit(true)).unwrap();
        headers.set_option(b"Bcc", HeaderOption::Prohibit(true)).unwrap();
        headers.set_option(b"Z-", HeaderOption::Prohibit(true)).unwrap();
        headers.set(b"Subject", Value::Text(Some(b"mine"))).unwrap();
        headers.set_option(b"Subject", HeaderOption::Override(true)).unwrap();
        let options = Options {
            framing: Framing::Dots,
            body: Body::Lines,
            count: show,
            show_headers: show,
        };
        Section::new(headers.plan(&Facts::PLAIN), options)
    }

    const DATE_AND_FROM: &str = "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\nFrom: me@example.org\r\n";

    /// What is sent of lines that leave no header missing.
    fn send(lines: &str) -> String {
        let mut section = section(false);
        let mut out = Output::default();
        assert_eq!(section.push(DATE_AND_FROM.as_bytes(), &mut out), None);
        assert_eq!(section.push(b"Subject: theirs\n", &mut out), None);
        out.wire.clear();
        assert_eq!(section.push(lines.as_bytes(), &mut out), None);
        section.end(&mut out);
        let wire = String::from_utf8(out.wire).unwrap();
        wire.strip_suffix("\r\n").unwrap().to_owned()
    }

    #[test]
    fn the_empty_line_ends_the_section() {
        for empty in ["\r\n", "\n"] {
            let mut out = Output::default();
            let block = format!("A: 1\r\n{empty}\r\nbody");
            let rest = section(false).push(block.as_bytes(), &mut out).map(<[u8]>::to_vec);
            assert_eq!(rest.as_deref(), Some(&b"\r\nbody"[..]));
            assert_eq!(out.wire, b"A: 1\r\n");
        }
    }

    #[test]
    fn a_header_goes_with_its_continuation_lines() {
        let sent = send("Bcc: a,\r\n\tb,\r\n c\r\nTo: a,\n\tb\n c\nBCC:\r\n x\r\n");
        assert_eq!(sent, "To: a,\r\n\tb\r\n c\r\n");
    }

    #[test]
    fn what_is_no_header_passes() {
        let odd = "no colon\r\n: empty\r\nBcc : x\r\nBcc\t: x\r\nBcc\r\n : x\r\nB\0cc: x\r\n\u{e9}: x\r\n";
        assert_eq!(send(odd), odd);
        let mut out = Output::default();
        section(false).push(b" first\r\nBcc: x\r\n", &mut out);
        assert_eq!(out.wire, b" first\r\n");
    }

    /// Whether it comes in one piece or not.
    #[test]
    fn a_name_that_is_too_long_is_no_header() {
        for (length, passes) in [(3, false), (998, false), (999, true)] {
            let line = format!("Z-{}: v\r\n", "x".repeat(length - 2));
            for blocks in [vec![line.as_str()], line.split_inclusive('x').collect()] {
                let mut section = section(false);
                let mut out = Output::default();
                blocks.iter().for_each(|block| assert_eq!(section.push(block.as_bytes(), &mut out), None));
                assert_eq!(out.wire, if passes { line.as_bytes() } else { b"" }, "{length}");
            }
        }
    }

    /// What was read of a header is told of once it is whole.
    #[test]
    fn notes_are_closed_behind_a_whole_header() {
        for (text, notes) in [("To: b\r\n", 2), ("To: b", 0), ("To: b\r\nCc", 2), ("To: b\r\n c", 0)] {
            let mut section = section(true);
            let mut out = Output::default();
            section.push(text.as_bytes(), &mut out);
            section.close_notes(&mut out);
            assert_eq!(out.notes.len(), notes, "{text:?}");
        }
    }

    #[test]
    fn a_bare_cr_is_a_blank() {
        assert_eq!(send("To: a\rBcc: b\r\r\n"), "To: a Bcc: b \r\n");
        assert_eq!(send("To: a\r\n\rb\r\n"), "To: a\r\n b\r\n");
        assert_eq!(send("To: a\r"), "To: a \r\n");
        assert_eq!(send("Bcc\r: x\r\n"), "Bcc : x\r\n");
    }

    #[test]
    fn dots_are_doubled() {
        assert_eq!(send(".a: 1\r\n.\r\n..\n .\n"), "..a: 1\r\n..\r\n...\r\n .\r\n");
        let long = format!(".{}", "x".repeat(2 * NAME_MAX));
        assert_eq!(send(&long), format!(".{long}\r\n"));
    }

    #[test]
    fn a_replaced_header_keeps_its_place() {
        let mut section = section(false);
        let mut out = Output::default();
        section.push(b"A: 1\r\nSubject: theirs\r\n more\r\nB: 2\r\n", &mut out);
        assert_eq!(out.wire, b"A: 1\r\nSubject: mine\r\nB: 2\r\n");
    }

    #[test]
    fn missing_headers_come_last_and_are_shown() {
        let mut section = section(true);
        let mut out = Output::default();
        section.push(b"Bcc: x\n.A: 1\n b\n", &mut out);
        section.end(&mut out);
        let wire = format!("..A: 1\r\n b\r\n{DATE_AND_FROM}Subject: mine\r\n\r\n");
        assert_eq!(String::from_utf8(out.wire).unwrap(), wire);
        let shown = [".A: 1\r\n b\r\n", DATE_AND_FROM.split_inclusive('\n').next().unwrap()];
        assert_eq!(out.notes[0], Note::Data(11));
        assert_eq!(out.notes[1], Note::Header(shown[0].as_bytes().into()));
        assert_eq!(out.notes[2], Note::Data(39));
        assert_eq!(out.notes[3], Note::Header(shown[1].as_bytes().into()));
        assert_eq!(out.notes.len(), 8);
    }

    #[test]
    fn an_endless_header_is_not_kept() {
        for name in [&b""[..], b"To: ", b"Bcc: "] {
            let mut section = section(false);
            let mut out = Output::default();
            let mut sent = 0;
            section.push(name, &mut out);
            for _ in 0..100 {
                section.push(&[b'x'; 10_000], &mut out);
                sent += out.wire.len();
                assert!(section.name.capacity() <= 2 * NAME_MAX);
                out.wire.clear();
            }
            let expected = if name == b"Bcc: " { 0 } else { name.len() + 1_000_000 };
            assert_eq!(sent, expected);
        }
    }
}
