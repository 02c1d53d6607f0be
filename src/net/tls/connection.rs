// SPDX-License-Identifier: LGPL-2.1-or-later
//! A TLS connection over a non-blocking socket.

use std::ffi::c_int;
use std::io;
use std::net::TcpStream;
use std::os::fd::{AsRawFd as _, RawFd};
use std::time::Instant;

use openssl::ssl::{self, ErrorCode, SslRef, SslStream};

use super::error_queue::{said, with_clean_queue};
use super::peer::Secured;
use super::resumption::{Resumable, Resumption};
use super::server_name::ServerName;
use super::setup::TlsSetup;
use super::socket::Socket;
use super::trust::Trust;
use super::{CertificateFacts, TlsBinding, channel_binding, demands, facts};
use crate::error::{Error, Result};
use crate::host::system_message;
use crate::net::poll::{self, Watch};
use crate::net::stream::Attempt;

/// The largest part of a record that is text (RFC 8446 §5.1).
pub(crate) const RECORD_SIZE: usize = 16_384;

/// A connection after the handshake.
pub(crate) struct Connection {
    stream: SslStream<Socket>,
    wants_write: bool,
    // The peer is gone.
    gone: bool,
    // What becomes of the session.
    resumption: Option<Resumption>,
}

impl Connection {
    /// Shakes hands; the deadline is for all of it.
    pub(crate) fn handshake(
        setup: TlsSetup,
        socket: TcpStream,
        deadline: Option<Instant>,
    ) -> Result<(Self, Secured)> {
        let TlsSetup {
            mut ssl,
            host,
            trust,
            resumable,
            demands,
            verify_anew,
            ..
        } = setup;
        let server = socket.peer_addr().ok();
        let (resumption, stream) = with_clean_queue(|| {
            let offer = |(resumable, server): (Resumable, _)| resumable.offer(&mut ssl, server, host.clone());
            (resumable.zip(server).map(offer), SslStream::new(ssl, Socket::new(socket)))
        });
        let mut connection = Self {
            stream: stream.map_err(|errors| Error::Client.because(said(&errors)))?,
            wants_write: false,
            gone: false,
            resumption,
        };
        connection.connect(deadline)?;
        let secured = with_clean_queue(|| {
            let mut secured = connection.examine(&host, &trust);
            if verify_anew {
                let verdict = demands::verdict(connection.ssl());
                secured.verify_result = verdict.as_raw().into();
                secured.verdict = verdict.error_string();
            }
            if let Some(demands) = demands {
                secured.pin = demands.pin(connection.ssl());
            }
            secured
        });
        acknowledge_at_once(connection.stream.get_ref().tcp());
        Ok((connection, secured))
    }

    /// Finds out whom we talk to.
    fn examine(&mut self, host: &ServerName, trust: &Trust) -> Secured {
        let ssl = self.stream.ssl();
        let resumed = self.resumption.as_ref().is_some_and(|resumption| resumption.is_resumed(ssl));
        if let (false, Trust::WithFile(file)) = (resumed, trust) {
            file.complete(ssl);
        }
        let mut secured = Secured { resumed, ..Secured::of(ssl, host) };
        if let Some(resumption) = &mut self.resumption {
            resumption.note(ssl, &mut secured);
        }
        secured
    }

