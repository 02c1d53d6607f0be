// SPDX-License-Identifier: LGPL-2.1-or-later
//! AUTH (RFC 4954): one mechanism after the other, until the server accepts one.

use std::sync::Arc;

use super::Run;
use crate::error::{Error, Result};
use crate::net::{Recode, TlsBinding, TlsBindingKind};
use crate::protocol::{Engine, Refusal, Reply};
use crate::sasl::{self, Attempts, BindingKind, Channel, ChannelBinding, Context, Secret, SecurityLayer};
use crate::session::Session;
use crate::session::callback::{Answer, Call};

/// The way through the mechanisms that the server offers.
pub(super) struct Authentication {
    context: Arc<Context>,
    attempts: Attempts,
    /// The mechanism that is tried.
    mechanism: Box<str>,
    /// Its AUTH command was not sent yet.
    opening: bool,
    /// An initial response that did not go with the command.
    deferred: Option<Arc<Secret>>,
    /// PLAIN's answer that went with the command. A server that does not take it like that may
    /// take it when it asks.
    sent_along: Option<Arc<Secret>>,
    /// What the server said when it refused the mechanism.
    refused_with: Option<String>,
}

impl Authentication {
    /// Begins the exchange, or goes on with a challenge.
    fn go_on(&self, challenge: Option<&[u8]>) -> Call {
        Call::Exchange {
            due: self.context.begin(challenge),
            context: Arc::as_ptr(&self.context),
        }
    }

    /// Credentials that were refused are of use elsewhere, or not at all; if there are fresh ones,
    /// the same mechanism comes again.
    fn credentials_refused(&mut self, session: &Session) {
        // "Authentication credentials invalid" (RFC 4954 §6): a token may have been withdrawn.
        let invalid = self.refused_with.as_deref().is_some_and(|reply| reply.starts_with("535"));
        if invalid && session.terms().is_some_and(|terms| terms.renew_secret()) {
            self.attempts.again(std::mem::take(&mut self.mechanism));
        } else {
            self.attempts.credentials_refused();
        }
    }

    /// Nothing of an exchange that has failed is kept.
    pub(super) fn give_up(&self) {
        self.context.failed();
    }
}

impl Run {
    /// Tries the next mechanism, or PLAIN once again without its initial response.
    pub(super) fn select_mechanism(&mut self, session: &Session, after: Option<Refusal>) -> Option<Call> {
        if let (Some(Refusal::Syntax), Some(authentication)) = (after, &mut self.authentication) {
            if let Some(response) = authentication.sent_along.take() {
                authentication.deferred = Some(response);
                let line = sasl::opening(&authentication.mechanism, None).line;
                self.with_engine(|engine| engine.authenticate(line));
                return None;
            }
        }
        let authentication = match self.authentication.take() {
            Some(mut earlier) => {
                earlier.give_up();
                if after == Some(Refusal::Credentials) {
                    earlier.credentials_refused(session);
                }
                Some(earlier)
            }
            None => self.begin_authentication(session).map(Box::new),
        };
        let why = authentication.as_ref().and_then(|earlier| earlier.refused_with.clone());
        let chosen = authentication.and_then(|mut authentication| {
            authentication.mechanism = authentication.attempts.next(&authentication.context)?;
            authentication.opening = true;
            authentication.deferred = None;
            authentication.sent_along = None;
            Some(authentication)
        });
        let Some(authentication) = chosen else {
            if session.terms().is_some_and(|terms| terms.requires_auth()) {
                let why = why.unwrap_or_else(|| "no mechanism can be used".to_owned());
                let error = Error::Client.because(format_args!("AUTH failed: {why}"));
                self.with_engine(|engine| engine.auth_missing(error));
            } else {
                self.with_engine(|engine| engine.without_auth());
            }
            return None;
        };
        let call = authentication.go_on(None);
        self.authentication = Some(authentication);
        Some(call)
    }

    fn begin_authentication(&self, session: &Session) -> Option<Authentication> {
        let context = session.sasl()?;
        let terms = session.terms();
        let secure = self.is_secured();
        if let Some(terms) = &terms {
            let secret = terms.has_secret();
            if secret && !secure && !self.is_loopback {
                return None;
            }
            // Whoever names it, or gives the password for it, allows it.
            if secret || secure && terms.relay().mechanisms.is_some() {
                context.change_flags(sasl::flags::PLAIN, 0);
            }
        }
        let link = self.link.as_ref()?;
        let channel = Channel {
            secure,
            binding: link.stream.binding().map(channel_binding),
            host: self.host.to_string_lossy().into_owned(),
            port: self.port,
            plus_offered: false,
        };
        let offered = &link.engine.extensions().auth;
        let only = terms.as_deref().and_then(|terms| terms.relay().mechanisms.as_deref());
        let attempts = Attempts::among(&context, offered, only, channel);
        Some(Authentication {
            context,
            attempts,
            mechanism: Box::default(),
            opening: false,
            deferred: None,
            sent_along: None,
            refused_with: None,
        })
    }

