// SPDX-License-Identifier: LGPL-2.1-or-later
//! The start of a session: greeting, EHLO, TLS, AUTH, required extensions, ETRN.

use zeroize::Zeroizing;

use super::{Engine, Outcome, Phase, Step};
use crate::error::Error;
use crate::protocol::command::Command;
use crate::protocol::event::{Event, Question};
use crate::protocol::extensions::Extensions;
use crate::protocol::outbox::{Outbox, StartTls};
use crate::protocol::pipeline::Expect;
use crate::protocol::reply::{Reply, ReplyCode, Severity};

/// Most challenges of one AUTH exchange that are answered; the longest mechanism needs four.
const CHALLENGES_MAX: usize = 32;

/// Which required extensions are looked for. The reference does not look in sessions that go
/// on to AUTH, and programs rely on it; a BINARYMIME message goes nowhere without BDAT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    All,
    Binary,
}

impl Engine {
    pub(super) fn greeted(&mut self, reply: &Reply) {
        match reply.severity() {
            _ if reply.code() == ReplyCode::READY => self.phase = Phase::Ehlo,
            Severity::Transient | Severity::Permanent => self.address_refused(),
            _ => self.over(Outcome::NextAddress(Error::ResponseStatus)),
        }
    }

    pub(super) fn ehlo_answered(&mut self, outbox: &dyn Outbox, reply: &Reply) {
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
    pub(super) fn after_ehlo(&mut self, outbox: &dyn Outbox) {
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

    pub(super) fn tls_missing(&mut self) {
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
    pub fn authenticate(&mut self, line: Zeroizing<Vec<u8>>) {
        self.challenge_count = 0;
        self.cancelled = false;
        self.auth_was_sent = true;
        self.replaceable = false;
        self.respond(line);
    }

    /// The mechanism that was chosen cannot be used after all.
    pub fn next_mechanism(&mut self) {
        self.phase = Phase::SelectMechanism;
    }

    /// No mechanism is left: the mail is tried without.
    pub fn without_auth(&mut self) {
        let scope = if self.auth_was_sent { Scope::Binary } else { Scope::All };
        self.phase = Phase::CheckExtensions(scope);
    }

    /// The server is not who it claims to be: the exchange is given up, and the session.
    pub fn distrust(&mut self) {
        self.distrusted = true;
        self.cancel();
    }

    /// The answer to a challenge, in base64 (RFC 4954 §4).
    pub fn respond(&mut self, line: Zeroizing<Vec<u8>>) {
        self.pipeline.push_last(Expect::Auth);
        self.due.push_back(Step::Send(Command::Auth(line)));
    }

    /// Gives up the exchange: the server answers with a refusal, and the next mechanism
    /// follows.
    pub fn cancel(&mut self) {
        self.cancelled = true;
        self.respond(Zeroizing::new(b"*".to_vec()));
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

    pub(super) fn auth_answered(&mut self, reply: &Reply) {
        match reply.severity() {
            _ if self.distrusted => self.refused(Error::Client),
            // Nobody was authenticated, whatever the server says.
            Severity::Completion if self.cancelled => self.refused(Error::Client),
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

    /// Lists what is required and not offered, each with its event; the application decides
    /// about some of it.
    pub(super) fn check_extensions(&mut self, outbox: &dyn Outbox, scope: Scope) {
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
        if required.binary {
            self.miss_binary();
        }
        let offered = &self.extensions;
        if all && required.eight_bit && !offered.eight_bit_mime {
            self.extension_missing = true;
            self.due.push_back(Step::Tell(Event::No8BitMime));
        }
        if all && required.etrn && !offered.etrn {
            self.due.push_back(Step::Ask(Question::NoEtrn));
        }
    }

    /// Notes what is missing for a BINARYMIME message. Whatever the application says: it cannot
    /// be sent without both.
    pub(super) fn miss_binary(&mut self) {
        if !self.extensions.chunking {
            self.extension_missing = true;
            self.due.push_back(Step::Ask(Question::NoChunking));
        }
        if !self.extensions.binary_mime {
            self.extension_missing = true;
            self.due.push_back(Step::Tell(Event::NoBinaryMime));
        }
    }

    pub(super) fn write_etrn(&mut self, outbox: &dyn Outbox, node: usize) -> Option<Step> {
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
}
