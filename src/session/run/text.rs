// SPDX-License-Identifier: LGPL-2.1-or-later
//! The text of a message: read from the application, written to the server.

use super::dialogue::show;
use super::{Run, State, far};
use crate::content::Framing;
use crate::error::{Error, Result};
use crate::protocol::{Engine, command};
use crate::session::callback::{Block, Call, Direction};
use crate::session::letter::Letter;
use crate::session::{Session, Timeout};

/// Text is gathered to this many bytes for one write.
const WRITE_SIZE: usize = 65_536;
/// A block from this size on is looked at for a run that goes out as it is.
const RUN_MIN: usize = 256;
/// A run of the application's text from this size on is written from where it lies.
const DIRECT_MIN: usize = 16_384;
/// Most text that waits to be written when another chunk is begun.
const UNWRITTEN_MAX: usize = 524_288;
/// So much may stay behind a write in the middle of a text, so that TLS records are full.
const REST: usize = 16_384;

impl Run {
    /// Hands over what is known of the text's progress, writes what is ready, and asks for
    /// more.
    pub(super) fn transfer(&mut self, session: &Session) -> Option<Call> {
        let Some(letter) = &mut self.letter else {
            self.state = State::Dialogue;
            return None;
        };
        if !self.ahead {
            if let Some(call) = letter.next_note() {
                return Some(call);
            }
        }
        let message = letter.message();
        if letter.framing() == Framing::Chunks {
            if letter.is_complete() || letter.is_chunk_full() {
                self.state = State::Dialogue;
                self.send_chunk(session);
                return None;
            }
            return Some(Call::Read { message });
        }
        if letter.is_complete() {
            self.with_engine(Engine::text_sent);
            self.close_letter();
            return None;
        }
        let waiting = self.link.as_ref().map_or(0, |link| link.stream.queued());
        if waiting >= WRITE_SIZE && !self.write_text(session) {
            self.close_letter();
            return None;
        }
        Some(Call::Read { message })
    }

    /// Goes on with the text of a message, from its beginning if that is not done yet.
    pub(super) fn begin_chunk(&mut self, session: &Session, message: usize, ahead: bool) {
        // A server that answers but does not read must not make us hold the text.
        if self.link.as_ref().is_some_and(|link| link.stream.queued() > UNWRITTEN_MAX) {
            return self.take_reply(session);
        }
        self.ahead = ahead;
        if self.letter.as_ref().is_some_and(|letter| letter.message() == message) {
            self.state = State::Text;
        } else {
            self.letter = Letter::begin(session, message, Framing::Chunks);
            self.state = State::Rewind;
        }
    }

    /// Sends the chunk that was gathered.
    fn send_chunk(&mut self, session: &Session) {
        if !self.may_send_chunk(session) {
            return;
        }
        let (Some(link), Some(letter)) = (&mut self.link, &mut self.letter) else {
            return;
        };
        let last = letter.is_complete();
        if self.ahead && !last {
            return link.engine.text_held();
        }
        let chunk = letter.take_chunk(session.events.get().is_some());
        // Exchange before 2007 loses the end of a message if it is in the last chunk; it gives
        // itself away by an extension of its own.
        let apart = last && link.engine.extensions().xexch50;
        if !apart || !chunk.is_empty() {
            self.queue_chunk(session, &chunk, &[], last && !apart);
        }
        if apart {
            self.queue_chunk(session, b"\r\n", &[], true);
        }
        if let Some(letter) = &mut self.letter {
            letter.reuse(chunk);
        }
        if last {
            self.keep_notes();
            self.flush_group(session);
        } else {
            self.take_reply(session);
        }
    }

    /// Sends what was gathered, and behind it a run of the application's text as it is.
    fn send_run(&mut self, session: &Session, run: &[u8]) {
        self.state = State::Dialogue;
        if !self.may_send_chunk(session) {
            return;
        }
        let Some(letter) = &mut self.letter else { return };
        letter.pass(run);
        let gathered = letter.take_chunk(session.events.get().is_some());
        self.queue_chunk(session, &gathered, run, false);
        if let Some(letter) = &mut self.letter {
            letter.reuse(gathered);
        }
        self.take_reply(session);
    }

    /// What the server says while no reply is due is not about the chunk that comes next.
    fn may_send_chunk(&mut self, session: &Session) -> bool {
        let may =
            self.link.as_ref().is_some_and(|link| link.engine.expects_reply()) || self.is_quiet(session);
        if !may {
            self.close_letter();
        }
        may
    }

    fn queue_chunk(&mut self, session: &Session, gathered: &[u8], run: &[u8], last: bool) {
        let Some(link) = &mut self.link else { return };
        let queue = link.stream.queue();
        let start = queue.len();
        let octets = gathered.len() + run.len();
        command::write_bdat(octets, last, queue);
        let line = queue.get(start..).unwrap_or_default();
        if session.monitor.get().is_some() {
            show(&mut self.pieces, line, Direction::Writing);
        }
        if let Some(trace) = &mut self.trace {
            trace.line(Direction::Writing, line);
        }
        link.engine.chunk_sent(octets, last);
        for part in [gathered, run] {
            // A short one leaves with the commands around it.
            if part.len() < DIRECT_MIN {
                link.stream.queue().extend_from_slice(part);
            } else if let Err(error) = link.stream.write_through(part) {
                return link.engine.fail(session, error);
            }
        }
    }

