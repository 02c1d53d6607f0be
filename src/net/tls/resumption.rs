// SPDX-License-Identifier: LGPL-2.1-or-later
//! Sessions of earlier connections, with which a later one to the same server needs neither
//! certificates nor signatures (RFC 8446 §2.2, RFC 5246 §7.3, RFC 5077).
//!
//! They belong to a context of ours, and go with it: what trusts other CAs, or is another
//! user's, has another context. Only a session whose certificate was found in order is kept,
//! so that a resumed one has nothing to ask.

use std::collections::VecDeque;
use std::ffi::CString;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::{Duration, Instant};

use foreign_types::ForeignTypeRef as _;
use openssl::asn1::Asn1Time;
use openssl::ssl::{SslRef, SslSession, SslVersion};
use openssl::x509::X509Ref;

use super::identity::Identity;
use super::peer::Secured;
use super::server_name::ServerName;
use super::sys;

/// Most servers whose sessions are kept; each takes some KiB.
const SERVERS_MAX: usize = 64;
/// How long a certificate's verdict is believed, however often its session is resumed.
const BELIEVED: Duration = Duration::from_secs(3600);

/// The sessions of a context.
#[derive(Debug)]
pub(super) struct Sessions(Mutex<Store>);

#[derive(Debug)]
struct Store {
    process: u32,
    // The oldest first.
    entries: VecDeque<(Key, Saved)>,
}

/// Whose session it is: all that a handshake would have looked at or shown.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    server: SocketAddr,
    name: ServerName,
    /// Hash of the certificate that we show.
    client: Option<Vec<u8>>,
}

/// A session and what was found in its full handshake.
struct Saved {
    session: SslSession,
    facts: Facts,
}

#[derive(Debug, Clone)]
struct Facts {
    believed_until: Instant,
    /// The commonName of the certificate that we have shown.
    client_name: Option<CString>,
}

/// What a connection takes from the store, and gives back to it in the end.
pub(super) struct Resumption {
    sessions: Arc<Sessions>,
    key: Key,
    offered: Option<Saved>,
    facts: Option<Facts>,
}

/// Where the sessions of a connection to be are found and kept.
pub(super) struct Resumable {
    pub(super) sessions: Arc<Sessions>,
    pub(super) client: Option<Vec<u8>>,
}

impl Resumable {
    /// Offers the server a session of an earlier connection, if there is one.
    pub(super) fn offer(self, ssl: &mut SslRef, server: SocketAddr, name: ServerName) -> Resumption {
        let key = Key { server, name, client: self.client };
        let saved = self.sessions.take(&key);
        let offered = saved.filter(|saved| {
            // SAFETY: the session was made by a client of the same context.
            unsafe { ssl.set_session(&saved.session) }.is_ok()
        });
        Resumption {
            sessions: self.sessions,
            key,
            offered,
            facts: None,
        }
    }
}

impl Resumption {
    /// Whether the server has gone on with the session that it was offered. The object then
    /// says of the certificate what was found out at first: the list of CAs that completed its
    /// chain may have been another part of the context.
    pub(super) fn is_resumed(&self, ssl: &SslRef) -> bool {
        let resumed = self.offered.is_some() && ssl.session_reused();
        if resumed {
            // SAFETY: the object is live and ours.
            unsafe { sys::SSL_set_verify_result(ssl.as_ptr(), openssl_sys::X509_V_OK.into()) };
        }
        resumed
    }

    /// Notes what the handshake has found, for a connection that resumes this one. A session
    /// that was not in order is never resumed.
    pub(super) fn note(&mut self, ssl: &SslRef, secured: &mut Secured) {
        if secured.resumed {
            self.facts = self.offered.as_ref().map(|saved| saved.facts.clone());
            secured.client_name = self.facts.as_ref().and_then(|facts| facts.client_name.clone());
        } else if secured.is_verified() && secured.identity == Some(Identity::Matches) {
            let valid = ssl.peer_certificate().and_then(|certificate| still_valid(&certificate));
            self.facts = valid.map(|valid| Facts {
                believed_until: Instant::now() + valid.min(BELIEVED),
                client_name: secured.client_name.clone(),
            });
        }
    }

    /// Keeps the session of a connection that was closed in order.
    pub(super) fn keep(self, ssl: &SslRef) {
        let (Some(facts), Some(session)) = (self.facts, ssl.session()) else {
            return;
        };
        // SAFETY: the session is live.
        let is_resumable = unsafe { sys::SSL_SESSION_is_resumable(session.as_ptr()) } == 1;
        let is_offered = |saved: &Saved| saved.session.as_ptr() == session.as_ptr();
        let is_fit = if ssl.version2() == Some(SslVersion::TLS1_3) {
            // RFC 8446 appendix C.4: a ticket that is used twice lets others link the two.
            !self.offered.as_ref().is_some_and(is_offered)
        } else {
            // RFC 7627 §5.3: without the extended master secret the session may be somebody
            // else's too.
            ssl.extms_support() == Some(true)
        };
        if is_resumable && is_fit {
            let session = session.to_owned();
            self.sessions.put(self.key, Saved { session, facts });
        }
    }
}

/// How long the certificate is valid from now.
fn still_valid(certificate: &X509Ref) -> Option<Duration> {
    let left = Asn1Time::days_from_now(0).ok()?.diff(certificate.not_after()).ok()?;
    let seconds = i64::from(left.days) * 86_400 + i64::from(left.secs);
    u64::try_from(seconds).ok().map(Duration::from_secs)
}

impl Sessions {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Store {
            process: std::process::id(),
            entries: VecDeque::new(),
        })))
    }

    /// Nobody waits: in a child of a process with threads the lock may be held for ever. A
    /// session that cannot be had costs a handshake.
    fn lock(&self) -> Option<MutexGuard<'_, Store>> {
        let mut store = match self.0.try_lock() {
            Ok(store) => store,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        // The parent may use its tickets itself.
        let process = std::process::id();
        if store.process != process {
            store.process = process;
            store.entries.clear();
        }
        Some(store)
    }

    fn take(&self, key: &Key) -> Option<Saved> {
        let mut store = self.lock()?;
        let at = store.entries.iter().position(|(other, _)| other == key)?;
        let (_, saved) = store.entries.remove(at)?;
        (Instant::now() < saved.facts.believed_until).then_some(saved)
    }

    fn put(&self, key: Key, saved: Saved) {
        let Some(mut store) = self.lock() else { return };
        store.entries.retain(|(other, _)| *other != key);
        if store.entries.len() >= SERVERS_MAX {
            store.entries.pop_front();
        }
        store.entries.push_back((key, saved));
    }
}

impl std::fmt::Debug for Saved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What is in the session is secret.
        f.debug_struct("Saved").field("facts", &self.facts).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
