// SPDX-License-Identifier: LGPL-2.1-or-later
//! What is told of the server's certificate.

use std::ffi::{CStr, c_long};

use super::{Client, Folder, Issued, Server, Template};
use crate::net::tls::{Identity, Obstacle, Secured, TlsSetup};

fn outcome(ca: &Issued, issued: &Issued, host: &CStr) -> Secured {
    let server = Server::tls(issued, None, |_| ());
    let folder = Folder::trusting(&ca.certificate_pem());
    let (_, secured) = Client::new(host, &folder).secure(&server).expect("shakes hands");
    server.join();
    secured
}

fn verdict(ca: &Issued, issued: &Issued) -> c_long {
    outcome(ca, issued, c"mx.example.org").verify_result
}

#[test]
fn a_good_certificate_is_verified_and_matches() {
    let ca = Template::authority();
    let secured = outcome(&ca, &ca.issue(&Template::host("mx.example.org")), c"mx.example.org.");
    assert!(secured.is_verified());
    assert_eq!(secured.identity, Some(Identity::Matches));
    assert_eq!(secured.protocol.as_c_str(), c"TLSv1.3");
    assert!(secured.cipher.to_bytes().starts_with(b"TLS_"));
    assert!(secured.bits >= 128);
    assert_eq!(secured.client_name, None);
    assert!(!secured.ssl.is_null());
}

#[test]
fn a_bad_certificate_is_told_and_not_refused() {
    let ca = Template::authority();
    let with = |valid| Template {
        valid,
        ..Template::host("mx.example.org")
    };
    let expired = verdict(&ca, &ca.issue(&with((-7200, -3600))));
    assert_eq!(expired, openssl_sys::X509_V_ERR_CERT_HAS_EXPIRED.into());
    let future = verdict(&ca, &ca.issue(&with((3600, 7200))));
    assert_eq!(future, openssl_sys::X509_V_ERR_CERT_NOT_YET_VALID.into());
    let alone = verdict(&ca, &with((-1, 3600)).self_signed());
    assert_eq!(alone, openssl_sys::X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT.into());
    let stranger = verdict(&ca, &Template::authority().issue(&with((-1, 3600))));
    assert_ne!(stranger, openssl_sys::X509_V_OK.into());
}

#[test]
fn another_name_is_told() {
    let ca = Template::authority();
    let secured = outcome(&ca, &ca.issue(&Template::host("mx.example.net")), c"mx.example.org");
    assert!(secured.is_verified());
    let name_found = c"mx.example.net".to_owned();
    assert_eq!(secured.identity, Some(Identity::Mismatch { name_found }));
}

#[test]
fn an_address_is_checked_as_one() {
    let ca = Template::authority();
    let template = Template {
        common_name: Some("127.0.0.1"),
        names: vec![super::ip("127.0.0.1"), super::ip("::1")],
        ..Template::default()
    };
    let issued = ca.issue(&template);
    for host in [c"127.0.0.1", c"::1", c"::1%lo", c"0:0::1"] {
        assert_eq!(outcome(&ca, &issued, host).identity, Some(Identity::Matches), "{host:?}");
    }
    for host in [c"127.0.0.2", c"127.1", c"::2", c"localhost"] {
        assert_ne!(outcome(&ca, &issued, host).identity, Some(Identity::Matches), "{host:?}");
    }
}

/// A list too long to be loaded as a whole.
fn long_list(with: &[&Issued]) -> Vec<u8> {
    let filler = Template::authority_named("Filler").certificate_pem();
    let mut list = filler.repeat(70_000 / filler.len());
    for issued in with {
        list.extend(issued.certificate_pem());
    }
    list
}

#[test]
fn in_a_long_list_the_issuers_are_found() {
    let root = Template::authority_named("Root");
    let middle = root.issue(&Template {
        common_name: Some("Middle"),
        is_ca: true,
        ..Template::default()
    });
    let issued = middle.issue(&Template::host("mx.example.org"));
    let is_verified = |list: &[&Issued]| {
        let server = Server::tls(&issued, None, |_| ());
        let folder = Folder::trusting(&long_list(list));
        let (_, secured) = Client::new(c"mx.example.org", &folder).secure(&server).expect("TLS");
        server.join();
        secured.is_verified()
    };
    assert!(is_verified(&[&root, &middle]));
    assert!(!is_verified(&[&root]));
    assert!(!is_verified(&[&middle]));
    // Of the same name, and not the same.
    assert!(!is_verified(&[&Template::authority_named("Root"), &middle]));
}

#[test]
fn what_else_is_wrong_is_told_with_a_long_list_too() {
    let root = Template::authority_named("Root");
    let issued = root.issue(&Template {
        valid: (-7200, -3600),
        ..Template::host("mx.example.org")
    });
    let server = Server::tls(&issued, None, |_| ());
    let folder = Folder::trusting(&long_list(&[&root]));
    let (_, secured) = Client::new(c"mx.example.org", &folder).secure(&server).expect("TLS");
    assert_eq!(secured.verify_result, openssl_sys::X509_V_ERR_CERT_HAS_EXPIRED.into());
    server.join();
}

#[test]
fn a_long_list_needs_a_certificate() {
    let folder = Folder::trusting(&b"nothing\n".repeat(10_000));
    let config = folder.config();
    let setup = TlsSetup::prepare_in(Some(&config), None, c"mx.example.org", None);
    assert_eq!(setup.map(|_| ()), Err(Obstacle::CaList));
}
