// SPDX-License-Identifier: LGPL-2.1-or-later
//! What the keys of a relay mean, and which of them counts.

use std::path::PathBuf;
use std::time::Duration;

use super::super::*;
use super::{parse, relay};

#[test]
fn without_keys() {
    let relay = relay("");
    assert_eq!(relay.server, None);
    assert_eq!(relay.tls, None);
    assert_eq!(relay.verify, Verify::Strict);
    assert_eq!(relay.tls_min, TlsVersion::V1_2);
    assert_eq!(relay.auth, Auth::AsProgram);
    assert_eq!(relay.timeouts, Timeouts::default());
    assert!(relay.pins.is_empty() && relay.ignore.is_empty() && relay.settings.is_empty());
    assert_eq!(relay.position, Position { line: 2, column: 8 });
}

#[test]
fn values() {
    let relay = relay(
        "server = \"Mail.example.org:submission\"\n\
         tls = \"implicit\"\n\
         verify = \"program\"\n\
         tls-name = \"b\u{fc}cher.Example\"\n\
         tls-min = \"1.3\"\n\
         ca-file = \"/a/ca.pem\"\n\
         ca-dir = \"/a/ca\"\n\
         pin = [\"sha256:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"]\n\
         certificate = { file = \"/a/c.pem\", key = \"/a/k.pem\" }\n\
         user = \"alerts@example.org\"\n\
         secret = { credential = \"mail\" }\n\
         mechanisms = [\"XOAUTH2\", \"X-OWN_1\"]\n\
         auth = \"optional\"\n\
         hello = \"[IPv6:::1]\"\n\
         source = \"::1\"\n\
         timeout = { connect = \"10s\", reply = \"2m\", end-of-data = \"1h\" }\n\
         proxy = \"socks5h://me%40here@[::1]:1080/\"\n\
         proxy-secret = { socket = \"/run/p\" }\n\
         ignore = [\"pipelining\", \"DSN\"]\n",
    );
    let server = relay.server.as_ref().unwrap();
    assert_eq!(server.text.as_c_str(), c"Mail.example.org:submission");
    assert_eq!(server.endpoint.host, Host::Name("mail.example.org".to_owned()));
    assert_eq!(server.endpoint.port, Some(Port::Number(587)));
    assert_eq!(relay.tls, Some(Tls::Implicit));
    assert_eq!(relay.verify, Verify::Program);
    assert_eq!(relay.tls_name.as_deref(), Some(c"xn--bcher-kva.example"));
    assert_eq!(relay.tls_min, TlsVersion::V1_3);
    assert_eq!(relay.ca_file, Some(PathBuf::from("/a/ca.pem")));
    assert_eq!(relay.ca_dir, Some(PathBuf::from("/a/ca")));
    assert_eq!(relay.pins, [std::array::from_fn(|at| u8::try_from(at).unwrap())]);
    let certificate = relay.certificate.as_ref().unwrap();
    assert_eq!(
        (certificate.file.to_str(), certificate.key.to_str()),
        (Some("/a/c.pem"), Some("/a/k.pem"))
    );
    assert_eq!(relay.user.as_deref(), Some("alerts@example.org"));
    assert_eq!(relay.secret, Some(SecretSource::Credential("mail".to_owned())));
    assert_eq!(relay.mechanisms.as_deref().unwrap(), ["XOAUTH2", "X-OWN_1"]);
    assert_eq!(relay.auth, Auth::Optional);
    assert_eq!(relay.hello.as_deref(), Some(c"[IPv6:::1]"));
    assert_eq!(relay.source, Some("::1".parse().unwrap()));
    assert_eq!(relay.timeouts.connect, Some(Duration::from_secs(10)));
    assert_eq!(relay.timeouts.reply, Some(Duration::from_secs(120)));
    assert_eq!(relay.timeouts.end_of_data, Some(Duration::from_secs(3600)));
    let proxy = relay.proxy.as_ref().unwrap();
    assert_eq!((proxy.kind, proxy.host.as_str(), proxy.port), (ProxyKind::Socks5, "::1", 1080));
    assert_eq!(proxy.user.as_deref(), Some("me@here"));
    assert_eq!(proxy.secret, Some(SecretSource::Socket(PathBuf::from("/run/p"))));
    assert_eq!(relay.ignore, ["PIPELINING", "DSN"]);
}

#[test]
fn authentication_is_required_once_something_is_said_of_it() {
    for key in ["user = \"a\"", "secret = { file = \"/a\" }", "mechanisms = [\"PLAIN\"]"] {
        assert_eq!(relay(key).auth, Auth::Required, "{key}");
        assert_eq!(relay(&format!("{key}\nauth = \"never\"")).auth, Auth::Never);
    }
    assert_eq!(relay("auth = \"required\"").auth, Auth::Required);
}

#[test]
fn smtps_is_implicit_tls() {
    assert_eq!(relay("server = \"smtps://a\"").tls, Some(Tls::Implicit));
    assert_eq!(relay("server = \"smtps://a:25\"\ntls = \"implicit\"").tls, Some(Tls::Implicit));
    assert_eq!(relay("server = \"smtp://a:465\"").tls, None);
}

#[test]
fn a_relays_keys_replace_the_defaults() {
    let document = parse(
        "version = 1\n\
         [defaults]\n\
         tls = \"starttls\"\n\
         hello = \"web1.example.org\"\n\
         timeout = { connect = \"10s\", reply = \"60s\" }\n\
         [relay.a]\n\
         [relay.b]\n\
         tls = \"off\"\n\
         timeout.reply = \"5s\"\n\
         [relay.c]\n\
         server = \"smtps://c\"\n",
    )
    .unwrap();
    let relay = |name: &str| document.relay(name).unwrap();
    assert_eq!(relay("a").tls, Some(Tls::StartTls));
    assert_eq!(relay("b").tls, Some(Tls::Off));
    assert_eq!(relay("c").tls, Some(Tls::Implicit));
    assert_eq!(relay("b").hello.as_deref(), Some(c"web1.example.org"));
    assert_eq!(relay("b").timeouts.connect, Some(Duration::from_secs(10)));
    assert_eq!(relay("b").timeouts.reply, Some(Duration::from_secs(5)));
    let written: Vec<_> = relay("b").settings.iter().map(|one| (one.key, one.written.as_str())).collect();
    assert_eq!(
        written,
        [
            ("hello", "\"web1.example.org\""),
            ("timeout.connect", "\"10s\""),
            ("tls", "\"off\""),
            ("timeout.reply", "\"5s\"")
        ]
    );
    let lines: Vec<_> = relay("b").settings.iter().map(|one| (one.position.line, one.is_default)).collect();
    assert_eq!(lines, [(4, true), (5, true), (8, false), (9, false)]);
}
