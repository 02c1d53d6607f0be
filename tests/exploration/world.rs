// SPDX-License-Identifier: LGPL-2.1-or-later
//! A client, a server, and all that may happen between them.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use esmtp::error::Error;
use esmtp::protocol::{Bdat, Command, Engine, Opening, Outcome, Reply, ReplyForm, ReplyParser, Step, Usual};

use crate::mailbag::Mailbag;
use crate::server::{Move, Server};

/// More than any dialogue of these takes between two replies.
const STEPS: usize = 200;
/// Most chunks of a text before the last one.
const CHUNKS: u8 = 1;

/// What is gone through.
pub(crate) struct Scene {
    pub(crate) name: &'static str,
    pub(crate) mailbag: Mailbag,
    /// The lines of the reply to EHLO behind the first.
    pub(crate) offers: &'static [&'static str],
    /// Commands that may be without answer before a reply is read.
    pub(crate) window: usize,
    /// Replies to recipients are taken at once where that is possible.
    pub(crate) at_once: bool,
    /// How many sessions there are, one after the other, for what was left.
    pub(crate) sessions: usize,
    pub(crate) deceit: Deceit,
}

/// A planted defect, each of which has to be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deceit {
    None,
    /// RSET does not get to the server.
    LostRset,
    /// A text that the server refuses for now counts as taken.
    FalseSuccess,
    /// A text that the server takes counts as refused for now.
    FalseRefusal,
    /// The text follows DATA at once.
    Hasty,
    /// Replies are never read before a group is written.
    Late,
}

/// What the exploration comes to.
#[derive(Debug)]
pub(crate) struct Explored {
    pub(crate) states: usize,
    /// Ends of sessions, and how many of them delivered all that a server could take.
    pub(crate) ends: usize,
    pub(crate) complete: usize,
}

/// A state, and how it was come to.
#[derive(Clone)]
struct World {
    engine: Engine,
    mailbag: Mailbag,
    server: Server,
    session: usize,
    chunks: u8,
    history: Vec<String>,
}

/// What is to be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    /// The server's next move; `later` = or something more is written before.
    Reply {
        later: bool,
    },
    Text(usize),
    Chunk(usize),
    Answer,
    Over(Outcome),
}

/// Goes through all of it; an error says what happened until something was wrong.
pub(crate) fn explore(scene: &Scene) -> Result<Explored, String> {
    let mut server = Server::default();
    server.misses_rset = scene.deceit == Deceit::LostRset;
    server.connected();
    let mut open = vec![World {
        engine: Engine::new(Opening::Greeting),
        mailbag: scene.mailbag.clone(),
        server,
        session: 1,
        chunks: 0,
        history: Vec::new(),
    }];
    let mut met = HashSet::new();
    let (mut ends, mut complete) = (0, 0);
    while let Some(mut world) = open.pop() {
        let choice = world.until_choice(scene).map_err(|fault| world.report(scene, &fault))?;
        if !met.insert(world.print(choice)) {
            continue;
        }
        if let Choice::Over(outcome) = choice {
            ends += 1;
            let all = world.check(outcome).map_err(|fault| world.report(scene, &fault))?;
            complete += usize::from(all);
            if world.session < scene.sessions && !all {
                world.begin_again();
                open.push(world);
            }
            continue;
        }
        for option in world.options(scene, choice) {
            let mut next = world.clone();
            next.take(scene, option);
            if let Some(fault) = next.server.fault {
                return Err(next.report(scene, fault));
            }
            open.push(next);
        }
    }
    Ok(Explored { states: met.len(), ends, complete })
}

