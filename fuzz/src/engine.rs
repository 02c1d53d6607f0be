// SPDX-License-Identifier: LGPL-2.1-or-later
//! The engine, with any settings and any replies: it ends, and it reports a message as taken
//! only if the last word about it was that.

use std::collections::VecDeque;

use esmtp::error::Error;
use esmtp::protocol::{Command, Engine, MessageAt, Opening, Reply, ReplyForm, ReplyParser, Step};

use super::Target;
use super::input::Input;
use super::mailbag::Mailbag;
use super::outbox;

pub(crate) const ENGINE: Target = Target {
    name: "engine",
    run: engine,
    seeds: &[
        // Two messages to two recipients each, everything is taken.
        b"\x02\x02\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x0b\x00\x01\x01\x01\x02\x01\x01\x01\x01\x02\x01\x01",
        b"\x01\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x01\x3f\xff\x01\x01\x01\x01\x01\x01\x01\x01\x01",
    ],
};

/// Nothing that a server may say makes a session longer than this.
const STEPS: usize = 20_000;

const CODES: [&str; 16] = [
    "220", "250", "354", "250", "550", "450", "421", "334", "235", "251", "500", "503", "535", "534", "221",
    "354",
];
const KEYWORDS: [&str; 13] = [
    "PIPELINING",
    "CHUNKING",
    "AUTH PLAIN",
    "STARTTLS",
    "DSN",
    "8BITMIME",
    "BINARYMIME",
    "ETRN",
    "XUSR",
    "SMTPUTF8",
    "DELIVERBY 60",
    "ENHANCEDSTATUSCODES",
    "XEXCH50",
];

fn reply(input: &mut Input<'_>, form: ReplyForm) -> Result<Reply, Error> {
    let mut parser = ReplyParser::default();
    if form == ReplyForm::Ehlo && input.below(8) != 7 {
        parser.feed(b"250-mail.example\r\n");
        let offered = usize::from(input.byte()) | (usize::from(input.byte()) << 8);
        for (at, keyword) in KEYWORDS.iter().enumerate() {
            if (offered >> at) & 1 == 1 {
                parser.feed(format!("250-{keyword}\r\n").as_bytes());
            }
        }
        parser.feed(b"250 HELP\r\n");
    } else {
        let code = CODES[input.below(CODES.len())];
        parser.feed(format!("{code} text\r\n").as_bytes());
    }
    parser.next(form, |_| {}).map(|reply| reply.expect("it is whole"))
}

fn engine(data: &[u8]) {
    let mut input = Input::new(data);
    let mail = outbox::any(&mut input);
    let mut engine = Engine::new(if input.flag() { Opening::Tls } else { Opening::Greeting });
    let mut quitting = false;
    for _ in 0..STEPS {
        let step = engine.next(&mail);
        match step {
            Step::Done(_) => return check(&mail),
            Step::Send(command) => {
                assert!(!quitting, "{command:?} after QUIT");
                quitting = command == Command::Quit;
                if let Command::Auth(line) = command {
                    assert!(!line.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)));
                }
            }
            // Nobody says anything for ever.
            Step::Receive if input.is_empty() => engine.fail(Error::Dropped),
            Step::Receive => {
                assert!(engine.expects_reply(), "a reply is due");
                match input.byte() {
                    255 => engine.fail(Error::System(libc::ETIMEDOUT)),
                    _ => match reply(&mut input, engine.form()) {
                        Ok(reply) => {
                            let mut replies = VecDeque::from(vec![reply; 1 + input.below(4)]);
                            let at_once = input.flag();
                            while !replies.is_empty() && engine.takes_replies() {
                                mail.receive(&mut engine, &mut replies, at_once);
                            }
                        }
                        Err(error) => engine.fail(error),
                    },
                }
            }
            Step::Ask(_) => engine.answer(i32::from(input.byte()) - 64),
            Step::PrepareTls => engine.tls_prepared(input.below(4) != 1),
            Step::Secure => match input.below(4) {
                1 => engine.tls_refused(Error::Client),
                2 => engine.fail(Error::Dropped),
                _ => engine.secured(),
            },
            Step::SelectMechanism { .. } => match input.below(4) {
                1 => engine.next_mechanism(),
                2 => engine.authenticate(b"AUTH PLAIN AAAA".to_vec().into()),
                3 => engine.authenticate(b"AUTH LOGIN".to_vec().into()),
                _ => engine.without_auth(),
            },
            Step::Challenge(_) => match input.below(4) {
                1 => engine.cancel(),
                _ => engine.respond(b"AAAA".to_vec().into()),
            },
            Step::Authenticated => engine.authenticated(input.below(4) != 1, input.below(4) == 1),
            Step::Text { message } => {
                someone_takes(&mail, message);
                match input.below(8) {
                    1 => engine.source_failed(Error::Client),
                    2 => match reply(&mut input, ReplyForm::Plain { enhanced: false }) {
                        Ok(reply) => engine.text_interrupted(reply),
                        Err(error) => engine.fail(error),
                    },
                    _ => engine.text_sent(),
                }
            }
            Step::Chunk { message } => {
                someone_takes(&mail, message);
                match input.below(8) {
                    1 => engine.source_failed(Error::Client),
                    2 => drop(engine.chunk(0, true)),
                    3 => drop(engine.chunk(70_000, false)),
                    _ => drop(engine.chunk(1000, true)),
                }
            }
            Step::Record(verdict) => mail.record(&verdict),
            Step::Tell(_) | Step::StopText => {}
        }
    }
    panic!("the dialogue does not end");
}

/// A text is for somebody.
fn someone_takes(mail: &Mailbag, message: MessageAt) {
    let messages = mail.messages.borrow();
    assert!(messages[message.get()].recipients.iter().any(|one| !one.complete && one.code / 100 == 2));
}

fn check(mail: &Mailbag) {
    for message in mail.messages.borrow().iter() {
        for one in &message.recipients {
            let taken = one.complete && one.code / 100 == 2;
            assert!(
                !taken || message.transfer / 100 == 2,
                "taken, but the message was not: {}",
                message.transfer
            );
        }
    }
}
