// SPDX-License-Identifier: LGPL-2.1-or-later
//! Handshakes that fail, and what goes out in them.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use openssl::error::ErrorStack;
use openssl::ssl::{NameType, SslContext, SslMethod, SslVersion};
use openssl::x509::X509;

use super::server::builder;
use super::{Client, Folder, Server, Template, soon};
use crate::error::Error;
use crate::net::tls::TlsContext;

/// Reads until the client has hung up.
fn drain(mut socket: TcpStream) {
    let mut rest = Vec::new();
    let _ = socket.read_to_end(&mut rest);
}

fn failure<T: Send + 'static>(server: &Server<T>) -> Error {
    let folder = Folder::new();
    let client = Client::new(c"mx.example.org", &folder);
    client.secure(server).map(|_| ()).expect_err("fails")
}

#[test]
fn silence_ends_at_the_deadline() {
    let server = Server::plain(drain);
    let folder = Folder::new();
    let mut stream = server.connect();
    let begin = Instant::now();
    let setup = Client::new(c"mx.example.org", &folder).setup();
    let result = stream.secure(setup, Some(begin + Duration::from_millis(50)));
    assert_eq!(result.map(|_| ()), Err(Error::System(libc::ETIMEDOUT)));
    assert!(begin.elapsed() >= Duration::from_millis(50));
    server.join();
}

#[test]
fn a_byte_at_a_time_does_not_prolong_it() {
    let server = Server::plain(|mut socket| {
        // The header of a long record, then its content for ever.
        let mut sent = socket.write_all(&[22, 3, 3, 0x3f, 0xff]);
        socket.set_read_timeout(Some(Duration::from_millis(5))).expect("time-out");
        while sent.is_ok() {
            sent = socket.write_all(&[2]);
            let mut hello = [0; 512];
            // Its time-out is the pause; an end is noticed.
            if socket.read(&mut hello).is_ok_and(|count| count == 0) {
                break;
            }
        }
    });
    let folder = Folder::new();
    let mut stream = server.connect();
    let setup = Client::new(c"mx.example.org", &folder).setup();
    let result = stream.secure(setup, Some(Instant::now() + Duration::from_millis(100)));
    assert_eq!(result.map(|_| ()), Err(Error::System(libc::ETIMEDOUT)));
    server.join();
}

#[test]
fn what_is_no_tls_fails() {
    let server = Server::plain(|mut socket| {
        socket.write_all(b"220 mx.example.org ESMTP\r\n").expect("writes");
        drain(socket);
    });
    assert_eq!(failure(&server), Error::Client);
    assert!(ErrorStack::get().errors().is_empty());
    server.join();
}

#[test]
fn a_server_that_hangs_up_fails() {
    let server = Server::plain(drop);
    assert_eq!(failure(&server), Error::Client);
    server.join();
}

#[test]
fn old_versions_are_refused() {
    let issued = Template::host("mx.example.org").self_signed();
    let server = Server::plain(move |socket| {
        let mut builder = builder(&issued);
        builder.set_security_level(0);
        builder.set_min_proto_version(None).expect("version");
        builder.set_max_proto_version(Some(SslVersion::TLS1_1)).expect("version");
        let ssl = openssl::ssl::Ssl::new(&builder.build()).expect("ssl");
        ssl.accept(socket).is_err()
    });
    assert_eq!(failure(&server), Error::Client);
    assert!(server.join());
}

#[test]
fn after_a_failure_the_connection_is_closed() {
    let server = Server::plain(|mut socket| {
        socket.write_all(b"220 mx.example.org ESMTP\r\n").expect("writes");
        drain(socket);
    });
    let folder = Folder::new();
    let mut stream = server.connect();
    assert!(stream.secure(Client::new(c"mx", &folder).setup(), soon()).is_err());
    // The server's thread only ends when the connection does.
    server.join();
    stream.queue().extend_from_slice(b"EHLO in clear\r\n");
    assert_eq!(stream.receive(soon(), |_| {}), Err(Error::Dropped));
}

#[test]
fn an_old_error_in_the_queue_does_no_harm() {
    let ca = Template::authority();
    let issued = ca.issue(&Template::host("mx.example.org"));
    let server = Server::tls(&issued, None, |mut stream| stream.write_all(b"220 hello\r\n"));
    let folder = Folder::trusting(&ca.certificate_pem());
    let leave_an_error = || X509::from_pem(b"none").expect_err("not PEM").put();
    leave_an_error();
    let (mut stream, secured) = Client::new(c"mx.example.org", &folder).secure(&server).expect("TLS");
    assert!(secured.is_verified());
    leave_an_error();
    let mut got = Vec::new();
    stream.receive(soon(), |bytes| got.extend_from_slice(bytes)).expect("receives");
    assert_eq!(got, b"220 hello\r\n");
    assert!(ErrorStack::get().errors().is_empty());
    server.join().expect("writes");
}

fn indication(host: &std::ffi::CStr) -> Option<String> {
    let issued = Template::host("mx.example.org").self_signed();
    let server =
        Server::tls(&issued, None, |stream| stream.ssl().servername(NameType::HOST_NAME).map(str::to_owned));
    let folder = Folder::new();
    let _stream = Client::new(host, &folder).secure(&server).expect("TLS");
    server.join()
}

#[test]
fn the_name_is_indicated_and_an_address_is_not() {
    assert_eq!(indication(c"mx.example.org").as_deref(), Some("mx.example.org"));
    assert_eq!(indication(c"mx.example.org.").as_deref(), Some("mx.example.org"));
    assert_eq!(indication(c"localhost").as_deref(), Some("localhost"));
    for host in [c"127.0.0.1", c"::1", c"fe80::1%lo", c"127.1", c"b\xc3\xbccher.example"] {
        assert_eq!(indication(host), None, "{host:?}");
    }
}

#[test]
fn the_applications_context_is_used_as_it_is() {
    let issued = Template::host("mx.example.org").self_signed();
    let server = Server::tls(&issued, None, |_| ());
    let mut builder = SslContext::builder(SslMethod::tls_client()).expect("context");
    builder.cert_store_mut().add_cert(issued.certificate.clone()).expect("CA");
    builder.set_max_proto_version(Some(SslVersion::TLS1_2)).expect("version");
    let context = builder.build();
    // SAFETY: the context is live.
    let shared = unsafe { TlsContext::share(foreign_types::ForeignType::as_ptr(&context)) };
    let folder = Folder::trusting(b"no list for this context");
    let client = Client {
        context: Some(shared.expect("shares")),
        ..Client::new(c"mx.example.org", &folder)
    };
    drop(context);
    let (_, secured) = client.secure(&server).expect("TLS");
    assert!(secured.is_verified());
    assert_eq!(secured.protocol.as_c_str(), c"TLSv1.2");
    server.join();
}
