// SPDX-License-Identifier: LGPL-2.1-or-later
//! The reply parser against the plainest one: the same whatever the cuts are, and bounded.

use esmtp::error::Error;
use esmtp::protocol::{Extensions, Reply, ReplyForm, ReplyParser, Severity};

use super::Target;
use super::input::Input;
use super::plain_reply::{self, Plain};
use super::shapes::Cuts;

pub(crate) const REPLIES: Target = Target {
    name: "replies",
    run: replies,
    seeds: &[
        b"\x00\x05aaaaa250 fine\r\n550 5.1.1 no\r\n",
        b"\x01\x02aa250-2.1.0 one\r\n250 2.1.0 two\r\n354 go\n",
        b"\x02\x03abc250-mail.example\r\n250-SIZE 1000\r\n250 AUTH PLAIN\r\n",
        b"\x03\x01a334 YWJj\r\n235 2.7.0 ok\r\n421 bye",
    ],
};

pub(crate) const LONG_REPLIES: Target = Target {
    name: "long_replies",
    run: long_replies,
    seeds: &[
        b"\x01\x02\x05\x00\x01\x00\x02\x01\x02\x02\x03\x00\x01",
        b"\x02\x01\x04\x0f\x00\x01\x01\x00\x03\x00\x00\x01",
    ],
};

pub(crate) const EXTENSIONS: Target = Target {
    name: "extensions",
    run: extensions,
    seeds: &[
        b"250-me\r\n250-AUTH=LOGIN\r\n250-AUTH PLAIN SCRAM-SHA-1\r\n250-DELIVERBY 240\r\n250 SIZE 99\r\n",
        b"250-me\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-BINARYMIME\r\n250 SMTPUTF8\r\n",
    ],
};

/// More than the longest reply that is taken, in any form.
const LONGEST: usize = 128 * 1024;

fn form(number: usize) -> ReplyForm {
    match number {
        0 => ReplyForm::Plain { enhanced: false },
        1 => ReplyForm::Plain { enhanced: true },
        2 => ReplyForm::Ehlo,
        _ => ReplyForm::Challenge { enhanced: true },
    }
}

fn parse(form: ReplyForm, blocks: &[&[u8]]) -> (Vec<Reply>, Option<Error>, Vec<u8>) {
    let mut parser = ReplyParser::default();
    let mut replies = Vec::new();
    let mut shown = Vec::new();
    for block in blocks {
        parser.feed(block);
        loop {
            match parser.next(form, |line| shown.extend_from_slice(line)) {
                Ok(Some(reply)) => replies.push(reply),
                Ok(None) => break,
                Err(error) => return (replies, Some(error), shown),
            }
        }
        assert!(parser.rest().len() < LONGEST);
    }
    (replies, None, shown)
}

fn replies(data: &[u8]) {
    let mut input = Input::new(data);
    let form = form(input.below(4));
    let cuts = input.block();
    let text = input.rest();
    let (whole, error, shown) = parse(form, &[text]);
    assert!(text.starts_with(&shown), "the monitor sees what came");
    let (cut, cut_error, _) = parse(form, &Input::new(cuts).cut(text));
    // A line without end is found out earlier if it comes in parts.
    if error != Some(Error::UnterminatedResponse) {
        assert_eq!(cut_error, error);
        assert_eq!(cut.len(), whole.len());
    }
    for (one, other) in whole.iter().zip(&cut) {
        assert_eq!(one.code(), other.code());
        assert_eq!(one.text(), other.text());
        assert!((200..600).contains(&one.code().value()));
        assert!(one.text().ends_with(b"\r\n"));
        assert!(!one.text().contains(&0));
        assert!(one.text().len() < LONGEST);
        assert_eq!(one.is_completion(), one.severity() == Severity::Completion);
    }
}

/// Replies with lines, texts and cuts of telling sizes.
fn long_replies(data: &[u8]) {
    let case = Case::new(data);
    case.judge(&case.read()).expect("the replies are what they are");
}

/// What a server says, and how it comes.
pub(crate) struct Case {
    pub(crate) form: ReplyForm,
    cuts: Cuts,
    pub(crate) text: Vec<u8>,
}

/// What was read.
pub(crate) type Read = (Vec<Plain>, Option<Error>);

impl Case {
    pub(crate) fn new(data: &[u8]) -> Self {
        let mut input = Input::new(data);
        let form = form(input.below(4));
        let cuts = Cuts::new(&mut input);
        let mut text = Vec::new();
        while !input.is_empty() && text.len() < 300_000 {
            line(&mut input, &mut text);
        }
        Self { form, cuts, text }
    }

    /// Reads it with the library.
    pub(crate) fn read(&self) -> Read {
        let (replies, error, _) = parse(self.form, &self.cuts.blocks(&self.text));
        (replies.iter().map(plain_reply::of).collect(), error)
    }

    /// Whether what was read is what was said. Beyond the bounds only that they were found.
    pub(crate) fn judge(&self, read: &Read) -> Result<(), String> {
        match plain_reply::read(self.form, &self.text) {
            Some(plain) if plain == *read => Ok(()),
            None if read.1 == Some(Error::UnterminatedResponse) => Ok(()),
            // A refusal over its bound is one all the same, and nothing is read behind it.
            None if read.0.last().is_some_and(|reply| reply.code >= 400) => Ok(()),
            plain => Err(format!("{read:?} instead of {plain:?}")),
        }
    }
}

/// A line of a reply, mostly.
fn line(input: &mut Input<'_>, text: &mut Vec<u8>) {
    const CODES: [&str; 12] =
        ["250", "250", "250", "250", "550", "354", "450", "25", "2500", "199", "600", ""];
    const BEGINNINGS: [&str; 8] = ["", "", "2.1.0 ", "5.7.1  ", "2.1 ", "2.1.1000 ", "2.1.0", "  \t2.1.5 "];
    text.extend_from_slice(CODES[input.below(CODES.len())].as_bytes());
    text.extend_from_slice([&b" "[..], b"-", b"-", b"-", b"", b"_"][input.below(6)]);
    text.extend_from_slice(BEGINNINGS[input.below(BEGINNINGS.len())].as_bytes());
    let size = match input.below(16) {
        0 => 12_280 + usize::from(input.byte()) % 12,
        1 => 4090 + usize::from(input.byte()) % 12,
        2 | 3 => input.size().min(20_000),
        short => short,
    };
    let fill = [b'x', b'x', b'x', b' ', b'.', 0xff, b'\r', 0][input.below(8)];
    text.resize(text.len() + size, fill);
    text.extend_from_slice([&b"\r\n"[..], b"\r\n", b"\r\n", b"\n", b"\r\n\r\n", b""][input.below(6)]);
}

fn extensions(data: &[u8]) {
    let (replies, ..) = parse(ReplyForm::Ehlo, &[data]);
    for reply in replies {
        let extensions = Extensions::parse(&reply);
        assert!(extensions.auth.len() <= 64);
        for mechanism in &extensions.auth {
            assert!(!mechanism.is_empty());
            assert!(mechanism.bytes().all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_lowercase()));
        }
        assert!(extensions.deliver_by.is_none_or(|least| least >= 0));
    }
}
