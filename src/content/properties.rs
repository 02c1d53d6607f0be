// SPDX-License-Identifier: LGPL-2.1-or-later
//! What is true of any text, however it is cut: compared with a second way of doing the same,
//! which holds the whole message and goes through it line by line.

use super::header::{Facts, HeaderOption, Headers, Value};
use super::{Body, End, Framing, Note, Options, Output, Text};

/// How many random messages each test makes.
const ROUNDS: usize = 20_000;

/// A small generator of the same numbers in each run (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound
    }

    /// Text that consists mostly of what matters.
    fn text(&mut self, longest: usize) -> Vec<u8> {
        let length = self.below(longest + 1);
        let mut text = Vec::new();
        while text.len() < length {
            let pieces: [&[u8]; 11] =
                [b"\r", b"\n", b"\r\n", b"\r\n", b".", b".", b"a", b"A", b" ", b":", b"-"];
            text.extend_from_slice(pieces[self.below(pieces.len())]);
        }
        text
    }

    fn cut<'a>(&mut self, text: &'a [u8]) -> Vec<&'a [u8]> {
        let mut blocks = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (block, after) = rest.split_at(self.below(rest.len().min(7)) + 1);
            blocks.push(block);
            rest = after;
        }
        blocks
    }
}

fn facts() -> Facts<'static> {
    Facts {
        reverse_path: Some(b"me@example.org"),
        recipients: &|take| take(b"you@example.org"),
        seconds: 1_136_239_445,
        microseconds: 1,
        pid: 2,
        localhost: b"here",
        local_offset: &|_| Some(3600),
    }
}

/// Rules for the names that random text is likely to have.
fn headers() -> Headers {
    let mut headers = Headers::default();
    headers.set_option(b"Message-Id", HeaderOption::Prohibit(true)).unwrap();
    headers.set_option(b"aa", HeaderOption::Prohibit(true)).unwrap();
    headers.set(b"A", Value::Text(Some(b"mine"))).unwrap();
    headers.set_option(b"a", HeaderOption::Override(true)).unwrap();
    headers.set(b".", Value::Text(Some(b"dot\n ."))).unwrap();
    headers.set_option(b"a-", HeaderOption::Override(true)).unwrap();
    headers
}

fn options(count: bool, show_headers: bool) -> Options {
    Options {
        framing: Framing::Dots,
        body: Body::Lines,
        count,
        show_headers,
    }
}

/// Sends a header section, says that it ends if it has not yet, then sends the rest.
fn send(random: &mut Random, headers_part: &[u8], rest: &[u8], options: Options) -> Output {
    let mut text = Text::new(headers().plan(&facts()), options);
    let mut out = Output::default();
    for block in random.cut(headers_part) {
        text.push(block, &mut out);
    }
    if text.end(&mut out) == End::Headers {
        for block in random.cut(rest) {
            text.push(block, &mut out);
        }
        assert_eq!(text.end(&mut out), End::Message);
    }
    out
}

/// What is sent, according to the model: the headers and the lines of the body.
#[derive(Default)]
struct Model {
    headers: Vec<Vec<u8>>,
    body: Vec<Vec<u8>>,
}

impl Model {
    fn new(headers_part: &[u8], rest: &[u8]) -> Self {
        let mut model = Self::default();
        let body = model.take_headers(headers_part);
        model.take_body(body.unwrap_or(rest));
        model
    }