/// What may happen at a choice.
#[derive(Debug, Clone, Copy)]
enum Option {
    GoOn,
    Move(Move),
    /// The server says the same to so many recipients.
    SaysToAll(&'static str, usize),
    TextSent(usize),
    TextInterrupted,
    SourceFailed,
    Chunk {
        message: usize,
        last: bool,
    },
    Answer(i32),
}

impl World {
    /// Does what the engine says, until something is to be chosen.
    fn until_choice(&mut self, scene: &Scene) -> Result<Choice, String> {
        let is_full = self.server.due.len() >= scene.window;
        if is_full && self.engine.takes_replies() && scene.deceit != Deceit::Late {
            return Ok(Choice::Reply { later: false });
        }
        for _ in 0..STEPS {
            match self.engine.next(&self.mailbag) {
                Step::Send(command) => {
                    let _ = write!(self.line(), "C: {command:?}");
                    self.server.hears(&command);
                    if command == Command::Data && scene.deceit == Deceit::Hasty {
                        self.server.text(Some(0));
                    }
                    if let Some(fault) = self.server.fault {
                        return Err(fault.to_owned());
                    }
                    // A run is written as a whole.
                    let written = command.lines().max(1);
                    if self.server.due.len() >= scene.window + written {
                        return Err("more is written than there is room for".to_owned());
                    }
                    if !self.engine.takes_replies() {
                        return Err("a command is written and no reply can be read".to_owned());
                    }
                    if scene.deceit != Deceit::Late {
                        let later = self.server.due.len() < scene.window;
                        return Ok(Choice::Reply { later });
                    }
                }
                Step::Receive if self.server.due.is_empty() => return Err("nothing is due".to_owned()),
                Step::Receive => return Ok(Choice::Reply { later: false }),
                Step::Record(verdict) => self.mailbag.record(&verdict),
                Step::Tell(_) | Step::StopText => {}
                Step::Ask(_) => return Ok(Choice::Answer),
                Step::Text { message } if !self.server.is_reading() || !self.server.takes(message.get()) => {
                    return Err("a text that nobody is known to take".to_owned());
                }
                Step::Text { message } => return Ok(Choice::Text(message.get())),
                Step::Chunk { message } if !self.server.takes(message.get()) => {
                    return Err("a chunk that nobody is known to take".to_owned());
                }
                Step::Chunk { message } => return Ok(Choice::Chunk(message.get())),
                Step::Done(outcome) => return Ok(Choice::Over(outcome)),
                other => return Err(format!("not of these scenes: {other:?}")),
            }
        }
        Err("it does not end".to_owned())
    }

    fn options(&self, scene: &Scene, choice: Choice) -> Vec<Option> {
        match choice {
            Choice::Reply { later } => {
                let moves = self.server.moves();
                let mut options: Vec<Option> = moves.iter().copied().map(Option::Move).collect();
                if later {
                    options.push(Option::GoOn);
                }
                if scene.at_once {
                    for code in ["250", "550"] {
                        let most = self.engine.usual(&reply(code)).map_or(0, Usual::most);
                        if most > 1 && moves.contains(&Move::Says(code)) {
                            options.push(Option::SaysToAll(code, most));
                        }
                    }
                }
                options
            }
            Choice::Text(message) => {
                vec![Option::TextSent(message), Option::TextInterrupted, Option::SourceFailed]
            }
            Choice::Chunk(message) => {
                let mut options = vec![Option::Chunk { message, last: true }, Option::SourceFailed];
                options.push(Option::Move(Move::Drops));
                if self.chunks < CHUNKS {
                    options.push(Option::Chunk { message, last: false });
                }
                options
            }
            Choice::Answer => vec![Option::Answer(0), Option::Answer(1)],
            Choice::Over(_) => Vec::new(),
        }
    }

    fn take(&mut self, scene: &Scene, option: Option) {
        let _ = write!(self.line(), "{option:?}");
        match option {
            Option::GoOn => {}
            Option::Move(Move::Says(code)) => self.hear(scene, code),
            Option::Move(Move::BreaksOff(code)) => {
                self.server.drops();
                self.engine.receive(broken_off(code));
            }
            Option::Move(Move::Drops) => {
                self.server.drops();
                self.engine.fail(Error::Dropped);
            }
            Option::SaysToAll(code, count) => {
                (0..count).for_each(|_| self.server.answers(code));
                self.settle(&reply(code), count);
            }
            Option::TextSent(message) => {
                self.server.text(Some(message));
                self.engine.text_sent();
            }
            Option::TextInterrupted => {
                self.server.drops();
                self.engine.text_interrupted(reply("554"));
            }
            Option::SourceFailed => {
                self.server.drops();
                self.engine.source_failed(Error::Client);
            }
            Option::Chunk { message, last } => {
                self.chunks = if last { 0 } else { self.chunks + 1 };
                match self.engine.chunk(1000, last) {
                    Some(Bdat::Last) => self.server.chunk(message, true),
                    Some(Bdat::More) => self.server.chunk(message, false),
                    None => {}
                }
            }
            Option::Answer(answer) => self.engine.answer(answer),
        }
    }

