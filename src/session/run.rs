// SPDX-License-Identifier: LGPL-2.1-or-later
//! One run of a session: resolve, connect, let the engine speak, send text.
//!
//! A coroutine in everything but name: [`Run::advance`] works until something is due to the
//! application and says what. It never calls out itself.

use std::collections::VecDeque;
use std::ffi::{CString, c_int};
use std::time::{Duration, Instant};

use super::callback::{Block, Call, Direction, Piece};
use super::letter::Letter;
use super::{Session, Timeout};
use crate::error::{Error, Result};
use crate::net::{self, Addresses, Server, Stream};
use crate::protocol::{Command, Engine, Event, Outcome, Reply, ReplyParser, Step, Wait};

/// Commands of a large group are written, and their replies read, from this many bytes on.
const GROUP_MAX: usize = 16_384;
/// Text is gathered to this many bytes for one write.
const WRITE_SIZE: usize = 65_536;

/// Where the run stands.
enum State {
    /// Nothing was done yet.
    Resolve,
    /// The next address is due.
    Connect,
    /// The engine says what comes.
    Dialogue,
    /// The source of the message under way is to be rewound.
    Rewind,
    /// Text is read from the source.
    Text,
    /// The connection is closed, and the application is to be told.
    Closed(Outcome),
    /// Nothing is left.
    Done(Result<()>),
}

/// A connection and the dialogue over it.
struct Link {
    stream: Stream,
    parser: ReplyParser,
    engine: Engine,
    // The deadline of the reply that is waited for, once it is.
    deadline: Option<Instant>,
}

/// What a running session keeps.
pub(super) struct Run {
    server: CString,
    state: State,
    addresses: Addresses,
    link: Option<Link>,
    letter: Option<Letter>,
    pieces: VecDeque<Piece>,
    release_due: bool,
}

impl Run {
    /// A run that has not begun.
    pub(super) fn new(server: CString) -> Self {
        Self {
            server,
            state: State::Resolve,
            addresses: Addresses::new(Vec::new()),
            link: None,
            letter: None,
            pieces: VecDeque::new(),
            release_due: false,
        }
    }

    /// Goes on until something is due.
    pub(super) fn advance(&mut self, session: &Session) -> Call {
        loop {
            if let Some(piece) = self.pieces.pop_front() {
                return Call::Show(piece);
            }
            if std::mem::take(&mut self.release_due) {
                return Call::Release;
            }
            if let Some(call) = self.step(session) {
                return call;
            }
        }
    }

    fn step(&mut self, session: &Session) -> Option<Call> {
        match self.state {
            State::Resolve => {
                self.state = match self.resolve(session) {
                    Ok(()) => State::Connect,
                    Err(error) => State::Done(Err(error)),
                };
                None
            }
            State::Connect => self.connect(session),
            State::Dialogue => self.converse(session),
            State::Rewind => self.letter.as_ref().map(|letter| Call::Rewind { message: letter.message() }),
            State::Text => self.transfer(session),
            State::Closed(outcome) => {
                self.state = match outcome {
                    Outcome::Finished(result) => State::Done(result),
                    Outcome::NextAddress(error) => {
                        self.addresses.refused(error);
                        State::Connect
                    }
                };
                Some(Call::Tell(Event::Disconnect))
            }
            State::Done(result) => Some(Call::Done(result)),
        }
    }

    fn resolve(&mut self, session: &Session) -> Result<()> {
        session.find_localhost();
        let server = Server::parse(&self.server);
        let resolved = net::resolve(&server.host, &server.service)?;
        session.resolved(resolved.canonical);
        self.addresses = Addresses::new(resolved.addresses);
        Ok(())
    }

    fn connect(&mut self, session: &Session) -> Option<Call> {
        match self.addresses.connect(session.timeouts.get().of(Timeout::Greeting)) {
            Ok(socket) => {
                self.link = Some(Link {
                    stream: Stream::new(socket),
                    parser: ReplyParser::default(),
                    engine: Engine::new(false),
                    deadline: None,
                });
                self.state = State::Dialogue;
                Some(Call::Tell(Event::Connect))
            }
            Err(error) => {
                self.state = State::Done(Err(error));
                None
            }
        }
    }

