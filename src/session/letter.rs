// SPDX-License-Identifier: LGPL-2.1-or-later
//! A message's text on its way from the application's source to the wire.

use std::collections::VecDeque;
use std::ffi::c_int;
use std::time::{SystemTime, UNIX_EPOCH};

use super::callback::{Direction, Piece};
use super::{Message, ReversePath, Session};
use crate::content::header::Facts;
use crate::content::{Body, End, Framing, Note, Options, Output, Text};
use crate::net;
use crate::protocol::Event;

/// The text of the message under way, and what is to be told about it.
pub(super) struct Letter {
    message: usize,
    text: Text,
    output: Output,
    complete: bool,
}

impl Letter {
    /// Prepares the text of a message: its headers are those of this moment.
    pub(super) fn begin(session: &Session, position: usize) -> Option<Self> {
        let message = session.message(position)?;
        let localhost = session.localhost.borrow();
        let localhost = localhost.as_ref().map_or(&b"localhost"[..], |name| name.to_bytes());
        let plan = plan(&message, localhost);
        let options = Options {
            framing: Framing::Dots,
            body: Body::Lines,
            count: session.events.get().is_some(),
            show_headers: session.monitor.get().is_some_and(|monitor| monitor.headers),
        };
        Some(Self {
            message: position,
            text: Text::new(plan, options),
            output: Output::default(),
            complete: false,
        })
    }

    pub(super) fn message(&self) -> usize {
        self.message
    }

    /// Whether the end was written.
    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    /// Adds a block of the application's.
    pub(super) fn push(&mut self, block: &[u8], wire: &mut Vec<u8>) {
        self.write_to(wire, |text, output| text.push(block, output));
    }

    /// The source has come to an end: of the headers, then of the message.
    pub(super) fn end(&mut self, wire: &mut Vec<u8>) {
        let mut end = End::Headers;
        self.write_to(wire, |text, output| end = text.end(output));
        self.complete = matches!(end, End::Message);
    }

    /// Lets the text append straight to the connection's queue.
    fn write_to(&mut self, wire: &mut Vec<u8>, write: impl FnOnce(&mut Text, &mut Output)) {
        std::mem::swap(wire, &mut self.output.wire);
        write(&mut self.text, &mut self.output);
        std::mem::swap(wire, &mut self.output.wire);
    }

    /// The next header for the monitor, if that is what is due next.
    pub(super) fn next_piece(&mut self) -> Option<Piece> {
        let notes: &mut VecDeque<Note> = &mut self.output.notes;
        match notes.pop_front()? {
            Note::Header(header) => Some(Piece::new(&header, Direction::Headers)),
            other @ Note::Data(_) => {
                notes.push_front(other);
                None
            }
        }
    }

    /// The next progress event, if that is what is due next.
    pub(super) fn next_event(&mut self) -> Option<Event> {
        let notes = &mut self.output.notes;
        match notes.pop_front()? {
            Note::Data(bytes) => Some(Event::MessageData {
                message: self.message,
                bytes: c_int::try_from(bytes).unwrap_or(c_int::MAX),
            }),
            other @ Note::Header(_) => {
                notes.push_front(other);
                None
            }
        }
    }
}

/// Renders what the application said about the headers.
fn plan(message: &Message, localhost: &[u8]) -> crate::content::header::Plan {
    let reverse_path = message.reverse_path().borrow();
    let reverse_path = match &*reverse_path {
        ReversePath::Mailbox(mailbox) => Some(mailbox.given().to_bytes()),
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
