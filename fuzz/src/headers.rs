// SPDX-License-Identifier: LGPL-2.1-or-later
//! The headers of a message can be neither smuggled in nor lost.

use esmtp::content::header::{HeaderOption, Headers, Value};
use esmtp::content::{Body, End, Facts, Framing, Options, Output, Text};

use super::Target;
use super::input::Input;

pub(crate) const HEADERS: Target = Target {
    name: "headers",
    run: headers,
    seeds: &[
        b"\x03\x00\x01\x07Subject\x05hello\x02ab\x20Subject: x\r\nDate: y\r\n z\r\nTo: a\r\nTo: b\r\n\r\nbody\r\n",
        b"\x02\x02\x00\x06Sender\x03a@b\x01\x01\x00\x04From\x00\x01aFrom: a\nFrom: b\nReturn-Path: c\n\nx",
    ],
};

/// What is true of each text that is made here.
pub(crate) fn facts() -> Facts<'static> {
    Facts {
        reverse_path: Some(b"me@example.org"),
        recipients: &|take| take(b"you@example.org"),
        utf8: false,
        seconds: 1_136_239_445,
        microseconds: 1,
        pid: 2,
        localhost: b"here",
        local_offset: &|_| Some(3600),
    }
}

fn send(headers: &Headers, blocks: &[&[u8]], framing: Framing, body: Body) -> Vec<u8> {
    let options = Options {
        framing,
        body,
        count: true,
        show_headers: true,
    };
    let mut text = Text::new(headers.plan(&facts()), options);
    let mut out = Output::default();
    for block in blocks {
        text.push(block, &mut out);
    }
    while text.end(&mut out) != End::Message {}
    out.wire
}

/// What a server makes of DATA (RFC 5321 §4.5.2); the text must end where the input does.
fn undo_dots(wire: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut rest = wire;
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n").expect("the end of the text");
        let (line, after) = rest.split_at(end + 2);
        if line == b".\r\n" {
            assert!(after.is_empty(), "the text ends early");
            return text;
        }
        text.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
        rest = after;
    }
}

/// No CR or LF stands alone.
fn check_line_ends(wire: &[u8]) {
    for (at, byte) in wire.iter().enumerate() {
        match byte {
            b'\r' => assert_eq!(wire.get(at + 1), Some(&b'\n'), "a CR alone"),
            b'\n' => assert!(at > 0 && wire[at - 1] == b'\r', "an LF alone"),
            _ => {}
        }
    }
}

fn divide(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .expect("headers end in an empty line");
    (&text[..end + 2], &text[end + 4..])
}

/// How many headers of a name there are.
fn number_of(section: &[u8], name: &str) -> usize {
    let lines = section.split(|&byte| byte == b'\n');
    let named = lines.filter(|line| {
        line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()))
            && line.get(name.len()) == Some(&b':')
    });
    named.count()
}

fn set_any(headers: &mut Headers, input: &mut Input<'_>) {
    let (kind, name, value) = (input.below(7), input.block(), input.block());
    // A refusal is as good as anything else.
    let _ = match kind {
        0 => headers.set(name, Value::Text(Some(value))),
        1 => headers.set(
            name,
            Value::Mailbox {
                phrase: Some(value),
                mailbox: Some(b"a@b"),
            },
        ),
        2 => headers.set(name, Value::Mailbox { phrase: None, mailbox: Some(value) }),
        3 => headers.set(name, Value::MessageId(Some(value))),
        4 => headers.set(name, Value::Date(value.first().map(|&byte| i64::from(byte) << 50))),
        5 => headers.set_option(name, HeaderOption::Override(value.is_empty())),
        _ => headers.set_option(name, HeaderOption::Prohibit(value.is_empty())),
    };
}

fn headers(data: &[u8]) {
    let mut input = Input::new(data);
    let mut headers = Headers::default();
    // One that the library makes is different each time.
    headers.set(b"Message-Id", Value::MessageId(Some(b"1"))).expect("it is not set yet");
    for _ in 0..input.below(8) {
        set_any(&mut headers, &mut input);
    }
    let cuts = input.block();
    let message = input.rest();
    let wire = send(&headers, &Input::new(cuts).cut(message), Framing::Dots, Body::Lines);
    check_line_ends(&wire);
    let text = undo_dots(&wire);
    assert_eq!(text, undo_dots(&send(&headers, &[message], Framing::Dots, Body::Lines)), "cuts matter");
    let (section, _) = divide(&text);
    for (name, least) in [("Date", 1), ("From", 1), ("Message-Id", 0), ("Return-Path", 0)] {
        let most = usize::from(name != "Return-Path");
        let found = number_of(section, name);
        assert!((least..=most).contains(&found), "{name}: {found}");
    }
}
