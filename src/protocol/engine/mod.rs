// SPDX-License-Identifier: LGPL-2.1-or-later
//! The engine: which command comes next, and what each reply leads to.
//!
//! A dialogue opens (greeting, EHLO, TLS), authenticates, makes sure of what the application
//! requires, and carries one envelope after the other; `opening`, `auth`, `requirements`,
//! `envelope` and `replies` are these parts, in that order.

mod auth;
mod envelope;
mod local;
mod opening;
mod replies;
mod requirements;

use std::collections::VecDeque;

use super::command::Command;
use super::event::{Event, Question};
use super::extensions::Extensions;
use super::outbox::Outbox;
use super::pipeline::{Expect, Pipeline, Wait};
use super::position::{MessageAt, NodeAt, RecipientAt};
use super::reply::{Reply, ReplyForm};
use super::transaction::Transaction;
use super::verdict::Verdict;
use crate::error::{Error, Result};
use auth::Auth;
pub use auth::Refusal;
pub use envelope::Bdat;
pub use local::refused_locally;
pub use replies::Usual;

/// What to do next.
#[derive(Debug, Clone)]
pub enum Step {
    /// Queue a command for the server.
    Send(Command),
    /// Write what is queued and bring the next reply: [`Engine::receive`].
    Receive,
    /// Write down what a reply settles, then tell the application ([`Verdict::event`]).
    Record(Verdict),
    /// Tell the application.
    Tell(Event),
    /// Ask the application: [`Engine::answer`].
    Ask(Question),
    /// Make sure that TLS can be used, before it is begun: [`Engine::tls_prepared`].
    PrepareTls,
    /// Begin TLS on the connection: [`Engine::secured`].
    Secure,
    /// Choose the next mechanism: [`Engine::authenticate`], [`Engine::next_mechanism`] if it
    /// has no answer, or [`Engine::without_auth`] if none is left.
    SelectMechanism {
        /// What the server has said to the last one.
        after: Option<Refusal>,
    },
    /// Answer a challenge of the server's, in base64: [`Engine::respond`] or
    /// [`Engine::cancel`].
    Challenge(Vec<u8>),
    /// The server says that it knows us now: [`Engine::authenticated`].
    Authenticated,
    /// Send a message's text by DATA, its end included: [`Engine::text_sent`].
    Text {
        /// Which one.
        message: MessageAt,
    },
    /// Send the next chunk of a message's text: [`Engine::chunk`].
    Chunk {
        /// Which one.
        message: MessageAt,
    },
    /// Nothing more of the text under way is wanted.
    StopText,
    /// Close the connection.
    Done(Outcome),
}

/// How the dialogue with one server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The session is over.
    Finished(Result<()>),
    /// This address is of no use; the error counts if there is no other.
    NextAddress(Error),
}

/// How a dialogue begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// With the server's greeting.
    Greeting,
    /// With TLS from the first byte (RFC 8314 §3), then the greeting.
    Tls,
}

/// What is to be done when commands may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Something is due from the server or the caller.
    Await,
    PrepareTls,
    Ehlo,
    /// EHLO was accepted.
    Greeted,
    Helo,
    SelectMechanism {
        after: Option<Refusal>,
    },
    CheckExtensions(Scope),
    /// What is required was looked for; the application has answered about what is `missing`.
    ExtensionsChecked {
        missing: bool,
    },
    Etrn,
    NextMessage,
    Rset,
    Xusr,
    Mail,
    Recipients(RecipientAt),
    Data,
    Text,
    /// Chunks follow once every recipient is answered and one is accepted.
    Acceptance,
    Chunks,
    LastChunk,
    /// The lone dot for a text that nobody takes; `void` = of a transaction that is over.
    EmptyText {
        void: bool,
    },
    Quit,
    /// The server has ended the session: a failure, unless all is settled.
    Ended(Error),
    Over(Outcome),
}

/// Which required extensions are looked for. The reference does not look in sessions that go
/// on to AUTH, and programs rely on it; a BINARYMIME message goes nowhere without BDAT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    All,
    Binary,
}

/// How the dialogue comes to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// It goes on.
    Open,
    /// With a QUIT of ours, and then this.
    Quit(Outcome),
    /// The server has announced it (421): replies that are due are still read, nothing more is
    /// written.
    Announced,
}

/// Whether the connection is under TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Security {
    Clear,
    /// TLS comes before anything else.
    TlsFirst,
    Tls,
}

/// What the server has answered to MAIL so far. A refused one makes errors of all that is
/// written behind it, and servers hang up on clients that make many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MailReplies {
    None,
    Accepted,
    /// One was refused: from now on nothing is written behind a MAIL before its reply.
    Refused,
}

/// What the application was asked last.
#[derive(Debug, Clone)]
enum Asked {
    /// Whether to end the session for this reply, which lacks its enhanced code.
    Reply(Reply),
    /// Whether to end the session for an extension that is missing.
    Extension,
    /// By how much the time for `BY=` is to be raised.
    Time,
}

