// SPDX-License-Identifier: LGPL-2.1-or-later
//! One run of a session: resolve, connect, let the engine speak, send text.
//!
//! A coroutine in everything but name: [`Run::advance`] works until something is due to the
//! application and says what. It never calls out itself.

mod auth;
mod dialogue;
mod route;
mod site;
mod text;
mod tls;

use std::collections::VecDeque;
use std::ffi::{CStr, c_int};
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::Session;
use super::callback::{Call, Piece};
use super::explained::Explained;
use super::trace::Trace;
use super::transfer::Transfer;
use crate::error::{self, Error, Reason, Result};
use crate::net::{Addresses, CertificateFacts, Server, Stream};
use crate::policy::Chosen;
use crate::protocol::{
    Engine, Event, Extensions, MessageAt, Opening, Outbox as _, Outcome, RecipientAt, ReplyParser, Step,
    refused_locally,
};

use auth::Authentication;
use route::{Relays, Stop, Stops};
use tls::Tls;
pub use tls::shown_pin;

/// The port for TLS from the first byte (RFC 8314 §7.3).
const SUBMISSIONS: u16 = 465;

/// Where the run stands.
enum State {
    /// Nothing was done yet.
    Resolve,
    /// The next address is due.
    Connect,
    /// The relay is of no use, and the next one is due.
    NextRelay(Error),
    /// Hands are to be shaken.
    Handshake,
    /// The application judges what TLS has found.
    Judge,
    /// The engine says what comes.
    Dialogue,
    /// The source of the message under way is to be rewound.
    Rewind,
    /// Text is read from the source.
    Text,
    /// What the source keeps of a text that is over is to be released.
    Release,
    /// Nothing is for the server: what is refused without it is told.
    Refusals,
    /// The connection is closed, and the application is to be told.
    Closed(Outcome),
    /// Nothing is left.
    Done(Result<()>),
}

/// What a probe comes to know.
#[derive(Debug, Clone, Default)]
pub(super) struct Notes {
    pub(super) tls: Option<String>,
    pub(super) mechanism: Option<Box<str>>,
    pub(super) offers: Option<Extensions>,
}

/// Whether TLS comes from the first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ImplicitTls {
    /// No, whatever the port.
    Never,
    /// On the port for it.
    ByPort,
    /// Whatever the port.
    Always,
}

/// Whose question the application was asked last.
enum Asked {
    /// The engine's.
    Engine,
    /// Whether to go on without the client certificate.
    ClientKey,
    /// Whether what the server has shown will do.
    Certificate,
}

/// A connection and the dialogue over it.
struct Link {
    stream: Stream,
    parser: ReplyParser,
    engine: Engine,
    // The deadline of the reply that is waited for, once it is.
    deadline: Option<Instant>,
}

/// What a running session keeps.
pub(super) struct Run {
    server: Rc<Server>,
    host: Rc<CStr>,
    port: u16,
    state: State,
    // Relays to try when none of the hosts is left.
    relays: Relays,
    // Hosts to try when no address is left.
    stops: Stops,
    // The one that the addresses are of.
    stop: Option<Stop>,
    addresses: Addresses,
    link: Option<Box<Link>>,
    transfer: Option<Transfer>,
    authentication: Option<Box<Authentication>>,
    tls: Option<Box<Tls>>,
    // TLS from the first byte (RFC 8314).
    implicit_tls: ImplicitTls,
    // The peer is this host.
    is_loopback: bool,
    // Something was said that another server must not hear again.
    is_committed: bool,
    asked: Asked,
    pieces: VecDeque<Piece>,
    // What a probe wants to know.
    notes: Option<Box<Notes>>,
    // Messages from here on were not refused yet, and what is to be told of those that were.
    refused_before: MessageAt,
    refusals: VecDeque<Step>,
    trace: Option<Trace>,
    // Why the last thing failed that did.
    reason: Reason,
}

impl Run {
    /// A run that has not begun.
    pub(super) fn new(server: Rc<Server>) -> Self {
        Self {
            host: Rc::clone(&server.host),
            server,
            port: 0,
            state: State::Resolve,
            relays: Relays::None,
            stops: Stops::None,
            stop: None,
            addresses: Addresses::new(Vec::new()),
            link: None,
            transfer: None,
            authentication: None,
            tls: None,
            implicit_tls: ImplicitTls::ByPort,
            is_loopback: false,
            is_committed: false,
            asked: Asked::Engine,
            pieces: VecDeque::new(),
            notes: None,
            refused_before: MessageAt::FIRST,
            refusals: VecDeque::new(),
            trace: Trace::begin(),
            reason: Reason::NONE,
        }
    }

    /// Takes over the reason that was laid down, before the application is called.
    pub(super) fn keep_reason(&mut self) {
        if let Some(reason) = error::take_found() {
            self.reason = reason;
        }
    }

    /// Makes an error the thread's last one while the application is called: programs ask for it when they are told of
    /// the end of a connection.
    fn make_known(&mut self, error: Error) {
        self.keep_reason();
        self.reason.renew();
        error::set_last(error);
    }

    /// Why the last thing failed that did.
    pub(super) fn reason(&self) -> Reason {
        self.reason
    }

    /// A run that tries a relay and has nothing to send.
    pub(super) fn probe(server: Rc<Server>, relay: Chosen) -> Self {
        Self {
            relays: Relays::Chosen(VecDeque::from([relay])),
            state: State::NextRelay(Error::Client),
            notes: Some(Box::default()),
            ..Self::new(server)
        }
    }

    /// What a probe has noted, and the certificate of the connection that stands.
    pub(super) fn notes(&self) -> Option<(Notes, Option<CertificateFacts>)> {
        let certificate = self.link.as_ref().and_then(|link| link.stream.certificate());
        Some((*self.notes.clone()?, certificate))
    }

