// SPDX-License-Identifier: LGPL-2.1-or-later
//! AUTH (RFC 4954): exchanges with one mechanism after the other.

use zeroize::Zeroizing;

use super::{Engine, MailReplies, Outcome, Phase, Scope, Step};
use crate::error::Error;
use crate::protocol::command::Command;
use crate::protocol::extensions::Extensions;
use crate::protocol::pipeline::Expect;
use crate::protocol::reply::{Reply, Severity};

/// Most challenges of one exchange that are answered; the longest mechanism needs four.
const CHALLENGES_MAX: usize = 32;

/// What the server means by its refusal of a mechanism (RFC 4954 §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// 501: it does not understand the command, perhaps for what came with it.
    Syntax,
    /// It does not want this mechanism, whoever uses it.
    Mechanism,
    /// It does not know who it is that uses it.
    Credentials,
}

/// What the user is told of a server that is not believed.
const IMPOSTOR: &str = "the server has not proved that it knows the password";

/// How far authentication is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Auth {
    /// No AUTH was sent.
    Untried,
    /// An exchange is under way, in which so many challenges were answered.
    Exchange { challenges: usize },
    /// Our side has given the exchange up (`*`), and waits for the server's word.
    Cancelled(Cancelled),
    /// Every exchange so far came to nothing.
    Refused,
    /// The server knows us.
    Done,
}

/// Why an exchange was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cancelled {
    /// The mechanism cannot go on; another one may.
    Mechanism,
    /// The server has failed to prove who it is.
    Impostor,
}

impl Engine {
    /// The AUTH command line of the mechanism that was chosen.
    pub fn authenticate(&mut self, line: Zeroizing<Vec<u8>>) {
        self.replaceable = false;
        self.auth = Auth::Exchange { challenges: 0 };
        self.respond(line);
    }

    /// The mechanism that was chosen cannot be used after all.
    pub fn next_mechanism(&mut self) {
        self.phase = Phase::SelectMechanism { after: None };
    }

    /// No mechanism is left: the mail is tried without. Not so if the server has just said that
    /// what it offers is not to be had like this (534, 538).
    pub fn without_auth(&mut self) {
        if let Some(reply) = self.auth_refusal.take_if(|reply| matches!(reply.code().value(), 534 | 538)) {
            let error = Error::Client.because(&reply);
            self.nothing_sent(reply);
            return self.refused(error);
        }
        let scope = if self.auth == Auth::Untried { Scope::All } else { Scope::Binary };
        self.phase = Phase::CheckExtensions(scope);
    }

    /// No mechanism is left, and without one the session must not go on.
    pub fn auth_missing(&mut self, error: Error) {
        self.blame_auth();
        self.refused(error);
    }

    /// The answer to a challenge, in base64 (RFC 4954 §4).
    pub fn respond(&mut self, line: Zeroizing<Vec<u8>>) {
        self.pipeline.push_last(Expect::Auth);
        self.due.push_back(Step::Send(Command::Auth(line)));
    }

    /// Gives up the exchange: the server answers with a refusal, and the next mechanism
    /// follows.
    pub fn cancel(&mut self) {
        self.give_up(Cancelled::Mechanism);
    }

    /// The server is not who it claims to be: the exchange is given up, and the session.
    pub fn distrust(&mut self) {
        self.give_up(Cancelled::Impostor);
    }

    fn give_up(&mut self, why: Cancelled) {
        self.auth = Auth::Cancelled(why);
        self.respond(Zeroizing::new(b"*".to_vec()));
    }

    /// Whether the server's success can be believed, and whether a security layer is in
    /// place now, behind which everything is asked anew (RFC 4954 §4).
    pub fn authenticated(&mut self, believed: bool, protected: bool) {
        if !believed {
            return self.refused(Error::Client.because(IMPOSTOR));
        }
        self.auth = Auth::Done;
        self.auth_refusal = None;
        self.phase = if protected {
            self.extensions = Extensions::default();
            Phase::Ehlo
        } else {
            Phase::CheckExtensions(Scope::Binary)
        };
    }

    pub(super) fn auth_answered(&mut self, reply: Reply) {
        let severity = reply.severity();
        match self.auth {
            Auth::Cancelled(Cancelled::Impostor) => self.refused(Error::Client.because(IMPOSTOR)),
            Auth::Cancelled(Cancelled::Mechanism) => match severity {
                // Nobody was authenticated, whatever the server says.
                Severity::Completion => {
                    self.refused(Error::Client.because("AUTH was given up, and the server reports success"));
                }
                // A server that asks on after `*` would ask for ever.
                Severity::Intermediate => self.over(Outcome::Finished(Err(Error::ResponseStatus))),
                // It says nothing of what the mechanism would have come to.
                Severity::Transient | Severity::Permanent => {
                    self.next_after(Refusal::Mechanism);
                    if reply.is_closing() {
                        self.nothing_sent(reply);
                    }
                }
            },
            Auth::Exchange { challenges } => match severity {
                Severity::Intermediate if challenges >= CHALLENGES_MAX => self.cancel(),
                Severity::Intermediate => {
                    self.auth = Auth::Exchange { challenges: challenges + 1 };
                    self.due.push_back(Step::Challenge(reply.text().trim_ascii().to_vec()));
                }
                Severity::Completion => self.due.push_back(Step::Authenticated),
                Severity::Transient | Severity::Permanent => self.exchange_refused(reply),
            },
            Auth::Untried | Auth::Refused | Auth::Done => self.fail(Error::ResponseSyntax),
        }
    }

    fn exchange_refused(&mut self, reply: Reply) {
        match reply.code().value() {
            // Nothing more is said, nor heard.
            421 => self.nothing_sent(reply),
            // Later it may be accepted, and the mail with it; without it the mail is refused for good.
            432 | 454 => {
                let error = Error::ResponseStatus.because(&reply);
                self.nothing_sent(reply);
                self.refused(error);
            }
            code => {
                self.auth_refusal = Some(reply);
                self.next_after(match code {
                    501 => Refusal::Syntax,
                    400..500 | 500 | 502 | 504 | 534 | 538 => Refusal::Mechanism,
                    _ => Refusal::Credentials,
                });
            }
        }
    }

    fn next_after(&mut self, refusal: Refusal) {
        self.auth = Auth::Refused;
        self.phase = Phase::SelectMechanism { after: Some(refusal) };
    }

    /// The session ends before any MAIL was answered. If AUTH was refused, that is why.
    pub(super) fn blame_auth(&mut self) {
        if self.mail_replies == MailReplies::None {
            if let Some(reply) = self.auth_refusal.take() {
                self.nothing_sent(reply);
            }
        }
    }
}
