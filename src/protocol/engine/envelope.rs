// SPDX-License-Identifier: LGPL-2.1-or-later
//! Transactions as they are written: groups of commands, text, and how much may be under way.

use super::local::refused_locally;
use super::{Engine, MailReplies, Outcome, Phase, Step};
use crate::protocol::command::Command;
use crate::protocol::envelope::DeliverBy;
use crate::protocol::event::{Event, Question};
use crate::protocol::outbox::{Envelope, Next, Outbox};
use crate::protocol::pipeline::Expect;
use crate::protocol::position::RecipientAt;
use crate::protocol::reply::{EnhancedCode, Reply, ReplyCode};
use crate::protocol::transaction::{Carrier, Transaction};

/// Most commands of the kind that a refused MAIL makes errors of, as long as no MAIL was
/// accepted. Postfix slows down at ten errors and hangs up at twenty.
const VENTURED_MAX: usize = 8;
/// Most recipients whose RCPT commands are written before their replies are looked for.
const RUN_MAX: usize = 32;
/// Most commands without answer while chunks are written: what a server that does not answer
/// can make us remember.
const CHUNKS_MAX: usize = 1024;

/// The local answer to a message that needs SMTPUTF8 (RFC 6531 §3.5: 553 with X.6.7).
const NO_SMTPUTF8: &str = "SMTPUTF8 not offered by the server (libesmtp)";

/// The local answer to a recipient, or a message, beyond a limit of the server's (RFC 9422 §4).
const TOO_MANY: EnhancedCode = EnhancedCode { class: 4, subject: 5, detail: 3 };
const TOO_MANY_RECIPIENTS: &str = "the server takes no more recipients for one message (libesmtp)";
const TOO_MANY_MESSAGES: &str = "the server takes no more messages over one connection (libesmtp)";

/// What BDAT says of a chunk (RFC 3030 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bdat {
    /// More chunks follow.
    More,
    Last,
}

impl Engine {
    /// Begins with the next message, or ends the session if there is none.
    pub(super) fn begin_transaction(&mut self, outbox: &dyn Outbox) -> Option<Step> {
        let idle = self.pipeline.is_empty();
        let Some(message) = outbox.next_message(self.next_message) else {
            if !idle {
                return Some(Step::Receive);
            }
            self.quit(Outcome::Finished(Ok(())));
            return None;
        };
        // Nothing is written for this one, and what is told of it follows what is told of the others.
        let too_many = !self.may_begin_another();
        if !idle && (too_many || self.extensions.xusr || self.mail_replies == MailReplies::Refused) {
            return Some(Step::Receive);
        }
        let envelope = outbox.envelope(message);
        let offered = &self.extensions;
        if envelope.binary && !(offered.chunking && offered.binary_mime) {
            // Added after the extensions were checked. DATA cannot carry it.
            if !idle {
                return Some(Step::Receive);
            }
            let missing = self.misses_binary();
            self.phase = Phase::ExtensionsChecked { missing };
            return None;
        }
        let first = std::mem::replace(&mut self.next_recipient, RecipientAt::FIRST);
        self.next_message = message.next();
        if let Some(steps) = refused_locally(outbox, message, first) {
            self.due.extend(steps);
            return None;
        }
        let transaction = Transaction::new(message, first, &envelope, outbox.requires_all_recipients());
        if too_many {
            let reply = Reply::local(ReplyCode::INSUFFICIENT, TOO_MANY, TOO_MANY_MESSAGES);
            self.record(transaction.sender_refused(reply, None));
            return None;
        }
        if transaction.utf8 && !self.extensions.smtp_utf8 {
            let code = EnhancedCode { class: 5, subject: 6, detail: 7 };
            let reply = Reply::local(ReplyCode::MAILBOX_NAME, code, NO_SMTPUTF8);
            self.record(transaction.sender_refused(reply, None));
            return None;
        }
        if let Some(missing) = self.seconds_missing(&envelope) {
            self.due.push_back(Step::Ask(Question::DeliverByExpired { missing }));
        }
        // What was written before is either refused or not known to be settled: its envelope
        // must not be open when this one begins.
        self.phase = if self.envelope_open || !idle { Phase::Rset } else { self.before_mail() };
        self.transactions = self.transactions.saturating_add(1);
        self.current = Some(transaction);
        None
    }

    /// Whether the server takes another transaction (MAILMAX of RFC 9422).
    fn may_begin_another(&self) -> bool {
        self.extensions.limits.transactions.is_none_or(|most| self.transactions < most)
    }

    pub(super) const fn before_mail(&self) -> Phase {
        if self.extensions.xusr { Phase::Xusr } else { Phase::Mail }
    }

    /// How far the message's `BY=` is below the least time of the server (RFC 2852 §4).
    fn seconds_missing(&self, envelope: &Envelope) -> Option<i64> {
        let least = self.extensions.deliver_by.filter(|least| *least > 0)?;
        let seconds = envelope.deliver_by?;
        (seconds < least).then(|| least.saturating_sub(seconds))
    }

    /// The application raises the message's time by so many seconds above the server's least.
    pub(super) fn raise_time(&mut self, seconds: i32) {
        let least = self.extensions.deliver_by.unwrap_or(0);
        if let Some(transaction) = self.current.as_mut().filter(|_| seconds > 0) {
            let raised = least.saturating_add(seconds.into());
            transaction.by_seconds = Some(DeliverBy::SECONDS_MAX.min(raised));
        }
    }

    /// How many more commands may be written behind a first MAIL before its reply is there.
    pub(super) fn may_venture(&self) -> usize {
        match self.mail_replies {
            // All that is under way is behind a MAIL that is not answered.
            MailReplies::None => VENTURED_MAX.saturating_sub(self.pipeline.in_transactions()),
            MailReplies::Accepted | MailReplies::Refused => usize::MAX,
        }
    }

