// SPDX-License-Identifier: LGPL-2.1-or-later
//! A message's text: its headers, the empty line after them, its body, its end.

use super::header::Plan;
use super::lines::Lines;
use super::note::Output;
use super::opening::{EmptyLine, Opening, Step};
use super::options::{Body, Framing, Options};
use super::section::Section;
use crate::fault::{self, Layer};

/// What came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The headers; a body may follow.
    Headers,
    Message,
}

/// A text on its way.
#[derive(Debug)]
pub struct Text {
    options: Options,
    /// As long as it is not known how the text begins.
    opening: Option<Opening>,
    /// Until the headers are over.
    section: Option<Section>,
    place: Place,
    /// What a text without headers begins with is body; that no empty line has come in it.
    unheaded: Option<EmptyLine>,
    body_length: usize,
}

/// How far the text has come.
#[derive(Debug)]
enum Place {
    Headers,
    Body(Lines),
    BinaryBody,
    /// Complete; anything more would be taken for a command by the server.
    Over,
}

impl Text {
    /// A text of which nothing has come yet.
    #[must_use]
    pub fn new(plan: Plan, options: Options) -> Self {
        Self {
            options,
            opening: Some(Opening::default()),
            section: Some(Section::new(plan, options)),
            place: Place::Headers,
            unheaded: None,
            body_length: 0,
        }
    }

    /// Appends a block of the source's, cut anywhere.
    pub fn push(&mut self, block: &[u8], out: &mut Output) {
        fault::point(Layer::Content);
        let mut rest = block;
        if let Some(opening) = &mut self.opening {
            match opening.take(block) {
                Step::NeedsMore => return,
                Step::Again(held, rest) => {
                    self.push(&held, out);
                    return self.push(rest, out);
                }
                Step::Headers(text) => rest = text,
                Step::Body(text) => {
                    rest = text;
                    self.end_headers(out);
                    self.unheaded = Some(EmptyLine::default());
                }
            }
            self.opening = None;
        }
        if let Some(section) = &mut self.section {
            let Some(body) = section.push(rest, out) else {
                return;
            };
            rest = body;
            self.end_headers(out);
        }
        if self.unheaded.as_mut().is_some_and(|empty| empty.comes_in(rest)) {
            self.unheaded = None;
        }
        let before = out.wire.len();
        match &mut self.place {
            Place::Headers | Place::Over => {}
            Place::Body(lines) => lines.push(rest, out),
            Place::BinaryBody => out.wire.extend_from_slice(rest),
        }
        self.body_length += out.wire.len() - before;
    }

    /// How much of a block, from its start on, goes out as it is, so that it need not be
    /// copied: [`Text::pass`].
    #[must_use]
    pub fn clean_length(&self, block: &[u8]) -> usize {
        if self.unheaded.is_some() {
            return 0;
        }
        match &self.place {
            Place::Headers | Place::Over => 0,
            Place::Body(lines) => lines.clean_length(block),
            Place::BinaryBody => block.len(),
        }
    }

    /// Takes note of a run that goes out as it is.
    pub fn pass(&mut self, run: &[u8], out: &mut Output) {
        self.body_length += run.len();
        if let Place::Body(lines) = &mut self.place {
            lines.pass(run, out);
        }
    }

    /// How many octets of the body came out since this was asked last.
    pub fn take_body_length(&mut self) -> usize {
        std::mem::take(&mut self.body_length)
    }

    /// The source has no more: while headers are read, that ends the headers (a source without
    /// headers says so); after them it ends the message.
    pub fn end(&mut self, out: &mut Output) -> End {
        if let Some(begun) = self.opening.take().and_then(Opening::into_line) {
            self.end_headers(out);
            self.unheaded = Some(EmptyLine::default());
            self.push(&begun, out);
        }
        match &mut self.place {
            // What has come would have been headers, and a body may follow.
            Place::Body(_) | Place::BinaryBody if self.unheaded.take().is_some() => {
                self.end_line(out);
                End::Headers
            }
            Place::Headers => {
                self.end_headers(out);
                End::Headers
            }
            Place::Body(_) => {
                self.end_line(out);
                match self.options.framing {
                    Framing::Dots => out.wire.extend_from_slice(b".\r\n"),
                    Framing::Chunks => {}
                }
                self.place = Place::Over;
                End::Message
            }
            Place::BinaryBody | Place::Over => {
                self.place = Place::Over;
                End::Message
            }
        }
    }

    /// The text ends where it is; what was not told yet of what went out, is.
    pub fn abandon(&mut self, out: &mut Output) {
        if let Some(section) = &mut self.section {
            section.close_notes(out);
        }
    }

    fn end_line(&mut self, out: &mut Output) {
        let before = out.wire.len();
        if let Place::Body(lines) = &mut self.place {
            lines.end(out);
        }
        self.body_length += out.wire.len() - before;
    }

