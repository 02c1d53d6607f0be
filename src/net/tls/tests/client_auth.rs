// SPDX-License-Identifier: LGPL-2.1-or-later
//! Client certificates.

use std::ffi::CString;

use openssl::nid::Nid;
use openssl::ssl::{Ssl, SslContext, SslMethod, SslVerifyMode, SslVersion};
use openssl::symm::Cipher;

use super::server::builder;
use super::{Client, Folder, Issued, Server, Template, soon};
use crate::error::Error;
use crate::net::tls::trust::Loading;
use crate::net::tls::{Obstacle, TlsContext, TlsSetup};

/// What a server that asks for a certificate is shown, and what we say of it.
fn shown(folder: &Folder, version: SslVersion, asks: bool) -> (Option<String>, Option<CString>) {
    let mut builder = builder(&Template::host("mx.example.org").self_signed());
    builder.set_max_proto_version(Some(version)).expect("version");
    if asks {
        builder.set_verify_callback(SslVerifyMode::PEER, |_, _| true);
    }
    let server = Server::context(builder.build(), |stream| {
        let certificate = stream.ssl().peer_certificate()?;
        let name = certificate.subject_name().entries_by_nid(Nid::COMMONNAME).next()?.data().to_string();
        Some(name.expect("text"))
    });
    let client = Client::new(c"mx.example.org", folder);
    let (_, secured) = client.secure(&server).expect("TLS");
    (server.join(), secured.client_name)
}

pub(super) fn named(common_name: &str) -> Issued {
    let template = Template {
        common_name: Some(common_name),
        ..Template::default()
    };
    template.self_signed()
}

#[test]
fn a_certificate_is_shown_if_asked_for() {
    let folder = Folder::new();
    folder.write("private/smtp-starttls.pem", &named("joe").pem(), 0o600);
    for version in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
        assert_eq!(shown(&folder, version, true), (Some("joe".into()), Some(c"joe".into())));
        assert_eq!(shown(&folder, version, false), (None, None));
    }
}

#[test]
fn none_is_shown_if_there_is_none() {
    for version in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
        assert_eq!(shown(&Folder::new(), version, true), (None, None));
    }
}

#[test]
fn the_servers_own_file_takes_precedence() {
    let folder = Folder::new();
    folder.write("private/smtp-starttls.pem", &named("joe").pem(), 0o600);
    folder.write("private/mx.example.org.pem", &named("joe at example").pem(), 0o600);
    let (name, told) = shown(&folder, SslVersion::TLS1_3, true);
    assert_eq!(name.as_deref(), Some("joe at example"));
    assert_eq!(told.as_deref(), Some(c"joe at example"));
}

#[test]
fn a_name_that_c_would_see_the_half_of_is_none() {
    let folder = Folder::new();
    folder.write("private/smtp-starttls.pem", &named("root\0joe").pem(), 0o600);
    let (_, told) = shown(&folder, SslVersion::TLS1_3, true);
    assert_eq!(told, None);
}

#[test]
fn the_chain_is_sent_too() {
    let ca = Template::authority();
    let issued = ca.issue(&Template {
        common_name: Some("joe"),
        ..Template::default()
    });
    let folder = Folder::new();
    // The key may stand first.
    let pem = [issued.key_pem(), issued.certificate_pem(), ca.certificate_pem()].concat();
    folder.write("private/smtp-starttls.pem", &pem, 0o400);
    let mut builder = builder(&Template::host("mx.example.org").self_signed());
    builder.set_verify_callback(SslVerifyMode::PEER, |_, _| true);
    let server = Server::context(builder.build(), |stream| {
        stream.ssl().peer_cert_chain().map(openssl::stack::StackRef::len)
    });
    let _stream = Client::new(c"mx.example.org", &folder).secure(&server).expect("TLS");
    assert_eq!(server.join(), Some(1));
}

