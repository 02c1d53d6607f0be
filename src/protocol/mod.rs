// SPDX-License-Identifier: LGPL-2.1-or-later
//! The SMTP dialogue as a pure state machine: replies in, commands out.
//!
//! No socket, no clock, no callback and no C pointer is known here. [`Engine::next`] says what
//! to do, the session does it and feeds back what came of it.

pub mod command;
mod engine;
pub mod envelope;
mod event;
mod extensions;
pub mod mailbox;
mod outbox;
mod pipeline;
mod plain;
mod position;
mod reply;
mod transaction;
mod verdict;

pub use command::Command;
pub use engine::{Bdat, Engine, Opening, Outcome, Refusal, Step, Usual, refused_locally};
pub use event::{Event, Question};
pub use extensions::Extensions;
pub use outbox::{Envelope, Next, Outbox, Required, StartTls};
pub use pipeline::Wait;
pub use position::{MessageAt, NodeAt, RecipientAt, RecipientRun};
pub use reply::{EnhancedCode, Reply, ReplyCode, ReplyForm, ReplyParser, Severity};
pub use verdict::{Accepted, Fate, Settled, Verdict};
