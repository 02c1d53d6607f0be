// SPDX-License-Identifier: LGPL-2.1-or-later
//! Connecting to one of several addresses (RFC 8305).

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};

use super::poll::{self, Watch};
use crate::error::{Error, ResolveError, Result};
use crate::host::away_from_stdio;

/// The longest that one address is waited for.
const ATTEMPT_MAX: Duration = Duration::from_secs(30);
/// How long an address may be silent before the next is tried beside it (RFC 8305 §5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// The addresses that were not used yet.
#[derive(Debug)]
pub struct Addresses {
    unused: VecDeque<SocketAddr>,
    source: Option<IpAddr>,
    last_error: Error,
}

/// A connection that is being made.
#[derive(Debug)]
struct Attempt {
    socket: Socket,
    address: SocketAddr,
    deadline: Option<Instant>,
    // It is connected, or not to be.
    decided: bool,
}

impl Addresses {
    /// Addresses in the order of preference.
    #[must_use]
    pub fn new(addresses: Vec<SocketAddr>) -> Self {
        Self {
            unused: addresses.into(),
            source: None,
            last_error: Error::Resolve(ResolveError::NoData),
        }
    }

    /// Connections are to come from this address of ours; what cannot be reached from there is
    /// left out.
    #[must_use]
    pub fn from_source(mut self, source: IpAddr) -> Self {
        self.unused.retain(|address| address.is_ipv4() == source.is_ipv4());
        if self.unused.is_empty() {
            self.last_error = Error::System(libc::EADDRNOTAVAIL);
        }
        Self { source: Some(source), ..self }
    }

    /// Notes why an address that did connect was of no use: the error that counts if there is
    /// no other.
    pub fn refused(&mut self, error: Error) {
        self.last_error = error;
    }

    /// Connects to the next address that answers, each waited for no longer than `limit`.
    /// Addresses that were tried beside it and lost stay for a later call. Fails with the
    /// error of the last address when none is left.
    pub fn connect(&mut self, limit: Duration) -> Result<(TcpStream, SocketAddr)> {
        self.connect_within(limit.min(ATTEMPT_MAX))
    }

    /// As [`Addresses::connect`], with a limit that somebody has chosen for just this.
    pub fn connect_within(&mut self, limit: Duration) -> Result<(TcpStream, SocketAddr)> {
        let mut attempts: Vec<Attempt> = Vec::new();
        let mut next_start = Instant::now();
        loop {
            let waiting = self.first_unstarted(&attempts);
            if let Some(address) = waiting {
                if attempts.is_empty() || Instant::now() >= next_start {
                    match begin(address, self.source, limit) {
                        Ok(attempt) => attempts.push(attempt),
                        Err(error) => self.give_up(address, &error),
                    }
                    next_start = Instant::now() + ATTEMPT_DELAY;
                    continue;
                }
            } else if attempts.is_empty() {
                return Err(self.last_error);
            }
            let until = attempts
                .iter()
                .filter_map(|attempt| attempt.deadline)
                .chain(waiting.map(|_| next_start))
                .min();
            if let Some(connected) = self.wait(&mut attempts, until, &mut next_start)? {
                return Ok(connected);
            }
        }
    }

    fn first_unstarted(&self, attempts: &[Attempt]) -> Option<SocketAddr> {
        let started = |address: &SocketAddr| attempts.iter().any(|one| one.address == *address);
        self.unused.iter().find(|address| !started(address)).copied()
    }

