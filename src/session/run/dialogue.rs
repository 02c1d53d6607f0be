// SPDX-License-Identifier: LGPL-2.1-or-later
//! Commands and replies: what the engine says is done, what the server says is fed back.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Link, Run, State, far};
use crate::error::{self, Error, Result};
use crate::fault::{self, Layer};
use crate::net::Waiting;
use crate::protocol::{Command, Reply, Step, Wait};
use crate::session::callback::{Call, Direction, PIECE, Piece};
use crate::session::transfer::sizes;
use crate::session::{Session, Timeout};

impl Run {
    /// Does what the engine says, until something is due to the application.
    pub(super) fn converse(&mut self, session: &Session) -> Option<Call> {
        fault::point(Layer::Session);
        while let State::Dialogue = self.state {
            let Some(link) = &mut self.link else {
                self.state = State::Done(Err(Error::Client));
                return None;
            };
            let call = match link.engine.next(session) {
                Step::Send(command) => {
                    let first_of_group = link.engine.replies_due() == command.lines();
                    if !first_of_group || self.nothing_unsolicited(session) {
                        self.send(session, &command);
                    }
                    None
                }
                // What is to be shown is shown before the next wait.
                Step::Receive => self.receive(session).filter(|_| self.pieces.is_empty()),
                Step::Record(verdict) => {
                    session.record(&verdict);
                    let event = verdict.event();
                    link.parser.give_back(verdict.into_reply());
                    event.filter(|_| session.events.get().is_some()).map(Call::Tell)
                }
                // Nobody hears of it, but for what belongs to every connection.
                Step::Tell(_) if session.events.get().is_none() => None,
                Step::Tell(event) => Some(Call::Tell(event)),
                Step::Ask(question) => Some(Call::Ask(question)),
                Step::PrepareTls => self.prepare_tls(session),
                Step::Secure => {
                    self.state = State::Handshake;
                    None
                }
                Step::SelectMechanism { after } => self.select_mechanism(session, after),
                Step::Challenge(text) => self.challenged(&text),
                Step::Authenticated => {
                    self.authenticated();
                    None
                }
                Step::Text { message } => {
                    self.begin_text(message);
                    None
                }
                Step::Chunk { message } => {
                    self.next_chunk(session, message);
                    None
                }
                Step::StopText => {
                    self.close_transfer();
                    None
                }
                Step::Done(outcome) => {
                    if let Some(notes) = &mut self.notes {
                        notes.offers = Some(link.engine.extensions().clone());
                    }
                    self.note(|| format!("disconnecting: {outcome:?}"));
                    self.disconnect();
                    self.state = State::Closed(outcome);
                    None
                }
            };
            if call.is_some() || !self.pieces.is_empty() {
                return call;
            }
        }
        None
    }

    /// Whatever arrived before anything was asked was not asked for, and ends the dialogue. The
    /// end of the connection is left to the next reply, which will not come.
    fn nothing_unsolicited(&mut self, session: &Session) -> bool {
        let Some(link) = &mut self.link else {
            return false;
        };
        let parser = &mut link.parser;
        // An error will be seen again.
        let _ = link.stream.poll(|bytes| parser.feed(bytes));
        if !link.parser.has_leftover() {
            return true;
        }
        match self.parse(session) {
            Ok(Some(reply)) => self.with_engine(|engine| engine.unsolicited(&reply)),
            Ok(None) => self.with_engine(|engine| engine.fail(Error::ResponseSyntax)),
            Err(error) => self.with_engine(|engine| engine.fail(error)),
        }
        false
    }

