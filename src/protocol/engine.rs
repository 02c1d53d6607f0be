// SPDX-License-Identifier: LGPL-2.1-or-later
//! The engine: which command comes next, and what each reply leads to.

use std::collections::VecDeque;
use std::ffi::c_int;

use super::event::{Event, Question};
use super::extensions::Extensions;
use super::outbox::{Outbox, StartTls};
use super::pipeline::{Expect, Pipeline, Wait};
use super::reply::{EnhancedCode, Reply, ReplyCode, ReplyForm, Severity};
use super::transaction::{ChunkedText, Prospect, Transaction};
use crate::error::{Error, Result};

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

/// A command; what it says of a message is the session's to fill in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `EHLO` with our name.
    Ehlo,
    /// `HELO` with our name.
    Helo,
    /// `STARTTLS`.
    StartTls,
    /// A line of an AUTH exchange, without its CRLF.
    Auth(Vec<u8>),
    /// `ETRN` for a node.
    Etrn {
        /// Position of the node.
        node: usize,
    },
    /// `XUSR`.
    Xusr,
    /// `MAIL FROM`.
    Mail {
        /// Position of the message.
        message: usize,
        /// Seconds for `BY=` in place of the application's.
        by_seconds: Option<i64>,
        /// With `SMTPUTF8`.
        utf8: bool,
    },
    /// `RCPT TO`.
    Rcpt {
        /// Position of the message.
        message: usize,
        /// Position of the recipient in the message.
        recipient: usize,
        /// The transaction has `SMTPUTF8`.
        utf8: bool,
    },
    /// `DATA`.
    Data,
    /// The lone dot that ends a text of which nothing was sent.
    EndOfData,
    /// `RSET`.
    Rset,
    /// `QUIT`.
    Quit,
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

/// Which required extensions are looked for. The reference does not look in sessions that go
/// on to AUTH, and programs rely on it; a BINARYMIME message goes nowhere without BDAT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    All,
    Binary,
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
    // Our side has given up the AUTH exchange that is under way.
    cancelled: bool,
}

/// Most challenges of one AUTH exchange that are answered; the longest mechanism needs four.
const CHALLENGES_MAX: usize = 32;

/// Most messages whose final replies are due at once. What is unanswered when a connection
/// dies may be sent twice by a restart, so the window is small.
const OVERLAP_MAX: usize = 8;
/// Most text in unanswered chunks when another message begins; for the same reason.
const OVERLAP_TEXT_MAX: usize = 256 * 1024;
/// Most commands without answer while chunks are written: what a server that does not answer
/// can make us remember.
const CHUNKS_MAX: usize = 1024;

