// SPDX-License-Identifier: LGPL-2.1-or-later
//! One mail transaction: which recipients were accepted, and what its replies settle.

use super::outbox::{Envelope, Next, Outbox};
use super::position::{MessageAt, RecipientAt, RecipientRun};
use super::reply::{Reply, ReplyCode, Severity};
use super::verdict::{Accepted, Fate, Verdict};

/// A message under way.
#[derive(Debug, Clone)]
pub(super) struct Transaction {
    pub(super) message: MessageAt,
    /// What its body needs.
    pub(super) carrier: Carrier,
    /// Whether its paths need SMTPUTF8 (RFC 6531).
    pub(super) utf8: bool,
    /// The seconds for `BY=` in place of the application's.
    pub(super) by_seconds: Option<i64>,
    // The first of its recipients: others got the message in a transaction before.
    first: RecipientAt,
    // Recipients from here on are not in it.
    until: RecipientAt,
    // Recipients from here on were added after the envelope was begun.
    end: RecipientAt,
    // RCPT commands that were written.
    rcpts: usize,
    requires_all: bool,
    accepted: Accepted,
    first_refusal: Option<Reply>,
}

/// How a text travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carrier {
    /// DATA, for text in lines. Also where the server offers CHUNKING: one that refuses BDAT
    /// without reading its octets takes them for commands.
    Data,
    /// BDAT, for BINARYMIME (RFC 3030 §3).
    Chunks,
}

impl Transaction {
    pub(super) fn new(
        message: MessageAt,
        first: RecipientAt,
        envelope: &Envelope,
        requires_all: bool,
    ) -> Self {
        Self {
            message,
            carrier: if envelope.binary { Carrier::Chunks } else { Carrier::Data },
            utf8: envelope.utf8,
            by_seconds: None,
            first,
            until: envelope.end,
            end: envelope.end,
            rcpts: 0,
            requires_all,
            accepted: Accepted::default(),
            first_refusal: None,
        }
    }

    /// The first recipient for RCPT.
    pub(super) const fn first(&self) -> RecipientAt {
        self.first
    }

    /// How many recipients there is room for, where a server takes so many.
    pub(super) fn room(&self, most: Option<usize>) -> usize {
        most.map_or(usize::MAX, |most| most.saturating_sub(self.rcpts))
    }

    /// RCPT is written for so many.
    pub(super) fn rcpts_written(&mut self, count: usize) {
        self.rcpts = self.rcpts.saturating_add(count);
    }

    /// Recipients from here on get the message in a transaction of their own.
    pub(super) fn leave(&mut self, rest: RecipientAt) {
        self.until = rest;
    }

    /// The next recipients for RCPT, from a position on, and at most so many.
    pub(super) fn recipients(&self, outbox: &dyn Outbox, from: RecipientAt, most: usize) -> Next {
        RecipientRun::new(from..self.end)
            .map_or(Next::Nobody, |rest| outbox.recipients(self.message, rest, most))
    }

    /// Whether somebody takes the message.
    pub(super) const fn has_accepted(&self) -> bool {
        !self.accepted.is_empty()
    }

    /// Whether one refused recipient stops the message.
    pub(super) const fn requires_all(&self) -> bool {
        self.requires_all
    }

    /// MAIL was refused, by the server or in its place; why, if that is not what the reply says.
    pub(super) fn sender_refused(self, reply: Reply, reason: Option<Reply>) -> Verdict {
        Verdict::SenderRefused {
            message: self.message,
            first: self.first,
            end: self.end,
            reply,
            reason,
            complete: false,
        }
    }

    /// The sender is no mailbox, so nobody gets the message, now or later.
    pub(super) fn sender_unusable(self, reply: Reply) -> Verdict {
        Verdict::SenderRefused {
            message: self.message,
            first: self.first,
            end: self.end,
            reply,
            reason: None,
            complete: true,
        }
    }

    /// The reply to a recipient's RCPT.
    pub(super) fn recipient_answered(&mut self, recipient: RecipientAt, reply: Reply) -> Verdict {
        let complete = self.recipients_answered(recipient.into(), &reply);
        Verdict::Recipient {
            message: self.message,
            recipient,
            reply,
            complete,
        }
    }

    /// The same reply to the RCPT of each; says whether nothing is left to do for them.
    pub(super) fn recipients_answered(&mut self, recipients: RecipientRun, reply: &Reply) -> bool {
        let complete = reply.is_permanent() && !self.is_one_too_many(reply);
        if reply.is_completion() {
            self.accepted.push(recipients);
        } else if self.first_refusal.is_none() {
            self.first_refusal = Some(reply.clone());
        }
        complete
    }

    /// Whether a 552 to RCPT means that there are too many recipients, which the rest can be sent
    /// to later (RFC 5321 §4.5.3.1.10), and not that the mailbox is full.
    fn is_one_too_many(&self, reply: &Reply) -> bool {
        reply.code() == ReplyCode::EXCEEDED
            && match reply.enhanced() {
                Some(code) => (code.subject, code.detail) == (5, 3),
                None => self.has_accepted(),
            }
    }

    /// Whether somebody was refused, so that a message that must go to all is stopped.
    pub(super) const fn has_refused(&self) -> bool {
        self.first_refusal.is_some()
    }

    /// One of the recipients that the message must go to together was refused.
    pub(super) fn withheld(self) -> Option<Verdict> {
        Some(Verdict::Withheld {
            message: self.message,
            reply: self.first_refusal?,
            accepted: self.accepted,
        })
    }

    /// No recipient takes the message, and nothing of it was sent.
    pub(super) fn nobody_accepted(mut self) -> Option<Verdict> {
        let refusal = self.first_refusal.take()?;
        Some(self.not_sent(refusal))
    }

    /// The message is not sent: this reply is its own and that of the accepted recipients,
    /// who stay incomplete.
    pub(super) fn not_sent(self, reply: Reply) -> Verdict {
        Verdict::Message {
            message: self.message,
            reply,
            fate: Fate::Deferred(self.accepted),
        }
    }

    /// The text was taken: for whom.
    pub(super) fn into_accepted(self) -> Accepted {
        self.accepted
    }

    /// The final reply to the text.
    pub(super) fn settle(self, reply: Reply) -> Verdict {
        let Self { message, until, accepted, .. } = self;
        let fate = match reply.severity() {
            // To an empty text: it says nothing of recipients who may be accepted another time.
            _ if accepted.is_empty() => Fate::Untouched,
            Severity::Completion => Fate::Taken(accepted),
            Severity::Permanent => Fate::Refused { accepted, end: until },
            Severity::Intermediate | Severity::Transient => Fate::Deferred(accepted),
        };
        // Accepted by nobody, so not sent, whatever the server says of an empty text.
        let reply = match self.first_refusal {
            Some(refusal) if reply.is_completion() && fate == Fate::Untouched => refusal,
            _ => reply,
        };
        Verdict::Message { message, reply, fate }
    }
}
