// SPDX-License-Identifier: LGPL-2.1-or-later
//! Bytes over TLS: the stream behaves as it does in clear.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use foreign_types::ForeignTypeRef as _;
use openssl::ssl::{ShutdownState, SslStream, SslVersion};

use super::{Client, Folder, Server, Template, soon};
use crate::error::Error;
use crate::net::Stream;
use crate::net::stream::Attempt;
use crate::net::tls::Connection;

const VERSIONS: [SslVersion; 2] = [SslVersion::TLS1_2, SslVersion::TLS1_3];

fn connected<T: Send + 'static>(
    version: SslVersion,
    serve: impl FnOnce(SslStream<TcpStream>) -> T + Send + 'static,
) -> (Stream, Server<T>) {
    let issued = Template::host("mx.example.org").self_signed();
    let server = Server::tls(&issued, Some(version), serve);
    let folder = Folder::new();
    let (stream, _) = Client::new(c"mx.example.org", &folder).secure(&server).expect("TLS");
    (stream, server)
}

#[test]
fn a_command_is_answered() {
    for version in VERSIONS {
        let (mut stream, server) = connected(version, |mut stream| {
            let mut line = [0; 6];
            stream.read_exact(&mut line).expect("reads");
            stream.write_all(&line).expect("writes");
        });
        stream.queue().extend_from_slice(b"NOOP\r\n");
        let mut got = Vec::new();
        while got.len() < 6 {
            stream.receive(soon(), |bytes| got.extend_from_slice(bytes)).expect("receives");
        }
        assert_eq!(got, b"NOOP\r\n");
        server.join();
    }
}

/// The server reads nothing before it has written all, and so does the client: only reading
/// while writing gets through.
#[test]
fn two_ends_with_full_buffers_do_not_wait_for_each_other() {
    const SIZE: usize = 24 << 20;
    for version in VERSIONS {
        let (mut stream, server) = connected(version, |mut stream| {
            stream.write_all(&vec![b'x'; SIZE]).expect("writes");
            let mut got = vec![0; SIZE];
            stream.read_exact(&mut got).expect("reads");
            got
        });
        let pattern: Vec<u8> = (0..=250).collect();
        let mut sent = pattern.repeat(SIZE / pattern.len() + 1);
        sent.truncate(SIZE);
        let mut got = 0;
        // The queue grows while a record is under way, so that it moves.
        for part in sent.chunks(1 << 20) {
            stream.queue().extend_from_slice(part);
            while stream.queued() > 1 << 19 {
                stream.exchange(1 << 19, soon(), |bytes| got += bytes.len()).expect("exchanges");
            }
        }
        while stream.queued() > 0 {
            stream.exchange(0, soon(), |bytes| got += bytes.len()).expect("exchanges");
        }
        while got < SIZE {
            stream.receive(soon(), |bytes| got += bytes.len()).expect("receives");
        }
        assert_eq!(got, SIZE);
        assert!(server.join() == sent);
    }
}

#[test]
fn tickets_that_nobody_asked_for_are_no_reply() {
    // The server's tickets follow its handshake at once.
    let (reached, wait) = std::sync::mpsc::channel::<()>();
    let (told, tell) = std::sync::mpsc::channel();
    let (mut stream, server) = connected(SslVersion::TLS1_3, move |mut stream| {
        told.send(()).expect("the client waits");
        let mut line = [0; 6];
        stream.read_exact(&mut line).expect("reads");
        let _ = wait.recv();
        line
    });
    tell.recv().expect("the server stands");
    assert_eq!(stream.poll(|_| panic!("nothing was said")), Ok(false));
    stream.queue().extend_from_slice(b"EHLO\r\n");
    assert_eq!(stream.exchange(0, soon(), |_| panic!("nothing was said")), Ok(false));
    let deadline = Some(Instant::now() + Duration::from_millis(20));
    let outcome = stream.receive(deadline, |_| panic!("nothing was said"));
    assert_eq!(outcome, Err(Error::System(libc::ETIMEDOUT)));
    drop(reached);
    assert_eq!(&server.join(), b"EHLO\r\n");
}