fn prepare(folder: &Folder) -> Result<bool, Obstacle> {
    let config = folder.config();
    let setup = TlsSetup::prepare_in(Some(&config), None, c"mx.example.org", Some(c"canonical.example.org"));
    setup.map(|setup| setup.lacks_key())
}

#[test]
fn a_key_that_is_missing_or_anothers_or_locked_is_told() {
    let folder = Folder::new();
    assert_eq!(prepare(&folder), Ok(false));
    let joe = named("joe");
    folder.write("private/smtp-starttls.pem", &joe.pem(), 0o600);
    assert_eq!(prepare(&folder), Ok(false));
    folder.write("private/smtp-starttls.pem", &joe.certificate_pem(), 0o600);
    assert_eq!(prepare(&folder), Ok(true));
    let others = [joe.certificate_pem(), named("jim").key_pem()].concat();
    folder.write("private/smtp-starttls.pem", &others, 0o600);
    assert_eq!(prepare(&folder), Ok(true));
    let locked = joe.key.private_key_to_pem_pkcs8_passphrase(Cipher::aes_128_cbc(), b"secret");
    let locked = [joe.certificate_pem(), locked.expect("pem")].concat();
    folder.write("private/smtp-starttls.pem", &locked, 0o600);
    assert_eq!(prepare(&folder), Ok(true));
    // Gone on without.
    assert_eq!(shown(&folder, SslVersion::TLS1_3, true), (None, None));
}

#[test]
fn a_file_without_certificate_is_not_acceptable() {
    let folder = Folder::new();
    for content in [b"nothing".as_slice(), &named("joe").key_pem(), b""] {
        folder.write("private/canonical.example.org.pem", content, 0o600);
        assert_eq!(prepare(&folder), Err(Obstacle::ClientCertificate));
    }
}

#[test]
fn a_ca_list_without_certificate_is_not_acceptable() {
    for content in [b"nothing".as_slice(), &named("joe").key_pem(), b""] {
        assert_eq!(prepare(&Folder::trusting(content)), Err(Obstacle::CaList));
    }
}

#[test]
fn what_is_wrong_with_a_context_of_ours_is_told_when_it_is_used() {
    let folder = Folder::trusting(b"nothing");
    let config = folder.config();
    let context = TlsContext::with_config(Some(&config), Loading::AtOnce).expect("context");
    let prepare = || TlsSetup::prepare_in(Some(&config), Some(&context), c"mx", None).map(|_| ());
    assert_eq!(prepare(), Err(Obstacle::CaList));
    folder.write("private/smtp-starttls.pem", b"nothing", 0o600);
    assert_eq!(prepare(), Err(Obstacle::ClientCertificate));
}

#[test]
fn with_the_applications_context_only_the_servers_file_counts() {
    let context = SslContext::builder(SslMethod::tls_client()).expect("context").build();
    // SAFETY: the context is live.
    let shared = unsafe { TlsContext::share(foreign_types::ForeignType::as_ptr(&context)) };
    let shared = shared.expect("shares");
    let folder = Folder::trusting(b"nothing");
    let config = folder.config();
    let prepare = || TlsSetup::prepare_in(Some(&config), Some(&shared), c"mx", None).map(|_| ());
    folder.write("private/smtp-starttls.pem", b"nothing", 0o600);
    assert_eq!(prepare(), Ok(()));
    folder.write("private/mx.pem", b"nothing", 0o600);
    assert_eq!(prepare(), Err(Obstacle::ClientCertificate));
}

/// With TLS 1.3 the server's refusal comes when the client is through already.
#[test]
fn a_server_that_wants_a_certificate_and_gets_none_refuses() {
    let mut builder = builder(&Template::host("mx.example.org").self_signed());
    builder.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
    let context = builder.build();
    let server = Server::plain(move |socket| Ssl::new(&context).expect("ssl").accept(socket).is_err());
    let (mut stream, _) = Client::new(c"mx.example.org", &Folder::new()).secure(&server).expect("TLS");
    assert_eq!(stream.receive(soon(), |_| {}), Err(Error::Client));
    assert!(server.join());
}
