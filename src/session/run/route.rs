// SPDX-License-Identifier: LGPL-2.1-or-later
//! Where to go: the relays of the site's policy, or the program's server; the hosts that each
//! stands for, itself or the targets of a domain's SRV records; their addresses.

use std::collections::VecDeque;
use std::ffi::{CStr, CString};
use std::mem;
use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;

use super::{ImplicitTls, Run, far};
use crate::error::{Error, ResolveError, Result};
use crate::host;
use crate::net::{self, Addresses, ProxyAccess, Server, SubmissionService};
use crate::policy::{Chosen, Proxy, Tls};
use crate::session::terms::{Terms, as_error};
use crate::session::{Session, Timeout};

/// A host that was not resolved yet.
pub(super) struct Stop {
    host: Rc<CStr>,
    service: Rc<CStr>,
}

/// Hosts to go to, one after the other.
pub(super) enum Stops {
    None,
    One(Stop),
    /// The targets of a domain's SRV records.
    Targets(VecDeque<Stop>),
}

impl Stops {
    fn next(&mut self) -> Option<Stop> {
        match self {
            Self::Targets(stops) => stops.pop_front(),
            Self::None | Self::One(_) => match mem::replace(self, Self::None) {
                Self::One(stop) => Some(stop),
                _ => None,
            },
        }
    }
}

/// Relays to go to, one after the other.
pub(super) enum Relays {
    None,
    /// The program's own server, without a policy.
    Own,
    Chosen(VecDeque<Chosen>),
}

impl Relays {
    pub(super) fn are_used_up(&self) -> bool {
        match self {
            Self::None => true,
            Self::Own => false,
            Self::Chosen(relays) => relays.is_empty(),
        }
    }

    /// The next one; `Some (None)` is the program's own server.
    fn next(&mut self) -> Option<Option<Chosen>> {
        match self {
            Self::None => None,
            Self::Own => {
                *self = Self::None;
                Some(None)
            }
            Self::Chosen(relays) => relays.pop_front().map(Some),
        }
    }
}

impl Run {
    /// Finds out where to go.
    pub(super) fn resolve(&mut self, session: &Session) -> Result<()> {
        self.relays = self.consult_policy(session)?;
        self.next_relay(session, Error::Resolve(ResolveError::NoName))
    }

    /// Whether another relay may do what this one did not: as long as nothing was said that must
    /// not be said twice.
    pub(super) fn may_pass_on(&self) -> bool {
        !self.relays.are_used_up() && !self.is_committed
    }

    /// Goes on to the next relay that can be used; fails with the error of the last.
    pub(super) fn next_relay(&mut self, session: &Session, mut error: Error) -> Result<()> {
        while let Some(relay) = self.relays.next() {
            match self.enter(session, relay) {
                Ok(()) => return Ok(()),
                Err(this) => error = this,
            }
        }
        Err(error)
    }

    /// Makes ready for a relay: what it needs, then its first host that has addresses.
    fn enter(&mut self, session: &Session, relay: Option<Chosen>) -> Result<()> {
        session.terms.take();
        if let Some(chosen) = relay {
            self.prepare(session, chosen)?;
        }
        let terms = session.terms();
        if terms.as_deref().is_none_or(|terms| terms.hello().is_none()) {
            session.find_localhost();
        }
        let relay = terms.as_deref().map(Terms::relay);
        let named = relay.and_then(|relay| relay.server.as_ref());
        let server =
            named.map_or_else(|| Rc::clone(&self.server), |named| Rc::new(Server::parse(&named.text)));
        self.implicit_tls = match relay.and_then(|relay| relay.tls) {
            Some(Tls::Off | Tls::StartTls) => ImplicitTls::Never,
            Some(Tls::Implicit) => ImplicitTls::Always,
            None if server.implicit_tls => ImplicitTls::Always,
            None => ImplicitTls::ByPort,
        };
        // It decides on the port where none is named.
        let service = server.service_with(server.implicit_tls || self.implicit_tls == ImplicitTls::Always);
        self.note(|| {
            format!("server {} service {}", server.host.to_string_lossy(), service.to_string_lossy())
        });
        match server.host.to_str().ok().and_then(SubmissionService::parse) {
            Some(domain) => self.find_targets(&server, domain)?,
            None => {
                self.host = server.ascii_host()?;
                self.stops = Stops::One(Stop {
                    host: Rc::clone(&self.host),
                    service: server.service.clone().unwrap_or_else(|| service.into()),
                });
            }
        }
        self.next_stop(session, Error::Resolve(ResolveError::NoName))
    }

