// SPDX-License-Identifier: LGPL-2.1-or-later
//! The opening of a session: TLS from the first byte, greeting, EHLO, STARTTLS.

use super::auth::Auth;
use super::{Engine, Outcome, Phase, Scope, Security, Step};
use crate::error::Error;
use crate::protocol::command::Command;
use crate::protocol::event::Event;
use crate::protocol::extensions::Extensions;
use crate::protocol::outbox::{Outbox, StartTls};
use crate::protocol::pipeline::Expect;
use crate::protocol::reply::{Reply, ReplyCode, Severity};
use crate::protocol::verdict::Verdict;

impl Engine {
    pub(super) fn greeted(&mut self, reply: Reply) {
        match reply.severity() {
            _ if reply.code() == ReplyCode::READY => self.phase = Phase::Ehlo,
            Severity::Transient | Severity::Permanent => self.address_refused(reply),
            _ => self.over(Outcome::NextAddress(Error::ResponseStatus.because(&reply))),
        }
    }

    pub(super) fn ehlo_answered(&mut self, reply: Reply) {
        match reply.severity() {
            Severity::Completion => {
                self.replaceable = false;
                self.extensions = Extensions::parse(&reply);
                self.phase = Phase::Greeted;
            }
            // RFC 5321 §3.2 names 500, 501 and 502; real servers have others.
            Severity::Permanent if reply.cut_short().is_none() => {
                self.extensions = Extensions::default();
                self.phase = Phase::Helo;
            }
            Severity::Transient | Severity::Permanent => self.address_refused(reply),
            Severity::Intermediate => self.refused(Error::ResponseStatus.because(&reply)),
        }
    }

    pub(super) fn helo_answered(&mut self, reply: Reply) {
        if reply.is_completion() {
            self.replaceable = false;
            self.phase = Phase::CheckExtensions(Scope::All);
        } else {
            self.address_refused(reply);
        }
    }

    /// A reply ends the session, or this address of it, before any mail: it is the reason. What
    /// is no refusal never becomes a status.
    pub(super) fn nothing_sent(&mut self, reply: Reply) {
        if matches!(reply.severity(), Severity::Transient | Severity::Permanent) {
            self.record(Verdict::NothingSent { reply });
        }
    }

    /// TLS, then AUTH, then mail.
    pub(super) fn after_ehlo(&mut self, outbox: &dyn Outbox) {
        outbox.prune(&mut self.extensions);
        let starttls = outbox.starttls();
        let clear = self.security == Security::Clear;
        self.phase = if self.auth == Auth::Done {
            Phase::CheckExtensions(Scope::Binary)
        } else if clear && starttls != StartTls::Disabled && self.extensions.starttls {
            Phase::PrepareTls
        } else if clear && starttls == StartTls::Required {
            let _ = Error::ExtensionNotAvailable.because("STARTTLS is not offered");
            return self.tls_missing();
        } else if !self.extensions.auth.is_empty() && outbox.wants_auth() {
            Phase::SelectMechanism { after: None }
        } else {
            Phase::CheckExtensions(Scope::All)
        };
    }

    pub(super) fn tls_missing(&mut self) {
        self.due.push_back(Step::Tell(Event::NoStartTls));
        self.refused(Error::ExtensionNotAvailable);
    }

    /// Whether TLS can be used: if so it is begun, by STARTTLS where the connection is in clear;
    /// else nothing goes out in clear.
    pub fn tls_prepared(&mut self, usable: bool) {
        match (usable, self.security) {
            (true, Security::TlsFirst) => self.due.push_back(Step::Secure),
            (true, Security::Clear | Security::Tls) => {
                self.replaceable = false;
                self.pipeline.push_last(Expect::StartTls);
                self.due.push_back(Step::Send(Command::StartTls));
            }
            (false, Security::TlsFirst) => {
                self.due.push_back(Step::Tell(Event::NoStartTls));
                self.over(Outcome::Finished(Err(Error::ExtensionNotAvailable)));
            }
            (false, Security::Clear | Security::Tls) => self.tls_missing(),
        }
    }

    pub(super) fn starttls_answered(&mut self, reply: Reply) {
        match reply.severity() {
            Severity::Completion => self.due.push_back(Step::Secure),
            Severity::Intermediate => self.refused(Error::ResponseStatus.because(&reply)),
            Severity::Transient | Severity::Permanent => {
                let error = Error::ExtensionNotAvailable.because(&reply);
                self.nothing_sent(reply);
                self.refused(error);
            }
        }
    }

    /// TLS cannot be used, or the application does not accept what it has found. Over TLS the
    /// server is told goodbye; before its greeting there is nothing to say.
    pub fn tls_refused(&mut self, error: Error) {
        if self.security == Security::TlsFirst {
            return self.over(Outcome::Finished(Err(error)));
        }
        self.extensions = Extensions::default();
        self.refused(error);
    }

    /// TLS is up: what was said before it is forgotten (RFC 3207 §4.2).
    pub fn secured(&mut self) {
        if self.security == Security::TlsFirst {
            self.pipeline.push_last(Expect::Greeting);
        } else {
            self.extensions = Extensions::default();
            self.phase = Phase::Ehlo;
        }
        self.security = Security::Tls;
    }
}