    /// Queues a command. A large group is written while its first replies are read.
    fn send(&mut self, session: &Session, command: &Command) {
        let Some(link) = &mut self.link else { return };
        self.is_committed |= matches!(command, Command::Mail { .. } | Command::Etrn { .. });
        let queue = link.stream.queue();
        let start = queue.len();
        session.write_command(command, link.engine.extensions(), queue);
        let mut written = queue.get(start..).unwrap_or_default();
        if *command == Command::LastChunk {
            // Octets of a text are not part of the dialogue.
            written = written.split_last_chunk::<2>().map_or(written, |(line, _)| line);
        }
        let shown = session.monitor.get().is_some();
        if shown || self.trace.is_some() {
            for line in written.split_inclusive(|octet| *octet == b'\n') {
                if shown {
                    show(&mut self.pieces, line, Direction::Writing);
                }
                if let Some(trace) = &mut self.trace {
                    trace.command(command, line);
                }
            }
        }
        if let Command::Auth(_) = command {
            link.stream.wipe_when_written();
        }
        self.flush_group(session);
    }

    /// Writes a group that has grown large, and takes replies until it has: what waits on either
    /// side stays small, however many recipients there are.
    pub(super) fn flush_group(&mut self, session: &Session) {
        let is_large = |link: &Link| link.stream.queued() >= sizes::GROUP && link.engine.takes_replies();
        while self.link.as_deref().is_some_and(is_large) {
            self.take_reply(session);
        }
    }

    /// Writes what is queued, and takes a reply if one is there.
    pub(super) fn take_reply(&mut self, session: &Session) {
        match self.reply(session, false) {
            Ok(Some(reply)) => self.with_engine(|engine| engine.receive(reply)),
            Ok(None) => {}
            Err(error) => self.with_engine(|engine| engine.fail(error)),
        }
    }

    /// Takes the reply that is due, or says what is to be waited for. The engine asks for it again
    /// then.
    fn receive(&mut self, session: &Session) -> Option<Call> {
        let watched = session.events.get().is_some() || session.monitor.get().is_some();
        loop {
            match self.arriving(session) {
                Ok(Arrival::Reply) => {}
                Ok(Arrival::LastWords(refusal)) => {
                    self.answered(refusal);
                    return None;
                }
                Ok(Arrival::Wait(waiting)) => return Some(Call::Wait(waiting)),
                Err(error) => {
                    self.with_engine(|engine| engine.fail(error));
                    return None;
                }
            }
            let Link { engine, parser, .. } = self.link.as_deref_mut()?;
            // Between the usual replies nothing is due to anybody, and those to recipients come by the hundred.
            let Some(usual) = engine.usual(parser.reply()).filter(|_| !watched) else {
                let reply = parser.take();
                self.answered(reply);
                return None;
            };
            let trace = &mut self.trace;
            let alike = 1 + parser.read_repeated(engine.form(), usual.most() - 1, |line| {
                if let Some(trace) = trace {
                    trace.line(Direction::Reading, line);
                }
            });
            if let Some(settled) = engine.settle(usual, parser.reply(), alike) {
                session.record_settled(&settled, parser.reply());
            }
            if !engine.must_receive() {
                return None;
            }
        }
    }

    fn answered(&mut self, reply: Reply) {
        self.note_refusal(&reply);
        self.with_engine(|engine| engine.receive(reply));
    }

    fn arriving(&mut self, session: &Session) -> Result<Arrival> {
        loop {
            if self.read(session).map_err(|error| self.misread(error))? {
                return Ok(Arrival::Reply);
            }
            let link = self.link.as_mut().ok_or(Error::Client)?;
            let limit = time_limit(session, link.engine.wait());
            let deadline = *link.deadline.get_or_insert_with(|| far(limit));
            let parser = &mut link.parser;
            match link.stream.arriving(Some(deadline), |bytes| parser.feed(bytes)) {
                Ok(None) => {}
                Ok(Some(waiting)) => return Ok(Arrival::Wait(waiting)),
                Err(error) => {
                    let error = waiting_failed(error, link.engine.awaited());
                    return self.last_words(session, error).map(Arrival::LastWords);
                }
            }
        }
    }