    /// Has what a relay needs at hand. What is not to be had is the system's log's matter, too:
    /// the mail may go by another relay, and nobody would know.
    fn prepare(&mut self, session: &Session, chosen: Chosen) -> Result<()> {
        let name = format!("relay {} of {}", chosen.relay.name, chosen.path.display());
        match Terms::prepare(chosen, session) {
            Ok(terms) => {
                self.note(|| match terms.describe_secret() {
                    Some(secret) => format!("{name}, with {secret}"),
                    None => name,
                });
                self.note(|| format!("from the program: {}", terms.describe_rest()));
                session.terms.replace(Some(Rc::new(terms)));
                Ok(())
            }
            Err(fault) => {
                self.note(|| format!("{name} cannot be used: {fault}"));
                host::log_error(&format!("{name} cannot be used: {fault}"));
                Err(as_error(&fault))
            }
        }
    }

    fn find_targets(&mut self, server: &Server, service: SubmissionService) -> Result<()> {
        let c_string = |text: String| match CString::new(text) {
            Ok(text) => Ok(Rc::from(text)),
            Err(_) => Err(Error::Resolve(ResolveError::NoName)),
        };
        let mut stops = VecDeque::new();
        for target in service.look_up()? {
            stops.push_back(Stop {
                host: c_string(target.host)?,
                service: match &server.service {
                    Some(service) => Rc::clone(service),
                    None => c_string(target.port.to_string())?,
                },
            });
        }
        self.stops = Stops::Targets(stops);
        if service.implicit_tls && self.implicit_tls == ImplicitTls::ByPort {
            self.implicit_tls = ImplicitTls::Always;
        }
        self.host = c_string(service.domain)?;
        Ok(())
    }

    /// Goes on to the next host that has addresses; fails with the error of the last.
    pub(super) fn next_stop(&mut self, session: &Session, mut error: Error) -> Result<()> {
        let terms = session.terms();
        let relay = terms.as_deref().map(Terms::relay);
        while let Some(stop) = self.stops.next() {
            match resolve(&stop, relay.and_then(|relay| relay.proxy.as_ref())) {
                Ok(found) => {
                    let Found { addresses, canonical, port } = found;
                    self.note(|| format!("{} has {addresses:?}", stop.host.to_string_lossy()));
                    self.port = port;
                    session.resolved(canonical.as_deref().unwrap_or(&stop.host));
                    let addresses = Addresses::new(addresses);
                    self.addresses = match relay.and_then(|relay| relay.source) {
                        Some(source) => addresses.from_source(source),
                        None => addresses,
                    };
                    self.stop = Some(stop);
                    return Ok(());
                }
                Err(this) => error = this,
            }
        }
        Err(error)
    }

    /// Connects to the next address that answers, or has the proxy do so.
    pub(super) fn open(&mut self, session: &Session) -> Result<(TcpStream, SocketAddr)> {
        let terms = session.terms();
        let limit = terms.as_deref().and_then(|terms| terms.relay().timeouts.connect);
        let usual = session.timeouts.get().of(Timeout::Greeting);
        let Some(proxy) = terms.as_deref().and_then(Terms::proxy) else {
            let (socket, address) = match limit {
                Some(limit) => self.addresses.connect_within(limit)?,
                None => self.addresses.connect(usual)?,
            };
            self.port = address.port();
            self.is_loopback = address.ip().is_loopback();
            return Ok((socket, address));
        };
        // Whoever is behind it is not this host.
        self.is_loopback = false;
        let deadline = far(limit.unwrap_or(usual));
        loop {
            let (socket, address) = match limit {
                Some(limit) => self.addresses.connect_within(limit)?,
                None => self.addresses.connect(usual)?,
            };
            self.note(|| format!("the proxy is {address}"));
            match self.through(proxy, &socket, deadline) {
                Ok(()) => return Ok((socket, address)),
                Err(error) => self.addresses.refused(error),
            }
        }
    }

    fn through(&self, proxy: &ProxyAccess, socket: &TcpStream, deadline: std::time::Instant) -> Result<()> {
        let host = self.stop.as_ref().map_or(&*self.host, |stop| &*stop.host);
        proxy.connect(socket, &host.to_string_lossy(), self.port, Some(deadline))
    }
}

/// Where a host, or the proxy before it, is.
struct Found {
    addresses: Vec<SocketAddr>,
    canonical: Option<CString>,
    port: u16,
}

/// Looks a host up. Behind a proxy only the proxy does: what the name stands for is not known here.
fn resolve(stop: &Stop, proxy: Option<&Proxy>) -> Result<Found> {
    let Some(proxy) = proxy else {
        let resolved = net::resolve(&stop.host, &stop.service)?;
        return Ok(Found {
            addresses: resolved.addresses,
            canonical: resolved.canonical,
            port: 0,
        });
    };
    let text = |text: &str| CString::new(text).map_err(|_| Error::Resolve(ResolveError::NoName));
    let (host, service) = (text(&proxy.host)?, text(&proxy.port.to_string())?);
    let resolved = net::resolve(&host, &service)?;
    Ok(Found {
        addresses: resolved.addresses,
        canonical: None,
        port: port(&stop.service)?,
    })
}

fn port(service: &CStr) -> Result<u16> {
    net::service_port(service).ok_or(Error::Resolve(ResolveError::Service))
}
