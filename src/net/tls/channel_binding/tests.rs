// SPDX-License-Identifier: LGPL-2.1-or-later
use std::io::Read as _;

use openssl::ssl::{SslContext, SslOptions};

use super::super::tests::{Client, Folder, Server, Template};
use super::*;

/// Our binding, and the same data as the server finds them.
fn both(version: SslVersion, server_data: fn(&SslRef) -> Vec<u8>) -> (TlsBinding, Vec<u8>) {
    let issued = Template::host("mx.example.org").self_signed();
    let server = Server::tls(&issued, Some(version), move |mut stream| {
        let data = server_data(stream.ssl());
        let _ = stream.read(&mut [0; 1]);
        data
    });
    let folder = Folder::new();
    let (stream, _) = Client::new(c"mx.example.org", &folder).secure(&server).expect("TLS");
    let binding = stream.binding().expect("binding");
    drop(stream);
    (binding, server.join())
}

#[test]
fn tls_1_3_exports() {
    let (binding, data) = both(SslVersion::TLS1_3, |ssl| {
        let mut data = vec![0; 32];
        ssl.export_keying_material(&mut data, "EXPORTER-Channel-Binding", Some(b""))
            .expect("exports");
        data
    });
    assert_eq!(binding.kind, TlsBindingKind::Exporter);
    assert_eq!(binding.data, data);
}

#[test]
fn tls_1_2_has_the_clients_finished_message() {
    let (binding, data) = both(SslVersion::TLS1_2, |ssl| {
        let mut data = vec![0; 64];
        let length = ssl.peer_finished(&mut data);
        data.truncate(length);
        data
    });
    assert_eq!(binding.kind, TlsBindingKind::Unique);
    assert_eq!(binding.data.len(), 12);
    assert_eq!(binding.data, data);
}

#[test]
fn without_extended_master_secret_it_is_the_certificate() {
    /// `SSL_OP_NO_EXTENDED_MASTER_SECRET`
    const NO_EXTENDED_MASTER_SECRET: SslOptions = SslOptions::from_bits_retain(1);
    let issued = Template::host("mx.example.org").self_signed();
    let hash = issued.certificate.digest(MessageDigest::sha256()).expect("hash").to_vec();
    let mut builder = super::super::tests::server_builder(&issued);
    builder.set_max_proto_version(Some(SslVersion::TLS1_2)).expect("version");
    builder.set_options(NO_EXTENDED_MASTER_SECRET);
    let context: SslContext = builder.build();
    let server = Server::context(context, |_| ());
    let folder = Folder::new();
    let (stream, _) = Client::new(c"mx.example.org", &folder).secure(&server).expect("TLS");
    let binding = stream.binding().expect("binding");
    assert_eq!(binding.kind, TlsBindingKind::ServerEndPoint);
    assert_eq!(binding.data, hash);
    server.join();
}

#[test]
fn weak_hashes_are_replaced() {
    let signed = |digest| Template { digest, ..Template::default() };
    let of = |digest| end_point(&signed(digest).self_signed().certificate);
    assert_eq!(of(Some(MessageDigest::sha1())).map(|hash| hash.len()), Some(32));
    assert_eq!(of(Some(MessageDigest::sha256())).map(|hash| hash.len()), Some(32));
    assert_eq!(of(Some(MessageDigest::sha384())).map(|hash| hash.len()), Some(48));
    assert_eq!(of(Some(MessageDigest::sha512())).map(|hash| hash.len()), Some(64));
    assert_eq!(of(None), None);
}

#[test]
fn a_connection_in_clear_has_none() {
    let server = Server::plain(drop);
    assert_eq!(server.connect().binding(), None);
    server.join();
}
