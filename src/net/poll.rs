// SPDX-License-Identifier: LGPL-2.1-or-later
//! Waiting for sockets with a deadline.

use std::io;
use std::os::fd::RawFd;
use std::time::{Duration, Instant};

/// A socket to wait for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Watch {
    pub(super) socket: RawFd,
    pub(super) readable: bool,
    pub(super) writable: bool,
}

impl Watch {
    fn entry(self) -> libc::pollfd {
        libc::pollfd {
            fd: self.socket,
            events: if self.readable { libc::POLLIN } else { 0 }
                | if self.writable { libc::POLLOUT } else { 0 },
            revents: 0,
        }
    }
}

/// A wait that is left to the thread's own: no frame of the library's but this lies below it, so
/// it may be cancelled there, or leave by a jump.
#[derive(Debug, Clone, Copy)]
pub struct Waiting {
    pub(super) watch: Watch,
    pub(super) deadline: Option<Instant>,
}

unsafe extern "C-unwind" {
    /// As libc's, which is said not to unwind: it does if the thread is cancelled.
    fn poll(sockets: *mut libc::pollfd, count: libc::nfds_t, timeout: libc::c_int) -> libc::c_int;
}

impl Waiting {
    /// Waits, perhaps in vain: a signal ends it too. Who waits looks again.
    pub fn wait(self) {
        let mut socket = self.watch.entry();
        let timeout = milliseconds(self.deadline);
        // SAFETY: one socket, which lives through the call.
        unsafe { poll(&raw mut socket, 1, timeout) };
    }
}

/// Waits until one of the sockets is ready or the deadline has come (`None` = for ever);
/// says for each whether it is ready to read and to write. An error or hang-up counts as
/// both: the next call on the socket will tell.
pub(super) fn wait<const N: usize>(
    sockets: &[Watch; N],
    deadline: Option<Instant>,
) -> io::Result<[(bool, bool); N]> {
    let mut set = sockets.map(Watch::entry);
    wait_for(&mut set, deadline)?;
    Ok(set.map(|entry| readiness(&entry)))
}

/// As [`wait`], for any number of sockets; `report` gets the position of each that is ready.
pub(super) fn wait_all(
    sockets: &[Watch],
    deadline: Option<Instant>,
    mut report: impl FnMut(usize, bool, bool),
) -> io::Result<()> {
    let mut set: Vec<libc::pollfd> = sockets.iter().map(|watch| watch.entry()).collect();
    wait_for(&mut set, deadline)?;
    for (at, entry) in set.iter().enumerate() {
        let (readable, writable) = readiness(entry);
        if readable || writable {
            report(at, readable, writable);
        }
    }
    Ok(())
}

fn wait_for(set: &mut [libc::pollfd], deadline: Option<Instant>) -> io::Result<()> {
    loop {
        let length = libc::nfds_t::try_from(set.len()).map_err(io::Error::other)?;
        // SAFETY: `set` is a live array of `length` pollfd structures.
        let count = unsafe { libc::poll(set.as_mut_ptr(), length, milliseconds(deadline)) };
        if count >= 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Whether it may be read and written.
fn readiness(entry: &libc::pollfd) -> (bool, bool) {
    let trouble = entry.revents & (libc::POLLERR | libc::POLLHUP | libc::POLLNVAL) != 0;
    (
        entry.revents & libc::POLLIN != 0 || trouble,
        entry.revents & libc::POLLOUT != 0 || trouble,
    )
}

/// The time left, rounded up so that a deadline is never waited for in a busy loop.
fn milliseconds(deadline: Option<Instant>) -> libc::c_int {
    let Some(deadline) = deadline else {
        return -1;
    };
    let left = deadline.saturating_duration_since(Instant::now());
    let rounded = left.saturating_add(Duration::from_micros(999)).as_millis();
    libc::c_int::try_from(rounded).unwrap_or(libc::c_int::MAX)
}
