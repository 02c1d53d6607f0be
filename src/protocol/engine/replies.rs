// SPDX-License-Identifier: LGPL-2.1-or-later
//! Replies as they come: what each one means for its message and its recipients.

use super::local;
use super::{Asked, Ending, Engine, MailReplies, Outcome, Phase, Step};
use crate::error::Error;
use crate::fault::{self, Layer};
use crate::protocol::event::Question;
use crate::protocol::pipeline::Expect;
use crate::protocol::position::RecipientAt;
use crate::protocol::reply::{Reply, Severity};
use crate::protocol::transaction::Transaction;
use crate::protocol::verdict::{Settled, Verdict};

/// A reply that only settles something: to what it is one, and how often in a row it may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usual {
    answers: Answers,
    most: usize,
}

impl Usual {
    /// How often in a row a server may say it, for [`Engine::settle`]: a message may have a hundred
    /// thousand recipients.
    #[must_use]
    pub const fn most(self) -> usize {
        self.most
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answers {
    Rset,
    Mail,
    Recipients,
    Data,
    Text,
}

impl Engine {
    /// Takes the reply to the oldest command that is not answered.
    pub fn receive(&mut self, reply: Reply) {
        if reply.lacks_enhanced() {
            self.asked = Some(Asked::Reply(reply));
            self.due.push_back(Step::Ask(Question::SyntaxWarning));
            return;
        }
        self.process(reply);
    }

    /// Whether this is one of the usual replies, which settle something and nothing else comes of them. If
    /// it is not, it is for [`Engine::receive`].
    #[must_use]
    pub fn usual(&self, reply: &Reply) -> Option<Usual> {
        let is_plain = !reply.lacks_enhanced() && !reply.is_closing() && reply.cut_short().is_none();
        if !is_plain || !self.due.is_empty() {
            return None;
        }
        let is_for_somebody =
            |transaction: &Option<Transaction>| transaction.as_ref().is_some_and(Transaction::has_accepted);
        let (answers, fits) = match self.pipeline.front()? {
            Expect::Rcpt(_) => {
                return self.pipeline.rcpts().map(|recipients| Usual {
                    answers: Answers::Recipients,
                    most: recipients.count(),
                });
            }
            Expect::Rset => (Answers::Rset, reply.is_completion()),
            Expect::Mail => (Answers::Mail, reply.is_completion() && self.current.is_some()),
            Expect::Data => (Answers::Data, reply.is_intermediate() && is_for_somebody(&self.current)),
            Expect::EndOfData | Expect::Chunk { last: true } => {
                (Answers::Text, reply.is_completion() && is_for_somebody(&self.finishing))
            }
            _ => return None,
        };
        fits.then_some(Usual { answers, most: 1 })
    }

    /// Takes one of the usual replies, which came so often in a row, and says what it settles.
    pub fn settle(&mut self, usual: Usual, reply: &Reply, count: usize) -> Option<Settled> {
        fault::point(Layer::Protocol);
        if usual.answers != Answers::Recipients {
            self.pipeline.pop();
        }
        let settled = match usual.answers {
            Answers::Rset => {
                self.envelope_open = false;
                Settled::Nothing
            }
            Answers::Mail => {
                self.mail_accepted();
                Settled::Sender { message: self.current.as_ref()?.message }
            }
            Answers::Recipients => {
                let transaction = self.current.as_mut()?;
                let recipients = self.pipeline.take_rcpts(count.min(usual.most))?;
                let complete = transaction.recipients_answered(recipients, reply);
                Settled::Recipients {
                    message: transaction.message,
                    recipients,
                    complete,
                }
            }
            Answers::Data => {
                self.phase = Phase::Text;
                Settled::Nothing
            }
            Answers::Text => {
                self.envelope_open = false;
                let transaction = self.finishing.take()?;
                Settled::Taken {
                    message: transaction.message,
                    accepted: transaction.into_accepted(),
                }
            }
        };
        self.refuse_in_turn();
        Some(settled)
    }

    /// The application's answer to the last [`Step::Ask`].
    pub fn answer(&mut self, answer: i32) {
        match self.asked.take() {
            None => {}
            Some(Asked::Reply(reply)) if answer != 0 => {
                self.fail(Error::ResponseSyntax.because(format_args!("no enhanced status code: {reply}")));
            }
            Some(Asked::Reply(reply)) => self.process(reply),
            Some(Asked::Extension) => self.without_extension(answer != 0),
            Some(Asked::Time) => self.raise_time(answer),
        }
    }

    fn process(&mut self, reply: Reply) {
        fault::point(Layer::Protocol);
        let Some(expect) = self.pipeline.pop() else {
            return self.unsolicited(&reply);
        };
        let closing = reply.is_closing();
        let cut_short = reply.cut_short();
        if closing {
            let _ = Error::Dropped.because(&reply);
        }
        match expect {
            Expect::Greeting => self.greeted(reply),
            Expect::Ehlo => self.ehlo_answered(reply),
            Expect::Helo => self.helo_answered(reply),
            Expect::StartTls => self.starttls_answered(reply),
            Expect::Auth => self.auth_answered(reply),
            Expect::Etrn(node) => {
                self.record(Verdict::Node { node, reply });
            }
            Expect::Unusable(_) | Expect::Xusr | Expect::VoidRcpt { .. } | Expect::VoidChunk { .. } => {}
            Expect::Rset if reply.is_completion() => self.envelope_open = false,
            Expect::Rset => {
                // The old envelope may still stand: what was written behind it is not ours.
                let error = if closing { Error::Dropped } else { Error::ResponseStatus };
                return self.over(Outcome::Finished(Err(error.because(&reply))));
            }
            Expect::Mail => self.mail_answered(reply),
            Expect::Rcpt(recipients) => self.rcpt_answered(recipients.first(), reply),
            Expect::Data => self.data_answered(reply),
            Expect::VoidData if reply.is_intermediate() => {
                self.phase = Phase::EmptyText { void: true };
            }
            Expect::VoidData => {}
            Expect::EndOfData | Expect::Chunk { last: true } => self.text_answered(reply),
            Expect::VoidEndOfData if reply.is_intermediate() => self.asked_for_more_text(),
            Expect::VoidEndOfData => self.envelope_open = !reply.is_completion(),
            Expect::Chunk { last: false } => self.chunk_answered(reply),
            Expect::Quit => return self.quit_answered(),
        }
        self.refuse_in_turn();
        if closing {
            self.announce_end();
        }
        if let Some(error) = cut_short {
            self.nothing_follows(error);
        }
    }

    /// The server's last words were read.
    fn nothing_follows(&mut self, error: Error) {
        match self.ending {
            Ending::Quit(outcome) => self.over(outcome),
            Ending::Open | Ending::Announced => self.ended(error),
        }
    }

    fn mail_answered(&mut self, reply: Reply) {
        let Some(message) = self.current.as_ref().map(|transaction| transaction.message) else {
            return;
        };
        let verdict = if reply.is_completion() {
            self.mail_accepted();
            Some(Verdict::Sender { message, reply })
        } else {
            self.mail_replies = MailReplies::Refused;
            self.phase = Phase::NextMessage;
            if self.next_message == message {
                // The rest of its recipients would fare no better.
                self.next_message = message.next();
                self.next_recipient = RecipientAt::FIRST;
            }
            self.pipeline.make_void();
            let reason = self.auth_refusal_behind(&reply);
            self.current.take().map(|transaction| transaction.sender_refused(reply, reason))
        };
        self.due.extend(verdict.map(Step::Record));
    }

    fn mail_accepted(&mut self) {
        self.envelope_open = true;
        if self.mail_replies == MailReplies::None {
            self.mail_replies = MailReplies::Accepted;
        }
    }

    /// A server that wants to know who sends says so at MAIL. What it said to AUTH is the reason, which
    /// the message and its recipients have for their status.
    fn auth_refusal_behind(&self, to_mail: &Reply) -> Option<Reply> {
        let wants_auth = matches!(to_mail.code().value(), 530 | 550 | 553 | 554);
        self.auth_refusal.clone().filter(|_| wants_auth)
    }

    fn rcpt_answered(&mut self, recipient: RecipientAt, reply: Reply) {
        if let Some(transaction) = &mut self.current {
            let verdict = transaction.recipient_answered(recipient, reply);
            self.record(verdict);
        }
    }

    /// Refuses the recipients whose turn has come and who are nobody a server could be asked for.
    pub(super) fn refuse_in_turn(&mut self) {
        while let Some(recipient) = self.pipeline.take_unusable() {
            self.rcpt_answered(recipient, local::no_recipient());
        }
    }

    fn data_answered(&mut self, reply: Reply) {
        match reply.severity() {
            Severity::Intermediate => {
                let wanted = self.current.as_ref().is_some_and(Transaction::has_accepted);
                self.phase = if wanted { Phase::Text } else { Phase::EmptyText { void: false } };
            }
            Severity::Completion => self.over(Outcome::Finished(Err(Error::ResponseStatus.because(&reply)))),
            Severity::Transient | Severity::Permanent => {
                self.phase = Phase::NextMessage;
                if let Some(transaction) = self.current.take() {
                    self.record(transaction.not_sent(reply));
                }
            }
        }
    }

    /// The end of a text is there, and the server asks for more: what it would take for the rest
    /// is not known.
    fn asked_for_more_text(&mut self) {
        self.over(Outcome::Finished(Err(Error::ResponseStatus)));
    }

    /// The reply to the end of a text.
    fn text_answered(&mut self, reply: Reply) {
        if reply.is_intermediate() {
            return self.asked_for_more_text();
        }
        self.envelope_open = !reply.is_completion();
        if let Some(transaction) = self.finishing.take() {
            self.record(transaction.settle(reply));
        }
    }

    /// A refused chunk counts as the message's last reply, whatever later ones get.
    fn chunk_answered(&mut self, reply: Reply) {
        if reply.is_completion() {
            return;
        }
        if reply.is_intermediate() {
            return self.asked_for_more_text();
        }
        if self.current.is_some() {
            self.due.push_back(Step::StopText);
            self.phase = Phase::NextMessage;
        }
        if let Some(transaction) = self.current.take().or_else(|| self.finishing.take()) {
            self.pipeline.make_void();
            self.record(transaction.settle(reply));
        }
    }

    fn quit_answered(&mut self) {
        if let Ending::Quit(outcome) = self.ending {
            self.over(outcome);
        }
    }

    /// A reply that nothing had asked for: 421 announces the end; no other is believed.
    pub fn unsolicited(&mut self, reply: &Reply) {
        let quitting = matches!(self.ending, Ending::Quit(_));
        if reply.is_closing() && !quitting {
            let error = Error::Dropped.because(reply);
            self.ended(error);
        } else {
            self.fail(Error::ResponseSyntax.because(format_args!("nothing was asked: {reply}")));
        }
    }

    /// A reply that came before the text's end was sent. A refusal is the message's.
    pub fn text_interrupted(&mut self, reply: Reply) {
        match (reply.severity(), self.current.take()) {
            (Severity::Transient | Severity::Permanent, Some(transaction)) => {
                let error = reply.cut_short().unwrap_or(Error::Dropped);
                self.record(transaction.settle(reply));
                self.ended(error);
            }
            _ => {
                let error = Error::ResponseSyntax.because("a reply before the end of the text");
                self.over(Outcome::Finished(Err(error)));
            }
        }
    }

    /// The server has ended the session.
    pub(super) fn ended(&mut self, error: Error) {
        if !matches!(self.phase, Phase::Over(_)) {
            self.blame_auth();
            self.pipeline.clear();
            self.phase = Phase::Ended(error);
        }
    }
}