#[test]
fn silence_ends_at_the_deadline() {
    for version in VERSIONS {
        let (mut stream, server) = connected(version, |mut stream| {
            let _ = stream.read(&mut [0; 6]);
        });
        let deadline = Some(Instant::now() + Duration::from_millis(20));
        assert_eq!(stream.receive(deadline, |_| {}), Err(Error::System(libc::ETIMEDOUT)));
        drop(stream);
        server.join();
    }
}

#[test]
fn a_peer_that_reads_nothing_ends_at_the_deadline_too() {
    let (wait, done) = std::sync::mpsc::channel::<()>();
    let (mut stream, server) = connected(SslVersion::TLS1_3, move |_stream| {
        let _ = done.recv();
    });
    stream.queue().resize(64 << 20, b'x');
    let deadline = Some(Instant::now() + Duration::from_millis(50));
    assert_eq!(stream.exchange(0, deadline, |_| {}), Err(Error::System(libc::ETIMEDOUT)));
    drop(wait);
    server.join();
}

#[test]
fn an_end_without_goodbye_is_a_dropped_connection() {
    for version in VERSIONS {
        for polite in [false, true] {
            let (mut stream, server) = connected(version, move |mut stream| {
                stream.write_all(b"250 o").expect("writes");
                if polite {
                    let _ = stream.shutdown();
                }
            });
            let mut got = Vec::new();
            let outcome = loop {
                if let Err(error) = stream.receive(soon(), |bytes| got.extend_from_slice(bytes)) {
                    break error;
                }
            };
            assert_eq!(outcome, Error::Dropped);
            assert_eq!(got, b"250 o");
            server.join();
        }
    }
}

#[test]
fn a_record_cut_short_is_not_delivered() {
    let (mut stream, server) = connected(SslVersion::TLS1_2, |stream| {
        // A record of 100 bytes, of which 20 come.
        let mut socket = stream.get_ref();
        socket.write_all(&[23, 3, 3, 0, 100]).expect("writes");
        socket.write_all(&[0; 20]).expect("writes");
    });
    assert_eq!(stream.receive(soon(), |_| panic!("no record")), Err(Error::Dropped));
    server.join();
}

#[test]
fn a_record_that_somebody_changed_fails() {
    for version in VERSIONS {
        let (mut stream, server) = connected(version, |stream| {
            let mut socket = stream.get_ref();
            socket.write_all(&[23, 3, 3, 0, 40]).expect("writes");
            socket.write_all(&[0; 40]).expect("writes");
            let _ = socket.read(&mut [0; 100]);
        });
        assert_eq!(stream.receive(soon(), |_| panic!("no record")), Err(Error::Client));
        server.join();
    }
}

#[test]
fn last_words_of_a_peer_that_hung_up_are_heard() {
    for version in VERSIONS {
        for words in [b"421 bye\r\n".as_slice(), b"550 5.7.1 spam\r\n", b"451-a\r\n451 b"] {
            let (mut stream, server) = connected(version, move |mut stream| {
                stream.write_all(words).expect("writes");
            });
            server.join();
            let mut got = Vec::new();
            let outcome = loop {
                // More than the system takes over without the peer.
                stream.queue().resize(8 << 20, b'x');
                match stream.exchange(0, soon(), |bytes| got.extend_from_slice(bytes)) {
                    Ok(_) => {}
                    Err(error) => break error,
                }
            };
            assert_eq!(outcome, Error::Dropped);
            assert_eq!(got, words);
        }
    }
}

#[test]
fn goodbye_is_said_when_asked_for() {
    for version in VERSIONS {
        for polite in [false, true] {
            let (stream, server) = connected(version, |mut stream| {
                let end = stream.ssl_read(&mut [0; 6]).is_err();
                (end, stream.get_shutdown().contains(ShutdownState::RECEIVED))
            });
            if polite {
                stream.close();
            } else {
                drop(stream);
            }
            assert_eq!(server.join(), (true, polite));
        }
    }
}

