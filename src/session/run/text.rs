// SPDX-License-Identifier: LGPL-2.1-or-later
//! The text of a message: read from the application, written to the server.

use super::{Run, State, far};
use crate::error::{Error, Result};
use crate::protocol::Engine;
use crate::session::callback::{Block, Call};
use crate::session::{Session, Timeout};

/// Text is gathered to this many bytes for one write.
const WRITE_SIZE: usize = 65_536;

impl Run {
    /// Hands over what is known of the text's progress, writes what is ready, and asks for
    /// more.
    pub(super) fn transfer(&mut self, session: &Session) -> Option<Call> {
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

    /// The source stands at its beginning, or does not.
    pub(crate) fn rewound(&mut self, session: &Session, outcome: Result<()>) {
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
    pub(crate) fn text(&mut self, session: &Session, block: Block<'_>) {
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
}
