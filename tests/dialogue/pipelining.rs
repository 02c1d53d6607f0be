// SPDX-License-Identifier: LGPL-2.1-or-later
//! Grouping commands changes nothing about what becomes of a message.

use std::collections::VecDeque;

use esmtp::error::Error;
use esmtp::protocol::{Command, Engine, Outcome, Reply, ReplyForm, ReplyParser, Step};

use crate::mailbag::{Mailbag, Message};

/// A server that keeps an envelope, as real ones do, and refuses at random. What it decides
/// about a command depends on the command alone, so that it decides the same in any grouping.
struct Server {
    seed: u64,
    sender: Option<usize>,
    recipients: Vec<usize>,
    reading: bool,
    delivered: Vec<(usize, Vec<usize>)>,
}

impl Server {
    fn new(seed: u64) -> Self {
        Self {
            seed,
            sender: None,
            recipients: Vec::new(),
            reading: false,
            delivered: Vec::new(),
        }
    }

    /// A number that depends on the seed and the command only.
    fn dice(&self, kind: u64, message: usize, recipient: usize) -> u64 {
        let mut x = self.seed ^ (kind << 56) ^ ((message as u64) << 40) ^ ((recipient as u64) << 20);
        for _ in 0..3 {
            x ^= x >> 30;
            x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
            x ^= x >> 27;
        }
        x % 10
    }

    fn verdict(&self, dice: u64, accepted: &'static str) -> &'static str {
        match dice {
            0 => "451",
            1 => "550",
            _ => accepted,
        }
    }

    fn answer(&mut self, command: &Command) -> &'static str {
        match command {
            Command::Rset => {
                self.sender = None;
                self.recipients.clear();
                "250"
            }
            Command::Mail { message, .. } => {
                if self.sender.is_some() {
                    return "503";
                }
                let verdict = self.verdict(self.dice(1, *message, 0), "250");
                self.sender = (verdict == "250").then_some(*message);
                verdict
            }
            Command::Rcpt { message, recipient } => {
                if self.sender.is_none() {
                    return "503";
                }
                let verdict = self.verdict(self.dice(2, *message, *recipient), "250");
                if verdict == "250" {
                    self.recipients.push(*recipient);
                }
                verdict
            }
            Command::Data => {
                let Some(sender) = self.sender else {
                    return "503";
                };
                // Some servers ask for a text that they have nobody for.
                if self.recipients.is_empty() && self.dice(3, sender, 0) < 5 {
                    return "554";
                }
                let verdict = self.verdict(self.dice(3, sender, 1), "354");
                self.reading = verdict == "354";
                verdict
            }
            Command::EndOfData => self.text(),
            Command::Quit => "221",
            _ => "250",
        }
    }

    /// The end of a text, empty or not.
    fn text(&mut self) -> &'static str {
        assert!(self.reading, "text only after 354");
        self.reading = false;
        let sender = self.sender.take().expect("a transaction");
        let recipients = std::mem::take(&mut self.recipients);
        let dice = self.dice(4, sender, 0);
        let verdict = self.verdict(dice, "250");
        if verdict == "250" && !recipients.is_empty() {
            self.delivered.push((sender, recipients));
        } else if verdict != "250" && dice == 0 {
            // A server that keeps the envelope of a message it refused for now.
            self.sender = Some(sender);
        }
        verdict
    }
}

fn reply(line: &str) -> Reply {
    let mut parser = ReplyParser::default();
    parser.feed(line.as_bytes());
    parser.feed(b" text\r\n");
    let form = ReplyForm::Plain { enhanced: false };
    parser.next(form, |_| {}).expect("valid").expect("whole")
}

struct Ran {
    messages: Vec<Message>,
    delivered: Vec<(usize, Vec<usize>)>,
    outcome: Outcome,
    /// How often a reply had to be waited for after something was written.
    round_trips: usize,
}

