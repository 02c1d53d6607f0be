// SPDX-License-Identifier: LGPL-2.1-or-later
//! Writing a record that must never get in the way of the mail: it raises no signal, waits for
//! nobody, and goes nowhere else.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, BorrowedFd};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::ptr;

use super::descriptor::away_from_stdio;

/// Where a record goes.
#[derive(Debug)]
pub struct Record(File);

impl Record {
    /// Appends to a file, or makes one that only its owner can read. A link that somebody has put
    /// there is not followed, and nobody is waited for at the other end of a pipe.
    #[must_use]
    pub fn in_file(name: &OsStr) -> Option<Self> {
        let mut options = OpenOptions::new();
        options
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW | libc::O_NOCTTY | libc::O_NONBLOCK);
        own(options.open(name).ok()?)
    }

    /// To standard error as it is now: what the number means later is another matter.
    #[must_use]
    pub fn on_standard_error() -> Option<Self> {
        // SAFETY: the number is borrowed for this expression; if it is not open, the copy fails.
        let open = unsafe { BorrowedFd::borrow_raw(libc::STDERR_FILENO) };
        let copy = File::from(open.try_clone_to_owned().ok()?);
        // Whether a pipe is waited for is a matter of how it was opened, and its other users
        // have their own mind about that.
        if copy.metadata().ok()?.file_type().is_fifo() {
            let mut options = OpenOptions::new();
            options.write(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
            if let Ok(end) = options.open(format!("/proc/self/fd/{}", copy.as_raw_fd())) {
                return own(end);
            }
        }
        Some(Self(copy))
    }

    /// Writes a line, or nothing of it.
    pub fn write(&self, line: &[u8]) {
        if self.is_ready() {
            without_signals(|| {
                // A record that cannot be written must not keep the mail from going.
                let _ = (&self.0).write_all(line);
            });
        }
    }

    /// Whether it can be written now: a socket or terminal that nobody reads would be waited for.
    fn is_ready(&self) -> bool {
        let mut watch = libc::pollfd {
            fd: self.0.as_raw_fd(),
            events: libc::POLLOUT,
            revents: 0,
        };
        // SAFETY: one descriptor, which is ours; no time-out, so nothing is waited for.
        unsafe { libc::poll(&raw mut watch, 1, 0) == 1 }
    }
}

fn own(file: File) -> Option<Record> {
    away_from_stdio(file.into()).ok().map(|descriptor| Record(descriptor.into()))
}

const SIGNALS: [i32; 2] = [libc::SIGPIPE, libc::SIGXFSZ];

/// Runs something that may raise SIGPIPE (nobody reads) or SIGXFSZ (the file is as long as it may
/// be). Both are for the thread that writes; what the host has pending already stays so.
fn without_signals(f: impl FnOnce()) {
    let Some(both) = set_of(&SIGNALS) else { return };
    let Some(pending) = pending() else { return };
    let mut before = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: the set is filled, and the one of before is ours to fill.
    if unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const both, before.as_mut_ptr()) } != 0 {
        return;
    }
    f();
    for signal in SIGNALS {
        if !holds(&pending, signal) {
            take(signal);
        }
    }
    // SAFETY: pthread_sigmask has filled it, and the old set is not wanted.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), ptr::null_mut()) };
}

/// Takes a signal away that came while it was blocked.
fn take(signal: i32) {
    if !pending().is_some_and(|pending| holds(&pending, signal)) {
        return;
    }
    if let Some(only) = set_of(&[signal]) {
        let mut number = 0;
        // SAFETY: the signal is pending and blocked, so it is there at once.
        unsafe { libc::sigwait(&raw const only, &raw mut number) };
    }
}

fn set_of(signals: &[i32]) -> Option<libc::sigset_t> {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: the set is ours to fill.
    if unsafe { libc::sigemptyset(set.as_mut_ptr()) } != 0 {
        return None;
    }
    for signal in signals {
        // SAFETY: the set is filled, and the signal exists.
        unsafe { libc::sigaddset(set.as_mut_ptr(), *signal) };
    }
    // SAFETY: sigemptyset has filled it.
    Some(unsafe { set.assume_init() })
}

fn pending() -> Option<libc::sigset_t> {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: the set is ours to fill.
    if unsafe { libc::sigpending(set.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: sigpending has filled it.
    Some(unsafe { set.assume_init() })
}

fn holds(set: &libc::sigset_t, signal: i32) -> bool {
    // SAFETY: the set is filled, and the signal exists.
    unsafe { libc::sigismember(set, signal) == 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_reader_that_is_gone_raises_no_signal() {
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        let record = Record(OwnedFd::from(ours).into());
        drop(theirs);
        // A Rust program ignores the signal; a C program dies of it.
        // SAFETY: the default action is a valid one.
        let before = unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
        record.write(b"not heard\n");
        // SAFETY: as it was.
        unsafe { libc::signal(libc::SIGPIPE, before) };
    }

    #[test]
    fn a_reader_that_does_not_read_is_not_waited_for() {
        let (ours, _theirs) = UnixStream::pair().expect("a pair");
        let record = Record(OwnedFd::from(ours).into());
        for _ in 0..10_000 {
            record.write(&[b'x'; 4096]);
        }
    }
}
