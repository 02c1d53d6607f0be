// SPDX-License-Identifier: LGPL-2.1-or-later
//! The text of a message: read from the application, written to the server.

use std::ffi::c_int;

use super::dialogue::show;
use super::{Run, State, far};
use crate::error::{Error, Result};
use crate::protocol::{Bdat, Engine, MessageAt, command};
use crate::session::callback::{Block, Call, Direction};
use crate::session::transfer::{Carrier, Passage, Stage, Transfer, sizes};
use crate::session::{Session, Timeout};

impl Run {
    /// Begins with the text of a message that goes by DATA.
    pub(super) fn begin_text(&mut self, message: MessageAt) {
        self.transfer = Some(Transfer::new(message, Carrier::Data));
        self.state = State::Rewind;
    }

    /// Goes on with the text of a message that goes in chunks, from its beginning if that is
    /// not done yet.
    pub(super) fn next_chunk(&mut self, session: &Session, message: MessageAt) {
        if self.link.as_ref().is_some_and(|link| link.stream.queued() > sizes::UNWRITTEN) {
            return self.take_reply(session);
        }
        if self.transfer.is_some() {
            self.state = State::Text;
        } else {
            self.transfer = Some(Transfer::new(message, Carrier::Chunks));
            self.state = State::Rewind;
        }
    }

    /// Asks the source to start anew.
    pub(super) fn rewind(&mut self) -> Option<Call> {
        let rewind = self.transfer.as_ref().map(|transfer| Call::Rewind { message: transfer.message() });
        if rewind.is_none() {
            self.state = State::Dialogue;
            self.with_engine(|engine| engine.fail(Error::Client));
        }
        rewind
    }

    /// The source stands at its beginning, or does not.
    pub(crate) fn rewound(&mut self, session: &Session, outcome: Result<()>) {
        self.state = State::Text;
        match outcome {
            Ok(()) if self.carrier() == Some(Carrier::Chunks) => {}
            // What arrives from now on is found before the end of the text goes out.
            Ok(()) => {
                let said = self.link.as_ref().is_some_and(|link| link.parser.has_leftover());
                self.judge_interruption(session, Ok(said));
            }
            Err(error) => self.source_failed(error),
        }
    }

    fn carrier(&self) -> Option<Carrier> {
        self.transfer.as_ref().map(Transfer::carrier)
    }

    /// The lengths that are to be told next: how many.
    pub(crate) fn take_lengths(&mut self, lengths: &mut [c_int]) -> usize {
        self.transfer.as_mut().map_or(0, |transfer| transfer.take_lengths(lengths))
    }

    /// Tells of progress, writes what is ready, and asks for more.
    pub(super) fn transfer(&mut self, session: &Session) -> Option<Call> {
        let Some(transfer) = &mut self.transfer else {
            self.state = State::Dialogue;
            return None;
        };
        if let Some(call) = transfer.next_progress(&mut self.pieces) {
            return Some(call);
        }
        let message = transfer.message();
        match (transfer.carrier(), transfer.stage()) {
            (_, Stage::Over) => self.close_transfer(),
            (Carrier::Chunks, _) if transfer.is_chunk_due() => self.send_chunk(session, &[]),
            (Carrier::Data, Stage::Complete) => {
                self.with_engine(Engine::text_sent);
                self.close_transfer();
            }
            (Carrier::Data, Stage::Reading) if self.is_queue_full() && !self.write_text(session) => {}
            (_, Stage::Reading | Stage::Complete) => return Some(Call::Read { message }),
        }
        None
    }