    /// Notes what the server says to an exchange.
    pub(super) fn note_refusal(&mut self, reply: &Reply) {
        let Some(authentication) = &mut self.authentication else {
            return;
        };
        let code = reply.code().value();
        authentication.refused_with =
            (code >= 400).then(|| format!("{code} {}", String::from_utf8_lossy(reply.text()).trim()));
    }

    /// The server's challenge, in base64.
    pub(super) fn challenged(&mut self, text: &[u8]) -> Option<Call> {
        let Some(authentication) = &mut self.authentication else {
            self.with_engine(|engine| engine.cancel());
            return None;
        };
        let challenge = if sasl::ignores_prompts(&authentication.mechanism) {
            Some(Vec::new())
        } else {
            sasl::decode_challenge(text)
        };
        match (challenge, authentication.deferred.take()) {
            // The server asks for the initial response, which did not go with the command.
            (Some(challenge), Some(response)) if challenge.is_empty() => {
                self.responded(Answer::Response(Some(response)));
                None
            }
            (Some(challenge), None) => Some(authentication.go_on(Some(&challenge))),
            (None, _) | (Some(_), Some(_)) => {
                self.cancel_exchange();
                None
            }
        }
    }

    /// What the mechanism answers.
    pub(crate) fn responded(&mut self, answer: Answer) {
        let Some(authentication) = &mut self.authentication else {
            return;
        };
        match (std::mem::take(&mut authentication.opening), answer) {
            (true, Answer::Response(response)) => {
                let mechanism = &authentication.mechanism;
                let opening = sasl::opening(mechanism, response.as_ref().map(|response| &***response));
                if opening.deferred {
                    authentication.deferred = response;
                } else if sasl::may_be_asked_for(mechanism) {
                    authentication.sent_along = response;
                }
                self.with_engine(|engine| engine.authenticate(opening.line));
            }
            // Nothing was sent, so there is nothing to cancel.
            (true, Answer::Failed | Answer::Distrusted) => self.with_engine(Engine::next_mechanism),
            (false, Answer::Response(Some(response))) => match sasl::answer(&response) {
                Some(line) => self.with_engine(|engine| engine.respond(line)),
                None => self.cancel_exchange(),
            },
            (false, Answer::Response(None) | Answer::Failed) => self.cancel_exchange(),
            (false, Answer::Distrusted) => {
                authentication.give_up();
                self.with_engine(Engine::distrust);
            }
        }
    }

    fn cancel_exchange(&mut self) {
        if let Some(authentication) = &self.authentication {
            authentication.give_up();
        }
        self.with_engine(|engine| engine.cancel());
    }

    /// The server says that it knows us. A mechanism by which it should have proved itself
    /// has the last word.
    pub(super) fn authenticated(&mut self) {
        let authentication = self.authentication.take();
        if let (Some(notes), Some(authentication)) = (&mut self.notes, &authentication) {
            notes.mechanism = Some(authentication.mechanism.clone());
        }
        let context = authentication.map(|authentication| authentication.context);
        let believed = context.as_ref().is_some_and(|context| context.succeeded());
        let layer = context.filter(|_| believed).and_then(|context| context.security_layer());
        let Some(link) = &mut self.link else { return };
        link.engine.authenticated(believed, layer.is_some());
        if let Some(layer) = layer {
            link.parser.discard();
            link.stream.protect(Box::new(Protected(layer)));
        }
    }
}

/// A mechanism's security layer in the words of the network.
struct Protected(SecurityLayer);

impl Recode for Protected {
    fn encode(&self, clear: &[u8]) -> Result<Vec<u8>> {
        self.0.encode(clear)
    }

    fn decode(&self, coded: &[u8]) -> Result<Vec<u8>> {
        self.0.decode(coded)
    }
}

/// What TLS knows of the connection in the words of SASL.
fn channel_binding(binding: TlsBinding) -> ChannelBinding {
    ChannelBinding {
        kind: match binding.kind {
            TlsBindingKind::Exporter => BindingKind::TlsExporter,
            TlsBindingKind::Unique => BindingKind::TlsUnique,
            TlsBindingKind::ServerEndPoint => BindingKind::TlsServerEndPoint,
        },
        data: binding.data,
    }
}
