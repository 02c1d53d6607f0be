// SPDX-License-Identifier: LGPL-2.1-or-later
//! The socket as OpenSSL sees it.

use std::io::{self, Read, Write};
use std::net::TcpStream;

/// How often OpenSSL may read before it must come back. Without this a server that sends
/// what is not ours to see (session tickets, empty records) could keep one call busy for ever.
const TURNS: u32 = 8;

/// A non-blocking socket. Writing never raises SIGPIPE: `std` sends with `MSG_NOSIGNAL`,
/// where OpenSSL's own would use `write(2)`.
#[derive(Debug)]
pub(super) struct Socket {
    socket: TcpStream,
    turns: u32,
    // The peer takes nothing more.
    deaf: bool,
}

impl Socket {
    pub(super) fn new(socket: TcpStream) -> Self {
        Self { socket, turns: TURNS, deaf: false }
    }

    pub(super) fn tcp(&self) -> &TcpStream {
        &self.socket
    }

    /// Allows reading for another while.
    pub(super) fn renew(&mut self) {
        self.turns = TURNS;
    }

    /// What was written last, and what will be, goes nowhere.
    pub(super) fn is_deaf(&self) -> bool {
        self.deaf
    }

    /// OpenSSL came back because it had read for long, not because nothing was there.
    pub(super) fn is_interrupted(&self) -> bool {
        self.turns == 0
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(turns) = self.turns.checked_sub(1) else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        self.turns = turns;
        retry(|| self.socket.read(buffer))
    }
}

impl Write for Socket {
    /// A peer that hangs up may have said why, and OpenSSL 3.2 and later read nothing more once a
    /// write has failed. So none does.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match retry(|| self.socket.write(bytes)) {
            Err(error) if is_hang_up(&error) => {
                self.deaf = true;
                Ok(bytes.len())
            }
            result => result,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn is_hang_up(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}

fn retry(mut operation: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match operation() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // The BIO would take this for "not connected yet" and wait.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => {
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            result => return result,
        }
    }
}
