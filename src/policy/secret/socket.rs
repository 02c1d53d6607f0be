// SPDX-License-Identifier: LGPL-2.1-or-later
//! A secret from whoever listens on a Unix socket: it is read to its end, and nothing is written.

use std::io::{self, Read as _};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use socket2::{Domain, SockAddr, Socket, Type};
use zeroize::Zeroizing;

use super::content::{Content, TEXT_MAX};
use super::{Access, Token};
use crate::policy::fault::Fault;
use crate::policy::trust::Trust;

/// The longest that a secret is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Fetches what is to be had there.
pub(super) fn fetch(path: &Path, access: &Access) -> Result<Token, Fault> {
    let deadline = Instant::now() + PATIENCE;
    let system = |error: io::Error| Fault::system(path, &error);
    let about = path.metadata().map_err(system)?;
    Trust { user: access.user }.check_socket(&about).map_err(|text| Fault::of(path, text))?;
    let socket = connect(path, deadline).map_err(system)?;
    let peer = (access.peer)(socket.as_fd()).map_err(system)?;
    if ![0, access.user, about.uid()].contains(&peer) {
        return Err(Fault::of(path, format!("user {peer} listens there")));
    }
    let text = read(&socket, deadline).map_err(system)?;
    let content = Content::parse(&text).map_err(|text| Fault::of(path, text))?;
    Ok(Token { content, fetched: Instant::now() })
}

fn connect(path: &Path, deadline: Instant) -> io::Result<Socket> {
    let socket = above_standard(Socket::new(Domain::UNIX, Type::STREAM.cloexec(), None)?)?;
    let address = SockAddr::unix(path)?;
    loop {
        // The system waits no longer for room in the listener's queue than for room to write.
        socket.set_write_timeout(Some(left(deadline)?))?;
        match socket.connect(&address) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result.map(|()| socket).map_err(timed_out),
        }
    }
}

/// A program without standard input or output may write to their numbers all the same.
fn above_standard(socket: Socket) -> io::Result<Socket> {
    if socket.as_raw_fd() > libc::STDERR_FILENO {
        return Ok(socket);
    }
    // A copy gets a number above those.
    OwnedFd::from(socket).try_clone().map(Socket::from)
}

fn read(mut socket: &Socket, deadline: Instant) -> io::Result<Zeroizing<Vec<u8>>> {
    // One more than may come, to see that it does.
    let mut text = Zeroizing::new(vec![0; TEXT_MAX + 1]);
    let mut filled = 0;
    while let Some(rest) = text.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        socket.set_read_timeout(Some(left(deadline)?))?;
        match socket.read(rest) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(timed_out(error)),
        }
    }
    text.truncate(filled);
    Ok(text)
}

/// The time left; an error if there is none.
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        Err(io::Error::from_raw_os_error(libc::ETIMEDOUT))
    } else {
        Ok(left)
    }
}

fn timed_out(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::WouldBlock {
        return io::Error::from_raw_os_error(libc::ETIMEDOUT);
    }
    error
}