#[test]
fn renegotiation_is_refused() {
    /// `SSL_R_NO_RENEGOTIATION`: the other end said so.
    const NO_RENEGOTIATION: std::ffi::c_int = 339;
    let (mut stream, server) = connected(SslVersion::TLS1_2, |mut stream| {
        unsafe extern "C" {
            fn SSL_renegotiate(ssl: *mut openssl_sys::SSL) -> std::ffi::c_int;
        }
        // SAFETY: the connection is live.
        assert_eq!(unsafe { SSL_renegotiate(stream.ssl().as_ptr()) }, 1);
        stream.do_handshake().expect("asks");
        let error = stream.ssl_read(&mut [0; 6]).expect_err("nothing is said");
        let errors = error.ssl_error().map(|stack| stack.errors().to_vec());
        errors.into_iter().flatten().any(|error| error.reason_code() == NO_RENEGOTIATION)
    });
    let mut got = Vec::new();
    while let Ok(()) = stream.receive(soon(), |bytes| got.extend_from_slice(bytes)) {}
    assert!(got.is_empty());
    assert!(server.join());
}

/// Counts the records that a message comes in.
#[test]
fn bulk_leaves_in_full_records() {
    const RECORD: usize = 16_384;
    let (mut stream, server) = connected(SslVersion::TLS1_3, |mut stream| {
        let mut sizes = Vec::new();
        let mut buffer = vec![0; 2 * RECORD];
        // OpenSSL hands out one record at a time.
        while let Ok(count @ 1..) = stream.ssl_read(&mut buffer) {
            sizes.push(count);
        }
        sizes
    });
    for _ in 0..3 {
        stream.queue().extend_from_slice(&[b'x'; RECORD + 100]);
        while stream.exchange(RECORD, soon(), |_| {}) != Ok(false) {}
    }
    assert_eq!(stream.queued(), 300);
    stream.exchange(0, soon(), |_| {}).expect("writes");
    stream.close();
    assert_eq!(server.join(), [RECORD, RECORD, RECORD, 300]);
}

/// More than OpenSSL may read at once: some 250 bytes each.
const TICKETS: usize = 2000;

fn greet_behind_tickets(stream: &mut SslStream<TcpStream>) {
    unsafe extern "C" {
        fn SSL_new_session_ticket(ssl: *mut openssl_sys::SSL) -> std::ffi::c_int;
    }
    for _ in 0..TICKETS {
        // SAFETY: the connection is live.
        assert_eq!(unsafe { SSL_new_session_ticket(stream.ssl().as_ptr()) }, 1);
        stream.do_handshake().expect("sends");
    }
    stream.write_all(b"220 hello\r\n").expect("writes");
}

/// A server that says all the time what is not ours to see does not hold us: reading comes
/// back, so that somebody can look at the clock.
#[test]
fn a_flood_of_tickets_is_interrupted() {
    let (told, tell) = std::sync::mpsc::channel();
    let issued = Template::host("mx.example.org").self_signed();
    let server = Server::tls(&issued, Some(SslVersion::TLS1_3), move |mut stream| {
        greet_behind_tickets(&mut stream);
        told.send(()).expect("the client waits");
    });
    let folder = Folder::new();
    let setup = Client::new(c"mx.example.org", &folder).setup();
    let (mut connection, _) = Connection::handshake(setup, server.socket(), soon()).expect("TLS");
    tell.recv().expect("the server has said all");
    let mut buffer = [0; 100];
    let mut interruptions = 0;
    while connection.read(&mut buffer).expect("reads") == Attempt::Blocked {
        assert!(connection.is_interrupted());
        interruptions += 1;
    }
    assert!((2..TICKETS).contains(&interruptions), "{interruptions}");
    server.join();
}

/// And the stream does look at the clock, but waits for no socket meanwhile.
#[test]
fn behind_tickets_the_reply_is_found() {
    let (told, tell) = std::sync::mpsc::channel();
    let (mut stream, server) = connected(SslVersion::TLS1_3, move |mut stream| {
        greet_behind_tickets(&mut stream);
        told.send(()).expect("the client waits");
    });
    tell.recv().expect("the server has said all");
    assert_eq!(stream.poll(|_| panic!("not yet")), Ok(false));
    let expired = Some(Instant::now());
    assert_eq!(stream.receive(expired, |_| {}), Err(Error::System(libc::ETIMEDOUT)));
    let mut got = Vec::new();
    stream.receive(soon(), |bytes| got.extend_from_slice(bytes)).expect("receives");
    assert_eq!(got, b"220 hello\r\n");
    server.join();
}
