// SPDX-License-Identifier: LGPL-2.1-or-later
//! The messages that wait to be sent, as the engine sees them.

use super::extensions::Extensions;
use super::position::{MessageAt, RecipientAt};

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
    /// How many recipients a message has now.
    fn recipient_count(&self, message: MessageAt) -> usize;
    /// The first incomplete recipient at or after `from`.
    fn next_recipient(&self, message: MessageAt, from: RecipientAt) -> Option<RecipientAt>;
    /// Whether the message's text can be had once more in the same session.
    fn is_repeatable(&self, message: MessageAt) -> bool;
    /// Whether the message's reverse path can be sent.
    fn has_usable_sender(&self, message: MessageAt) -> bool;
    /// Whether a recipient's path can be sent.
    fn is_usable(&self, message: MessageAt, recipient: RecipientAt) -> bool;
    /// Whether the message's body is BINARYMIME (RFC 3030 §3).
    fn is_binary(&self, message: MessageAt) -> bool;
    /// Whether an envelope path of the message needs SMTPUTF8 (RFC 6531).
    fn needs_utf8(&self, message: MessageAt) -> bool;
    /// The seconds of the message's `BY=`, if it has one (RFC 2852).
    fn deliver_by(&self, message: MessageAt) -> Option<i64>;
}