/// Drives one dialogue.
#[derive(Debug, Clone)]
pub struct Engine {
    phase: Phase,
    ending: Ending,
    pipeline: Pipeline,
    due: VecDeque<Step>,
    asked: Option<Asked>,
    extensions: Extensions,
    security: Security,
    auth: Auth,
    // What the server said to the last mechanism that it refused.
    auth_refusal: Option<Reply>,
    // The first ETRN node that was not sent; `None` once they are done with.
    next_node: Option<NodeAt>,
    next_message: MessageAt,
    // The next message's recipients before this one had it in the transaction before.
    next_recipient: RecipientAt,
    // Transactions that were begun.
    transactions: usize,
    // The message whose envelope, or text, is under way.
    current: Option<Transaction>,
    // The one before it, whose text is complete and whose last reply is due.
    finishing: Option<Transaction>,
    mail_replies: MailReplies,
    // The server may still hold an envelope that the next message must not end up in.
    envelope_open: bool,
    // A different address may do better: nothing but greeting and EHLO was said so far.
    replaceable: bool,
}

impl Engine {
    /// An engine at the beginning of a connection.
    #[must_use]
    pub fn new(opening: Opening) -> Self {
        let mut engine = Self {
            phase: Phase::Await,
            ending: Ending::Open,
            pipeline: Pipeline::default(),
            due: VecDeque::new(),
            asked: None,
            extensions: Extensions::default(),
            security: Security::Clear,
            auth: Auth::Untried,
            auth_refusal: None,
            next_node: Some(NodeAt::FIRST),
            next_message: MessageAt::FIRST,
            next_recipient: RecipientAt::FIRST,
            transactions: 0,
            current: None,
            finishing: None,
            mail_replies: MailReplies::None,
            envelope_open: false,
            replaceable: true,
        };
        match opening {
            Opening::Greeting => engine.pipeline.push_last(Expect::Greeting),
            Opening::Tls => {
                engine.security = Security::TlsFirst;
                engine.phase = Phase::PrepareTls;
            }
        }
        engine
    }

    /// What the server offers.
    #[must_use]
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// The form of the reply that is due.
    #[must_use]
    pub fn form(&self) -> ReplyForm {
        let enhanced = self.extensions.enhanced_status_codes;
        self.pipeline
            .front()
            .map_or(ReplyForm::Plain { enhanced }, |expect| expect.form(enhanced))
    }

    /// The time-out of the reply that is due.
    #[must_use]
    pub fn wait(&self) -> Wait {
        self.pipeline.front().map_or(Wait::Envelope, Expect::wait)
    }

    /// Whether a reply is due, so that one which arrives may be given to [`Engine::receive`].
    #[must_use]
    pub fn expects_reply(&self) -> bool {
        !self.pipeline.is_empty()
    }

    /// Whether a reply is due and can be judged now: not before the application has answered about
    /// the one before it.
    #[must_use]
    pub fn takes_replies(&self) -> bool {
        self.expects_reply() && self.asked.is_none()
    }

