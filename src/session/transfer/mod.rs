// SPDX-License-Identifier: LGPL-2.1-or-later
//! The transfer of a message's text: from the application's blocks to what is to be written.
//!
//! A [`Transfer`] takes a block and answers with a [`Passage`], which the run carries out. It
//! knows nothing of the connection.

mod headers;
pub(crate) mod sizes;

use std::collections::VecDeque;
use std::ffi::c_int;

use super::Session;
use super::callback::{Call, Direction, Piece};
use crate::content::{Body, End, Framing, Note, Options, Output, Text};
use crate::protocol::MessageAt;

/// The text of the message under way, and what is to be told of its progress.
pub(super) struct Transfer {
    message: MessageAt,
    carrier: Carrier,
    // `None` before the source has said anything.
    text: Option<Text>,
    output: Output,
    stage: Stage,
}

/// How a text travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carrier {
    /// DATA: lines, with dots doubled, to the connection's queue.
    Data,
    /// BDAT: chunks, gathered here (RFC 3030 §2). For a BINARYMIME body.
    Chunks,
}

/// How far a transfer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// The source has more.
    Reading,
    /// The end is in the queue, or in the chunk that is gathered.
    Complete,
    /// Nothing is left to do but to tell of the progress that was made.
    Over,
}

/// How a block of text leaves.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Passage<'a> {
    /// It was copied: to the queue, or to the chunk that is gathered.
    Copied,
    /// A run of it is to be written from where it lies, behind what is queued; then
    /// [`Transfer::push`] takes the rest.
    Direct {
        /// Goes out as it is.
        run: &'a [u8],
        /// Does not, or is not worth it.
        rest: &'a [u8],
    },
    /// A chunk of what was gathered and of this run behind it.
    Chunk {
        /// Goes out as it is.
        run: &'a [u8],
    },
}

impl Transfer {
    /// A text of which nothing has come yet.
    pub(super) fn new(message: MessageAt, carrier: Carrier) -> Self {
        Self {
            message,
            carrier,
            text: None,
            output: Output::default(),
            stage: Stage::Reading,
        }
    }

    /// Before the first word of the source is taken. The headers are those of this moment: also the source may
    /// have set some.
    pub(super) fn begin(&mut self, session: &Session) {
        if self.text.is_some() {
            return;
        }
        let (framing, body) = match self.carrier {
            Carrier::Data => (Framing::Dots, Body::Lines),
            Carrier::Chunks => (Framing::Chunks, Body::Binary),
        };
        let options = Options {
            framing,
            body,
            count: session.events.get().is_some(),
            show_headers: session.monitor.get().is_some_and(|monitor| monitor.headers),
        };
        let message = session.message(self.message);
        self.text = message.map(|message| Text::new(headers::plan(session, &message), options));
    }

    pub(super) fn message(&self) -> MessageAt {
        self.message
    }

    pub(super) fn carrier(&self) -> Carrier {
        self.carrier
    }

    pub(super) fn stage(&self) -> Stage {
        self.stage
    }

    /// Takes a block of the application's. `more_follows` = the source has more of it already:
    /// only what is not the last of a text can be a chunk without having been kept.
    pub(super) fn take<'a>(
        &mut self,
        block: &'a [u8],
        more_follows: bool,
        queue: &mut Vec<u8>,
    ) -> Passage<'a> {
        let Some(text) = &mut self.text else {
            return Passage::Copied;
        };
        let clean = if block.len() < sizes::LOOKED_AT { 0 } else { text.clean_length(block) };
        let (run, rest) = block.split_at_checked(clean).unwrap_or((&[], block));
        if run.len() >= sizes::DIRECT {
            match self.carrier {
                Carrier::Data => {
                    text.pass(run, &mut self.output);
                    return Passage::Direct { run, rest };
                }
                Carrier::Chunks if rest.is_empty() && more_follows => {
                    text.pass(run, &mut self.output);
                    return Passage::Chunk { run };
                }
                Carrier::Chunks => {}
            }
        }
        match self.carrier {
            Carrier::Data => queue.extend_from_slice(run),
            Carrier::Chunks => self.output.wire.extend_from_slice(run),
        }
        text.pass(run, &mut self.output);
        self.push(rest, queue);
        Passage::Copied
    }

    /// Copies text, with what has to be changed about it.
    pub(super) fn push(&mut self, block: &[u8], queue: &mut Vec<u8>) {
        self.write(queue, |text, output| text.push(block, output));
    }

    /// The source has come to an end: of the headers, then of the message.
    pub(super) fn end(&mut self, queue: &mut Vec<u8>) {
        if self.write(queue, |text, output| text.end(output)) == Some(End::Message) {
            self.stage = Stage::Complete;
        }
    }

    /// Lets the text append to where it belongs.
    fn write<T>(
        &mut self,
        queue: &mut Vec<u8>,
        write: impl FnOnce(&mut Text, &mut Output) -> T,
    ) -> Option<T> {
        let text = self.text.as_mut()?;
        let is_data = self.carrier == Carrier::Data;
        if is_data {
            std::mem::swap(queue, &mut self.output.wire);
        }
        let outcome = write(text, &mut self.output);
        if is_data {
            std::mem::swap(queue, &mut self.output.wire);
        }
        Some(outcome)
    }

    /// Whether the chunk that is gathered is due.
    pub(super) fn is_chunk_due(&self) -> bool {
        self.output.wire.len() >= sizes::CHUNK || self.stage == Stage::Complete
    }

    /// Takes the chunk that was gathered; its part of the body is progress, if somebody
    /// listens.
    pub(super) fn take_chunk(&mut self, listened: bool) -> Vec<u8> {
        let octets = self.text.as_mut().map_or(0, Text::take_body_length);
        if listened && octets > 0 {
            self.output.notes.push_back(Note::Data(octets));
        }
        std::mem::take(&mut self.output.wire)
    }

    /// Gives a chunk's memory back for the next one.
    pub(super) fn reuse(&mut self, mut chunk: Vec<u8>) {
        chunk.clear();
        self.output.wire = chunk;
    }

    /// Nothing more of the text is taken; what is known of its progress may still be told.
    pub(super) fn finish(&mut self) {
        if self.stage != Stage::Over {
            if let Some(text) = &mut self.text {
                text.abandon(&mut self.output);
            }
            self.stage = Stage::Over;
        }
    }

    /// Whether the application is to be told something.
    pub(super) fn has_progress(&self) -> bool {
        !self.output.notes.is_empty()
    }

    /// What the application is to be told next; what it is to be shown is added to the pieces.
    pub(super) fn next_progress(&mut self, pieces: &mut VecDeque<Piece>) -> Option<Call> {
        if let Note::Data(_) = self.output.notes.front()? {
            return Some(Call::Progress { message: self.message });
        }
        match self.output.notes.pop_front()? {
            Note::Header(header) => {
                pieces.push_back(Piece::new(&header, Direction::Headers));
                Some(Call::Show)
            }
            Note::Data(_) => None,
        }
    }

    /// Takes the lengths of headers, lines or chunks that are to be told next: how many.
    pub(super) fn take_lengths(&mut self, lengths: &mut [c_int]) -> usize {
        let mut taken = 0;
        for (length, note) in lengths.iter_mut().zip(&self.output.notes) {
            let Note::Data(octets) = note else { break };
            *length = c_int::try_from(*octets).unwrap_or(c_int::MAX);
            taken += 1;
        }
        self.output.notes.drain(..taken);
        taken
    }
}
