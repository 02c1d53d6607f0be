// SPDX-License-Identifier: LGPL-2.1-or-later
//! Grouping commands changes nothing about what becomes of a message.

use std::collections::{BTreeMap, VecDeque};

use esmtp::error::Error;
use esmtp::protocol::{Command, Engine, Opening, Outcome, Reply, ReplyForm, ReplyParser, Step};

use crate::mailbag::{Mailbag, Message};

/// The seed of a server that accepts everything.
const FRIENDLY: u64 = u64::MAX;

/// A server that keeps an envelope, as real ones do, and refuses at random. What it decides
/// about a command depends on the command alone, so that it decides the same in any grouping.
struct Server {
    seed: u64,
    sender: Option<usize>,
    recipients: Vec<usize>,
    reading: bool,
    // A chunk was refused: nothing is taken until RSET (RFC 3030 §4.2).
    refusing: bool,
    chunks: u64,
    delivered: Vec<(usize, Vec<usize>)>,
}

impl Server {
    fn new(seed: u64) -> Self {
        Self {
            seed,
            sender: None,
            recipients: Vec::new(),
            reading: false,
            refusing: false,
            chunks: 0,
            delivered: Vec::new(),
        }
    }

    /// A number that depends on the seed and the command only.
    fn dice(&self, kind: u64, message: usize, recipient: usize) -> u64 {
        if self.seed == FRIENDLY {
            return 9;
        }
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
                self.refusing = false;
                "250"
            }
            Command::Mail { message, .. } => {
                if self.sender.is_some() {
                    return "503";
                }
                let verdict = self.verdict(self.dice(1, message.get(), 0), "250");
                self.sender = (verdict == "250").then_some(message.get());
                self.chunks = 0;
                verdict
            }
            Command::Rcpt { .. } => panic!("each recipient has its answer"),
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

