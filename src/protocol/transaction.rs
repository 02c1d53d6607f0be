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
    /// The seconds for `BY=` in place of the application's.
    pub(super) by_seconds: Option<i64>,
    accepted: Vec<usize>,
    first_refusal: Option<Reply>,
}

impl Transaction {
    pub(super) fn new(message: usize, outbox: &dyn Outbox) -> Self {
        Self {
            message,
            end: outbox.recipient_count(message),
            requires_all: outbox.requires_all_recipients(),
            by_seconds: None,
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

    /// The reply to a recipient's RCPT. One that is refused for good is done with.
    pub(super) fn recipient_answered(&mut self, outbox: &dyn Outbox, recipient: usize, reply: &Reply) {
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

    /// Whether any recipient takes the message.
    pub(super) fn has_recipients(&self) -> bool {
        !self.accepted.is_empty()
    }

    /// The refusal that stops a message that must go to all.
    pub(super) fn refusal_of_all(&self) -> Option<&Reply> {
        self.first_refusal.as_ref().filter(|_| self.requires_all)
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
