// SPDX-License-Identifier: LGPL-2.1-or-later
//! A connection: what is queued leaves in large writes, what arrives goes to the reply parser,
//! and neither side is ever waited for longer than a deadline.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::os::fd::AsRawFd as _;
use std::time::Instant;

use super::poll::{self, Watch};
use crate::error::{Error, Result};

/// How much is read at once; a reply to a command is some 50 bytes.
const READ_SIZE: usize = 16_384;

/// A non-blocking connection with a queue of bytes to write.
#[derive(Debug)]
pub struct Stream {
    socket: TcpStream,
    queue: Vec<u8>,
    written: usize,
    // The peer takes nothing more. What it sent before may explain why, so reading goes on.
    deaf: bool,
}

impl Stream {
    /// Takes over a connected, non-blocking socket.
    #[must_use]
    pub fn new(socket: TcpStream) -> Self {
        Self {
            socket,
            queue: Vec::new(),
            written: 0,
            deaf: false,
        }
    }

    /// Where bytes for the server are appended.
    pub fn queue(&mut self) -> &mut Vec<u8> {
        &mut self.queue
    }

    /// How many bytes wait to be written.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.queue.len() - self.written
    }

    /// Writes what is queued and hands what arrives to `arrived`, until at most `rest` bytes
    /// are queued or something has arrived, whichever comes first. Reading goes on while
    /// writing, so that two peers with full buffers never wait for each other
    /// (RFC 2920 §3.1). `true` = something has arrived.
    pub fn exchange(
        &mut self,
        rest: usize,
        deadline: Option<Instant>,
        mut arrived: impl FnMut(&[u8]),
    ) -> Result<bool> {
        loop {
            self.write()?;
            if self.read(&mut arrived)? {
                return Ok(true);
            }
            if self.queued() <= rest {
                return Ok(false);
            }
            self.wait(deadline)?;
        }
    }

    /// Writes all that is queued and waits for bytes from the server.
    pub fn receive(&mut self, deadline: Option<Instant>, mut arrived: impl FnMut(&[u8])) -> Result<()> {
        loop {
            self.write()?;
            if self.read(&mut arrived)? {
                return Ok(());
            }
            self.wait(deadline)?;
        }
    }

    /// Hands over what has arrived already, without waiting and without writing.
    pub fn poll(&mut self, mut arrived: impl FnMut(&[u8])) -> Result<bool> {
        self.read(&mut arrived)
    }

    fn wait(&self, deadline: Option<Instant>) -> Result<()> {
        let watch = Watch {
            socket: self.socket.as_raw_fd(),
            readable: true,
            writable: self.queued() > 0,
        };
        let [(readable, writable)] = poll::wait(&[watch], deadline)?;
        let expired = deadline.is_some_and(|deadline| deadline <= Instant::now());
        if expired && !readable && !writable {
            return Err(Error::System(libc::ETIMEDOUT));
        }
        Ok(())
    }

    /// Writes what the socket takes now.
    fn write(&mut self) -> Result<()> {
        while self.queued() > 0 {
            let rest = self.queue.get(self.written..).unwrap_or_default();
            match self.socket.write(rest) {
                Ok(count) => self.written += count,
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted => {}
                    io::ErrorKind::WouldBlock => return Ok(()),
                    io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => {
                        self.deaf = true;
                        self.written = self.queue.len();
                    }
                    _ => return Err(error.into()),
                },
            }
        }
        self.queue.clear();
        self.written = 0;
        Ok(())
    }

    /// Reads what is there; `false` = nothing yet.
    fn read(&mut self, arrived: &mut impl FnMut(&[u8])) -> Result<bool> {
        let mut buffer = [0; READ_SIZE];
        loop {
            match self.socket.read(&mut buffer) {
                Ok(0) => return Err(Error::Dropped),
                Ok(count) => {
                    arrived(buffer.get(..count).unwrap_or_default());
                    return Ok(true);
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted => {}
                    // A peer that takes nothing and says nothing more is gone.
                    io::ErrorKind::WouldBlock if self.deaf => return Err(Error::Dropped),
                    io::ErrorKind::WouldBlock => return Ok(false),
                    io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                        return Err(Error::Dropped);
                    }
                    _ => return Err(error.into()),
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::time::Duration;

    fn pair() -> (Stream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
        let socket = TcpStream::connect(listener.local_addr().expect("address")).expect("connects");
        socket.set_nonblocking(true).expect("non-blocking");
        let (peer, _) = listener.accept().expect("accepts");
        (Stream::new(socket), peer)
    }

    fn soon() -> Option<Instant> {
        Some(Instant::now() + Duration::from_secs(5))
    }

    #[test]
    fn what_is_queued_is_written_before_a_reply_is_waited_for() {
        let (mut stream, mut peer) = pair();
        stream.queue().extend_from_slice(b"NOOP\r\n");
        let echo = std::thread::spawn(move || {
            let mut line = [0; 6];
            peer.read_exact(&mut line).expect("reads");
            peer.write_all(&line).expect("writes");
        });
        let mut got = Vec::new();
        while got.len() < 6 {
            stream.receive(soon(), |bytes| got.extend_from_slice(bytes)).expect("receives");
        }
        assert_eq!(got, b"NOOP\r\n");
        echo.join().expect("the peer is fine");
    }

    #[test]
    fn silence_ends_at_the_deadline() {
        let (mut stream, _peer) = pair();
        let deadline = Some(Instant::now() + Duration::from_millis(20));
        assert_eq!(stream.receive(deadline, |_| {}), Err(Error::System(libc::ETIMEDOUT)));
    }

    #[test]
    fn a_peer_that_reads_nothing_ends_at_the_deadline_too() {
        let (mut stream, _peer) = pair();
        stream.queue().resize(64 << 20, b'x');
        let deadline = Some(Instant::now() + Duration::from_millis(50));
        let outcome = stream.exchange(0, deadline, |_| {});
        assert_eq!(outcome, Err(Error::System(libc::ETIMEDOUT)));
    }

    #[test]
    fn last_words_of_a_peer_that_hung_up_are_heard() {
        let (mut stream, mut peer) = pair();
        peer.write_all(b"421 bye\r\n").expect("writes");
        drop(peer);
        stream.queue().resize(64 << 20, b'x');
        let mut got = Vec::new();
        while stream.exchange(0, soon(), |bytes| got.extend_from_slice(bytes)) != Err(Error::Dropped) {}
        assert_eq!(got, b"421 bye\r\n");
    }
}