    /// Does what the engine says.
    fn converse(&mut self, session: &Session) -> Option<Call> {
        let Some(link) = &mut self.link else {
            self.state = State::Done(Err(Error::Client));
            return None;
        };
        let first_of_group = !link.engine.expects_reply();
        match link.engine.next(session) {
            Step::Send(command) => {
                if first_of_group {
                    self.check_unsolicited(session);
                }
                self.send(session, &command);
            }
            Step::Receive => self.receive(session),
            Step::Tell(event) => return Some(Call::Tell(event)),
            Step::Ask(question) => return Some(Call::Ask(question)),
            // The handshake is not part of the library yet: what asks for it fails, and
            // nothing goes out in clear.
            Step::PrepareTls => link.engine.tls_prepared(false),
            Step::Secure => link.engine.fail(session, Error::Client),
            Step::SelectMechanism => link.engine.authenticate(None),
            Step::Challenge(_) => link.engine.respond(b"*".to_vec()),
            Step::Text { message } => {
                self.letter = Letter::begin(session, message);
                self.state = State::Rewind;
            }
            Step::Done(outcome) => {
                self.link = None;
                self.state = State::Closed(outcome);
            }
        }
        None
    }

    /// Whatever arrived before anything was asked was not asked for.
    fn check_unsolicited(&mut self, session: &Session) {
        let Some(link) = &mut self.link else { return };
        let parser = &mut link.parser;
        let arrived = link.stream.poll(|bytes| parser.feed(bytes));
        if !link.parser.has_leftover() {
            if let Err(error) = arrived {
                link.engine.fail(session, error);
            }
            return;
        }
        match self.parse(session) {
            Ok(Some(reply)) => self.with_engine(|engine| engine.unsolicited(session, &reply)),
            Ok(None) => self.with_engine(|engine| engine.fail(session, Error::ResponseSyntax)),
            Err(error) => self.with_engine(|engine| engine.fail(session, error)),
        }
    }

    /// Queues a command. A large group is written while its first replies are read.
    fn send(&mut self, session: &Session, command: &Command) {
        let Some(link) = &mut self.link else { return };
        let queue = link.stream.queue();
        let start = queue.len();
        session.write_command(command, link.engine.extensions(), queue);
        if session.monitor.get().is_some() {
            let line = queue.get(start..).unwrap_or_default();
            show(&mut self.pieces, line, Direction::Writing);
        }
        if link.stream.queued() < GROUP_MAX {
            return;
        }
        match self.reply(session, false) {
            Ok(Some(reply)) => self.with_engine(|engine| engine.receive(session, reply)),
            Ok(None) => {}
            Err(error) => self.with_engine(|engine| engine.fail(session, error)),
        }
    }

    fn receive(&mut self, session: &Session) {
        match self.reply(session, true) {
            Ok(Some(reply)) => self.with_engine(|engine| engine.receive(session, reply)),
            Ok(None) => self.with_engine(|engine| engine.fail(session, Error::Client)),
            Err(error) => self.with_engine(|engine| engine.fail(session, error)),
        }
    }

    /// Waits for the reply that is due; without `wait` only until what is queued is written.
    fn reply(&mut self, session: &Session, wait: bool) -> Result<Option<Reply>> {
        loop {
            if let Some(reply) = self.parse(session)? {
                return Ok(Some(reply));
            }
            let link = self.link.as_mut().ok_or(Error::Client)?;
            let limit = time_limit(session, link.engine.wait());
            let deadline = *link.deadline.get_or_insert_with(|| far(limit));
            let parser = &mut link.parser;
            let arrived = |bytes: &[u8]| parser.feed(bytes);
            let outcome = if wait {
                link.stream.receive(Some(deadline), arrived).map(|()| true)
            } else {
                link.stream.exchange(0, Some(deadline), arrived)
            };
            match outcome {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(error) => {
                    self.show_rest(session);
                    return Err(error);
                }
            }
        }
    }

    /// The next reply that is complete, each of its lines shown to the monitor.
    fn parse(&mut self, session: &Session) -> Result<Option<Reply>> {
        let Some(link) = &mut self.link else {
            return Ok(None);
        };
        let shown = session.monitor.get().is_some();
        let pieces = &mut self.pieces;
        let reply = link.parser.next(link.engine.form(), |line| {
            if shown {
                show(pieces, line, Direction::Reading);
            }
        })?;
        if reply.is_some() {
            // The clock of the next reply starts when this one is complete.
            link.deadline = None;
        }
        Ok(reply)
    }

    /// Shows what arrived of a line that never came to its end.
    fn show_rest(&mut self, session: &Session) {
        if let Some(link) = self.link.as_ref().filter(|_| session.monitor.get().is_some()) {
            show(&mut self.pieces, link.parser.rest(), Direction::Reading);
        }
    }