/// The local answer to a message that needs SMTPUTF8 (RFC 6531 §3.5: 553 with X.6.7).
const NO_SMTPUTF8: &str = "SMTPUTF8 not offered by the server (libesmtp)";

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
            cancelled: false,
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

    /// Writes the next command, or moves on to the next phase without one.
    fn write(&mut self, outbox: &dyn Outbox) -> Option<Step> {
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

    fn send(&mut self, command: Command, expect: Expect) -> Option<Step> {
        self.pipeline.push(expect);
        Some(Step::Send(command))
    }

    fn send_last(&mut self, command: Command, expect: Expect, then: Phase) -> Option<Step> {
        self.phase = then;
        self.pipeline.push_last(expect);
        Some(Step::Send(command))
    }

    /// Lists what is required and not offered, each with its event; the application decides
    /// about some of it.
    fn check_extensions(&mut self, outbox: &dyn Outbox, scope: Scope) {
        let required = outbox.required();
        let offered = &self.extensions;
        let all = scope == Scope::All;
        self.phase = Phase::ExtensionsChecked;
        if all && outbox.starttls() == StartTls::Required && !self.secure {
            self.extension_missing = true;
            self.due.push_back(Step::Tell(Event::NoStartTls));
        }
        if all && required.dsn && !offered.dsn {
            self.due.push_back(Step::Ask(Question::NoDsn));
        }
        if required.binary && !offered.chunking {
            // Whatever the answer is: such a message cannot be sent without BDAT.
            self.extension_missing = true;
            self.due.push_back(Step::Ask(Question::NoChunking));
        }
        if required.binary && !offered.binary_mime {
            self.extension_missing = true;
            self.due.push_back(Step::Tell(Event::NoBinaryMime));
        }
        if all && required.eight_bit && !offered.eight_bit_mime {
            self.extension_missing = true;
            self.due.push_back(Step::Tell(Event::No8BitMime));
        }
        if all && required.etrn && !offered.etrn {
            self.due.push_back(Step::Ask(Question::NoEtrn));
        }
    }

    fn write_etrn(&mut self, outbox: &dyn Outbox, node: usize) -> Option<Step> {
        let count = outbox.etrn_count();
        if self.extensions.etrn && node < count {
            return self.send_last(Command::Etrn { node }, Expect::Etrn(node), Phase::Etrn(node + 1));
        }
        let nothing_else = outbox.next_message(self.next_message).is_none();
        if count > 0 && !self.extensions.etrn && nothing_else {
            self.quit(Outcome::Finished(Err(Error::ExtensionNotAvailable)));
        } else {
            self.etrn_done = true;
            self.phase = Phase::NextMessage;
        }
        None
    }

    /// Begins with the next message, or ends the session if there is none.
    fn begin_transaction(&mut self, outbox: &dyn Outbox) -> Option<Step> {
        let Some(message) = outbox.next_message(self.next_message) else {
            if !self.pipeline.is_empty() {
                return Some(Step::Receive);
            }
            self.quit(Outcome::Finished(Ok(())));
            return None;
        };
        let window_is_full =
            self.transactions.len() >= OVERLAP_MAX || self.pipeline.unanswered_text() >= OVERLAP_TEXT_MAX;
        let waits = self.extensions.xusr || window_is_full;
        if waits && !self.pipeline.is_empty() {
            return Some(Step::Receive);
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
    fn seconds_missing(&self, outbox: &dyn Outbox, message: usize) -> Option<i64> {
        let least = self.extensions.deliver_by.filter(|least| *least > 0)?;
        let seconds = outbox.deliver_by(message)?;
        (seconds < least).then(|| least.saturating_sub(seconds))
    }

    fn write_mail(&mut self) -> Option<Step> {
        let transaction = self.transactions.back()?;
        let command = Command::Mail {
            message: transaction.message,
            by_seconds: transaction.by_seconds,
            utf8: transaction.utf8,
        };
        self.phase = Phase::Recipients(0);
        self.send(command, Expect::Mail)
    }

    fn write_recipient(&mut self, outbox: &dyn Outbox, from: usize) -> Option<Step> {
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
    fn write_chunk(&mut self, outbox: &dyn Outbox) -> Option<Step> {
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

    /// The message's source failed. What was written of the message is never completed;
    /// messages before it still get their replies.
    pub fn source_failed(&mut self, error: Error) {
        self.transactions.pop_back();
        self.pipeline.forget_last_transaction();
        self.source_failed = Some(error);
    }

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
    pub fn answer(&mut self, outbox: &dyn Outbox, answer: c_int) {
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
                    transaction.by_seconds = Some(least.saturating_add(answer.into()));
                }
            }
        }
    }

    fn process(&mut self, outbox: &dyn Outbox, reply: &Reply) {
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

    fn greeted(&mut self, reply: &Reply) {
        match reply.severity() {
            _ if reply.code() == ReplyCode::READY => self.phase = Phase::Ehlo,
            Severity::Transient | Severity::Permanent => self.address_refused(),
            _ => self.over(Outcome::NextAddress(Error::ResponseStatus)),
        }
    }

    fn ehlo_answered(&mut self, outbox: &dyn Outbox, reply: &Reply) {
        match reply.severity() {
            Severity::Completion => {
                self.replaceable = false;
                self.extensions = Extensions::parse(reply);
                self.after_ehlo(outbox);
            }
            Severity::Transient => self.address_refused(),
            Severity::Permanent if matches!(reply.code().value(), 500 | 501 | 502 | 504) => {
                self.extensions = Extensions::default();
                self.phase = Phase::Helo;
            }
            Severity::Intermediate | Severity::Permanent => self.refused(Error::ResponseStatus),
        }
    }

    /// TLS, then AUTH, then mail.
    fn after_ehlo(&mut self, outbox: &dyn Outbox) {
        let starttls = outbox.starttls();
        let auth = !self.authenticated && !self.extensions.auth.is_empty() && outbox.wants_auth();
        self.phase = if self.authenticated {
            Phase::CheckExtensions(Scope::Binary)
        } else if !self.secure && starttls != StartTls::Disabled && self.extensions.starttls {
            Phase::PrepareTls
        } else if !self.secure && starttls == StartTls::Required {
            self.tls_missing();
            return;
        } else if auth {
            Phase::SelectMechanism
        } else {
            Phase::CheckExtensions(Scope::All)
        };
    }

    fn tls_missing(&mut self) {
        self.due.push_back(Step::Tell(Event::NoStartTls));
        self.refused(Error::ExtensionNotAvailable);
    }

    /// Whether TLS can be used: if so STARTTLS is sent, else nothing goes out in clear.
    pub fn tls_prepared(&mut self, usable: bool) {
        if usable {
            self.replaceable = false;
            self.pipeline.push_last(Expect::StartTls);
            self.due.push_back(Step::Send(Command::StartTls));
        } else if self.expects_reply() {
            // TLS from the first byte, and the server has said nothing yet.
            self.due.push_back(Step::Tell(Event::NoStartTls));
            self.over(Outcome::Finished(Err(Error::ExtensionNotAvailable)));
        } else {
            self.tls_missing();
        }
    }

    /// TLS cannot be used, or the application does not accept what it has found. Over TLS the
    /// server is told goodbye; before its greeting there is nothing to say.
    pub fn tls_refused(&mut self, error: Error) {
        self.secure = true;
        self.extensions = Extensions::default();
        if self.expects_reply() {
            self.over(Outcome::Finished(Err(error)));
        } else {
            self.refused(error);
        }
    }

    /// TLS is up: what was said before it is forgotten (RFC 3207 §4.2).
    pub fn secured(&mut self) {
        self.secure = true;
        self.extensions = Extensions::default();
        self.phase = Phase::Ehlo;
    }

    /// The AUTH command line of the mechanism that was chosen.
    pub fn authenticate(&mut self, line: Vec<u8>) {
        self.challenge_count = 0;
        self.cancelled = false;
        self.replaceable = false;
        self.respond(line);
    }

    /// The mechanism that was chosen cannot be used after all.
    pub fn next_mechanism(&mut self) {
        self.phase = Phase::SelectMechanism;
    }

    /// No mechanism is left: the mail is tried without.
    pub fn without_auth(&mut self) {
        self.phase = Phase::CheckExtensions(Scope::Binary);
    }

    /// The answer to a challenge, in base64 (RFC 4954 §4).
    pub fn respond(&mut self, line: Vec<u8>) {
        self.pipeline.push_last(Expect::Auth);
        self.due.push_back(Step::Send(Command::Auth(line)));
    }

    /// Gives up the exchange: the server answers with a refusal, and the next mechanism
    /// follows.
    pub fn cancel(&mut self) {
        self.cancelled = true;
        self.respond(b"*".to_vec());
    }

    /// Whether the server's success can be believed, and whether a security layer is in
    /// place now, behind which everything is asked anew (RFC 4954 §4).
    pub fn authenticated(&mut self, believed: bool, protected: bool) {
        if !believed {
            return self.refused(Error::Client);
        }
        self.authenticated = true;
        self.phase = if protected {
            self.extensions = Extensions::default();
            Phase::Ehlo
        } else {
            Phase::CheckExtensions(Scope::Binary)
        };
    }

    fn auth_answered(&mut self, reply: &Reply) {
        match reply.severity() {
            // A server that asks on after `*` would ask for ever.
            Severity::Intermediate if self.cancelled => {
                self.over(Outcome::Finished(Err(Error::ResponseStatus)));
            }
            Severity::Intermediate if self.challenge_count >= CHALLENGES_MAX => self.cancel(),
            Severity::Intermediate => {
                self.challenge_count += 1;
                let challenge = reply.text().trim_ascii().to_vec();
                self.due.push_back(Step::Challenge(challenge));
            }
            Severity::Completion => self.due.push_back(Step::Authenticated),
            _ if matches!(reply.code().value(), 534 | 538) => self.refused(Error::Client),
            Severity::Transient | Severity::Permanent => self.phase = Phase::SelectMechanism,
        }
    }

    fn mail_answered(&mut self, outbox: &dyn Outbox, reply: &Reply) {
        let Some(transaction) = self.transactions.front() else {
            return;
        };
        let message = transaction.message;
        outbox.reverse_path_answered(message, reply);
        self.due.push_back(Step::Tell(Event::MailStatus { message }));
        if reply.is_completion() {
            self.envelope_open = true;
            return;
        }
        transaction.mail_refused(outbox, reply);
        self.void_transaction(message);
    }

    /// The transaction whose replies are due is over before its end.
    fn void_transaction(&mut self, message: usize) {
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

    fn rcpt_answered(&mut self, outbox: &dyn Outbox, recipient: usize, reply: &Reply) {
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
    fn nobody_accepted(&mut self, outbox: &dyn Outbox) {
        if let Some(transaction) = self.transactions.front() {
            let message = transaction.message;
            transaction.nobody_accepted(outbox);
            self.void_transaction(message);
            self.due.push_back(Step::Tell(Event::MessageSent { message }));
            self.envelope_open = true;
        }
    }

    fn data_answered(&mut self, outbox: &dyn Outbox, reply: &Reply) {
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
    fn chunk_answered(&mut self, outbox: &dyn Outbox, last: bool, reply: &Reply) {
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
    fn settle(&mut self, outbox: &dyn Outbox, reply: &Reply) {
        if let Some(transaction) = self.transactions.pop_front() {
            let message = transaction.message;
            transaction.settle(outbox, reply);
            self.due.push_back(Step::Tell(Event::MessageSent { message }));
        }
        self.envelope_open = !reply.is_completion();
    }

    /// The text is written, its end included.
    pub fn text_sent(&mut self) {
        self.pipeline.push(Expect::EndOfData);
        self.phase = Phase::NextMessage;
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

    fn is_quitting(&self) -> bool {
        self.phase == Phase::Quit || self.pipeline.front() == Some(Expect::Quit)
    }

    /// The server ends the session; that is no failure if everything is settled.
    fn end(&mut self, outbox: &dyn Outbox, error: Error) {
        self.over(if self.replaceable {
            Outcome::NextAddress(Error::ResponseStatus)
        } else if self.is_settled(outbox) {
            Outcome::Finished(Ok(()))
        } else {
            Outcome::Finished(Err(error))
        });
    }

    fn is_settled(&self, outbox: &dyn Outbox) -> bool {
        let nodes = match self.phase {
            Phase::Etrn(next) => next >= outbox.etrn_count(),
            _ => self.etrn_done || outbox.etrn_count() == 0,
        };
        nodes && self.transactions.is_empty() && outbox.next_message(self.next_message).is_none()
    }

    fn announce_closing(&mut self) {
        if !matches!(self.phase, Phase::Over(_)) {
            self.closing = true;
        }
    }

    fn over(&mut self, outcome: Outcome) {
        self.pipeline.clear();
        self.phase = Phase::Over(outcome);
    }

    fn quit(&mut self, then: Outcome) {
        self.after_quit = then;
        self.phase = Phase::Quit;
    }

    /// The server does not do what the session needs: QUIT, and no other address.
    fn refused(&mut self, error: Error) {
        self.quit(Outcome::Finished(Err(error)));
    }

    /// The server does not want to talk to us: QUIT, and the next address, unless TLS or
    /// AUTH was tried here.
    fn address_refused(&mut self) {
        let error = Error::ResponseStatus;
        self.quit(if self.replaceable {
            Outcome::NextAddress(error)
        } else {
            Outcome::Finished(Err(error))
        });
    }
}