/// Runs a session; `eager` = replies are taken as soon as they are due, in the middle of a group.
fn run(seed: u64, recipients: &[usize], pipelining: bool, require_all: bool, eager: bool) -> Ran {
    let mailbag = Mailbag::new(recipients);
    mailbag.require_all.set(require_all);
    let mut server = Server::new(seed);
    let mut engine = Engine::new(false);
    let mut replies: VecDeque<Reply> = VecDeque::from([reply("220")]);
    let mut round_trips = 0;
    let mut wrote = false;
    let outcome = loop {
        match engine.next(&mailbag) {
            Step::Send(Command::Ehlo) => {
                let mut parser = ReplyParser::default();
                let extension: &[u8] = if pipelining { b"250 PIPELINING\r\n" } else { b"250 HELP\r\n" };
                parser.feed(b"250-server\r\n");
                parser.feed(extension);
                let ehlo = parser.next(ReplyForm::Ehlo, |_| {}).expect("valid").expect("whole");
                replies.push_back(ehlo);
                wrote = true;
            }
            Step::Send(command) => {
                replies.push_back(reply(server.answer(&command)));
                wrote = true;
                if eager && engine.expects_reply() {
                    engine.receive(&mailbag, replies.pop_front().expect("a reply is due"));
                }
            }
            Step::Receive => {
                round_trips += usize::from(std::mem::take(&mut wrote));
                engine.receive(&mailbag, replies.pop_front().expect("a reply is due"));
            }
            Step::Text { .. } => {
                assert!(replies.is_empty(), "no reply is due during a text");
                replies.push_back(reply(server.text()));
                engine.text_sent();
                wrote = true;
            }
            Step::Tell(_) => {}
            Step::Done(outcome) => break outcome,
            step => panic!("unexpected {step:?}"),
        }
    };
    Ran {
        messages: mailbag.messages.into_inner(),
        delivered: server.delivered,
        outcome,
        round_trips,
    }
}

#[test]
fn outcomes_do_not_depend_on_grouping() {
    for seed in 0..3000 {
        let shape: Vec<usize> = (0..=seed % 4).map(|at| 1 + ((seed >> (2 * at)) % 4) as usize).collect();
        let require_all = seed % 5 == 0;
        let plain = run(seed, &shape, false, require_all, false);
        assert_eq!(plain.outcome, Outcome::Finished(Ok(())));
        for eager in [false, true] {
            let grouped = run(seed, &shape, true, require_all, eager);
            assert_eq!(grouped.messages, plain.messages, "seed {seed}, eager {eager}");
            assert_eq!(grouped.delivered, plain.delivered, "seed {seed}, eager {eager}");
            assert_eq!(grouped.outcome, plain.outcome, "seed {seed}, eager {eager}");
            assert!(grouped.round_trips <= plain.round_trips);
        }
    }
}

#[test]
fn a_message_costs_a_round_trip() {
    // A seed with which the server accepts everything.
    let accepts = |seed: &u64| {
        let ran = run(*seed, &[2, 2, 2, 2], false, false, false);
        ran.messages.iter().all(|message| message.transfer == 250)
            && ran.delivered.iter().all(|(_, recipients)| recipients.len() == 2)
    };
    let seed = (0..100_000).find(accepts).expect("one of them");
    let grouped = run(seed, &[2, 2, 2, 2], true, false, false);
    // EHLO, a group for each message, the last end of data, QUIT.
    assert_eq!(grouped.round_trips, 1 + 4 + 1 + 1);
}

#[test]
fn what_was_delivered_is_what_is_complete() {
    for seed in 0..3000 {
        let ran = run(seed, &[2, 3, 1], true, false, false);
        for (at, message) in ran.messages.iter().enumerate() {
            let delivered = ran.delivered.iter().find(|(sender, _)| *sender == at);
            for (who, recipient) in message.recipients.iter().enumerate() {
                let got_it = delivered.is_some_and(|(_, recipients)| recipients.contains(&who));
                let reported = recipient.complete && recipient.code == 250;
                assert_eq!(got_it, reported, "seed {seed}, message {at}, recipient {who}");
            }
            assert_eq!(delivered.is_some(), message.transfer == 250, "seed {seed}, message {at}");
        }
    }
}

#[test]
fn any_replies_in_any_order_end_the_session() {
    let codes = ["220", "250", "251", "354", "421", "450", "451", "500", "502", "550", "554", "221"];
    for seed in 1..4000_u64 {
        let mailbag = Mailbag::new(&[2, 1, 2]);
        mailbag.require_all.set(seed % 3 == 0);
        mailbag.nodes.borrow_mut().resize((seed % 2) as usize, 0);
        let mut engine = Engine::new(false);
        let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut steps = 0;
        loop {
            steps += 1;
            assert!(steps < 500, "seed {seed} does not end");
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            let code = codes[usize::try_from(x % 12).expect("small")];
            match engine.next(&mailbag) {
                Step::Receive if x % 37 == 0 => engine.fail(&mailbag, Error::Dropped),
                Step::Receive => engine.receive(&mailbag, reply(code)),
                Step::Ask(_) => engine.answer(&mailbag, i32::from(x % 3 == 0)),
                Step::Text { .. } if x % 5 == 0 => engine.text_interrupted(&mailbag, &reply(code)),
                Step::Text { .. } => engine.text_sent(),
                Step::Send(_) if x % 41 == 0 => engine.unsolicited(&mailbag, &reply(code)),
                Step::Send(_) | Step::Tell(_) => {}
                Step::Done(_) => break,
                step => panic!("unexpected {step:?}"),
            }
        }
    }
}
