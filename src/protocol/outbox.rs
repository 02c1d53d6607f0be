// SPDX-License-Identifier: LGPL-2.1-or-later
//! The messages that wait to be sent, as the engine sees them.

use super::extensions::Extensions;
use super::position::{MessageAt, RecipientAt, RecipientRun};

/// Whether the session uses STARTTLS (RFC 3207).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StartTls {
    /// Never.
    #[default]
    Disabled,
    /// If it is offered.
    Enabled,
    /// Or fail.
    Required,
}

/// The extensions without which the session must not go on.
#[derive(Debug, Clone, Copy, Default)]
pub struct Required {
    /// Delivery status notifications (RFC 3461).
    pub dsn: bool,
    /// 8BITMIME (RFC 6152).
    pub eight_bit: bool,
    /// CHUNKING and BINARYMIME (RFC 3030).
    pub binary: bool,
    /// ETRN (RFC 1985).
    pub etrn: bool,
}

/// A message's envelope, as it stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Envelope {
    /// Where a recipient would stand that was added now.
    pub end: RecipientAt,
    /// The reverse path can be sent.
    pub usable_sender: bool,
    /// A path needs SMTPUTF8 (RFC 6531).
    pub utf8: bool,
    /// The body is BINARYMIME (RFC 3030 §3).
    pub binary: bool,
    /// The seconds of `BY=`, if there is one (RFC 2852).
    pub deliver_by: Option<i64>,
}

/// Who comes next of a message's recipients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nobody is left.
    Nobody,
    /// One whose path cannot be sent.
    Unusable(RecipientAt),
    /// Some who can be sent.
    Usable(RecipientRun),
}

/// What the engine asks of a session's messages, recipients and nodes. It is told nothing: what
/// the server decides comes out of the engine as [`Verdict`](super::Verdict)s.
pub trait Outbox {
    /// Whether STARTTLS is wanted.
    fn starttls(&self) -> StartTls;
    /// Whether credentials are there for AUTH.
    fn wants_auth(&self) -> bool;
    /// Whether the session must not go on without authentication.
    fn requires_auth(&self) -> bool {
        false
    }
    /// Takes out of the server's offer what is not to be used.
    fn prune(&self, _offered: &mut Extensions) {}
    /// The extensions that must be offered.
    fn required(&self) -> Required;
    /// Whether a message goes only to all of its recipients or to none.
    fn requires_all_recipients(&self) -> bool;
    /// How many ETRN nodes there are.
    fn etrn_count(&self) -> usize;

    /// The first message at or after `from` that can be sent and has an incomplete recipient.
    fn next_message(&self, from: MessageAt) -> Option<MessageAt>;
    /// A message's envelope.
    fn envelope(&self, message: MessageAt) -> Envelope;
    /// The first incomplete recipients at or after the first of some, before their end, and at
    /// most so many.
    fn recipients(&self, message: MessageAt, of: RecipientRun, most: usize) -> Next;
    /// Whether the message's text can be had once more in the same session.
    fn is_repeatable(&self, message: MessageAt) -> bool;
}