    /// A text that is written is done with, but for what is to be told about it.
    fn keep_notes(&mut self) {
        let ahead = self.ahead;
        if let Some(letter) = self.letter.take() {
            let kept = letter.into_kept();
            if ahead {
                self.kept.push_back(kept);
            } else {
                self.telling = Some(kept);
            }
            self.release_due = true;
        }
    }

    /// Somebody takes the message: the application may hear of its progress.
    pub(super) fn tell_kept(&mut self, message: usize) {
        let position = self.kept.iter().position(|kept| kept.message == message);
        self.telling = position.and_then(|position| self.kept.remove(position));
    }

    /// Nobody takes the message.
    pub(super) fn void_text(&mut self, message: usize) {
        self.kept.retain(|kept| kept.message != message);
        if self.letter.as_ref().is_some_and(|letter| letter.message() == message) {
            self.close_letter();
        }
    }

    /// Writes the text that is queued. `false`: the server has put an end to it.
    fn write_text(&mut self, session: &Session) -> bool {
        let Some(link) = &mut self.link else {
            return false;
        };
        let deadline = far(session.timeouts.get().of(Timeout::Transfer));
        let parser = &mut link.parser;
        let outcome = link.stream.exchange(REST, Some(deadline), |bytes| parser.feed(bytes));
        self.judge_interruption(session, outcome)
    }

    /// Writes a run of the application's text. `false`: the server has put an end to it.
    fn write_run(&mut self, session: &Session, run: &[u8]) -> bool {
        let Some(link) = &mut self.link else {
            return false;
        };
        let parser = &mut link.parser;
        let written = link.stream.write_through(run);
        let outcome = written.and_then(|()| link.stream.poll(|bytes| parser.feed(bytes)));
        self.judge_interruption(session, outcome)
    }

    /// Whether the server has said nothing since the last reply.
    fn is_quiet(&mut self, session: &Session) -> bool {
        let Some(link) = &mut self.link else {
            return false;
        };
        let parser = &mut link.parser;
        let arrived = link.stream.poll(|bytes| parser.feed(bytes));
        let interrupted = arrived.map(|arrived| arrived || link.parser.has_leftover());
        self.judge_interruption(session, interrupted)
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

    /// Gives up the text under way, if there is one.
    pub(super) fn close_letter(&mut self) {
        if self.letter.take().is_some() {
            self.release_due = true;
        }
        self.state = State::Dialogue;
    }

    /// The source stands at its beginning, or does not.
    pub(crate) fn rewound(&mut self, session: &Session, outcome: Result<()>) {
        match outcome {
            Ok(()) if self.is_chunked() => self.state = State::Text,
            Ok(()) => {
                self.state = State::Text;
                if !self.is_quiet(session) {
                    self.close_letter();
                }
            }
            Err(error) => {
                self.text(session, Block::Failed(error), false);
            }
        }
    }

    fn is_chunked(&self) -> bool {
        self.letter.as_ref().is_some_and(|letter| letter.framing() == Framing::Chunks)
    }

    /// What the source gave. `true` = nothing is to be told or written before it is asked for
    /// more.
    pub(crate) fn text(&mut self, session: &Session, block: Block<'_>, more_follows: bool) -> bool {
        let (Some(link), Some(letter)) = (&mut self.link, &mut self.letter) else {
            return false;
        };
        match block {
            Block::Text(text) => {
                let clean = if text.len() < RUN_MIN { 0 } else { letter.clean_length(text) };
                let (run, rest) = text.split_at(clean);
                let is_long = run.len() >= DIRECT_MIN;
                // Only what is not the last of a text can go without having been kept.
                let is_chunked = letter.framing() == Framing::Chunks;
                if is_chunked && is_long && rest.is_empty() && more_follows && !self.ahead {
                    self.send_run(session, run);
                    return false;
                }
                if is_chunked || !is_long {
                    letter.append(run, link.stream.queue());
                } else {
                    letter.pass(run);
                    if !self.write_run(session, run) {
                        self.close_letter();
                        return false;
                    }
                }
                let (Some(link), Some(letter)) = (&mut self.link, &mut self.letter) else {
                    return false;
                };
                letter.push(rest, link.stream.queue());
                let Some(letter) = &self.letter else { return false };
                let told = self.ahead || !letter.has_notes();
                let room = match letter.framing() {
                    Framing::Dots => self.link.as_ref().is_some_and(|link| link.stream.queued() < WRITE_SIZE),
                    Framing::Chunks => !letter.is_chunk_full(),
                };
                told && room
            }
            Block::End => {
                // What the server says before it has the end is about something else.
                if letter.framing() == Framing::Dots && !self.is_quiet(session) {
                    self.close_letter();
                    return false;
                }
                if let (Some(link), Some(letter)) = (&mut self.link, &mut self.letter) {
                    letter.end(link.stream.queue());
                }
                false
            }
            Block::Failed(error) => {
                link.engine.source_failed(error);
                if !self.ahead {
                    self.telling = self.letter.take().map(Letter::into_kept);
                    self.release_due = true;
                }
                self.close_letter();
                false
            }
        }
    }
}
