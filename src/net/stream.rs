// SPDX-License-Identifier: LGPL-2.1-or-later
//! A connection: what is queued leaves in large writes, what arrives goes to the reply parser,
//! and neither side is ever waited for longer than a deadline.

use std::ffi::c_int;
use std::io::{self, IoSlice, Write as _};
use std::mem::{self, MaybeUninit};
use std::net::TcpStream;
use std::os::fd::{AsRawFd as _, RawFd};
use std::slice;
use std::time::Instant;

use socket2::SockRef;
use zeroize::Zeroize as _;

use super::poll::{self, Waiting, Watch};
use super::tls::{CertificateFacts, Connection, RECORD_SIZE, Secured, TlsBinding, TlsSetup};
use crate::error::{Error, Result};
use crate::fault;
use crate::host::system_message;

/// How much is read at once in clear: some thirty replies of usual length.
const READ_SIZE: usize = 2048;
/// Room for the commands of a usual session.
const QUEUE_SIZE: usize = 1024;

/// A non-blocking connection with a queue of bytes to write.
pub struct Stream {
    layer: Layer,
    queue: Vec<u8>,
    written: usize,
    // For what comes out of TLS.
    buffer: Box<[u8]>,
    protection: Option<Protection>,
    // What is queued is secret.
    secret: bool,
    // The peer takes nothing more, and why. What it sent before may explain why, so reading goes on.
    deaf: Option<c_int>,
}

/// Turns what is said into what is sent, and back: a security layer of SASL (RFC 4422 §3.7).
pub trait Recode {
    /// Bytes for the peer.
    fn encode(&self, clear: &[u8]) -> Result<Vec<u8>>;
    /// Bytes from the peer; may be none until more arrives.
    fn decode(&self, coded: &[u8]) -> Result<Vec<u8>>;
}

/// A security layer over the connection.
struct Protection {
    recode: Box<dyn Recode>,
    /// So many bytes of the queue are encoded.
    encoded: usize,
}

/// What the bytes go through.
enum Layer {
    Plain(TcpStream),
    Tls(Box<Connection>),
    /// A handshake failed, and the connection went with it.
    Closed,
}

/// What came of reading or writing without waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempt {
    /// So many bytes passed.
    Bytes(usize),
    /// Nothing passes now.
    Blocked,
    /// Nothing will ever pass again; the system's number for it, 0 if the peer has ended it.
    Ended(c_int),
}

impl Layer {
    fn write(&mut self, bytes: &[u8]) -> Result<Attempt> {
        match self {
            Self::Plain(socket) => retry(|| socket.write(bytes)),
            Self::Tls(connection) => connection.write(bytes),
            Self::Closed => Ok(Attempt::Ended(0)),
        }
    }

    /// Reading came back though there may be more, and the socket need not say so.
    fn is_interrupted(&self) -> bool {
        matches!(self, Self::Tls(connection) if connection.is_interrupted())
    }

    fn wants_write(&self) -> bool {
        matches!(self, Self::Tls(connection) if connection.wants_write())
    }

    fn descriptor(&self) -> Option<RawFd> {
        match self {
            Self::Plain(socket) => Some(socket.as_raw_fd()),
            Self::Tls(connection) => Some(connection.as_raw_fd()),
            Self::Closed => None,
        }
    }
}

fn retry(mut operation: impl FnMut() -> io::Result<usize>) -> Result<Attempt> {
    loop {
        return match operation() {
            Ok(count) => Ok(Attempt::Bytes(count)),
            Err(error) => match error.kind() {
                io::ErrorKind::Interrupted => continue,
                io::ErrorKind::WouldBlock => Ok(Attempt::Blocked),
                io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => {
                    Ok(Attempt::Ended(error.raw_os_error().unwrap_or(0)))
                }
                _ => Err(error.into()),
            },
        };
    }
}

impl Stream {
    /// Takes over a connected, non-blocking socket.
    #[must_use]
    pub fn new(socket: TcpStream) -> Self {
        Self {
            layer: Layer::Plain(socket),
            queue: Vec::with_capacity(QUEUE_SIZE),
            written: 0,
            buffer: Box::default(),
            protection: None,
            secret: false,
            deaf: None,
        }
    }

    /// From now on everything goes through a security layer.
    pub fn protect(&mut self, recode: Box<dyn Recode>) {
        let encoded = self.queue.len();
        self.protection = Some(Protection { recode, encoded });
    }

