// SPDX-License-Identifier: LGPL-2.1-or-later
//! Transactions as they are written: groups of commands, text, and how much may be under way.

use super::{Engine, Outcome, Phase, Senders, Step};
use crate::error::Error;
use crate::protocol::command::Command;
use crate::protocol::event::{Event, Question};
use crate::protocol::outbox::Outbox;
use crate::protocol::pipeline::Expect;
use crate::protocol::reply::{EnhancedCode, Reply, ReplyCode};
use crate::protocol::transaction::{ChunkedText, Prospect, Transaction};

/// Most messages whose final replies are due at once. What is unanswered when a connection
/// dies may be sent twice by a restart, so the window is small.
const OVERLAP_MAX: usize = 8;
/// Most text in unanswered chunks when another message begins; for the same reason.
const OVERLAP_TEXT_MAX: usize = 256 * 1024;
/// Most commands of the kind that a refused MAIL makes errors of, as long as no MAIL was
/// accepted. Postfix slows down at ten errors and hangs up at twenty.
const VENTURED_MAX: usize = 8;
/// Most commands without answer while chunks are written: what a server that does not answer
/// can make us remember.
const CHUNKS_MAX: usize = 1024;

/// The local answer to a message that needs SMTPUTF8 (RFC 6531 §3.5: 553 with X.6.7).
const NO_SMTPUTF8: &str = "SMTPUTF8 not offered by the server (libesmtp)";

impl Engine {
    /// Writes the next command, or moves on to the next phase without one.
    pub(super) fn write(&mut self, outbox: &dyn Outbox) -> Option<Step> {
        match self.phase {
            Phase::Await | Phase::Over(_) => None,
            Phase::Ehlo => self.send_last(Command::Ehlo, Expect::Ehlo, Phase::Await),
            Phase::Helo => self.send_last(Command::Helo, Expect::Helo, Phase::Await),
            Phase::PrepareTls => {
                self.phase = Phase::Await;
                Some(Step::PrepareTls)
            }
            Phase::SelectMechanism => {
                self.phase = Phase::Await;
                Some(Step::SelectMechanism)
            }
            Phase::CheckExtensions(scope) => {
                self.check_extensions(outbox, scope);
                None
            }
            Phase::ExtensionsChecked => {
                if self.extension_missing {
                    self.quit(Outcome::Finished(Err(Error::ExtensionNotAvailable)));
                } else {
                    self.phase = Phase::Etrn(0);
                }
                None
            }
            Phase::Etrn(node) => self.write_etrn(outbox, node),
            Phase::NextMessage => self.begin_transaction(outbox),
            Phase::Rset => {
                self.phase = if self.extensions.xusr { Phase::Xusr } else { Phase::Mail };
                self.send(Command::Rset, Expect::Rset)
            }
            Phase::Xusr => self.send_last(Command::Xusr, Expect::Xusr, Phase::Mail),
            Phase::Mail | Phase::Recipients(_) | Phase::Data | Phase::Chunks
                if self.has_ventured_enough() =>
            {
                Some(Step::Receive)
            }
            Phase::Mail => self.write_mail(),
            Phase::Recipients(from) => self.write_recipient(outbox, from),
            Phase::Data => self.send_last(Command::Data, Expect::Data, Phase::Await),
            Phase::Text => {
                self.phase = Phase::Await;
                let message = self.transactions.front()?.message;
                Some(Step::Text { message })
            }
            Phase::Chunks => self.write_chunk(outbox),
            Phase::EndOfData { void } => {
                let expect = if void { Expect::VoidEndOfData } else { Expect::EndOfData };
                self.phase = Phase::NextMessage;
                self.send(Command::EndOfData, expect)
            }
            Phase::Quit => self.send_last(Command::Quit, Expect::Quit, Phase::Await),
        }
    }

    pub(super) fn send(&mut self, command: Command, expect: Expect) -> Option<Step> {
        self.pipeline.push(expect);
        Some(Step::Send(command))
    }

    pub(super) fn send_last(&mut self, command: Command, expect: Expect, then: Phase) -> Option<Step> {
        self.phase = then;
        self.pipeline.push_last(expect);
        Some(Step::Send(command))
    }