    /// Goes on until something is due.
    pub(super) fn advance(&mut self, session: &Session) -> Call {
        loop {
            if !self.pieces.is_empty() {
                return Call::Show;
            }
            if let Some(call) = self.step(session) {
                return call;
            }
        }
    }

    /// The next piece of the dialogue for the monitor.
    pub(super) fn take_piece(&mut self) -> Option<Piece> {
        self.pieces.pop_front()
    }

    fn step(&mut self, session: &Session) -> Option<Call> {
        match self.state {
            State::Resolve if self.notes.is_none() && !session.needs_server() => {
                self.state = State::Refusals;
                None
            }
            State::Resolve => {
                self.state = match self.resolve(session) {
                    Ok(()) => State::Connect,
                    Err(error) => State::Done(Err(error)),
                };
                None
            }
            State::Connect => self.connect(session),
            State::NextRelay(error) => {
                if !self.relays.are_used_up() {
                    self.keep_reason();
                    let reason = self.reason;
                    self.note(|| format!("the next relay, for {}", Explained(error, reason.text())));
                }
                self.state = match self.next_relay(session, error) {
                    Ok(()) => State::Connect,
                    Err(error) => State::Done(Err(error)),
                };
                None
            }
            State::Handshake => {
                self.handshake(session);
                None
            }
            State::Judge => self.judge(session),
            State::Dialogue => self.converse(session),
            State::Refusals => Some(self.refuse(session)),
            State::Rewind => self.rewind(),
            State::Text => self.transfer(session),
            State::Release => {
                self.state = State::Dialogue;
                Some(Call::Release)
            }
            State::Closed(outcome) => {
                if let Outcome::Finished(Err(error)) | Outcome::NextAddress(error) = outcome {
                    self.make_known(error);
                }
                self.state = match outcome {
                    Outcome::Finished(Err(error)) if self.may_pass_on() => State::NextRelay(error),
                    Outcome::Finished(result) => State::Done(result),
                    Outcome::NextAddress(error) => {
                        self.addresses.refused(error);
                        State::Connect
                    }
                };
                Some(Call::Tell(Event::Disconnect))
            }
            State::Done(result) => {
                self.keep_reason();
                if let Err(error) = result {
                    let reason = Some(self.reason).filter(|reason| reason.is_of(error));
                    self.note(|| {
                        let why = reason.as_ref().map_or("", |reason| reason.text());
                        format!("the session has failed: {}", Explained(error, why))
                    });
                }
                Some(Call::Done(result))
            }
        }
    }

    /// Refuses the messages that no server need be asked about, one after the other.
    fn refuse(&mut self, session: &Session) -> Call {
        loop {
            match self.refusals.pop_front() {
                Some(Step::Record(verdict)) => {
                    session.record(&verdict);
                    if let Some(event) = verdict.event() {
                        return Call::Tell(event);
                    }
                }
                Some(Step::Tell(event)) => return Call::Tell(event),
                Some(_) => {}
                None => {
                    let Some(message) = session.next_message(self.refused_before) else {
                        self.state = State::Done(Ok(()));
                        return Call::Done(Ok(()));
                    };
                    self.refused_before = message.next();
                    self.refusals =
                        refused_locally(session, message, RecipientAt::FIRST).unwrap_or_default().into();
                }
            }
        }
    }

    fn connect(&mut self, session: &Session) -> Option<Call> {
        match self.open(session) {
            Ok((socket, address)) => {
                // Those that did not answer are of no interest any more.
                let _ = error::take_found();
                self.reason = Reason::NONE;
                self.note(|| format!("connected to {address}"));
                session.connected_from(socket.local_addr().ok().map(|address| address.ip()));
                let implicit_tls = match self.implicit_tls {
                    ImplicitTls::Never => false,
                    ImplicitTls::ByPort => self.port == SUBMISSIONS,
                    ImplicitTls::Always => true,
                };
                let opening = if implicit_tls { Opening::Tls } else { Opening::Greeting };
                self.link = Some(Box::new(Link {
                    stream: Stream::new(socket),
                    parser: ReplyParser::default(),
                    engine: Engine::new(opening),
                    deadline: None,
                }));
                session.forget_refusal();
                self.state = State::Dialogue;
                Some(Call::Tell(Event::Connect))
            }
            Err(error) => {
                self.note(|| format!("no address is left: {}", Explained(error, "")));
                self.state = match self.next_stop(session, error) {
                    Ok(()) => State::Connect,
                    Err(error) => State::NextRelay(error),
                };
                None
            }
        }
    }

    /// Writes to the trace, if there is one.
    fn note(&mut self, what: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.note(&what());
        }
    }

    /// Closes the connection; nothing that belongs to it is left.
    fn disconnect(&mut self) {
        self.transfer = None;
        if let Some(tls) = self.tls.take() {
            tls.close();
        }
        if let Some(authentication) = self.authentication.take() {
            authentication.give_up();
        }
        if let Some(link) = self.link.take() {
            link.stream.close();
        }
    }

    /// The application's answer to a question.
    pub(super) fn answer(&mut self, session: &Session, answer: c_int) {
        match std::mem::replace(&mut self.asked, Asked::Engine) {
            Asked::Engine => self.with_engine(|engine| engine.answer(answer)),
            about_tls => self.tls_answered(session, &about_tls, answer != 0),
        }
    }

    fn with_engine(&mut self, f: impl FnOnce(&mut Engine)) {
        if let Some(link) = &mut self.link {
            f(&mut link.engine);
        }
    }
}

/// The moment when a time-out is over; one too far to be told is as good as a year.
fn far(limit: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(366 * 86_400);
    Instant::now() + limit.min(YEAR)
}