    /// Waits for the reply that is due; without `wait` only until what is queued is written.
    pub(super) fn reply(&mut self, session: &Session, wait: bool) -> Result<Option<Reply>> {
        loop {
            if let Some(reply) = self.parse(session).map_err(|error| self.misread(error))? {
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
                    let error = waiting_failed(error, link.engine.awaited());
                    return self.last_words(session, error).map(Some);
                }
            }
        }
    }

    /// The refusal that was under way when the connection ended, if there was one.
    pub(super) fn last_words(&mut self, session: &Session, error: Error) -> Result<Reply> {
        let link = self.link.as_mut().ok_or(error)?;
        let shown = session.monitor.get().is_some();
        let pieces = &mut self.pieces;
        let mut tap = |line: &[u8]| {
            if shown {
                show(pieces, line, Direction::Reading);
            }
        };
        if error == Error::Dropped {
            link.parser.last_words(link.engine.form(), tap).ok_or(error)
        } else {
            tap(link.parser.rest());
            Err(error)
        }
    }

    /// The next reply that is complete.
    fn parse(&mut self, session: &Session) -> Result<Option<Reply>> {
        let complete = self.read(session)?;
        Ok(self.link.as_mut().filter(|_| complete).map(|link| link.parser.take()))
    }

    /// Reads the next reply, each of its lines shown to the monitor; `false` if it is not complete.
    fn read(&mut self, session: &Session) -> Result<bool> {
        let Some(link) = &mut self.link else {
            return Ok(false);
        };
        let shown = session.monitor.get().is_some();
        let pieces = &mut self.pieces;
        let complete = match &mut self.trace {
            None if !shown => link.parser.read(link.engine.form(), |_| {})?,
            trace => link.parser.read(link.engine.form(), |line| {
                if shown {
                    show(pieces, line, Direction::Reading);
                }
                if let Some(trace) = trace {
                    trace.line(Direction::Reading, line);
                }
            })?,
        };
        if complete {
            // The clock of the next reply starts when this one is complete.
            link.deadline = None;
        }
        Ok(complete)
    }

    /// The server's words make no reply.
    fn misread(&self, error: Error) -> Error {
        let awaited = self.link.as_ref().map_or("a reply", |link| link.engine.awaited());
        error.because(format_args!("in {awaited}"))
    }
}

/// What there is of a reply that is due.
enum Arrival {
    /// It is read.
    Reply,
    /// The refusal that the connection ended in.
    LastWords(Reply),
    /// Nothing yet.
    Wait(Waiting),
}

/// Adds what was waited for to what the system says.
fn waiting_failed(error: Error, awaited: &str) -> Error {
    let said = error::take_found().filter(|reason| !reason.text().is_empty());
    let cause = said.map_or(0, |reason| reason.cause());
    match said {
        Some(said) => error.caused_by(cause, format_args!("{}, waiting for {awaited}", said.text())),
        None => error.because(format_args!("waiting for {awaited}")),
    }
}

/// Cuts a line into pieces for the monitor.
pub(super) fn show(pieces: &mut VecDeque<Piece>, line: &[u8], direction: Direction) {
    pieces.extend(line.chunks(PIECE).map(|piece| Piece::new(piece, direction)));
}

fn time_limit(session: &Session, wait: Wait) -> Duration {
    let timeouts = session.timeouts.get();
    let policy = session.terms.borrow().as_deref().and_then(|terms| match wait {
        Wait::EndOfData => terms.end_of_data_limit(),
        Wait::Quit => terms.reply_limit().map(|limit| limit.min(timeouts.quit())),
        _ => terms.reply_limit(),
    });
    if let Some(limit) = policy {
        return limit;
    }
    match wait {
        Wait::Greeting => timeouts.of(Timeout::Greeting),
        Wait::Envelope => timeouts.of(Timeout::Envelope),
        Wait::Data => timeouts.of(Timeout::Data),
        Wait::Chunk => timeouts.of(Timeout::Transfer),
        Wait::EndOfData => timeouts.of(Timeout::EndOfData),
        Wait::Quit => timeouts.quit(),
    }
}