    /// What the server is waited for to say.
    #[must_use]
    pub fn awaited(&self) -> &'static str {
        self.pipeline.front().map_or("the next reply", Expect::name)
    }

    /// How many replies are due.
    #[must_use]
    pub fn replies_due(&self) -> usize {
        self.pipeline.len()
    }

    /// The next thing to do.
    pub fn next(&mut self, outbox: &dyn Outbox) -> Step {
        loop {
            if let Some(step) = self.due.pop_front() {
                self.note_question(&step);
                return step;
            }
            if self.must_receive() {
                return Step::Receive;
            }
            if let Some(step) = self.go_on(outbox) {
                return step;
            }
        }
    }

    /// Whether nothing can be done, and nothing is due to the caller, before the next reply is there.
    #[must_use]
    pub fn must_receive(&self) -> bool {
        match self.phase {
            _ if !self.due.is_empty() => false,
            // Nothing is due any more once it is over.
            _ if self.ending == Ending::Announced => !self.pipeline.is_empty(),
            Phase::Await => true,
            _ => !self.pipeline.is_open(self.extensions.pipelining),
        }
    }

    #[inline(never)]
    fn go_on(&mut self, outbox: &dyn Outbox) -> Option<Step> {
        match self.phase {
            Phase::Over(outcome) => return Some(Step::Done(outcome)),
            Phase::Ended(error) => {
                self.over(self.outcome_of_end(outbox, error));
                return None;
            }
            _ if self.ending == Ending::Announced => {
                self.phase = Phase::Ended(Error::Dropped);
                return None;
            }
            _ => {}
        }
        self.write(outbox)
    }

    fn note_question(&mut self, step: &Step) {
        match step {
            Step::Ask(Question::NoDsn | Question::NoChunking | Question::NoEtrn) => {
                self.asked = Some(Asked::Extension);
            }
            Step::Ask(Question::DeliverByExpired { .. }) => self.asked = Some(Asked::Time),
            // What a syntax warning is about was noted when the reply came.
            _ => {}
        }
    }

    /// Writes the next command, or moves on to the next phase without one.
    fn write(&mut self, outbox: &dyn Outbox) -> Option<Step> {
        match self.phase {
            Phase::Await | Phase::Ended(_) | Phase::Over(_) => None,
            Phase::PrepareTls => self.hand_over(Step::PrepareTls),
            Phase::Ehlo => self.send_last(Command::Ehlo, Expect::Ehlo, Phase::Await),
            Phase::Greeted => {
                self.after_ehlo(outbox);
                None
            }
            Phase::Helo => self.send_last(Command::Helo, Expect::Helo, Phase::Await),
            Phase::SelectMechanism { after } => self.hand_over(Step::SelectMechanism { after }),
            Phase::CheckExtensions(scope) => {
                self.check_extensions(outbox, scope);
                None
            }
            Phase::ExtensionsChecked { missing } => {
                self.extensions_checked(outbox, missing);
                None
            }
            Phase::Etrn => self.write_etrn(outbox),
            Phase::NextMessage => self.begin_transaction(outbox),
            Phase::Rset => self.send(Command::Rset, Expect::Rset, self.before_mail()),
            Phase::Xusr => self.send_last(Command::Xusr, Expect::Xusr, Phase::Mail),
            Phase::Mail | Phase::Recipients(_) | Phase::Data if self.may_venture() == 0 => {
                Some(Step::Receive)
            }
            Phase::Mail => self.write_mail(),
            Phase::Recipients(from) => self.write_recipients(outbox, from),
            Phase::Data => self.send_last(Command::Data, Expect::Data, Phase::Await),
            Phase::Text => {
                let message = self.current.as_ref()?.message;
                self.hand_over(Step::Text { message })
            }
            Phase::Acceptance => self.await_acceptance(),
            Phase::Chunks => self.write_chunk(),
            Phase::LastChunk => self.write_last_chunk(),
            Phase::EmptyText { void } => self.write_empty_text(void),
            Phase::Quit => self.send_last(Command::Quit, Expect::Quit, Phase::Await),
        }
    }

    fn send(&mut self, command: Command, expect: Expect, then: Phase) -> Option<Step> {
        self.phase = then;
        self.pipeline.push(expect);
        Some(Step::Send(command))
    }

    fn send_last(&mut self, command: Command, expect: Expect, then: Phase) -> Option<Step> {
        self.phase = then;
        self.pipeline.push_last(expect);
        Some(Step::Send(command))
    }

    /// Leaves something to the caller, who comes back with what came of it.
    fn hand_over(&mut self, step: Step) -> Option<Step> {
        self.phase = Phase::Await;
        Some(step)
    }

    /// The connection, or the server's syntax, failed: nothing more can be said.
    pub fn fail(&mut self, error: Error) {
        match self.ending {
            Ending::Quit(outcome) => self.over(outcome),
            Ending::Announced => self.ended(Error::Dropped),
            Ending::Open => {
                self.blame_auth();
                self.over(self.unusable(error));
            }
        }
    }

    /// The message's source failed. What was written of the message is never completed.
    pub fn source_failed(&mut self, error: Error) {
        self.over(Outcome::Finished(Err(error)));
    }

    /// The end of the session with an error, or the next address if that may do better.
    fn unusable(&self, error: Error) -> Outcome {
        if self.replaceable {
            Outcome::NextAddress(error)
        } else {
            Outcome::Finished(Err(error))
        }
    }

    fn outcome_of_end(&self, outbox: &dyn Outbox, error: Error) -> Outcome {
        if self.replaceable {
            Outcome::NextAddress(Error::ResponseStatus)
        } else if self.is_settled(outbox) {
            Outcome::Finished(Ok(()))
        } else {
            Outcome::Finished(Err(error))
        }
    }

    fn is_settled(&self, outbox: &dyn Outbox) -> bool {
        let nodes = self.next_node.is_none_or(|next| next.get() >= outbox.etrn_count());
        let under_way = self.current.is_some() || self.finishing.is_some();
        nodes && !under_way && outbox.next_message(self.next_message).is_none()
    }

    fn record(&mut self, verdict: Verdict) {
        self.due.push_back(Step::Record(verdict));
    }

    fn announce_end(&mut self) {
        if !matches!(self.phase, Phase::Ended(_) | Phase::Over(_)) {
            self.ending = Ending::Announced;
        }
    }

    fn over(&mut self, outcome: Outcome) {
        self.pipeline.clear();
        self.phase = Phase::Over(outcome);
    }

    fn quit(&mut self, then: Outcome) {
        self.ending = Ending::Quit(then);
        self.phase = Phase::Quit;
    }

    /// The server does not do what the session needs: QUIT, and no other address.
    fn refused(&mut self, error: Error) {
        self.quit(Outcome::Finished(Err(error)));
    }

    /// The server does not want to talk to us: QUIT, and the next address, unless TLS or
    /// AUTH was tried here.
    fn address_refused(&mut self, reply: Reply) {
        let error = Error::ResponseStatus.because(&reply);
        self.nothing_sent(reply);
        self.quit(self.unusable(error));
    }
}
