// SPDX-License-Identifier: LGPL-2.1-or-later
//! Replies as they come: what each one means for its message and its recipients.

use super::start::Scope;
use super::{Engine, Outcome, Phase, Senders, Step};
use crate::error::Error;
use crate::fault::{self, Layer};
use crate::protocol::envelope::DeliverBy;
use crate::protocol::event::{Event, Question};
use crate::protocol::outbox::Outbox;
use crate::protocol::pipeline::Expect;
use crate::protocol::reply::{Reply, Severity};
use crate::protocol::transaction::{ChunkedText, Prospect};

impl Engine {
    /// Takes the reply to the oldest command that is not answered.
    pub fn receive(&mut self, outbox: &dyn Outbox, reply: Reply) {
        if reply.lacks_enhanced() {
            self.held = Some(reply);
            self.due.push_back(Step::Ask(Question::SyntaxWarning));
            return;
        }
        self.process(outbox, &reply);
    }

    /// The application's answer to the last [`Step::Ask`].
    pub fn answer(&mut self, outbox: &dyn Outbox, answer: i32) {
        match self.question.take() {
            None => {}
            Some(Question::SyntaxWarning) => match self.held.take() {
                Some(_) if answer != 0 => self.fail(outbox, Error::ResponseSyntax),
                Some(reply) => self.process(outbox, &reply),
                None => {}
            },
            Some(Question::NoDsn | Question::NoChunking | Question::NoEtrn) => {
                self.extension_missing |= answer != 0;
            }
            Some(Question::DeliverByExpired { .. }) => {
                let least = self.extensions.deliver_by.unwrap_or(0);
                if let Some(transaction) = self.transactions.back_mut().filter(|_| answer > 0) {
                    transaction.by_seconds =
                        Some(DeliverBy::SECONDS_MAX.min(least.saturating_add(answer.into())));
                }
            }
        }
    }

    pub(super) fn process(&mut self, outbox: &dyn Outbox, reply: &Reply) {
        fault::point(Layer::Protocol);
        let Some(expect) = self.pipeline.pop() else {
            return self.unsolicited(outbox, reply);
        };
        match expect {
            Expect::Greeting => self.greeted(reply),
            Expect::Ehlo => self.ehlo_answered(outbox, reply),
            Expect::Helo => {
                if reply.is_completion() {
                    self.replaceable = false;
                    self.phase = Phase::CheckExtensions(Scope::All);
                } else {
                    self.address_refused();
                }
            }
            Expect::StartTls => match reply.severity() {
                Severity::Completion => self.due.push_back(Step::Secure),
                Severity::Intermediate => self.refused(Error::ResponseStatus),
                Severity::Transient | Severity::Permanent => self.refused(Error::ExtensionNotAvailable),
            },
            Expect::Auth => self.auth_answered(reply),
            Expect::Etrn(node) => {
                outbox.etrn_answered(node, reply);
                self.due.push_back(Step::Tell(Event::EtrnStatus { node }));
            }
            Expect::Xusr | Expect::VoidRcpt => {}
            Expect::Rset if reply.is_completion() => self.envelope_open = false,
            Expect::Rset => {
                // The old envelope may still stand: what was written behind it is not ours.
                let closing = reply.is_closing();
                let error = if closing { Error::Dropped } else { Error::ResponseStatus };
                return self.over(Outcome::Finished(Err(error)));
            }
            Expect::Mail => self.mail_answered(outbox, reply),
            Expect::Rcpt(recipient) => self.rcpt_answered(outbox, recipient, reply),
            Expect::Data => self.data_answered(outbox, reply),
            Expect::VoidData if reply.is_intermediate() => {
                self.phase = Phase::EndOfData { void: true };
            }
            Expect::VoidData => {}
            Expect::EndOfData => self.settle(outbox, reply),
            Expect::VoidEndOfData => self.envelope_open = !reply.is_completion(),
            Expect::Chunk { last, .. } => self.chunk_answered(outbox, last, reply),
            Expect::VoidChunk { .. } => {}
            Expect::Quit => return self.over(self.after_quit),
        }
        if reply.is_closing() {
            self.announce_closing();
        }
    }

    pub(super) fn mail_answered(&mut self, outbox: &dyn Outbox, reply: &Reply) {
        let Some(transaction) = self.transactions.front() else {
            return;
        };
        let message = transaction.message;
        outbox.reverse_path_answered(message, reply);
        self.due.push_back(Step::Tell(Event::MailStatus { message }));
        if reply.is_completion() {
            self.envelope_open = true;
            if self.senders == Senders::Unknown {
                self.senders = Senders::Welcome;
            }
            return;
        }
        self.senders = Senders::Refused;
        transaction.mail_refused(outbox, reply);
        self.void_transaction(message);
    }

