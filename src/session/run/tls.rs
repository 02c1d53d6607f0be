// SPDX-License-Identifier: LGPL-2.1-or-later
//! TLS: made ready, begun, and judged by the application.

use std::collections::VecDeque;
use std::ffi::{CStr, CString, c_int};
use std::ptr;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::{Asked, Run, State, far};
use crate::error::Error;
use crate::net::{Identity, Obstacle, Pin, Secured, TlsSetup};
use crate::protocol::{Engine, Event};
use crate::sasl;
use crate::session::callback::{Call, TlsEstablished, TlsQuestion};
use crate::session::{Session, Timeout};

/// Ciphers of so many bits and fewer are weak.
const WEAK_CIPHER_BITS: c_int = 40;

/// TLS before and right after the handshake.
pub(super) struct Tls {
    setup: Option<TlsSetup>,
    secured: Option<Secured>,
    questions: VecDeque<TlsQuestion>,
    // What the question is about that the application was asked last.
    doubt: String,
    // The context that has the certificate's name for EXTERNAL, and what it had before.
    lent: Option<(Arc<sasl::Context>, Option<CString>)>,
}

impl Tls {
    /// The name of a client certificate is good for its connection alone.
    pub(super) fn close(self) {
        if let Some((context, before)) = self.lent {
            context.replace_external_id(before);
        }
    }
}

impl Run {
    /// Makes TLS ready before the server is asked to start it.
    pub(super) fn prepare_tls(&mut self, session: &Session) -> Option<Call> {
        // A copy, so that nothing is borrowed when OpenSSL asks for the pass phrase of a key.
        let context = session.tls_context().borrow().clone();
        let canonical = session.server_name().borrow().clone();
        let prepared = match session.terms() {
            Some(terms) => {
                TlsSetup::prepare_with(terms.tls(), context.as_ref(), &self.host, canonical.as_deref())
            }
            None => TlsSetup::prepare(context.as_ref(), &self.host, canonical.as_deref()),
        };
        let obstacle = match prepared {
            Ok(setup) => {
                let lacks_key = setup.lacks_key();
                self.tls = Some(Box::new(Tls {
                    setup: Some(setup),
                    secured: None,
                    questions: VecDeque::new(),
                    doubt: String::new(),
                    lent: None,
                }));
                if lacks_key {
                    self.asked = Asked::ClientKey;
                    return Some(Call::AskTls(TlsQuestion::NoClientCertificate));
                }
                self.tls_prepared(true);
                return None;
            }
            Err(obstacle) => obstacle,
        };
        match obstacle {
            Obstacle::ClientCertificate => {
                self.tls_prepared(false);
                Some(Call::Tell(Event::UnusableClientCertificate))
            }
            Obstacle::CaList => {
                self.tls_prepared(false);
                Some(Call::Tell(Event::UnusableCaList))
            }
            Obstacle::Failure(error) => {
                self.with_engine(|engine| engine.tls_refused(error));
                None
            }
        }
    }

    fn tls_prepared(&mut self, usable: bool) {
        self.with_engine(|engine| engine.tls_prepared(usable));
    }

    /// Shakes hands. Clear text behind the server's consent was put there by somebody else.
    pub(super) fn handshake(&mut self, session: &Session) {
        self.state = State::Dialogue;
        let setup = self.tls.as_mut().and_then(|tls| tls.setup.take());
        let (Some(link), Some(setup)) = (&mut self.link, setup) else {
            return;
        };
        if !link.parser.is_empty() {
            return link.engine.fail(Error::ResponseSyntax);
        }
        let policy = session.terms().and_then(|terms| terms.reply_limit());
        let deadline = far(policy.unwrap_or_else(|| session.timeouts.get().of(Timeout::Greeting)));
        match link.stream.secure(setup, Some(deadline)) {
            Ok(secured) => {
                if let Some(trace) = &mut self.trace {
                    trace.note(&describe(&secured));
                }
                if let Some(notes) = &mut self.notes {
                    notes.tls = Some(describe(&secured));
                }
                if let Some(tls) = &mut self.tls {
                    tls.questions = questions(&secured);
                    tls.secured = Some(secured);
                    self.state = State::Judge;
                }
            }
            Err(error) => link.engine.fail(error),
        }
    }

    /// Asks the application about everything that is not as it should be; then tells it that
    /// TLS is in use.
    pub(super) fn judge(&mut self, session: &Session) -> Option<Call> {
        self.state = State::Dialogue;
        let tls = self.tls.as_mut()?;
        if let Some(question) = tls.questions.pop_front() {
            tls.doubt = tls
                .secured
                .as_ref()
                .map_or_else(String::new, |secured| doubt(&question, secured, &self.host));
            self.asked = Asked::Certificate;
            return Some(Call::AskTls(question));
        }
        let secured = tls.secured.as_ref()?;
        if let (Some(name), Some(context)) = (&secured.client_name, session.sasl()) {
            let before = context.replace_external_id(Some(name.clone()));
            tls.lent = Some((context, before));
        }
        let established = TlsEstablished {
            ssl: secured.ssl,
            cipher: secured.cipher.as_ptr(),
            bits: secured.bits,
        };
        self.with_engine(Engine::secured);
        Some(Call::TellTls(established))
    }