    /// The server answers what is due first.
    fn hear(&mut self, scene: &Scene, code: &'static str) {
        let ends_text = self.server.ends_text();
        self.server.answers(code);
        let told = match scene.deceit {
            Deceit::FalseSuccess if ends_text && code == "451" => "250",
            Deceit::FalseRefusal if ends_text && code == "250" => "451",
            _ => code,
        };
        if self.engine.form() == ReplyForm::Ehlo {
            return self.engine.receive(ehlo(scene.offers));
        }
        let reply = reply(told);
        if scene.at_once && self.engine.usual(&reply).is_some() {
            self.settle(&reply, 1);
        } else {
            self.engine.receive(reply);
        }
    }

    fn settle(&mut self, reply: &Reply, count: usize) {
        let usual = self.engine.usual(reply).expect("they are due");
        let settled = self.engine.settle(usual, reply, count).expect("they are due");
        self.mailbag.record_settled(settled, reply, count);
    }

    /// Whether what the client shows is what the server has done. Says whether nothing is left.
    fn check(&self, outcome: Outcome) -> Result<bool, String> {
        let mut all = true;
        for (message, shown) in self.mailbag.messages.borrow().iter().enumerate() {
            for (recipient, one) in shown.recipients.iter().enumerate() {
                let served = self.server.delivered.contains(&(message, recipient));
                let shown_served = one.complete && one.code / 100 == 2;
                if served != shown_served {
                    return Err(format!("{message}/{recipient}: served is {served}, shown {one:?}"));
                }
                // A message that is refused for good is so for all of its recipients.
                if one.complete && !served && one.code / 100 != 5 && shown.transfer / 100 != 5 {
                    return Err(format!("{message}/{recipient} is given up without a refusal: {one:?}"));
                }
                if outcome == Outcome::Finished(Ok(())) && one.code == 0 {
                    return Err(format!("{message}/{recipient} has no outcome"));
                }
                all &= one.complete;
            }
        }
        Ok(all)
    }

    /// A further session, for what is left.
    fn begin_again(&mut self) {
        for message in self.mailbag.messages.borrow_mut().iter_mut() {
            if message.recipients.iter().any(|one| !one.complete) {
                (message.mail, message.transfer) = (0, 0);
                message.recipients.iter_mut().filter(|one| !one.complete).for_each(|one| one.code = 0);
            }
        }
        self.engine = Engine::new(Opening::Greeting);
        self.server.connected();
        self.session += 1;
        self.chunks = 0;
        let _ = write!(self.line(), "another session");
    }

    /// What makes one state another, in few octets.
    fn print(&self, choice: Choice) -> u128 {
        let Self {
            engine, mailbag, server, session, chunks, ..
        } = self;
        let text = format!("{engine:?} {mailbag:?} {server:?} {session} {chunks} {choice:?}");
        let half = |seed: u8| {
            let mut hasher = DefaultHasher::new();
            (seed, &text).hash(&mut hasher);
            u128::from(hasher.finish())
        };
        (half(0) << 64) | half(1)
    }

    fn line(&mut self) -> &mut String {
        self.history.push(String::new());
        self.history.last_mut().expect("it was pushed")
    }

    fn report(&self, scene: &Scene, fault: &str) -> String {
        format!("{}: {fault}, after\n{}\n{self:#?}", scene.name, self.history.join("\n"))
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World")
            .field("mailbag", &self.mailbag)
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

fn reply(code: &str) -> Reply {
    let mut parser = ReplyParser::default();
    parser.feed(format!("{code} text\r\n").as_bytes());
    parser.next(ReplyForm::Plain { enhanced: false }, |_| {}).expect("valid").expect("whole")
}

fn broken_off(code: &str) -> Reply {
    let mut parser = ReplyParser::default();
    parser.feed(format!("{code}-text").as_bytes());
    let form = ReplyForm::Plain { enhanced: false };
    assert!(parser.next(form, |_| {}).expect("valid").is_none());
    parser.last_words(form, |_| {}).expect("a refusal")
}

fn ehlo(offers: &[&str]) -> Reply {
    let mut parser = ReplyParser::default();
    parser.feed(b"250-mail.example\r\n");
    for offer in offers {
        parser.feed(format!("250-{offer}\r\n").as_bytes());
    }
    parser.feed(b"250 HELP\r\n");
    parser.next(ReplyForm::Ehlo, |_| {}).expect("valid").expect("whole")
}
