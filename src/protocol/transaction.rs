// SPDX-License-Identifier: LGPL-2.1-or-later
//! One mail transaction: which recipients were accepted, and what its replies settle.

use super::outbox::Outbox;
use super::reply::{Reply, Severity};

/// A message under way.
#[derive(Debug)]
pub(super) struct Transaction {
    /// Position of the message.
    pub(super) message: usize,
    /// Recipients from here on were added after the envelope was begun.
    pub(super) end: usize,
    /// Whether one refused recipient stops the message.
    pub(super) requires_all: bool,
    /// Whether its paths need SMTPUTF8 (RFC 6531).
    pub(super) utf8: bool,
    /// The seconds for `BY=` in place of the application's.
    pub(super) by_seconds: Option<i64>,
    /// Recipients whose RCPT is not answered.
    pub(super) unanswered: usize,
    /// How far its text is, if that goes in chunks.
    pub(super) text: ChunkedText,
    accepted: Vec<usize>,
    first_refusal: Option<Reply>,
}

/// How far a text in chunks is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChunkedText {
    /// Nothing was asked for.
    NotBegun,
    /// It was begun before any recipient was known, and is too long to go on like that.
    Held,
    /// Chunks were written.
    Begun,
}

/// What is known of a message's recipients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prospect {
    /// Someone takes it.
    Accepted,
    /// Nobody takes it.
    Refused,
    /// Nobody has yet.
    Open,
}

impl Transaction {
    pub(super) fn new(message: usize, outbox: &dyn Outbox) -> Self {
        Self {
            message,
            end: outbox.recipient_count(message),
            requires_all: outbox.requires_all_recipients(),
            utf8: outbox.needs_utf8(message),
            by_seconds: None,
            unanswered: 0,
            text: ChunkedText::NotBegun,
            accepted: Vec::new(),
            first_refusal: None,
        }
    }

    /// The next recipient for RCPT, from a position on.
    pub(super) fn recipient(&self, outbox: &dyn Outbox, from: usize) -> Option<usize> {
        outbox.next_recipient(self.message, from).filter(|recipient| *recipient < self.end)
    }

    /// The server refused MAIL: that reply is the message's and its recipients' too.
    pub(super) fn mail_refused(&self, outbox: &dyn Outbox, reply: &Reply) {
        outbox.message_answered(self.message, reply);
        let mut from = 0;
        while let Some(recipient) = self.recipient(outbox, from) {
            outbox.recipient_answered(self.message, recipient, reply);
            from = recipient + 1;
        }
    }

    /// What is known of the recipients.
    pub(super) fn prospect(&self) -> Prospect {
        match (self.accepted.is_empty(), self.unanswered) {
            (false, _) => Prospect::Accepted,
            (true, 0) => Prospect::Refused,
            (true, _) => Prospect::Open,
        }
    }

    /// The reply to a recipient's RCPT. One that is refused for good is done with.
    pub(super) fn recipient_answered(&mut self, outbox: &dyn Outbox, recipient: usize, reply: &Reply) {
        self.unanswered = self.unanswered.saturating_sub(1);
        outbox.recipient_answered(self.message, recipient, reply);
        if reply.is_completion() {
            self.accepted.push(recipient);
            return;
        }
        if reply.is_permanent() {
            outbox.recipient_complete(self.message, recipient);
        }
        if self.first_refusal.is_none() {
            self.first_refusal = Some(reply.clone());
        }
    }

    /// The refusal that stops a message that must go to all.
    pub(super) fn refusal_of_all(&self) -> Option<&Reply> {
        self.first_refusal.as_ref().filter(|_| self.requires_all)
    }

    /// No recipient takes the message, and nothing of it was sent.
    pub(super) fn nobody_accepted(&self, outbox: &dyn Outbox) {
        if let Some(refusal) = &self.first_refusal {
            self.not_sent(outbox, refusal);
        }
    }

    /// The message is not sent: this reply is its own and that of the accepted recipients,
    /// who stay incomplete.
    pub(super) fn not_sent(&self, outbox: &dyn Outbox, reply: &Reply) {
        outbox.message_answered(self.message, reply);
        self.tell_accepted(outbox, reply);
    }

    /// The final reply to the text.
    pub(super) fn settle(&self, outbox: &dyn Outbox, reply: &Reply) {
        // Accepted by nobody, so not sent, whatever the server says of an empty text.
        let verdict = match &self.first_refusal {
            Some(refusal) if reply.is_completion() && self.accepted.is_empty() => refusal,
            _ => reply,
        };
        outbox.message_answered(self.message, verdict);
        match reply.severity() {
            Severity::Completion => {
                for &recipient in &self.accepted {
                    outbox.recipient_complete(self.message, recipient);
                }
            }
            // To an empty text: it says nothing of recipients who may be accepted another time.
            Severity::Permanent if self.accepted.is_empty() => {}
            Severity::Permanent => {
                self.tell_accepted(outbox, reply);
                for recipient in 0..self.end {
                    outbox.recipient_complete(self.message, recipient);
                }
            }
            Severity::Intermediate | Severity::Transient => self.tell_accepted(outbox, reply),
        }
    }

    fn tell_accepted(&self, outbox: &dyn Outbox, reply: &Reply) {
        for &recipient in &self.accepted {
            outbox.recipient_answered(self.message, recipient, reply);
        }
    }
}