    /// Waits for the attempts; gives the first that is connected.
    fn wait(
        &mut self,
        attempts: &mut Vec<Attempt>,
        until: Option<Instant>,
        next_start: &mut Instant,
    ) -> Result<Option<(TcpStream, SocketAddr)>> {
        let watch = |attempt: &Attempt| Watch {
            socket: attempt.socket.as_raw_fd(),
            readable: false,
            writable: true,
        };
        if let [only] = attempts.as_mut_slice() {
            let [(_, writable)] = poll::wait(&[watch(only)], until)?;
            only.decided = writable;
        } else {
            let watches: Vec<Watch> = attempts.iter().map(watch).collect();
            poll::wait_all(&watches, until, |at, _, writable| {
                if let Some(attempt) = attempts.get_mut(at) {
                    attempt.decided = writable;
                }
            })?;
        }
        let now = Instant::now();
        let mut at = 0;
        while let Some(attempt) = attempts.get(at) {
            let failure = if attempt.decided {
                attempt.socket.take_error().unwrap_or_else(Some)
            } else if attempt.deadline.is_some_and(|deadline| deadline <= now) {
                Some(io::Error::from_raw_os_error(libc::ETIMEDOUT))
            } else {
                at += 1;
                continue;
            };
            let Attempt { socket, address, .. } = attempts.remove(at);
            match failure {
                None => {
                    self.unused.retain(|other| *other != address);
                    return Ok(Some((finish(socket)?, address)));
                }
                Some(error) => {
                    self.give_up(address, &error);
                    *next_start = now;
                }
            }
        }
        Ok(None)
    }

    fn give_up(&mut self, address: SocketAddr, error: &io::Error) {
        self.unused.retain(|other| *other != address);
        let error = error.raw_os_error().map_or(Error::Client, Error::System);
        self.last_error = error.because(address);
    }
}

/// Starts a connection; the socket is non-blocking and not inherited by child processes.
fn begin(address: SocketAddr, source: Option<IpAddr>, limit: Duration) -> io::Result<Attempt> {
    let kind = Type::STREAM.nonblocking().cloexec();
    let socket = Socket::new(Domain::for_address(address), kind, Some(Protocol::TCP))?;
    let socket = Socket::from(away_from_stdio(socket.into())?);
    if let Some(source) = source {
        socket.bind(&SocketAddr::new(source, 0).into())?;
    }
    match socket.connect(&address.into()) {
        Ok(()) => {}
        Err(error) => match error.raw_os_error() {
            // Interrupted: the connection goes on being made, as if in progress.
            Some(libc::EINPROGRESS | libc::EINTR) => {}
            _ => return Err(error),
        },
    }
    Ok(Attempt {
        socket,
        address,
        deadline: Instant::now().checked_add(limit),
        decided: false,
    })
}

/// Groups of commands leave at once, each in one write; waiting for more would only delay them.
fn finish(socket: Socket) -> Result<TcpStream> {
    socket.set_tcp_nodelay(true)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_connection_comes_from_the_address_that_was_chosen() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
        let there = listener.local_addr().expect("address");
        let source: IpAddr = "127.0.0.9".parse().expect("an address");
        let other = "[::1]:9".parse().expect("an address");
        let mut addresses = Addresses::new(vec![other, there]).from_source(source);
        let (stream, address) = addresses.connect(Duration::from_secs(5)).expect("connects");
        assert_eq!(address, there);
        assert_eq!(stream.local_addr().expect("ours").ip(), source);
        let mut none = Addresses::new(vec![other]).from_source(source);
        let error = none.connect(Duration::from_secs(5)).expect_err("nothing is left");
        assert_eq!(error, Error::System(libc::EADDRNOTAVAIL));
        let strange: IpAddr = "192.0.2.1".parse().expect("an address");
        let mut not_ours = Addresses::new(vec![there]).from_source(strange);
        let error = not_ours.connect_within(Duration::from_secs(5)).expect_err("not our address");
        assert_eq!(error, Error::System(libc::EADDRNOTAVAIL));
    }

    #[test]
    fn a_refused_address_leads_to_the_next() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
        let good = listener.local_addr().expect("address");
        let closed = TcpListener::bind("127.0.0.1:0").expect("listens");
        let bad = closed.local_addr().expect("address");
        drop(closed);
        let mut addresses = Addresses::new(vec![bad, good]);
        let (stream, address) = addresses.connect(Duration::from_secs(5)).expect("connects");
        assert_eq!(address, good);
        assert_eq!(stream.peer_addr().expect("peer"), good);
        assert_eq!(
            addresses.connect(Duration::from_secs(5)).expect_err("none is left"),
            Error::System(libc::ECONNREFUSED)
        );
        addresses.refused(Error::ResponseStatus);
        assert_eq!(
            addresses.connect(Duration::from_secs(5)).expect_err("none is left"),
            Error::ResponseStatus
        );
    }
}
