// SPDX-License-Identifier: LGPL-2.1-or-later
//! The engine: which command comes next, and what each reply leads to.

mod replies;
mod start;
mod writing;

use std::collections::VecDeque;

use super::command::Command;
use super::event::{Event, Question};
use super::extensions::Extensions;
use super::outbox::Outbox;
use super::pipeline::{Expect, Pipeline, Wait};
use super::reply::{Reply, ReplyForm};
use super::transaction::Transaction;
use crate::error::{Error, Result};
use start::Scope;

/// What to do next.
#[derive(Debug)]
pub enum Step {
    /// Queue a command for the server.
    Send(Command),
    /// Write what is queued and bring the next reply: [`Engine::receive`].
    Receive,
    /// Tell the application.
    Tell(Event),
    /// Ask the application: [`Engine::answer`].
    Ask(Question),
    /// Make sure that TLS can be used, before it is asked for: [`Engine::tls_prepared`].
    PrepareTls,
    /// Begin TLS on the connection: [`Engine::secured`].
    Secure,
    /// Choose the next mechanism: [`Engine::authenticate`], [`Engine::next_mechanism`] if it
    /// has no answer, or [`Engine::without_auth`] if none is left.
    SelectMechanism,
    /// Answer a challenge of the server's, in base64: [`Engine::respond`] or
    /// [`Engine::cancel`].
    Challenge(Vec<u8>),
    /// The server says that it knows us now: [`Engine::authenticated`].
    Authenticated,
    /// Send a message's text, its end included: [`Engine::text_sent`].
    Text {
        /// Position of the message.
        message: usize,
    },
    /// Send the next chunk of a message's text: [`Engine::chunk_sent`]. If it goes `ahead` of
    /// the recipients' replies, only a text that ends within one chunk is sent:
    /// [`Engine::text_held`] for a longer one.
    Chunk {
        /// Position of the message.
        message: usize,
        /// No recipient is accepted yet.
        ahead: bool,
    },
    /// Someone takes the message: what was read of its text ahead is as good as sent.
    TextWanted {
        /// Position of the message.
        message: usize,
    },
    /// Nothing more of the message's text is wanted, and what was read of it ahead is void.
    TextVoid {
        /// Position of the message.
        message: usize,
    },
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

/// What is to be done when commands may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Something is due from the server or the caller.
    Await,
    Ehlo,
    Helo,
    PrepareTls,
    SelectMechanism,
    CheckExtensions(Scope),
    ExtensionsChecked,
    Etrn(usize),
    NextMessage,
    Rset,
    Xusr,
    Mail,
    Recipients(usize),
    Data,
    Text,
    Chunks,
    EndOfData {
        void: bool,
    },
    Quit,
    Over(Outcome),
}

/// What the server thinks of our senders. A refused MAIL makes errors of all that is written
/// behind it, and servers hang up on clients that make many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Senders {
    /// No MAIL was answered.
    Unknown,
    /// None was refused.
    Welcome,
    /// One was refused: from now on nothing is written behind a MAIL before its reply.
    Refused,
}

/// Drives one dialogue.
#[derive(Debug)]
pub struct Engine {
    phase: Phase,
    pipeline: Pipeline,
    due: VecDeque<Step>,
    extensions: Extensions,
    transactions: VecDeque<Transaction>,
    next_message: usize,
    envelope_open: bool,
    senders: Senders,
    held: Option<Reply>,
    question: Option<Question>,
    extension_missing: bool,
    secure: bool,
    authenticated: bool,
    etrn_done: bool,
    // A different address may do better: nothing but greeting and EHLO was said so far.
    replaceable: bool,
    // The server announced the end (421); replies that are due are still read.
    closing: bool,
    // A message's source failed: the session ends with this error once the replies about
    // messages before it are read.
    source_failed: Option<Error>,
    after_quit: Outcome,
    challenge_count: usize,
    auth_was_sent: bool,
    // Our side has given up the AUTH exchange that is under way.
    cancelled: bool,
    // The server has failed to prove who it is.
    distrusted: bool,
}