    pub(super) fn write_mail(&mut self) -> Option<Step> {
        let transaction = self.current.as_ref()?;
        let command = Command::Mail {
            message: transaction.message,
            by_seconds: transaction.by_seconds,
            utf8: transaction.utf8,
        };
        let then = Phase::Recipients(transaction.first());
        if self.mail_replies == MailReplies::Refused {
            return self.send_last(command, Expect::Mail, then);
        }
        self.send(command, Expect::Mail, then)
    }

    pub(super) fn write_recipients(&mut self, outbox: &dyn Outbox, from: RecipientAt) -> Option<Step> {
        let at_once = if self.extensions.pipelining { RUN_MAX.min(self.may_venture()) } else { 1 };
        let transaction = self.current.as_mut()?;
        let Transaction { message, utf8, .. } = *transaction;
        match transaction.recipients(outbox, from, at_once) {
            Next::Nobody => self.recipients_written(),
            Next::Unusable(recipient) => {
                self.phase = Phase::Recipients(recipient.next());
                self.pipeline.push(Expect::Unusable(recipient));
                self.refuse_in_turn();
                None
            }
            Next::Usable(recipients) => {
                let room = transaction.room(self.extensions.limits.recipients);
                let Some(recipients) = recipients.up_to(room) else {
                    return self.leave_rest(outbox, recipients.first());
                };
                transaction.rcpts_written(recipients.count());
                let command = Command::Rcpt { message, recipients, utf8 };
                self.send(command, Expect::Rcpt(recipients), Phase::Recipients(recipients.end()))
            }
        }
    }

    /// The server takes no more recipients (RCPTMAX of RFC 9422): the rest go into another
    /// transaction, or into another session.
    fn leave_rest(&mut self, outbox: &dyn Outbox, rest: RecipientAt) -> Option<Step> {
        let another = self.may_begin_another();
        let transaction = self.current.as_mut()?;
        let message = transaction.message;
        if another && outbox.is_repeatable(message) && !transaction.requires_all() {
            transaction.leave(rest);
            self.next_message = message;
            self.next_recipient = rest;
            return self.recipients_written();
        }
        // Each is told of behind those that the server has answered.
        if !self.pipeline.is_empty() {
            return Some(Step::Receive);
        }
        let reply = Reply::local(ReplyCode::INSUFFICIENT, TOO_MANY, TOO_MANY_RECIPIENTS);
        let verdict = transaction.recipient_answered(rest, reply);
        self.record(verdict);
        self.phase = Phase::Recipients(rest.next());
        None
    }

    fn recipients_written(&mut self) -> Option<Step> {
        let transaction = self.current.as_mut()?;
        let carrier = transaction.carrier;
        if transaction.requires_all() {
            if !self.pipeline.is_empty() {
                return Some(Step::Receive);
            }
            if transaction.has_refused() {
                self.due.extend(self.current.take()?.withheld().map(Step::Record));
                self.phase = Phase::NextMessage;
                return None;
            }
        }
        self.phase = match carrier {
            Carrier::Data => Phase::Data,
            Carrier::Chunks => Phase::Acceptance,
        };
        None
    }

    /// Waits until it is known whether anybody takes the message.
    pub(super) fn await_acceptance(&mut self) -> Option<Step> {
        if !self.pipeline.is_empty() {
            return Some(Step::Receive);
        }
        if self.current.as_ref()?.has_accepted() {
            self.phase = Phase::Chunks;
            return None;
        }
        let transaction = self.current.take()?;
        let message = transaction.message;
        self.due.push_back(match transaction.nobody_accepted() {
            Some(verdict) => Step::Record(verdict),
            None => Step::Tell(Event::MessageSent { message }),
        });
        self.phase = Phase::NextMessage;
        None
    }

    pub(super) fn write_chunk(&self) -> Option<Step> {
        if self.pipeline.len() >= CHUNKS_MAX {
            return Some(Step::Receive);
        }
        let message = self.current.as_ref()?.message;
        Some(Step::Chunk { message })
    }

    /// A chunk of so many octets is about to be written, the last of its text if that is
    /// `complete`. What BDAT says of it; `None` = there is nothing to write.
    ///
    /// Exchange before 2007 loses the end of a message if it is in the last chunk, so there a
    /// chunk of its own ends the text. It gives itself away by an extension of its own.
    pub fn chunk(&mut self, octets: usize, complete: bool) -> Option<Bdat> {
        let apart = self.extensions.xexch50;
        if complete && !apart {
            self.pipeline.push_last(Expect::Chunk { last: true });
            self.text_complete();
            return Some(Bdat::Last);
        }
        if complete {
            self.phase = Phase::LastChunk;
            if octets == 0 {
                return None;
            }
        }
        self.pipeline.push(Expect::Chunk { last: false });
        Some(Bdat::More)
    }

    pub(super) fn write_last_chunk(&mut self) -> Option<Step> {
        self.pipeline.push_last(Expect::Chunk { last: true });
        self.text_complete();
        Some(Step::Send(Command::LastChunk))
    }

    /// The server waits for a text although nobody takes it: it gets an empty one.
    pub(super) fn write_empty_text(&mut self, void: bool) -> Option<Step> {
        let expect = if void { Expect::VoidEndOfData } else { Expect::EndOfData };
        self.pipeline.push(expect);
        self.text_complete();
        Some(Step::Send(Command::EndOfData))
    }

    /// The text is written, its end included.
    pub fn text_sent(&mut self) {
        self.pipeline.push(Expect::EndOfData);
        self.text_complete();
    }

    fn text_complete(&mut self) {
        self.finishing = self.current.take();
        self.phase = Phase::NextMessage;
    }
}
