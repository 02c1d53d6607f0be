// SPDX-License-Identifier: LGPL-2.1-or-later
//! The hosts that the server's name stands for: itself, or the targets of a domain's SRV
//! records, each with its addresses.

use std::collections::VecDeque;
use std::ffi::CString;

use super::Run;
use crate::error::{Error, ResolveError, Result};
use crate::net::{self, Addresses, Server, SubmissionService};
use crate::session::Session;

/// A host that was not resolved yet.
pub(super) struct Stop {
    host: CString,
    service: CString,
}

impl Run {
    /// Finds out where to go.
    pub(super) fn resolve(&mut self, session: &Session) -> Result<()> {
        session.find_localhost();
        let server = Server::parse(&self.server);
        self.note(|| {
            format!("server {} service {}", server.host.to_string_lossy(), server.service().to_string_lossy())
        });
        self.implicit_tls = server.implicit_tls;
        match server.host.to_str().ok().and_then(SubmissionService::parse) {
            Some(service) => self.find_targets(&server, service)?,
            None => {
                self.host = server.ascii_host()?;
                let service = server.service().to_owned();
                self.stops = VecDeque::from([Stop { host: self.host.clone(), service }]);
            }
        }
        self.next_stop(session, Error::Resolve(ResolveError::NoName))
    }

    fn find_targets(&mut self, server: &Server, service: SubmissionService) -> Result<()> {
        let c_string = |text: String| CString::new(text).map_err(|_| Error::Resolve(ResolveError::NoName));
        self.stops.clear();
        for target in service.look_up()? {
            self.stops.push_back(Stop {
                host: c_string(target.host)?,
                service: match &server.service {
                    Some(service) => service.clone(),
                    None => c_string(target.port.to_string())?,
                },
            });
        }
        self.implicit_tls |= service.implicit_tls;
        self.host = c_string(service.domain)?;
        Ok(())
    }

    /// Goes on to the next host that has addresses; fails with the error of the last.
    pub(super) fn next_stop(&mut self, session: &Session, mut error: Error) -> Result<()> {
        while let Some(Stop { host, service }) = self.stops.pop_front() {
            match net::resolve(&host, &service) {
                Ok(resolved) => {
                    self.note(|| format!("{} has {:?}", host.to_string_lossy(), resolved.addresses));
                    session.resolved(resolved.canonical.or(Some(host)));
                    self.addresses = Addresses::new(resolved.addresses);
                    return Ok(());
                }
                Err(this) => error = this,
            }
        }
        Err(error)
    }
}