    /// The transaction whose replies are due is over before its end.
    pub(super) fn void_transaction(&mut self, message: usize) {
        // The last one may still be being written.
        if self.transactions.len() == 1 {
            self.phase = Phase::NextMessage;
        }
        let transaction = self.transactions.pop_front();
        self.pipeline.void_transaction();
        if transaction.is_some_and(|transaction| transaction.text != ChunkedText::NotBegun) {
            self.due.push_back(Step::TextVoid { message });
        }
    }

    pub(super) fn rcpt_answered(&mut self, outbox: &dyn Outbox, recipient: usize, reply: &Reply) {
        if let Some(transaction) = self.transactions.front_mut() {
            let message = transaction.message;
            transaction.recipient_answered(outbox, recipient, reply);
            self.due.push_back(Step::Tell(Event::RecipientStatus { message, recipient }));
            match (transaction.unanswered, transaction.text, transaction.prospect()) {
                (1.., ..) | (0, ChunkedText::NotBegun | ChunkedText::Held, _) => {}
                (0, ChunkedText::Begun, Prospect::Accepted) => {
                    self.due.push_back(Step::TextWanted { message });
                }
                // What the server says of the text is of no interest, an acceptance least of all.
                (0, ChunkedText::Begun, _) => self.nobody_accepted(outbox),
            }
        }
    }

    /// The message whose replies are due is for nobody.
    pub(super) fn nobody_accepted(&mut self, outbox: &dyn Outbox) {
        if let Some(transaction) = self.transactions.front() {
            let message = transaction.message;
            transaction.nobody_accepted(outbox);
            self.void_transaction(message);
            self.due.push_back(Step::Tell(Event::MessageSent { message }));
            self.envelope_open = true;
        }
    }

    pub(super) fn data_answered(&mut self, outbox: &dyn Outbox, reply: &Reply) {
        let Some(transaction) = self.transactions.front() else {
            return;
        };
        let message = transaction.message;
        match reply.severity() {
            Severity::Intermediate if transaction.prospect() == Prospect::Accepted => {
                self.phase = Phase::Text;
            }
            Severity::Intermediate => self.phase = Phase::EndOfData { void: false },
            Severity::Completion => self.over(Outcome::Finished(Err(Error::ResponseStatus))),
            Severity::Transient | Severity::Permanent => {
                transaction.not_sent(outbox, reply);
                self.transactions.pop_front();
                self.due.push_back(Step::Tell(Event::MessageSent { message }));
                self.phase = Phase::NextMessage;
            }
        }
    }

    /// A refused chunk counts as the message's final reply, whatever later ones get.
    pub(super) fn chunk_answered(&mut self, outbox: &dyn Outbox, last: bool, reply: &Reply) {
        if last {
            return self.settle(outbox, reply);
        }
        if reply.is_completion() {
            return;
        }
        if let Some(transaction) = self.transactions.front() {
            let message = transaction.message;
            transaction.settle(outbox, reply);
            self.void_transaction(message);
            self.due.push_back(Step::Tell(Event::MessageSent { message }));
            self.envelope_open = true;
        }
    }

    /// The final reply to a message.
    pub(super) fn settle(&mut self, outbox: &dyn Outbox, reply: &Reply) {
        if let Some(transaction) = self.transactions.pop_front() {
            let message = transaction.message;
            transaction.settle(outbox, reply);
            self.due.push_back(Step::Tell(Event::MessageSent { message }));
        }
        self.envelope_open = !reply.is_completion();
    }

    /// A reply that nothing had asked for. A refusal in the middle of a text is its message's;
    /// 421 announces the end; no other is believed.
    pub fn unsolicited(&mut self, outbox: &dyn Outbox, reply: &Reply) {
        if reply.is_closing() && !self.is_quitting() {
            self.end(outbox, Error::Dropped);
        } else {
            self.fail(outbox, Error::ResponseSyntax);
        }
    }

    /// A reply that came before the text's end was sent.
    pub fn text_interrupted(&mut self, outbox: &dyn Outbox, reply: &Reply) {
        match (reply.severity(), self.transactions.pop_front()) {
            (Severity::Transient | Severity::Permanent, Some(transaction)) => {
                let message = transaction.message;
                transaction.settle(outbox, reply);
                self.due.push_back(Step::Tell(Event::MessageSent { message }));
                self.end(outbox, Error::Dropped);
            }
            _ => self.over(Outcome::Finished(Err(Error::ResponseSyntax))),
        }
    }
}