    fn is_queue_full(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.stream.queued() >= sizes::WRITE)
    }

    /// What the source gave. `true` = nothing is to be told or written before it is asked for
    /// more.
    pub(crate) fn text(&mut self, session: &Session, block: Block<'_>, more_follows: bool) -> bool {
        if let Some(transfer) = &mut self.transfer {
            transfer.begin(session);
        }
        match block {
            Block::Text(text) => self.take_text(session, text, more_follows) && self.wants_more(),
            Block::End => {
                self.end_text(session);
                false
            }
            Block::Failed(error) => {
                self.source_failed(error);
                false
            }
        }
    }

    /// Sends a block on its way; `false` = it is the engine's turn.
    fn take_text(&mut self, session: &Session, text: &[u8], more_follows: bool) -> bool {
        let (Some(link), Some(transfer)) = (&mut self.link, &mut self.transfer) else {
            return false;
        };
        match transfer.take(text, more_follows, link.stream.queue()) {
            Passage::Copied => true,
            Passage::Direct { run, rest } => self.write_run(session, run) && self.push_text(rest),
            Passage::Chunk { run } => {
                self.send_chunk(session, run);
                false
            }
        }
    }

    fn push_text(&mut self, text: &[u8]) -> bool {
        if let (Some(link), Some(transfer)) = (&mut self.link, &mut self.transfer) {
            transfer.push(text, link.stream.queue());
        }
        true
    }

    fn wants_more(&self) -> bool {
        self.transfer.as_ref().is_some_and(|transfer| {
            let room = match transfer.carrier() {
                Carrier::Data => !self.is_queue_full(),
                Carrier::Chunks => !transfer.is_chunk_due(),
            };
            room && !transfer.has_progress()
        })
    }

    fn end_text(&mut self, session: &Session) {
        // What the server says before it has the end is about something else.
        if self.carrier() == Some(Carrier::Data) && !self.goes_on(session) {
            return;
        }
        if let (Some(link), Some(transfer)) = (&mut self.link, &mut self.transfer) {
            transfer.end(link.stream.queue());
        }
    }

    fn source_failed(&mut self, error: Error) {
        self.with_engine(|engine| engine.source_failed(error));
        if let Some(transfer) = &mut self.transfer {
            transfer.finish();
        }
    }

    /// Sends the chunk that was gathered, and behind it a run of the application's text.
    fn send_chunk(&mut self, session: &Session, run: &[u8]) {
        // What the server says while no reply is due is not about the chunk that comes next.
        if !self.link.as_ref().is_some_and(|link| link.engine.expects_reply()) && !self.goes_on(session) {
            return;
        }
        let (Some(link), Some(transfer)) = (&mut self.link, &mut self.transfer) else {
            return;
        };
        let complete = transfer.stage() == Stage::Complete;
        let gathered = transfer.take_chunk(session.events.get().is_some());
        if let Some(bdat) = link.engine.chunk(gathered.len() + run.len(), complete) {
            self.queue_chunk(session, [&gathered, run], bdat);
        }
        if let Some(transfer) = &mut self.transfer {
            transfer.reuse(gathered);
            if complete {
                transfer.finish();
            }
        }
        if complete {
            self.flush_group(session);
        } else {
            self.state = State::Dialogue;
            self.take_reply(session);
        }
    }

    fn queue_chunk(&mut self, session: &Session, parts: [&[u8]; 2], bdat: Bdat) {
        let Some(link) = &mut self.link else { return };
        let queue = link.stream.queue();
        let start = queue.len();
        let octets = parts.iter().map(|part| part.len()).sum();
        command::write_bdat(octets, bdat == Bdat::Last, queue);
        let line = queue.get(start..).unwrap_or_default();
        if session.monitor.get().is_some() {
            show(&mut self.pieces, line, Direction::Writing);
        }
        if let Some(trace) = &mut self.trace {
            trace.line(Direction::Writing, line);
        }
        for part in parts {
            // A short one leaves with the commands around it.
            if part.len() < sizes::DIRECT {
                link.stream.queue().extend_from_slice(part);
            } else if let Err(error) = link.stream.write_through(part) {
                return link.engine.fail(error);
            }
        }
    }

    /// Writes the text that is queued. `false`: the server has put an end to it.
    fn write_text(&mut self, session: &Session) -> bool {
        let Some(link) = &mut self.link else {
            return false;
        };
        let deadline = far(session.timeouts.get().of(Timeout::Transfer));
        let outcome = loop {
            let parser = &mut link.parser;
            let arrived = link.stream.exchange(sizes::REST, Some(deadline), |bytes| parser.feed(bytes));
            match arrived {
                // An empty line is no word of the server's.
                Ok(true) if !link.parser.has_leftover() => {}
                outcome => break outcome,
            }
        };
        self.judge_interruption(session, outcome)
    }

    /// Writes a run of the application's text. `false`: the server has put an end to it.
    fn write_run(&mut self, session: &Session, run: &[u8]) -> bool {
        let Some(link) = &mut self.link else {
            return false;
        };
        let parser = &mut link.parser;
        let written = link.stream.write_through(run);
        let arrived = written.and_then(|()| link.stream.poll(|bytes| parser.feed(bytes)));
        let interrupted = arrived.map(|_| link.parser.has_leftover());
        self.judge_interruption(session, interrupted)
    }

    /// Whether the server has said nothing since the last reply.
    fn goes_on(&mut self, session: &Session) -> bool {
        let Some(link) = &mut self.link else {
            return false;
        };
        let parser = &mut link.parser;
        let arrived = link.stream.poll(|bytes| parser.feed(bytes));
        let interrupted = arrived.map(|_| link.parser.has_leftover());
        self.judge_interruption(session, interrupted)
    }

    /// Nothing is due from the server during the text, so whatever it says stops it.
    fn judge_interruption(&mut self, session: &Session, outcome: Result<bool>) -> bool {
        let interrupted = match outcome {
            Ok(false) => return true,
            Ok(true) => self.reply(session, true),
            Err(error) => self.last_words(session, error).map(Some),
        };
        self.with_engine(|engine| match interrupted {
            Ok(Some(reply)) => engine.text_interrupted(reply),
            Ok(None) => engine.fail(Error::Client),
            Err(error) => engine.fail(error),
        });
        self.close_transfer();
        false
    }

    /// Gives up the text under way, if there is one.
    pub(super) fn close_transfer(&mut self) {
        self.state = if self.transfer.is_some() { State::Release } else { State::Dialogue };
        self.transfer = None;
    }
}
