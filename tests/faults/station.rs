// SPDX-License-Identifier: LGPL-2.1-or-later
//! A place where one client meets one server at a time.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::OnceLock;
use std::thread;

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{SslAcceptor, SslContext, SslMethod};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509Name};

use super::client::{Client, Report};
use super::server::{Envelope, Letter, Offer, Smtp};
use super::wire::{Fault, Manner, Wire, converse};

/// `SMTP_ERR_NOTHING_TO_DO`
pub(crate) const NOTHING_TO_DO: i32 = 2;

/// What the server remembers of a connection.
pub(crate) struct Record {
    pub(crate) letters: Vec<Letter>,
    pub(crate) envelopes: Vec<Envelope>,
    /// Bytes read and written.
    pub(crate) lengths: (usize, usize),
    /// The fault made one reply of two.
    pub(crate) joined: bool,
}

/// A listening socket of the loopback.
pub(crate) struct Station {
    listener: TcpListener,
    port: u16,
}

impl Station {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("the kernel has a port");
        let port = listener.local_addr().expect("it is bound").port();
        Self { listener, port }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn accept(&self) -> TcpStream {
        self.listener.accept().expect("a client").0
    }

    /// Starts the client's session against a server with a fault.
    pub(crate) fn meet(&self, client: &Client, offer: Offer, fault: Option<Fault>) -> (Report, Record) {
        self.meet_with(client, &|| Smtp::new(offer), fault, super::wire::Polite)
    }

    /// Starts the client's session against a server with manners of its own.
    pub(crate) fn meet_with(
        &self,
        client: &Client,
        smtp: &(dyn Fn() -> Smtp + Sync),
        fault: Option<Fault>,
        mut manner: impl Manner + Send,
    ) -> (Report, Record) {
        thread::scope(|scope| {
            let server = scope.spawn(move || {
                let wire = Wire::new(self.accept(), fault);
                let mut smtp = smtp();
                converse(&wire, &mut smtp, &identity().acceptor, &mut manner);
                let Smtp { letters, envelopes, .. } = smtp;
                Record {
                    letters,
                    envelopes,
                    lengths: wire.lengths(),
                    joined: wire.joined(),
                }
            });
            let report = client.start(self.port);
            if report.result == 0 && report.error == NOTHING_TO_DO {
                // The server is still waiting for somebody.
                drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
            }
            (report, server.join().expect("the server is fine"))
        })
    }
}

/// Who the server is, and who the client believes.
pub(crate) struct ServerIdentity {
    acceptor: SslAcceptor,
    pub(crate) trust: SslContext,
}

/// The same for all tests.
pub(crate) fn identity() -> &'static ServerIdentity {
    static IDENTITY: OnceLock<ServerIdentity> = OnceLock::new();
    IDENTITY.get_or_init(|| {
        // Its signatures are always of the same length, so that byte positions stay.
        let key = PKey::generate_ed25519().expect("a key");
        let certificate = certificate(&key);
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).expect("OpenSSL");
        acceptor.set_private_key(&key).expect("the key fits");
        acceptor.set_certificate(&certificate).expect("the certificate fits");
        let mut trust = SslContext::builder(SslMethod::tls_client()).expect("OpenSSL");
        trust.cert_store_mut().add_cert(certificate).expect("a certificate");
        ServerIdentity {
            acceptor: acceptor.build(),
            trust: trust.build(),
        }
    })
}

fn certificate(key: &PKey<Private>) -> X509 {
    let mut name = X509Name::builder().expect("OpenSSL");
    name.append_entry_by_text("CN", "127.0.0.1").expect("a name");
    let name = name.build();
    let mut builder = X509::builder().expect("OpenSSL");
    builder.set_version(2).expect("version 3");
    let serial = BigNum::from_u32(1).and_then(|one| one.to_asn1_integer()).expect("a number");
    builder.set_serial_number(&serial).expect("a number");
    builder.set_subject_name(&name).expect("a name");
    builder.set_issuer_name(&name).expect("a name");
    builder.set_not_before(&Asn1Time::days_from_now(0).expect("now")).expect("a time");
    builder.set_not_after(&Asn1Time::days_from_now(2).expect("soon")).expect("a time");
    builder.set_pubkey(key).expect("a key");
    let authority = BasicConstraints::new().critical().ca().build().expect("an extension");
    builder.append_extension(authority).expect("an extension");
    let address = SubjectAlternativeName::new()
        .ip("127.0.0.1")
        .build(&builder.x509v3_context(None, None))
        .expect("an extension");
    builder.append_extension(address).expect("an extension");
    builder.sign(key, MessageDigest::null()).expect("a signature");
    builder.build()
}
