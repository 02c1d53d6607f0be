// SPDX-License-Identifier: LGPL-2.1-or-later
//! A server that asks on and on.

use esmtp::protocol::{Command, Engine, Opening, Outcome, ReplyParser, Step};

use crate::mailbag::Mailbag;

/// Far more than any mechanism has, and an end all the same.
#[test]
fn an_exchange_has_so_many_challenges() {
    let mailbag = Mailbag::new(&[1]);
    mailbag.auth.set(true);
    let mut engine = Engine::new(Opening::Greeting);
    let mut answers = Vec::new();
    let mut says = "220 ready";
    let outcome = loop {
        match engine.next(&mailbag) {
            Step::Send(Command::Ehlo) => says = "250-server\r\n250 AUTH PLAIN",
            Step::Send(Command::Auth(line)) => {
                answers.push(line.to_vec());
                says = "334 AAAA";
            }
            Step::Receive => {
                let mut parser = ReplyParser::default();
                parser.feed(format!("{says}\r\n").as_bytes());
                engine.receive(parser.next(engine.form(), |_| {}).expect("valid").expect("whole"));
            }
            Step::SelectMechanism { .. } => engine.authenticate(b"AUTH PLAIN".to_vec().into()),
            Step::Challenge(text) => {
                assert_eq!(text, b"AAAA");
                assert!(answers.len() < 1000, "it asks for ever");
                engine.respond(b"BBBB".to_vec().into());
            }
            Step::Done(outcome) => break outcome,
            step => panic!("unexpected {step:?}"),
        }
    };
    let (first, rest) = answers.split_first().expect("AUTH");
    assert_eq!(first, b"AUTH PLAIN");
    let (last, given) = rest.split_last().expect("an answer");
    assert_eq!(last, b"*");
    assert_eq!(given.len(), 32);
    assert!(given.iter().all(|answer| answer == b"BBBB"));
    assert!(matches!(outcome, Outcome::Finished(Err(_))));
}