    /// Hands over what is known of the text's progress, writes what is ready, and asks for
    /// more.
    fn transfer(&mut self, session: &Session) -> Option<Call> {
        let Some(letter) = &mut self.letter else {
            self.state = State::Dialogue;
            return None;
        };
        if let Some(piece) = letter.next_piece() {
            return Some(Call::Show(piece));
        }
        if let Some(event) = letter.next_event() {
            return Some(Call::Tell(event));
        }
        if letter.is_complete() {
            self.with_engine(Engine::text_sent);
            self.close_letter();
            return None;
        }
        let message = letter.message();
        let waiting = self.link.as_ref().map_or(0, |link| link.stream.queued());
        if waiting >= WRITE_SIZE && !self.write_text(session) {
            self.close_letter();
            return None;
        }
        Some(Call::Read { message })
    }

    /// Writes the text that is queued. `false`: the server has put an end to it.
    fn write_text(&mut self, session: &Session) -> bool {
        let Some(link) = &mut self.link else {
            return false;
        };
        let deadline = far(session.timeouts.get().of(Timeout::Transfer));
        let parser = &mut link.parser;
        let outcome = link.stream.exchange(0, Some(deadline), |bytes| parser.feed(bytes));
        self.judge_interruption(session, outcome)
    }

    /// Nothing is due from the server during the text, so whatever it says stops it.
    fn judge_interruption(&mut self, session: &Session, outcome: Result<bool>) -> bool {
        let interrupted = match outcome {
            Ok(false) => return true,
            Ok(true) => self.reply(session, true),
            Err(error) => Err(error),
        };
        self.with_engine(|engine| match interrupted {
            Ok(Some(reply)) => engine.text_interrupted(session, &reply),
            Ok(None) => engine.fail(session, Error::Client),
            Err(error) => engine.fail(session, error),
        });
        false
    }

    fn close_letter(&mut self) {
        self.letter = None;
        self.release_due = true;
        self.state = State::Dialogue;
    }

    /// The application's answer to a question of the engine's.
    pub(super) fn answer(&mut self, session: &Session, answer: c_int) {
        self.with_engine(|engine| engine.answer(session, answer));
    }

    /// The source stands at its beginning, or does not.
    pub(super) fn rewound(&mut self, session: &Session, outcome: Result<()>) {
        match outcome {
            Ok(()) => {
                self.state = State::Text;
                let interrupted = self.link.as_mut().map_or(Ok(false), |link| {
                    let parser = &mut link.parser;
                    let arrived = link.stream.poll(|bytes| parser.feed(bytes))?;
                    Ok(arrived || link.parser.has_leftover())
                });
                if !self.judge_interruption(session, interrupted) {
                    self.close_letter();
                }
            }
            Err(error) => self.text(session, Block::Failed(error)),
        }
    }

    /// What the source gave.
    pub(super) fn text(&mut self, session: &Session, block: Block<'_>) {
        let (Some(link), Some(letter)) = (&mut self.link, &mut self.letter) else {
            return;
        };
        match block {
            Block::Text(text) => letter.push(text, link.stream.queue()),
            Block::End => letter.end(link.stream.queue()),
            Block::Failed(error) => {
                link.engine.fail(session, error);
                self.close_letter();
            }
        }
    }

    fn with_engine(&mut self, f: impl FnOnce(&mut Engine)) {
        if let Some(link) = &mut self.link {
            f(&mut link.engine);
        }
    }
}

/// Cuts a line into pieces for the monitor.
fn show(pieces: &mut VecDeque<Piece>, line: &[u8], direction: Direction) {
    pieces.extend(line.chunks(super::callback::PIECE).map(|piece| Piece::new(piece, direction)));
}

fn time_limit(session: &Session, wait: Wait) -> Duration {
    let timeouts = session.timeouts.get();
    match wait {
        Wait::Greeting => timeouts.of(Timeout::Greeting),
        Wait::Envelope => timeouts.of(Timeout::Envelope),
        Wait::Data => timeouts.of(Timeout::Data),
        Wait::EndOfData => timeouts.of(Timeout::EndOfData),
        Wait::Quit => timeouts.quit(),
    }
}

/// The moment when a time-out is over; one too far to be told is as good as a year.
fn far(limit: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(366 * 86_400);
    Instant::now() + limit.min(YEAR)
}
