// SPDX-License-Identifier: LGPL-2.1-or-later
//! A message's text on its way from the application's source to the wire.

use std::collections::VecDeque;
use std::ffi::c_int;
use std::time::{SystemTime, UNIX_EPOCH};

use super::callback::{Call, Direction, Piece};
use super::{Message, ReversePath, Session};
use crate::content::header::Facts;
use crate::content::{Body, End, Framing, Note, Options, Output, Text};
use crate::net;
use crate::protocol::Event;
use crate::protocol::envelope::BodyType;

/// Text in chunks is gathered to this many bytes, so that small blocks of the application's
/// do not become small chunks. It is also the most that is read ahead of the recipients.
const CHUNK_SIZE: usize = 65_536;

/// Text is copied in pieces of this size: up to here `memcpy` uses vector registers, beyond it
/// some of them start a string instruction, which takes its time to get going.
const COPIED: usize = 2048;

/// The text of the message under way, and what is to be told about it.
pub(super) struct Letter {
    message: usize,
    framing: Framing,
    text: Text,
    output: Output,
    complete: bool,
}

/// Looking for what needs no change, at the speed of the CPU.
struct CleanLength<'a> {
    text: &'a Text,
    block: &'a [u8],
}

impl net::Wide for CleanLength<'_> {
    type Output = usize;

    #[inline(always)]
    fn run(self) -> usize {
        self.text.clean_length(self.block)
    }
}

/// What the application is told of a text once it is known that somebody takes it.
pub(super) struct Kept {
    pub(super) message: usize,
    pub(super) notes: VecDeque<Note>,
}

impl Letter {
    /// Prepares the text of a message: its headers are those of this moment.
    pub(super) fn begin(session: &Session, position: usize, framing: Framing) -> Option<Self> {
        let message = session.message(position)?;
        session.find_localhost();
        let localhost = session.localhost.borrow();
        let localhost = localhost.as_ref().map_or(&b"localhost"[..], |name| name.to_bytes());
        let plan = plan(&message, localhost);
        let options = Options {
            framing,
            body: match message.body() {
                Some(BodyType::Binary) => Body::Binary,
                _ => Body::Lines,
            },
            count: session.events.get().is_some(),
            show_headers: session.monitor.get().is_some_and(|monitor| monitor.headers),
        };
        Some(Self {
            message: position,
            framing,
            text: Text::new(plan, options),
            output: Output::default(),
            complete: false,
        })
    }

    pub(super) fn message(&self) -> usize {
        self.message
    }

    pub(super) fn framing(&self) -> Framing {
        self.framing
    }

    /// Whether the end was written, or is in the chunk that is gathered.
    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    /// Whether the chunk that is gathered should be sent before more is read.
    pub(super) fn is_chunk_full(&self) -> bool {
        self.output.wire.len() >= CHUNK_SIZE
    }

    /// Takes the chunk that was gathered, and notes its part of the body.
    pub(super) fn take_chunk(&mut self, counted: bool) -> Vec<u8> {
        let octets = self.text.take_body_length();
        if counted && octets > 0 {
            self.output.notes.push_back(Note::Data(octets));
        }
        std::mem::take(&mut self.output.wire)
    }

    /// Gives a chunk's memory back for the next one.
    pub(super) fn reuse(&mut self, mut chunk: Vec<u8>) {
        chunk.clear();
        if self.output.wire.is_empty() {
            self.output.wire = chunk;
        }
    }

    /// How much of a block, from its start on, goes out as it is.
    pub(super) fn clean_length(&self, block: &[u8]) -> usize {
        net::wide(CleanLength { text: &self.text, block })
    }

    /// A run of this kind has gone out.
    pub(super) fn pass(&mut self, run: &[u8]) {
        self.text.pass(run);
    }

    /// Adds a run of this kind.
    pub(super) fn append(&mut self, run: &[u8], wire: &mut Vec<u8>) {
        let wire = match self.framing {
            Framing::Dots => wire,
            Framing::Chunks => &mut self.output.wire,
        };
        for piece in run.chunks(COPIED) {
            wire.extend_from_slice(piece);
        }
        self.text.pass(run);
    }

    /// Whether the application is to be told something.
    pub(super) fn has_notes(&self) -> bool {
        !self.output.notes.is_empty()
    }

    /// Ends the letter: what is left to be told.
    pub(super) fn into_kept(mut self) -> Kept {
        self.text.abandon(&mut self.output);
        Kept {
            message: self.message,
            notes: self.output.notes,
        }
    }

    /// Adds a block of the application's: to the queue, or to the chunk that is gathered.
    pub(super) fn push(&mut self, block: &[u8], wire: &mut Vec<u8>) {
        match self.framing {
            Framing::Dots => self.write_to(wire, |text, output| text.push(block, output)),
            Framing::Chunks => self.text.push(block, &mut self.output),
        }
    }

    /// The source has come to an end: of the headers, then of the message.
    pub(super) fn end(&mut self, wire: &mut Vec<u8>) {
        let mut end = End::Headers;
        match self.framing {
            Framing::Dots => self.write_to(wire, |text, output| end = text.end(output)),
            Framing::Chunks => end = self.text.end(&mut self.output),
        }
        self.complete = matches!(end, End::Message);
    }

    /// Lets the text append straight to the connection's queue.
    fn write_to(&mut self, wire: &mut Vec<u8>, write: impl FnOnce(&mut Text, &mut Output)) {
        std::mem::swap(wire, &mut self.output.wire);
        write(&mut self.text, &mut self.output);
        std::mem::swap(wire, &mut self.output.wire);
    }

    /// What the application is to be told next.
    pub(super) fn next_note(&mut self) -> Option<Call> {
        Some(call(self.message, self.output.notes.pop_front()?))
    }
}

impl Kept {
    /// What the application is to be told next.
    pub(super) fn next_note(&mut self) -> Option<Call> {
        Some(call(self.message, self.notes.pop_front()?))
    }
}

/// A note as a call of the monitor or an event.
fn call(message: usize, note: Note) -> Call {
    match note {
        Note::Header(header) => Call::Show(Piece::new(&header, Direction::Headers)),
        Note::Data(octets) => Call::Tell(Event::MessageData {
            message,
            bytes: c_int::try_from(octets).unwrap_or(c_int::MAX),
        }),
    }
}

/// Renders what the application said about the headers.
fn plan(message: &Message, localhost: &[u8]) -> crate::content::header::Plan {
    let reverse_path = message.reverse_path().borrow();
    let reverse_path = match &*reverse_path {
        ReversePath::Mailbox(mailbox) => Some(mailbox.given().to_bytes()).filter(|path| !path.is_empty()),
        ReversePath::Null | ReversePath::Refused => None,
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let facts = Facts {
        reverse_path,
        recipients: &|take| message.for_each_recipient(|one| take(one.given().to_bytes())),
        seconds: i64::try_from(now.as_secs()).unwrap_or(i64::MAX),
        microseconds: now.subsec_micros(),
        pid: std::process::id(),
        localhost,
        local_offset: &net::local_offset,
    };
    message.headers().borrow().plan(&facts)
}