    fn connect(&mut self, deadline: Option<Instant>) -> Result<()> {
        loop {
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return Err(Error::System(libc::ETIMEDOUT).because("TLS handshake"));
            }
            match self.operate(SslStream::connect) {
                Ok(()) => return Ok(()),
                Err(error) if is_retry(&error) => {}
                Err(error) => {
                    let errno = error.io_error().and_then(io::Error::raw_os_error);
                    let why = format!("TLS handshake: {}", cause(&error));
                    return Err(Error::Client.caused_by(errno.unwrap_or(0), why));
                }
            }
            if !self.is_interrupted() {
                let watch = Watch {
                    socket: self.as_raw_fd(),
                    readable: !self.wants_write,
                    writable: self.wants_write,
                };
                poll::wait(&[watch], deadline)?;
            }
        }
    }

    /// Reads what is there.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Result<Attempt> {
        match self.operate(|stream| stream.ssl_read(buffer)) {
            Ok(count) => Ok(Attempt::Bytes(count)),
            // With or without a word of goodbye: nobody is there any more. What a missing
            // close_notify may have cut off was no complete reply.
            Err(error) if error.code() == ErrorCode::ZERO_RETURN => Ok(Attempt::Ended(0)),
            Err(error) => self.attempt(&error),
        }
    }

    /// Writes what the socket takes now, at most a record.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<Attempt> {
        let written = self.operate(|stream| stream.ssl_write(bytes));
        if self.stream.get_ref().is_deaf() {
            return Ok(Attempt::Ended(0));
        }
        match written {
            Ok(count) => Ok(Attempt::Bytes(count)),
            Err(error) => self.attempt(&error),
        }
    }

    /// What an error means. After the peer has gone OpenSSL has other words for it each time.
    fn attempt(&mut self, error: &ssl::Error) -> Result<Attempt> {
        if self.gone {
            return Ok(Attempt::Ended(0));
        }
        let attempt = attempt(error);
        self.gone = matches!(attempt, Ok(Attempt::Ended(_)));
        attempt
    }

    /// Says goodbye, and waits neither for room nor for an answer.
    pub(crate) fn close(mut self) {
        let _ = self.operate(SslStream::shutdown);
        if let Some(resumption) = self.resumption.take() {
            with_clean_queue(|| resumption.keep(self.ssl()));
        }
    }

    /// The last operation waits for room to write.
    pub(crate) fn wants_write(&self) -> bool {
        self.wants_write
    }

    /// The last operation came back though there may be more to read.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.stream.get_ref().is_interrupted()
    }

    /// The certificate that the server has shown.
    pub(crate) fn certificate(&self) -> Option<CertificateFacts> {
        with_clean_queue(|| facts::of(self.ssl()))
    }

    /// What tells this connection from any other.
    pub(crate) fn binding(&self) -> Option<TlsBinding> {
        with_clean_queue(|| channel_binding::of(self.ssl()))
    }

    fn ssl(&self) -> &SslRef {
        self.stream.ssl()
    }

    fn operate<T>(
        &mut self,
        operation: impl FnOnce(&mut SslStream<Socket>) -> std::result::Result<T, ssl::Error>,
    ) -> std::result::Result<T, ssl::Error> {
        self.stream.get_mut().renew();
        let result = with_clean_queue(|| operation(&mut self.stream));
        self.wants_write = matches!(&result, Err(error) if error.code() == ErrorCode::WANT_WRITE);
        result
    }
}

impl std::os::fd::AsRawFd for Connection {
    fn as_raw_fd(&self) -> RawFd {
        self.stream.get_ref().tcp().as_raw_fd()
    }
}

/// A server with TLS 1.3 sends session tickets, and then, if its Nagle algorithm is on, keeps its
/// next reply back until these are acknowledged: some 40 ms, unless we hurry.
fn acknowledge_at_once(socket: &TcpStream) {
    // It costs time, not mail, if this cannot be had.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = socket2::SockRef::from(socket).set_tcp_quickack(true);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = socket;
}

fn is_retry(error: &ssl::Error) -> bool {
    matches!(error.code(), ErrorCode::WANT_READ | ErrorCode::WANT_WRITE)
}

/// OpenSSL 3's reason for a stream that ends without a close_notify, which its crate lacks.
const UNEXPECTED_EOF_WHILE_READING: c_int = 294;

fn is_unexpected_end(error: &ssl::Error) -> bool {
    let first = error.ssl_error().and_then(|stack| stack.errors().first());
    first.is_some_and(|error| error.reason_code() == UNEXPECTED_EOF_WHILE_READING)
}

/// What an error means for the connection.
fn attempt(error: &ssl::Error) -> Result<Attempt> {
    if is_retry(error) {
        return Ok(Attempt::Blocked);
    }
    if is_unexpected_end(error) {
        return Ok(Attempt::Ended(0));
    }
    match (error.code(), error.io_error()) {
        (ErrorCode::SYSCALL, None) if error.ssl_error().is_none() => Ok(Attempt::Ended(0)),
        (ErrorCode::SYSCALL, Some(error)) => match error.kind() {
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => {
                Ok(Attempt::Ended(error.raw_os_error().unwrap_or(0)))
            }
            _ => Err(error.raw_os_error().map_or(Error::Dropped, Error::System)),
        },
        // A record that is not what it should be, or the server's alert.
        _ => Err(Error::Client.because(format_args!("TLS: {}", cause(error)))),
    }
}

/// What OpenSSL or the system gives as the cause of a failure.
fn cause(error: &ssl::Error) -> String {
    match (error.ssl_error(), error.io_error()) {
        (Some(errors), _) => said(errors).to_owned(),
        (None, Some(error)) => {
            system_message(error.raw_os_error().unwrap_or(0)).to_string_lossy().into_owned()
        }
        (None, None) => "the server has closed the connection".to_owned(),
    }
}