    fn answer_recipient(&mut self, message: usize, recipient: usize) -> &'static str {
        if self.sender.is_none() {
            return "503";
        }
        let verdict = self.verdict(self.dice(2, message, recipient), "250");
        if verdict == "250" {
            self.recipients.push(recipient);
        }
        verdict
    }

    /// A chunk of a text.
    fn chunk(&mut self, last: bool) -> &'static str {
        let Some(sender) = self.sender else {
            return "503";
        };
        if self.refusing || self.recipients.is_empty() {
            return "503";
        }
        self.chunks += 1;
        if last {
            self.reading = true;
            let verdict = self.text();
            self.refusing = verdict != "250";
            return verdict;
        }
        let chunk = usize::try_from(self.chunks).expect("small");
        let verdict = self.verdict(self.dice(5, sender, chunk), "250");
        self.refusing = verdict != "250";
        verdict
    }

    /// How many chunks a message's text takes.
    fn chunk_count(&self, message: usize) -> u64 {
        1 + self.dice(6, message, 0) % 3
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

/// How a session is run.
#[derive(Debug, Clone, Copy)]
struct Way {
    pipelining: bool,
    chunking: bool,
    require_all: bool,
    /// Replies are taken as soon as they are due, in the middle of a group.
    eager: bool,
    /// Replies to recipients are taken at once.
    at_once: bool,
}

fn run(seed: u64, recipients: &[usize], way: Way) -> Ran {
    let Way {
        pipelining,
        chunking,
        require_all,
        eager,
        at_once,
    } = way;
    let mailbag = Mailbag::new(recipients);
    mailbag.require_all.set(require_all);
    mailbag.messages.borrow_mut().iter_mut().for_each(|message| message.binary = chunking);
    let mut server = Server::new(seed);
    for (at, message) in mailbag.messages.borrow_mut().iter_mut().enumerate() {
        for (who, recipient) in message.recipients.iter_mut().enumerate() {
            recipient.unusable = server.dice(7, at, who) == 0;
        }
    }
    let mut engine = Engine::new(Opening::Greeting);
    let mut replies: VecDeque<Reply> = VecDeque::from([reply("220")]);
    let mut sent_chunks = BTreeMap::new();
    let mut round_trips = 0;
    let mut wrote = false;
    let outcome = loop {
        match engine.next(&mailbag) {
            Step::Send(Command::Ehlo) => {
                let mut parser = ReplyParser::default();
                parser.feed(b"250-server\r\n");
                for (offered, line) in
                    [(pipelining, "250-PIPELINING\r\n"), (chunking, "250-CHUNKING\r\n250-BINARYMIME\r\n")]
                {
                    parser.feed(if offered { line.as_bytes() } else { b"" });
                }
                parser.feed(b"250 HELP\r\n");
                let ehlo = parser.next(ReplyForm::Ehlo, |_| {}).expect("valid").expect("whole");
                replies.push_back(ehlo);
                wrote = true;
            }
            Step::Send(command) => {
                if let Command::Rcpt { message, recipients, .. } = command {
                    assert!(pipelining || recipients.count() == 1);
                    let codes = recipients.iter().map(|at| server.answer_recipient(message.get(), at.get()));
                    replies.extend(codes.map(reply));
                } else {
                    replies.push_back(reply(server.answer(&command)));
                }
                wrote = true;
                if eager && engine.expects_reply() {
                    mailbag.receive(&mut engine, &mut replies, at_once);
                }
            }
            Step::Receive => {
                round_trips += usize::from(std::mem::take(&mut wrote));
                mailbag.receive(&mut engine, &mut replies, at_once);
            }
            Step::Text { .. } => {
                assert!(replies.is_empty(), "no reply is due during a text");
                replies.push_back(reply(server.text()));
                engine.text_sent();
                wrote = true;
            }
            Step::Chunk { message } => {
                let count = server.chunk_count(message.get());
                let sent = sent_chunks.entry(message.get()).or_insert(0);
                *sent += 1;
                let last = *sent == count;
                replies.push_back(reply(server.chunk(last)));
                engine.chunk(1000, last);
                wrote = true;
            }
            Step::Record(verdict) => mailbag.record(&verdict),
            Step::Tell(_) | Step::StopText => {}
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

const PLAIN: Way = Way {
    pipelining: false,
    chunking: false,
    require_all: false,
    eager: false,
    at_once: false,
};
const GROUPED: Way = Way { pipelining: true, ..PLAIN };

#[test]
fn outcomes_do_not_depend_on_grouping() {
    for seed in 0..6000 {
        // Now and then more than are written at once.
        let many = if seed % 50 == 7 { 70 } else { 0 };
        let shape: Vec<usize> = (0..=seed % 4)
            .map(|at| many + usize::try_from(1 + ((seed >> (2 * at)) % 4)).expect("small"))
            .collect();
        let way = Way {
            require_all: seed % 5 == 0,
            chunking: seed % 2 == 0,
            ..PLAIN
        };
        let plain = run(seed, &shape, way);
        assert_eq!(plain.outcome, Outcome::Finished(Ok(())));
        for (eager, at_once) in [(false, false), (true, false), (false, true), (true, true)] {
            let grouped = run(seed, &shape, Way { pipelining: true, eager, at_once, ..way });
            assert_eq!(grouped.messages, plain.messages, "seed {seed}, eager {eager}");
            assert_eq!(grouped.delivered, plain.delivered, "seed {seed}, eager {eager}");
            assert_eq!(grouped.outcome, plain.outcome, "seed {seed}, eager {eager}");
            assert!(grouped.round_trips <= plain.round_trips);
        }
    }
}

#[test]
fn a_message_costs_a_round_trip() {
    let grouped = run(FRIENDLY, &[2, 2, 2, 2], GROUPED);
    // EHLO, a group for each message, the last end of data, QUIT.
    assert_eq!(grouped.round_trips, 1 + 4 + 1 + 1);
}

#[test]
fn a_message_in_chunks_costs_two_round_trips() {
    let grouped = run(FRIENDLY, &[2, 2, 2, 2], Way { chunking: true, ..GROUPED });
    // EHLO, an envelope and a text for each message, QUIT.
    assert_eq!(grouped.round_trips, 1 + 8 + 1);
}

#[test]
fn what_was_delivered_is_what_is_complete() {
    for seed in 0..6000 {
        let ran = run(seed, &[2, 3, 1], Way { chunking: seed % 2 == 0, ..GROUPED });
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
        mailbag
            .messages
            .borrow_mut()
            .iter_mut()
            .for_each(|message| message.binary = seed % 2 == 0);
        mailbag.nodes.borrow_mut().resize((seed % 2) as usize, 0);
        let chunking = seed % 2 == 0;
        let mut engine = Engine::new(Opening::Greeting);
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
                Step::Receive if x % 37 == 0 => engine.fail(Error::Dropped),
                Step::Receive if engine.form() == ReplyForm::Ehlo && x % 8 != 0 => {
                    let mut parser = ReplyParser::default();
                    parser.feed(if chunking {
                        b"250-s\r\n250-CHUNKING\r\n250-BINARYMIME\r\n"
                    } else {
                        b"250-s\r\n250-DSN\r\n"
                    });
                    parser.feed(b"250 PIPELINING\r\n");
                    let ehlo = parser.next(ReplyForm::Ehlo, |_| {}).expect("valid").expect("whole");
                    engine.receive(ehlo);
                }
                Step::Receive => engine.receive(reply(code)),
                Step::Chunk { .. } if x % 29 == 0 => engine.source_failed(Error::Client),
                Step::Chunk { .. } => {
                    engine.chunk(usize::from(x % 5 != 0), x % 3 == 1);
                }
                Step::Record(verdict) => mailbag.record(&verdict),
                Step::Ask(_) => engine.answer(i32::from(x % 3 == 0)),
                Step::Text { .. } if x % 5 == 0 => engine.text_interrupted(reply(code)),
                Step::Text { .. } => engine.text_sent(),
                Step::Send(_) if x % 41 == 0 => engine.unsolicited(&reply(code)),
                Step::Send(_) | Step::Tell(_) | Step::StopText => {}
                Step::Done(_) => break,
                step => panic!("unexpected {step:?}"),
            }
        }
    }
}
