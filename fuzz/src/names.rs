// SPDX-License-Identifier: LGPL-2.1-or-later
//! Names of servers: as an application writes them, and as certificates have them.

use std::ffi::CString;
use std::io::Read as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use esmtp::net::{Identity, Server, Stream, TlsContext, TlsSetup};
use foreign_types::ForeignType as _;
use openssl::asn1::{Asn1Object, Asn1OctetString, Asn1Time};
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{Ssl, SslContext, SslMethod};
use openssl::x509::{X509, X509Extension, X509Name};

use super::Target;
use super::input::Input;

pub(crate) const SERVER: Target = Target {
    name: "server",
    run: server,
    seeds: &[
        b"mail.example:25",
        b"[::1]:smtp",
        b"::1",
        b":",
        b"[fe80::1%eth0]:587",
        "ö.example".as_bytes(),
    ],
};

pub(crate) const CERTIFICATE: Target = Target {
    name: "certificate",
    run: certificate,
    seeds: &[
        b"\x01\x0cmail.example",
        b"\x01\x09*.example",
        b"\x01\x0dmail.example\x00x",
        b"\x00\x04mx\x00x",
        b"\x02\x04\x7f\x00\x00\x01",
        b"\x03\x10\x30\x0e\x82\x0cmail.example",
    ],
};

fn server(data: &[u8]) {
    let Ok(text) = CString::new(data) else { return };
    let server = Server::parse(&text);
    assert!(!server.host.is_empty() && !server.service().is_empty());
    if let Ok(name) = server.ascii_host() {
        assert!(name.to_bytes().is_ascii());
    }
    // In brackets it is the same host, whatever it is.
    if !server.host.to_bytes().contains(&b']') {
        let whole = [b"[", server.host.to_bytes(), b"]:", server.service().to_bytes()].concat();
        let again = Server::parse(&CString::new(whole).expect("no NUL"));
        assert_eq!((&again.host, again.service()), (&server.host, server.service()));
    }
}

/// A certificate whose subjectAltName or commonName is made of the input.
fn certificate_for(key: &PKey<Private>, input: &mut Input<'_>) -> Option<(X509, Vec<u8>)> {
    let (kind, value) = (input.below(4), input.block().to_vec());
    let mut builder = X509::builder().ok()?;
    builder.set_version(2).ok()?;
    let mut name = X509Name::builder().ok()?;
    if kind == 0 {
        name.append_entry_by_text("CN", std::str::from_utf8(&value).ok()?).ok()?;
    }
    let name = name.build();
    builder.set_subject_name(&name).ok()?;
    builder.set_issuer_name(&name).ok()?;
    let (from, to) = (Asn1Time::days_from_now(0).ok()?, Asn1Time::days_from_now(2).ok()?);
    builder.set_not_before(&from).ok()?;
    builder.set_not_after(&to).ok()?;
    builder.set_pubkey(key).ok()?;
    let short = |tag: u8, value: &[u8]| {
        let length = u8::try_from(value.len()).ok().filter(|length| *length < 120)?;
        Some([&[tag, length], value].concat())
    };
    // GeneralNames with one dNSName or iPAddress (RFC 5280 §4.2.1.6), or just the bytes.
    let names = match kind {
        0 => None,
        1 => Some(short(0x30, &short(0x82, &value)?)?),
        2 => Some(short(0x30, &short(0x87, &value)?)?),
        _ => Some(value.clone()),
    };
    if let Some(names) = names {
        let kind = Asn1Object::from_str("2.5.29.17").ok()?;
        let names = Asn1OctetString::new_from_bytes(&names).ok()?;
        builder.append_extension(X509Extension::new_from_der(&kind, false, &names).ok()?).ok()?;
    }
    builder.sign(key, MessageDigest::null()).ok()?;
    Some((builder.build(), value))
}

/// Shows a certificate to the library in a real handshake.
fn certificate(data: &[u8]) {
    let mut input = Input::new(data);
    let key = PKey::generate_ed25519().expect("OpenSSL");
    let Some((certificate, value)) = certificate_for(&key, &mut input) else {
        return;
    };
    let names_us = value.eq_ignore_ascii_case(b"mail.example") || value == b"*.example";
    let secured = shake_hands(&key, &certificate);
    // OpenSSL does not believe a name of one label behind a wildcard.
    if let Some(Identity::Matches) = secured {
        let buried = value.windows(12).any(|part| part.eq_ignore_ascii_case(b"mail.example"));
        assert!(names_us || data.first().is_some_and(|kind| kind % 4 == 3) && buried, "{value:?}");
    }
}

fn shake_hands(key: &PKey<Private>, certificate: &X509) -> Option<Identity> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("the kernel has a port");
    let socket = TcpStream::connect(listener.local_addr().expect("it is bound")).expect("it connects");
    let (peer, _) = listener.accept().expect("it connects");
    let patience = Some(Duration::from_secs(10));
    peer.set_read_timeout(patience).expect("a time-out");
    let mut context = SslContext::builder(SslMethod::tls_server()).expect("OpenSSL");
    context.set_private_key(key).expect("the key");
    context.set_certificate(certificate).expect("its certificate");
    let context = context.build();
    thread::scope(|scope| {
        let server = scope.spawn(|| {
            if let Ok(mut stream) = Ssl::new(&context).expect("OpenSSL").accept(peer) {
                let _ = stream.read(&mut [0]);
            }
        });
        let mut ours = SslContext::builder(SslMethod::tls_client()).expect("OpenSSL");
        ours.set_verify(openssl::ssl::SslVerifyMode::NONE);
        let ours = ours.build();
        // SAFETY: the context is live, and the library counts its own reference.
        let ours = unsafe { TlsContext::share(ours.as_ptr()) }.expect("a reference");
        socket.set_nonblocking(true).expect("a socket");
        let identity = identity_shown(socket, &ours);
        // Behind its end, and not only that of what it runs, nothing of the thread is left that would be
        // taken for a leak.
        server.join().expect("the server's end");
        identity
    })
}

fn identity_shown(socket: TcpStream, context: &TlsContext) -> Option<Identity> {
    let setup = TlsSetup::prepare(Some(context), c"mail.example", None).ok()?;
    let deadline = Instant::now() + Duration::from_secs(10);
    Stream::new(socket).secure(setup, Some(deadline)).ok()?.identity.clone()
}