    /// Begins with the next message, or ends the session if there is none.
    pub(super) fn begin_transaction(&mut self, outbox: &dyn Outbox) -> Option<Step> {
        let Some(message) = outbox.next_message(self.next_message) else {
            if !self.pipeline.is_empty() {
                return Some(Step::Receive);
            }
            self.quit(Outcome::Finished(Ok(())));
            return None;
        };
        let window_is_full =
            self.transactions.len() >= OVERLAP_MAX || self.pipeline.unanswered_text() >= OVERLAP_TEXT_MAX;
        let waits = self.extensions.xusr || window_is_full || self.senders == Senders::Refused;
        if waits && !self.pipeline.is_empty() {
            return Some(Step::Receive);
        }
        let offered = &self.extensions;
        if outbox.is_binary(message) && !(offered.chunking && offered.binary_mime) {
            // Added after the extensions were checked. DATA cannot carry it.
            if !self.pipeline.is_empty() {
                return Some(Step::Receive);
            }
            self.miss_binary();
            self.phase = Phase::ExtensionsChecked;
            return None;
        }
        self.next_message = message + 1;
        let transaction = Transaction::new(message, outbox);
        if transaction.utf8 && !self.extensions.smtp_utf8 {
            let code = EnhancedCode { class: 5, subject: 6, detail: 7 };
            let reply = Reply::local(ReplyCode::MAILBOX_NAME, code, NO_SMTPUTF8);
            outbox.reverse_path_answered(message, &reply);
            transaction.mail_refused(outbox, &reply);
            self.due.push_back(Step::Tell(Event::MailStatus { message }));
            return None;
        }
        if let Some(missing) = self.seconds_missing(outbox, message) {
            self.due.push_back(Step::Ask(Question::DeliverByExpired { missing }));
        }
        // What was written before is either refused or not known to be settled: its envelope
        // must not be open when this one begins.
        self.phase = if self.envelope_open || !self.pipeline.is_empty() {
            Phase::Rset
        } else if self.extensions.xusr {
            Phase::Xusr
        } else {
            Phase::Mail
        };
        self.transactions.push_back(transaction);
        None
    }

    /// How far the message's `BY=` is below the least time of the server (RFC 2852 §4).
    pub(super) fn seconds_missing(&self, outbox: &dyn Outbox, message: usize) -> Option<i64> {
        let least = self.extensions.deliver_by.filter(|least| *least > 0)?;
        let seconds = outbox.deliver_by(message)?;
        (seconds < least).then(|| least.saturating_sub(seconds))
    }

    pub(super) fn write_mail(&mut self) -> Option<Step> {
        let transaction = self.transactions.back()?;
        let command = Command::Mail {
            message: transaction.message,
            by_seconds: transaction.by_seconds,
            utf8: transaction.utf8,
        };
        if self.senders == Senders::Refused {
            return self.send_last(command, Expect::Mail, Phase::Recipients(0));
        }
        self.phase = Phase::Recipients(0);
        self.send(command, Expect::Mail)
    }

    /// Whether so much is written behind a first MAIL that its reply is waited for.
    fn has_ventured_enough(&self) -> bool {
        self.senders == Senders::Unknown && self.pipeline.behind_mail() >= VENTURED_MAX
    }

    pub(super) fn write_recipient(&mut self, outbox: &dyn Outbox, from: usize) -> Option<Step> {
        let transaction = self.transactions.back_mut()?;
        let Transaction { message, utf8, .. } = *transaction;
        if let Some(recipient) = transaction.recipient(outbox, from) {
            transaction.unanswered += 1;
            self.phase = Phase::Recipients(recipient + 1);
            return self.send(Command::Rcpt { message, recipient, utf8 }, Expect::Rcpt(recipient));
        }
        if transaction.requires_all {
            if !self.pipeline.is_empty() {
                return Some(Step::Receive);
            }
            if let Some(refusal) = transaction.refusal_of_all() {
                transaction.not_sent(outbox, refusal);
                self.transactions.pop_back();
                self.envelope_open = true;
                self.phase = Phase::NextMessage;
                return None;
            }
        }
        self.phase = if self.extensions.chunking { Phase::Chunks } else { Phase::Data };
        None
    }

    /// Sends text, or waits until it is known whether anybody takes it. A short text may go
    /// ahead of that: with pipelining it costs nothing but itself.
    pub(super) fn write_chunk(&mut self, outbox: &dyn Outbox) -> Option<Step> {
        let transaction = self.transactions.back()?;
        let message = transaction.message;
        match (transaction.prospect(), transaction.text) {
            (Prospect::Refused, ChunkedText::NotBegun | ChunkedText::Held) => {
                // Each of its replies is there, so it is the only one under way.
                self.nobody_accepted(outbox);
                None
            }
            (Prospect::Open, ChunkedText::NotBegun) => Some(Step::Chunk { message, ahead: true }),
            (Prospect::Open, _) => Some(Step::Receive),
            _ if self.pipeline.len() >= CHUNKS_MAX => Some(Step::Receive),
            (Prospect::Accepted | Prospect::Refused, _) => Some(Step::Chunk { message, ahead: false }),
        }
    }

    /// A chunk is written.
    pub fn chunk_sent(&mut self, octets: usize, last: bool) {
        if let Some(transaction) = self.transactions.back_mut() {
            transaction.text = ChunkedText::Begun;
        }
        self.pipeline.push(Expect::Chunk { last, octets });
        if last {
            self.phase = Phase::NextMessage;
        }
    }

    /// The text is too long to be sent before a recipient is accepted.
    pub fn text_held(&mut self) {
        if let Some(transaction) = self.transactions.back_mut() {
            transaction.text = ChunkedText::Held;
        }
    }

    /// The text is written, its end included.
    pub fn text_sent(&mut self) {
        self.pipeline.push(Expect::EndOfData);
        self.phase = Phase::NextMessage;
    }

    /// The message's source failed. What was written of the message is never completed;
    /// messages before it still get their replies.
    pub fn source_failed(&mut self, error: Error) {
        self.transactions.pop_back();
        self.pipeline.forget_last_transaction();
        self.source_failed = Some(error);
    }
}