    /// Begins TLS: writes what is queued in clear, and shakes hands. After a failure the
    /// connection is closed.
    pub fn secure(&mut self, setup: TlsSetup, deadline: Option<Instant>) -> Result<Secured> {
        while self.queued() > 0 {
            self.write(0)?;
            if self.queued() > 0 {
                self.wait(deadline)?;
            }
        }
        let Layer::Plain(socket) = mem::replace(&mut self.layer, Layer::Closed) else {
            return Err(Error::Client);
        };
        let (connection, secured) = Connection::handshake(setup, socket, deadline)?;
        self.layer = Layer::Tls(Box::new(connection));
        // As much as a record holds.
        self.buffer = vec![0; RECORD_SIZE].into();
        Ok(secured)
    }

    /// Data that tell this TLS connection from any other; `None` without TLS.
    #[must_use]
    pub fn binding(&self) -> Option<TlsBinding> {
        match &self.layer {
            Layer::Tls(connection) => connection.binding(),
            Layer::Plain(_) | Layer::Closed => None,
        }
    }

    /// The certificate that the server has shown; `None` without TLS.
    #[must_use]
    pub fn certificate(&self) -> Option<CertificateFacts> {
        match &self.layer {
            Layer::Tls(connection) => connection.certificate(),
            Layer::Plain(_) | Layer::Closed => None,
        }
    }

    /// Ends the connection politely: over TLS with a close_notify (RFC 8446 §6.1), so that
    /// the server knows that nothing was cut off. A stream that is only dropped says nothing.
    pub fn close(self) {
        if let Layer::Tls(connection) = self.layer {
            if self.deaf.is_none() {
                connection.close();
            }
        }
    }

    /// Where bytes for the server are appended.
    pub fn queue(&mut self) -> &mut Vec<u8> {
        &mut self.queue
    }

    /// Writes what is queued and then a run from where it lies, as far as the socket takes it
    /// now. What it does not take is queued. Over TLS records are filled.
    pub fn write_through(&mut self, run: &[u8]) -> Result<()> {
        if self.protection.is_some() {
            self.queue.extend_from_slice(run);
            return Ok(());
        }
        let mut rest = run;
        if let Layer::Tls(_) = self.layer {
            let open = self.queued() % RECORD_SIZE;
            let filling = if open > 0 { RECORD_SIZE - open } else { 0 };
            let (filling, whole) = rest.split_at_checked(filling).unwrap_or((rest, &[]));
            self.queue.extend_from_slice(filling);
            rest = whole;
        }
        loop {
            let attempt = match &mut self.layer {
                Layer::Plain(socket) => {
                    let queued = self.queue.get(self.written..).unwrap_or_default();
                    let both = [IoSlice::new(queued), IoSlice::new(rest)];
                    let socket = SockRef::from(&*socket);
                    retry(|| socket.send_vectored_with_flags(&both, libc::MSG_NOSIGNAL))?
                }
                Layer::Tls(_) if self.queue.len() > self.written => {
                    self.write(0)?;
                    if self.queued() > 0 { Attempt::Blocked } else { Attempt::Bytes(0) }
                }
                Layer::Tls(connection) => match rest.len() / RECORD_SIZE * RECORD_SIZE {
                    0 => Attempt::Blocked,
                    whole => connection.write(rest.get(..whole).unwrap_or_default())?,
                },
                Layer::Closed => Attempt::Ended(0),
            };
            match attempt {
                Attempt::Bytes(count) => {
                    let of_queue = count.min(self.queued());
                    self.written += of_queue;
                    rest = rest.get(count - of_queue..).unwrap_or_default();
                }
                Attempt::Blocked => break,
                Attempt::Ended(cause) => {
                    self.deaf = Some(cause);
                    self.written = self.queue.len();
                    rest = &[];
                }
            }
            if rest.is_empty() {
                break;
            }
        }
        self.queue.drain(..self.written);
        self.written = 0;
        self.queue.extend_from_slice(rest);
        Ok(())
    }

    /// What is queued is secret: nothing of it stays in memory once it is written.
    pub fn wipe_when_written(&mut self) {
        self.secret = true;
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
            self.write(rest)?;
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
        fault::point(fault::Layer::Net);
        loop {
            self.write(0)?;
            if self.read(&mut arrived)? {
                return Ok(());
            }
            self.wait(deadline)?;
        }
    }

