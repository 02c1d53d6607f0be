// SPDX-License-Identifier: LGPL-2.1-or-later
use std::ffi::CStr;

use super::super::tests::{Template, dns, email, ip};
use super::*;

fn identity(common_name: Option<&str>, names: &[Vec<u8>], host: &CStr) -> Identity {
    let template = Template {
        common_name,
        names: names.to_vec(),
        ..Template::default()
    };
    check(&template.self_signed().certificate, &ServerName::new(host))
}

fn matches(names: &[Vec<u8>], host: &CStr) -> bool {
    identity(None, names, host) == Identity::Matches
}

fn found(common_name: Option<&str>, names: &[Vec<u8>]) -> CString {
    match identity(common_name, names, c"other.example.com") {
        Identity::Matches => panic!("matches"),
        Identity::Mismatch { name_found } => name_found,
    }
}

#[test]
fn dns_names() {
    let names = [dns("mx.example.org"), dns("mail.example.org")];
    for host in [c"mx.example.org", c"mail.example.org", c"MAIL.Example.ORG", c"mx.example.org."] {
        assert!(matches(&names, host), "{host:?}");
    }
    for host in [c"example.org", c"a.mx.example.org", c"mx.example.org.net", c".example.org", c".", c""] {
        assert!(!matches(&names, host), "{host:?}");
    }
}

#[test]
fn wildcards() {
    let wild = |name: &str, host| matches(&[dns(name)], host);
    assert!(wild("*.example.org", c"mx.example.org"));
    assert!(wild("*.EXAMPLE.org", c"mx.example.org."));
    assert!(!wild("*.example.org", c"example.org"));
    assert!(!wild("*.example.org", c"a.mx.example.org"));
    for name in ["mx*.example.org", "*x.example.org", "m*x.example.org", "mx.*.org", "mx.example.*", "*"] {
        assert!(!wild(name, c"mx.example.org"), "{name}");
    }
    assert!(!wild("*.*.org", c"mx.example.org"));
    assert!(!wild("*.org", c"example.org"));
    assert!(!wild("*.0.0.1", c"127.0.0.1"));
    assert!(!wild("*.0.1", c"127.0.1"));
    assert!(!wild("*.example.org", c".example.org"));
}

#[test]
fn addresses_are_compared_with_addresses_only() {
    let names = [ip("192.0.2.1"), ip("2001:db8::1"), dns("192.0.2.9")];
    assert!(matches(&names, c"192.0.2.1"));
    assert!(matches(&names, c"192.0.2.1."));
    assert!(matches(&names, c"2001:db8::1"));
    assert!(matches(&names, c"2001:DB8:0:0::1"));
    assert!(!matches(&names, c"192.0.2.2"));
    assert!(!matches(&names, c"192.0.2.9"));
    assert!(!matches(&names, c"::ffff:192.0.2.1"));
    assert_ne!(identity(Some("192.0.2.1"), &[], c"192.0.2.1"), Identity::Matches);
    assert_ne!(identity(Some("2001:db8::1"), &[], c"2001:db8::1"), Identity::Matches);
}

#[test]
fn the_common_name_counts_only_without_dns_names() {
    let name = Some("mx.example.org");
    let host = c"mx.example.org";
    assert_eq!(identity(name, &[], host), Identity::Matches);
    assert_eq!(identity(Some("*.example.org"), &[], host), Identity::Matches);
    assert_ne!(identity(Some("mx*.example.org"), &[], host), Identity::Matches);
    assert_eq!(identity(name, &[email("joe@example.org")], host), Identity::Matches);
    assert_ne!(identity(name, &[dns("mail.example.org")], host), Identity::Matches);
    assert_ne!(
        identity(name, &[email("joe@example.org"), dns("mail.example.org")], host),
        Identity::Matches
    );
}

#[test]
fn a_nul_never_matches() {
    assert!(!matches(&[dns("mx.example.org\0.evil.example")], c"mx.example.org"));
    assert!(!matches(&[dns("*.example.org\0.evil.example")], c"mx.example.org"));
    assert_ne!(identity(Some("mx.example.org\0.evil"), &[], c"mx.example.org"), Identity::Matches);
    // It is not even a name that could be taken for one.
    assert_eq!(found(None, &[dns("a.example\0.evil")]).as_c_str(), c"a.example?.evil");
    assert_eq!(found(Some("a.example\0.evil"), &[]).as_c_str(), c"a.example?.evil");
}

#[test]
fn names_that_are_not_ascii() {
    assert!(!matches(&[dns("b\u{fc}cher.example")], c"xn--bcher-kva.example"));
    assert!(!matches(&[dns(b"b\xfccher.example")], c"xn--bcher-kva.example"));
    assert!(matches(&[dns("xn--bcher-kva.example")], c"xn--bcher-kva.example"));
    // Still a DNS name, so the commonName does not count.
    assert_ne!(identity(Some("mx.example.org"), &[dns(b"\xff")], c"mx.example.org"), Identity::Matches);
    assert_eq!(found(None, &[dns(b"b\xfccher.example")]).as_bytes(), b"b\xfccher.example");
}

#[test]
fn which_name_is_told() {
    assert_eq!(
        found(Some("cn"), &[dns("a.example"), dns("b.example"), ip("192.0.2.1")]).as_c_str(),
        c"b.example"
    );
    assert_eq!(found(Some("cn"), &[ip("192.0.2.1")]).as_c_str(), c"cn");
    assert_eq!(found(None, &[ip("192.0.2.1")]).as_c_str(), c"");
    assert_eq!(found(None, &[]).as_c_str(), c"");
}