    /// The application's answer to a question about TLS.
    pub(super) fn tls_answered(&mut self, session: &Session, asked: &Asked, accepted: bool) {
        if let Asked::Certificate = asked {
            if let Some(error) = self.policy_refuses(session, accepted) {
                return self.with_engine(|engine| engine.tls_refused(error));
            }
        }
        self.note(|| format!("the application {}", if accepted { "accepts" } else { "refuses" }));
        match (asked, accepted) {
            (Asked::ClientKey, usable) => self.tls_prepared(usable),
            (_, true) => self.state = State::Judge,
            (_, false) => {
                let doubt = self.tls.as_ref().map_or("", |tls| &tls.doubt);
                let error = Error::Client.because(doubt);
                self.with_engine(|engine| engine.tls_refused(error));
            }
        }
    }

    /// The policy's verdict on what the server has shown, where that is the last word.
    fn policy_refuses(&mut self, session: &Session, accepted: bool) -> Option<Error> {
        let terms = session.terms()?;
        let tls = self.tls.as_ref()?;
        let secured = tls.secured.as_ref()?;
        if !terms.is_strict() && !matches!(secured.pin, Pin::Mismatch(_)) {
            return None;
        }
        let why = tls.doubt.clone();
        self.note(|| {
            let program = if accepted {
                "would accept the certificate"
            } else {
                "refuses the certificate"
            };
            format!("the callback of the program {program}; the policy does not: {why}")
        });
        Some(Error::Client.because(why))
    }

    /// Whether the connection is under TLS.
    pub(super) fn is_secured(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.secured.is_some())
    }
}

/// The facts of a handshake for the trace.
fn describe(secured: &Secured) -> String {
    format!(
        "{} with {} ({} bits){}, verify result {}, identity {:?}",
        secured.protocol.to_string_lossy(),
        secured.cipher.to_string_lossy(),
        secured.bits,
        if secured.resumed { ", resumed" } else { "" },
        secured.verify_result,
        secured.identity
    )
}

/// What is wrong, for the user.
fn doubt(question: &TlsQuestion, secured: &Secured, host: &CStr) -> String {
    let host = host.to_string_lossy();
    match (question, &secured.identity) {
        (TlsQuestion::InvalidCertificate { .. }, _) => match secured.pin {
            Pin::Mismatch(Some(hash)) => {
                format!("the key of the server is {}, which is not pinned", shown_pin(&hash))
            }
            Pin::Mismatch(None) => format!("{host} has shown no certificate"),
            Pin::NotAsked | Pin::Matches => secured.verdict.to_owned(),
        },
        (TlsQuestion::WeakCipher { bits }, _) => format!("the cipher has {bits} bits"),
        (TlsQuestion::NoCertificate, _) => format!("{host} has shown no certificate"),
        (_, Some(Identity::Mismatch { name_found })) if name_found.is_empty() => {
            format!("certificate is for nobody, not {host}")
        }
        (_, Some(Identity::Mismatch { name_found })) => {
            format!("certificate is for {}, not {host}", name_found.to_string_lossy())
        }
        (_, _) => String::new(),
    }
}

/// A pin as the policy's file has it.
#[must_use]
pub fn shown_pin(hash: &[u8; 32]) -> String {
    format!("sha256:{}", BASE64_STANDARD.encode(hash))
}

/// What the application is asked, in the order in which it is asked. An accepted certificate
/// does not make up for its name.
fn questions(secured: &Secured) -> VecDeque<TlsQuestion> {
    let mut questions = VecDeque::new();
    let pinned = secured.pin == Pin::Matches;
    if let Pin::Mismatch(_) = secured.pin {
        questions.push_back(TlsQuestion::InvalidCertificate {
            verify_result: openssl_sys::X509_V_ERR_APPLICATION_VERIFICATION.into(),
            ssl: secured.ssl,
        });
    } else if !pinned && !secured.is_verified() {
        questions.push_back(TlsQuestion::InvalidCertificate {
            verify_result: secured.verify_result,
            ssl: secured.ssl,
        });
    }
    if secured.bits <= WEAK_CIPHER_BITS {
        questions.push_back(TlsQuestion::WeakCipher { bits: secured.bits });
    }
    match &secured.identity {
        None => questions.push_back(TlsQuestion::NoCertificate),
        Some(Identity::Mismatch { name_found }) if !pinned => {
            questions.push_back(TlsQuestion::WrongCertificate {
                name_found: ptr::from_ref(name_found.as_c_str()).cast(),
                ssl: secured.ssl,
            });
        }
        Some(Identity::Matches | Identity::Mismatch { .. }) => {}
    }
    questions
}
