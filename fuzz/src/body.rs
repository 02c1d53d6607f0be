// SPDX-License-Identifier: LGPL-2.1-or-later
//! The body of a message against the plainest encoder there can be: octet by octet, the whole
//! text at once. What goes out, what is told of it, what is counted.

use esmtp::content::header::Headers;
use esmtp::content::{Body, End, Framing, Note, Options, Output, Text};

use super::Target;
use super::headers::facts;
use super::input::Input;
use super::shapes::{self, Cuts};

pub(crate) const BODY: Target = Target {
    name: "body",
    run: body,
    seeds: &[
        // A dot behind a line of 512 octets; the same behind eight lines of 64.
        b"\x00\x00\x00\x03\x07\x06a\r\nb\r\n\x00\x00\x0e\x0f\x00\x03",
        b"\x00\x00\x00\x03\x07\x06a\r\nb\r\n\x01\x00\x05\x0f\x00\x0e\x0f\x03",
        b"\x02\x01\x00\x02\x0f\x07\x0e.\r\n..\r\n.\n.\r\r\n\n.",
        b"\x05\x00\x01\x04\x07\x09a\r\x00\n.\r\n.\n",
    ],
};

/// A body on its way, and how it goes.
pub(crate) struct Case {
    pub(crate) options: Options,
    /// Runs that need no change are looked for first, as for large blocks.
    runs: bool,
    /// The source ends its headers, of which it has none; else they are in the first block.
    ends_headers: bool,
    pub(crate) cuts: Cuts,
    pub(crate) text: Vec<u8>,
}

/// What came of it.
#[derive(Default)]
pub(crate) struct Sent {
    pub(crate) wire: Vec<u8>,
    pub(crate) lines: Vec<usize>,
    pub(crate) octets: usize,
}

impl Case {
    pub(crate) fn new(data: &[u8]) -> Self {
        let mut input = Input::new(data);
        let (framing, body) = match input.below(6) {
            0..=2 => (Framing::Dots, Body::Lines),
            3 => (Framing::Chunks, Body::Lines),
            _ => (Framing::Chunks, Body::Binary),
        };
        let options = Options {
            framing,
            body,
            count: input.flag(),
            show_headers: false,
        };
        let cuts = Cuts::new(&mut input);
        let how = input.byte();
        Self {
            options,
            runs: how & 1 == 1,
            ends_headers: how & 2 == 2,
            cuts,
            text: shapes::text(&mut input),
        }
    }

    /// Sends it by the library.
    pub(crate) fn send(&self) -> Sent {
        let mut text = Text::new(Headers::default().plan(&facts()), self.options);
        let mut out = Output::default();
        if self.ends_headers {
            assert_eq!(text.end(&mut out), End::Headers);
        } else {
            text.push(b"X: y\r\n\r\n", &mut out);
        }
        assert_eq!(text.take_body_length(), 0);
        out = Output::default();
        for block in self.cuts.blocks(&self.text) {
            let clean = if self.runs { text.clean_length(block) } else { 0 };
            let (run, rest) = block.split_at(clean);
            out.wire.extend_from_slice(run);
            text.pass(run, &mut out);
            text.push(rest, &mut out);
        }
        assert_eq!(text.end(&mut out), End::Message);
        let lines = out.notes.into_iter().map(|note| match note {
            Note::Data(octets) => octets,
            Note::Header(_) => panic!("a header in the body"),
        });
        Sent {
            lines: lines.collect(),
            octets: text.take_body_length(),
            wire: out.wire,
        }
    }

    /// What must go out.
    pub(crate) fn expected(&self) -> Sent {
        let mut sent = Sent::default();
        let dots = self.options.framing == Framing::Dots;
        if self.options.body == Body::Binary {
            sent.wire.clone_from(&self.text);
        } else {
            for line in lines(&self.text) {
                if dots && line.starts_with(b".") {
                    sent.wire.push(b'.');
                }
                sent.wire.extend_from_slice(&line);
                sent.wire.extend_from_slice(b"\r\n");
                if dots && self.options.count {
                    sent.lines.push(line.len() + 2);
                }
            }
        }
        sent.octets = sent.wire.len();
        if dots {
            sent.wire.extend_from_slice(b".\r\n");
        }
        sent
    }

    /// Whether what was sent is what must be; says where it is not.
    pub(crate) fn judge(&self, sent: &Sent) -> Result<(), String> {
        let expected = self.expected();
        if sent.wire != expected.wire {
            return Err(difference(&sent.wire, &expected.wire));
        }
        if sent.lines != expected.lines {
            return Err(format!("lines of {:?} instead of {:?}", sent.lines, expected.lines));
        }
        if self.options.framing == Framing::Chunks && sent.octets != expected.octets {
            return Err(format!("{} octets instead of {}", sent.octets, expected.octets));
        }
        Ok(())
    }
}

/// Where two texts part, with what stands around that place.
pub(crate) fn difference(text: &[u8], expected: &[u8]) -> String {
    let pairs = text.iter().zip(expected);
    let same = pairs.take_while(|(one, other)| one == other).count();
    let around = |text: &[u8]| {
        let shown = &text[same.saturating_sub(20)..text.len().min(same + 20)];
        shown.escape_ascii().to_string()
    };
    format!("at octet {same}: {:?} instead of {:?}", around(text), around(expected))
}

/// CRLF, CR and LF end a line; what is left behind the last of them is one more.
pub(crate) fn lines(text: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = vec![Vec::new()];
    let mut octets = text.iter().copied().peekable();
    while let Some(octet) = octets.next() {
        match (octet, lines.last_mut()) {
            (b'\r', _) => {
                octets.next_if_eq(&b'\n');
                lines.push(Vec::new());
            }
            (b'\n', _) => lines.push(Vec::new()),
            (other, Some(line)) => line.push(other),
            (_, None) => {}
        }
    }
    if lines.last().is_some_and(Vec::is_empty) {
        lines.pop();
    }
    lines
}

fn body(data: &[u8]) {
    let case = Case::new(data);
    case.judge(&case.send()).expect("the text goes out as it must");
}