    /// Takes the headers, and returns what follows the empty line.
    fn take_headers<'a>(&mut self, text: &'a [u8]) -> Option<&'a [u8]> {
        let mut lines: Vec<Vec<u8>> = vec![Vec::new()];
        let mut body = None;
        let mut at = 0;
        while at < text.len() {
            match (text[at], text.get(at + 1)) {
                (b'\r', Some(b'\n')) => {}
                (b'\r', _) => lines.last_mut().unwrap().push(b' '),
                (b'\n', _) if lines.last().unwrap().is_empty() => {
                    body = Some(&text[at + 1..]);
                    break;
                }
                (b'\n', _) => lines.push(Vec::new()),
                (byte, _) => lines.last_mut().unwrap().push(byte),
            }
            at += 1;
        }
        lines.retain(|line| !line.is_empty());
        let (mut a, mut dot, mut family) = (0, 0, 0);
        let mut dropping = false;
        for line in lines {
            if line.starts_with(b" ") {
                if dropping {
                    continue;
                }
                match self.headers.last_mut() {
                    Some(header) => {
                        header.extend(line);
                        header.extend(b"\r\n");
                        continue;
                    }
                    None => self.headers.push(line),
                }
            } else {
                dropping = false;
                let name: Vec<u8> = match line.iter().position(|&byte| byte == b':') {
                    Some(colon) => line[..colon].to_ascii_lowercase(),
                    None => Vec::new(),
                };
                let mut seen = |times: &mut i32| {
                    *times += 1;
                    dropping = *times > 1;
                };
                if name.contains(&b' ') {
                    self.headers.push(line);
                } else if name == b"aa" {
                    dropping = true;
                } else if name == b"a" {
                    seen(&mut a);
                    if a == 1 {
                        self.headers.push(b"A: mine\r\n".to_vec());
                        dropping = true;
                    }
                } else {
                    match name.as_slice() {
                        b"." => seen(&mut dot),
                        [b'a', b'-', ..] => seen(&mut family),
                        _ => {}
                    }
                    if !dropping {
                        self.headers.push(line);
                    }
                }
                if dropping {
                    continue;
                }
            }
            self.headers.last_mut().unwrap().extend(b"\r\n");
        }
        self.headers.push(b"Date: Mon, 02 Jan 2006 23:04:05 +0100\r\n".to_vec());
        self.headers.push(b"From: me@example.org\r\n".to_vec());
        if a == 0 {
            self.headers.push(b"A: mine\r\n".to_vec());
        }
        if dot == 0 {
            self.headers.push(b".: dot\r\n .\r\n".to_vec());
        }
        body
    }

    fn take_body(&mut self, text: &[u8]) {
        let mut line = Vec::new();
        for (at, &byte) in text.iter().enumerate() {
            match byte {
                b'\n' if at > 0 && text[at - 1] == b'\r' => {}
                b'\r' | b'\n' => self.body.push([std::mem::take(&mut line), b"\r\n".to_vec()].concat()),
                _ => line.push(byte),
            }
        }
        if !line.is_empty() {
            self.body.push([line, b"\r\n".to_vec()].concat());
        }
    }

    fn wire(&self) -> Vec<u8> {
        let empty = [b"\r\n".to_vec()];
        let mut wire = Vec::new();
        for line in self.headers.iter().chain(&empty).chain(&self.body) {
            if line.starts_with(b".") {
                wire.push(b'.');
            }
            wire.extend(line);
        }
        wire.extend(b".\r\n");
        wire
    }

    fn notes(&self, options: Options) -> Vec<Note> {
        let mut notes = Vec::new();
        for header in &self.headers {
            if options.count {
                notes.push(Note::Data(header.len()));
            }
            if options.show_headers {
                notes.push(Note::Header(header.as_slice().into()));
            }
        }
        if options.count {
            notes.extend(self.body.iter().map(|line| Note::Data(line.len())));
        }
        notes
    }
}

#[test]
fn any_message_is_sent_as_the_model_says() {
    let mut random = Random(0x5eed);
    for round in 0..ROUNDS {
        let headers_part = random.text(40);
        let rest = random.text(30);
        let options = options(round % 2 == 0, round % 3 == 0);
        let out = send(&mut random, &headers_part, &rest, options);
        let model = Model::new(&headers_part, if ended_by(&headers_part) { b"" } else { &rest });
        let shown =
            || String::from_utf8_lossy(&headers_part).into_owned() + "|" + &String::from_utf8_lossy(&rest);
        assert_eq!(
            String::from_utf8_lossy(&out.wire),
            String::from_utf8_lossy(&model.wire()),
            "{:?}",
            shown()
        );
        assert_eq!(out.notes, model.notes(options), "{:?}", shown());
    }
}

/// Whether text holds the empty line that ends its headers.
fn ended_by(text: &[u8]) -> bool {
    text.first() == Some(&b'\n')
        || text.starts_with(b"\r\n")
        || text.windows(2).any(|two| two == b"\n\n")
        || text.windows(3).any(|three| three == b"\n\r\n")
}

#[test]
fn a_server_sees_one_message_and_no_bare_line_ends() {
    let mut random = Random(0x5afe);
    for _ in 0..ROUNDS {
        let text = random.text(60);
        let (headers_part, rest) = text.split_at(random.below(text.len() + 1));
        let wire = send(&mut random, headers_part, rest, options(false, false)).wire;
        let lines: Vec<&[u8]> = wire.split_inclusive(|&byte| byte == b'\n').collect();
        for line in &lines {
            let inner = line.strip_suffix(b"\r\n").expect("a line ends with CRLF");
            assert!(!inner.contains(&b'\r'), "bare CR in {text:?}");
        }
        let end = lines.iter().position(|line| *line == b".\r\n");
        assert_eq!(end, Some(lines.len() - 1), "end of data in {text:?}");
    }
}

#[test]
fn cuts_do_not_matter() {
    let mut random = Random(0xcafe);
    for _ in 0..ROUNDS / 10 {
        let text = random.text(200);
        let whole = {
            let mut whole = Text::new(headers().plan(&facts()), options(true, true));
            let mut out = Output::default();
            whole.push(&text, &mut out);
            while whole.end(&mut out) != End::Message {}
            out
        };
        let cut = send(&mut random, &text, b"", options(true, true));
        assert_eq!(whole.wire, cut.wire, "{text:?}");
        assert_eq!(whole.notes, cut.notes, "{text:?}");
    }
}