    /// Writes what the socket takes and hands over what has arrived. If that is nothing, says what
    /// is to be waited for before the next call.
    pub fn arriving(
        &mut self,
        deadline: Option<Instant>,
        mut arrived: impl FnMut(&[u8]),
    ) -> Result<Option<Waiting>> {
        fault::point(fault::Layer::Net);
        self.write(0)?;
        if self.read(&mut arrived)? {
            return Ok(None);
        }
        if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            return Err(Error::System(libc::ETIMEDOUT));
        }
        if self.layer.is_interrupted() {
            return Ok(None);
        }
        let watch = self.watch()?;
        Ok(Some(Waiting { watch, deadline }))
    }

    fn watch(&self) -> Result<Watch> {
        Ok(Watch {
            socket: self.layer.descriptor().ok_or(Error::Dropped)?,
            readable: true,
            writable: self.queued() > 0 || self.layer.wants_write(),
        })
    }

    /// Hands over what has arrived already, without waiting and without writing.
    pub fn poll(&mut self, mut arrived: impl FnMut(&[u8])) -> Result<bool> {
        self.read(&mut arrived)
    }

    fn wait(&self, deadline: Option<Instant>) -> Result<()> {
        let expired = || deadline.is_some_and(|deadline| deadline <= Instant::now());
        if self.layer.is_interrupted() {
            return if expired() { Err(Error::System(libc::ETIMEDOUT)) } else { Ok(()) };
        }
        let watch = self.watch()?;
        let [(readable, writable)] = poll::wait(&[watch], deadline)?;
        if expired() && !readable && !writable {
            return Err(Error::System(libc::ETIMEDOUT));
        }
        Ok(())
    }

    /// Writes what the socket takes now. Over TLS, a part of a record stays behind if no more
    /// than `rest` bytes do.
    fn write(&mut self, rest: usize) -> Result<()> {
        if let Some(Protection { recode, encoded }) = &mut self.protection {
            if let Some(clear) = self.queue.get(*encoded..).filter(|clear| !clear.is_empty()) {
                let coded = recode.encode(clear)?;
                self.queue.truncate(*encoded);
                self.queue.extend_from_slice(&coded);
                *encoded = self.queue.len();
            }
        }
        while self.queued() > 0 {
            if matches!(self.layer, Layer::Tls(_)) && self.queued() < RECORD_SIZE.min(rest) {
                break;
            }
            let bytes = self.queue.get(self.written..).unwrap_or_default();
            match self.layer.write(bytes)? {
                Attempt::Bytes(count) => self.written += count,
                Attempt::Blocked => return Ok(()),
                Attempt::Ended(cause) => {
                    self.deaf = Some(cause);
                    self.written = self.queue.len();
                }
            }
        }
        if self.queued() == 0 && mem::take(&mut self.secret) {
            // Its length stays for the arithmetic below, its octets do not.
            self.queue.as_mut_slice().zeroize();
        }
        self.queue.drain(..self.written);
        if let Some(protection) = &mut self.protection {
            protection.encoded -= self.written;
        }
        self.written = 0;
        Ok(())
    }

    /// The connection is gone. What happened when something was written tells more than the end
    /// of what can be read.
    fn dropped(&self, cause: c_int) -> Error {
        match self.deaf.filter(|_| cause == 0).unwrap_or(cause) {
            0 => Error::Dropped,
            errno => Error::Dropped.caused_by(errno, system_message(errno).to_string_lossy()),
        }
    }

    /// Reads what is there; `false` = nothing yet.
    fn read(&mut self, arrived: &mut impl FnMut(&[u8])) -> Result<bool> {
        let mut arrived = |bytes: &[u8]| {
            match &self.protection {
                Some(protection) => arrived(&protection.recode.decode(bytes)?),
                None => arrived(bytes),
            }
            Ok(())
        };
        let attempt = match &mut self.layer {
            Layer::Plain(socket) => read_clear(socket, &mut arrived)?,
            Layer::Tls(connection) => {
                let attempt = connection.read(&mut self.buffer)?;
                if let Attempt::Bytes(count) = attempt {
                    arrived(self.buffer.get(..count).unwrap_or_default())?;
                }
                attempt
            }
            Layer::Closed => Attempt::Ended(0),
        };
        match attempt {
            Attempt::Bytes(_) => Ok(true),
            // A peer that takes nothing and says nothing more is gone.
            Attempt::Blocked if self.deaf.is_some() && !self.layer.is_interrupted() => Err(self.dropped(0)),
            Attempt::Blocked => Ok(false),
            Attempt::Ended(cause) => Err(self.dropped(cause)),
        }
    }
}

/// Reads what has arrived in clear.
fn read_clear(socket: &TcpStream, arrived: impl FnOnce(&[u8]) -> Result<()>) -> Result<Attempt> {
    let mut buffer = [MaybeUninit::<u8>::uninit(); READ_SIZE];
    let socket = SockRef::from(socket);
    let attempt = retry(|| socket.recv(&mut buffer))?;
    let Attempt::Bytes(count @ 1..=READ_SIZE) = attempt else {
        return Ok(if attempt == Attempt::Bytes(0) { Attempt::Ended(0) } else { attempt });
    };
    // SAFETY: the system has written so many octets, which are no more than there is room for.
    arrived(unsafe { slice::from_raw_parts(buffer.as_ptr().cast(), count) })?;
    Ok(attempt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;
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