    fn end_headers(&mut self, out: &mut Output) {
        if let Some(section) = &mut self.section {
            section.end(out);
        }
        self.section = None;
        self.place = match self.options.body {
            Body::Lines => {
                let Options { framing, count, .. } = self.options;
                Place::Body(Lines::new(framing, count))
            }
            // Dots can only be told from text in lines.
            Body::Binary if self.options.framing == Framing::Dots => {
                Place::Body(Lines::new(Framing::Dots, false))
            }
            Body::Binary => Place::BinaryBody,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::super::facts::Facts;
    use super::super::header::{Headers, Value};
    use super::super::note::Note;
    use super::*;

    fn text(count: bool) -> Text {
        with(Framing::Dots, Body::Lines, count)
    }

    fn with(framing: Framing, body: Body, count: bool) -> Text {
        let mut headers = Headers::default();
        headers.set(b"Message-Id", Value::MessageId(Some(b"1"))).unwrap();
        let options = Options {
            framing,
            body,
            count,
            show_headers: false,
        };
        Text::new(headers.plan(&Facts::PLAIN), options)
    }

    const SUPPLIED: &str =
        "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\nFrom: me@example.org\r\nMessage-Id: <1>\r\n";

    /// Sends blocks, `None` being what a source says at an end.
    fn send(blocks: &[Option<&str>]) -> (String, Vec<End>) {
        let mut text = text(false);
        let mut out = Output::default();
        let mut ends = Vec::new();
        for block in blocks {
            match block {
                Some(block) => text.push(block.as_bytes(), &mut out),
                None => ends.push(text.end(&mut out)),
            }
        }
        (String::from_utf8(out.wire).unwrap(), ends)
    }

    #[test]
    fn headers_and_body_in_one_block() {
        let (wire, ends) = send(&[Some("Subject: x\r\n\r\nbody\r\n"), None]);
        assert_eq!(wire, format!("Subject: x\r\n{SUPPLIED}\r\nbody\r\n.\r\n"));
        assert_eq!(ends, [End::Message]);
    }

    #[test]
    fn a_source_without_headers_ends_them_at_once() {
        let (wire, ends) = send(&[None, Some("\r\nbody\r\n"), None]);
        assert_eq!(wire, format!("{SUPPLIED}\r\n\r\nbody\r\n.\r\n"));
        assert_eq!(ends, [End::Headers, End::Message]);
    }

    #[test]
    fn an_end_ends_headers_that_have_no_empty_line() {
        let (wire, _) = send(&[Some("Subject: x\r\nTo: y"), None, Some("body"), None]);
        assert_eq!(wire, format!("Subject: x\r\nTo: y\r\n{SUPPLIED}\r\nbody\r\n.\r\n"));
    }

    #[test]
    fn a_text_without_headers_is_all_body() {
        for text in [
            "Water!\r\nSensor 3: wet\r\n",
            "Water!\n\nSensor 3: wet\n",
            ": x\r\ny\r\n",
            " a: b\r\nc: d\r\n",
        ] {
            let body = text.replace("\r\n", "\n").replace('\n', "\r\n");
            let expected = format!("{SUPPLIED}\r\n{body}.\r\n");
            assert_eq!(send(&[Some(text), None, None]).0, expected);
            let mut blocks: Vec<Option<&str>> = (0..text.len()).map(|at| Some(&text[at..=at])).collect();
            blocks.extend([None, None]);
            assert_eq!(send(&blocks).0, expected);
        }
    }

    #[test]
    fn a_text_without_headers_ends_as_it_would_with_them() {
        // No empty line: the source is asked for a body.
        assert_eq!(send(&[Some("no header\n"), None, Some("more"), None]).1, [End::Headers, End::Message]);
        assert_eq!(send(&[Some("word"), None, None]).0, format!("{SUPPLIED}\r\nword\r\n.\r\n"));
        assert_eq!(
            send(&[Some("word"), None, Some("x"), None]).0,
            format!("{SUPPLIED}\r\nword\r\nx\r\n.\r\n")
        );
        // One that came in parts.
        for blocks in [["no header\n\n", ""], ["no header\n", "\n"], ["no header\r\n\r", "\nx: y"]] {
            let [one, two] = blocks.map(Some);
            assert_eq!(send(&[one, two, None]).1, [End::Message]);
        }
        // The end of a line that came in parts is none.
        for blocks in [["no header", "\nmore"], ["no header\nmo", "\nre"], ["no header\nmo\r", "\nre"]] {
            let [one, two] = blocks.map(Some);
            assert_eq!(send(&[one, two, None, None]).1, [End::Headers, End::Message]);
        }
    }

    #[test]
    fn an_mbox_line_is_dropped() {
        let expected = format!("To: b\r\n{SUPPLIED}\r\nbody\r\n.\r\n");
        let lines =
            ["From a@b Mon Jan  1 00:00:00 2001\n", ">From a@b  x\r\n", "From a\n>From b\n", "From \n"];
        for line in lines {
            let text = format!("{line}To: b\n\nbody\n");
            assert_eq!(send(&[Some(&text), None]).0, expected, "{line:?}");
            let mut blocks: Vec<Option<&str>> = (0..text.len()).map(|at| Some(&text[at..=at])).collect();
            blocks.push(None);
            assert_eq!(send(&blocks).0, expected, "{line:?}");
        }
        let body = send(&[Some("From a\nFrom b\n"), None, None]).0;
        assert_eq!(body, format!("{SUPPLIED}\r\nFrom b\r\n.\r\n"));
        assert_eq!(send(&[Some("From a"), None, None]).0, format!("{SUPPLIED}\r\n.\r\n"));
        for header in ["From: a", "From : a", "From  \t: a", "From\t: a"] {
            let (wire, _) = send(&[Some(header), Some("\n\n"), None]);
            assert!(wire.starts_with(header), "{wire}");
        }
    }

    #[test]
    fn a_binary_text_begins_as_others_do() {
        let mut text = with(Framing::Chunks, Body::Binary, false);
        let mut out = Output::default();
        text.push(b"From x\nno header\n\r", &mut out);
        text.push(b"\0", &mut out);
        assert_eq!(text.end(&mut out), End::Headers);
        assert_eq!(text.end(&mut out), End::Message);
        assert_eq!(out.wire, [SUPPLIED.as_bytes(), b"\r\nno header\n\r\0"].concat());
        assert_eq!(text.take_body_length(), 12);
    }

    #[test]
    fn an_empty_message() {
        let (wire, ends) = send(&[None, None]);
        assert_eq!(wire, format!("{SUPPLIED}\r\n.\r\n"));
        assert_eq!(ends, [End::Headers, End::Message]);
    }

    #[test]
    fn nothing_follows_the_end() {
        let (wire, _) = send(&[Some("\nbody\n"), None, Some("QUIT\r\n"), None]);
        assert_eq!(wire, format!("{SUPPLIED}\r\nbody\r\n.\r\n"));
    }

    #[test]
    fn chunks_have_no_dots_and_count_their_octets() {
        let mut text = with(Framing::Chunks, Body::Lines, true);
        let mut out = Output::default();
        text.push(b"To: b\n\n.a\nb", &mut out);
        assert_eq!(out.notes, [7, 39, 22, 17].map(Note::Data));
        assert_eq!(text.take_body_length(), 5);
        assert_eq!(text.end(&mut out), End::Message);
        assert_eq!(text.take_body_length(), 2);
        assert!(out.wire.ends_with(b"\r\n\r\n.a\r\nb\r\n"));
    }

    #[test]
    fn a_binary_body_passes_as_it_is() {
        let mut text = with(Framing::Chunks, Body::Binary, false);
        let mut out = Output::default();
        text.push(b"To: b\n\n\r.\n\0\r", &mut out);
        text.push(b"\n", &mut out);
        assert_eq!(text.end(&mut out), End::Message);
        assert_eq!(text.take_body_length(), 6);
        assert!(out.wire.ends_with(b"\r\n\r\n\r.\n\0\r\n"));
    }

    #[test]
    fn headers_and_lines_are_counted_but_not_the_empty_line() {
        let mut text = text(true);
        let mut out = Output::default();
        text.push(b"To: b\n c\n\nbody\n\n.\n", &mut out);
        text.end(&mut out);
        assert_eq!(out.notes, [11, 39, 22, 17, 6, 2, 3].map(Note::Data));
    }

    #[test]
    fn what_needs_no_change_need_not_be_copied() {
        let clean = b"clean\r\n";
        let mut out = Output::default();
        for (framing, body, dotted) in [
            (Framing::Dots, Body::Lines, 0),
            (Framing::Chunks, Body::Lines, 4),
            (Framing::Chunks, Body::Binary, 4),
        ] {
            let mut text = with(framing, body, false);
            assert_eq!(text.clean_length(clean), 0, "headers have rules");
            text.push(b"To: b\n\n", &mut out);
            assert_eq!(text.clean_length(clean), clean.len());
            assert_eq!(text.clean_length(b".a\r\n"), dotted);
            text.end(&mut out);
            assert_eq!(text.clean_length(clean), 0, "nothing follows the end");
        }
        let mut text = text(false);
        text.push(b"no header\n", &mut out);
        assert_eq!(text.clean_length(clean), 0, "an empty line is looked for");
        text.push(b"\n", &mut out);
        assert_eq!(text.clean_length(clean), clean.len());
    }

    #[test]
    fn a_text_that_is_given_up_tells_of_the_header_that_went_out() {
        let mut text = text(true);
        let mut out = Output::default();
        text.push(b"To: b\n", &mut out);
        assert_eq!(out.notes, []);
        text.abandon(&mut out);
        assert_eq!(out.notes, [Note::Data(7)]);
        assert_eq!(out.wire, b"To: b\r\n");
    }

    /// It would end where it has a line with nothing but a dot.
    #[test]
    fn dots_make_lines_of_a_binary_body() {
        let mut text = with(Framing::Dots, Body::Binary, false);
        let mut out = Output::default();
        text.push(b"To: b\n\na\r.\n.\r\nb", &mut out);
        assert_eq!(text.end(&mut out), End::Message);
        assert!(out.wire.ends_with(b"\r\n\r\na\r\n..\r\n..\r\nb\r\n.\r\n"));
    }
}