impl Engine {
    /// An engine that waits for the greeting; `secure` = TLS is up already (RFC 8314).
    #[must_use]
    pub fn new(secure: bool) -> Self {
        let mut pipeline = Pipeline::default();
        pipeline.push_last(Expect::Greeting);
        Self {
            phase: Phase::Await,
            pipeline,
            due: VecDeque::new(),
            extensions: Extensions::default(),
            transactions: VecDeque::new(),
            next_message: 0,
            envelope_open: false,
            senders: Senders::Unknown,
            held: None,
            question: None,
            extension_missing: false,
            secure,
            authenticated: false,
            etrn_done: false,
            replaceable: true,
            closing: false,
            source_failed: None,
            after_quit: Outcome::Finished(Ok(())),
            challenge_count: 0,
            auth_was_sent: false,
            cancelled: false,
            distrusted: false,
        }
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

    /// How many replies are due.
    #[must_use]
    pub fn replies_due(&self) -> usize {
        self.pipeline.len()
    }

    /// The next thing to do.
    pub fn next(&mut self, outbox: &dyn Outbox) -> Step {
        loop {
            if let Some(step) = self.due.pop_front() {
                if let Step::Ask(question) = step {
                    self.question = Some(question);
                }
                return step;
            }
            if let Phase::Over(outcome) = self.phase {
                return Step::Done(outcome);
            }
            let ending = self.closing || self.source_failed.is_some();
            if ending && self.pipeline.is_empty() {
                match self.source_failed {
                    Some(error) => self.over(Outcome::Finished(Err(error))),
                    None => self.end(outbox, Error::Dropped),
                }
                continue;
            }
            let open = self.pipeline.is_open(self.extensions.pipelining);
            if ending || !open || self.phase == Phase::Await {
                return Step::Receive;
            }
            if let Some(step) = self.write(outbox) {
                return step;
            }
        }
    }

    /// The connection, the server's syntax or the message's source failed: nothing more can
    /// be said.
    pub fn fail(&mut self, outbox: &dyn Outbox, error: Error) {
        if self.is_quitting() {
            self.over(self.after_quit);
        } else if let Some(error) = self.source_failed {
            self.over(Outcome::Finished(Err(error)));
        } else if self.closing {
            self.end(outbox, Error::Dropped);
        } else if self.replaceable {
            self.over(Outcome::NextAddress(error));
        } else {
            self.over(Outcome::Finished(Err(error)));
        }
    }

    pub(super) fn is_quitting(&self) -> bool {
        self.phase == Phase::Quit || self.pipeline.front() == Some(Expect::Quit)
    }

    /// The server ends the session; that is no failure if everything is settled.
    pub(super) fn end(&mut self, outbox: &dyn Outbox, error: Error) {
        self.over(if self.replaceable {
            Outcome::NextAddress(Error::ResponseStatus)
        } else if self.is_settled(outbox) {
            Outcome::Finished(Ok(()))
        } else {
            Outcome::Finished(Err(error))
        });
    }

    pub(super) fn is_settled(&self, outbox: &dyn Outbox) -> bool {
        let nodes = match self.phase {
            Phase::Etrn(next) => next >= outbox.etrn_count(),
            _ => self.etrn_done || outbox.etrn_count() == 0,
        };
        nodes && self.transactions.is_empty() && outbox.next_message(self.next_message).is_none()
    }

    pub(super) fn announce_closing(&mut self) {
        if !matches!(self.phase, Phase::Over(_)) {
            self.closing = true;
        }
    }

    pub(super) fn over(&mut self, outcome: Outcome) {
        self.pipeline.clear();
        self.phase = Phase::Over(outcome);
    }

    pub(super) fn quit(&mut self, then: Outcome) {
        self.after_quit = then;
        self.phase = Phase::Quit;
    }

    /// The server does not do what the session needs: QUIT, and no other address.
    pub(super) fn refused(&mut self, error: Error) {
        self.quit(Outcome::Finished(Err(error)));
    }

    /// The server does not want to talk to us: QUIT, and the next address, unless TLS or
    /// AUTH was tried here.
    pub(super) fn address_refused(&mut self) {
        let error = Error::ResponseStatus;
        self.quit(if self.replaceable {
            Outcome::NextAddress(error)
        } else {
            Outcome::Finished(Err(error))
        });
    }
}
