// SPDX-License-Identifier: LGPL-2.1-or-later

use super::*;
use crate::sasl::channel::{BindingKind, ChannelBinding};

fn credentials(user: &str, passphrase: &str) -> Credentials {
    Credentials {
        user: Secret::from(user.as_bytes()),
        passphrase: Secret::from(passphrase.as_bytes()),
        ..Credentials::empty()
    }
}

fn text(secret: &Secret) -> &str {
    std::str::from_utf8(secret).unwrap()
}

fn tls(plus_offered: bool) -> Channel {
    Channel {
        secure: true,
        binding: Some(ChannelBinding {
            kind: BindingKind::TlsExporter,
            data: vec![0, 1, 0xfe, 0xff],
        }),
        plus_offered,
        ..Channel::default()
    }
}

/// The exchange of RFC 5802 §5 after the client's first message.
fn sha1_example() -> Scram {
    let mut scram = Scram::new(Hash::Sha1);
    let nonce = b"fyko+d2lbbFgONRv9qkxdawL".to_vec();
    let first = scram.first(&credentials("user", "pencil"), &Channel::default(), nonce).unwrap();
    assert_eq!(text(&first), "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL");
    scram
}

const SHA1_SERVER_FIRST: &[u8] = b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096";

#[test]
fn example_of_rfc_5802() {
    let mut scram = sha1_example();
    let second = scram.step(SHA1_SERVER_FIRST).unwrap();
    assert_eq!(
        text(&second),
        "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="
    );
    assert!(!scram.believes_success());
    assert_eq!(text(&scram.step(b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=").unwrap()), "");
    assert!(scram.believes_success());
    assert!(scram.step(b"").is_err());
    assert!(!scram.believes_success());
}

#[test]
fn example_of_rfc_7677() {
    let mut scram = Scram::new(Hash::Sha256);
    let nonce = b"rOprNGfwEbeRWgbNEkqO".to_vec();
    let first = scram.first(&credentials("user", "pencil"), &Channel::default(), nonce).unwrap();
    assert_eq!(text(&first), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    let second = scram
        .step(b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")
        .unwrap();
    assert_eq!(
        text(&second),
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
         p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    );
    let last = scram.step(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=").unwrap();
    assert!(last.is_empty() && scram.believes_success());
}

#[test]
fn a_server_that_does_not_prove_itself_is_not_believed() {
    for claim in [
        b"v=AAAAAAAAAAAAAAAAAAAAAAAAAAA=".as_slice(),
        b"v=rmF9pqV8S7suAoZWja4dJRkFsA==",
        b"v=",
        b"",
    ] {
        let mut scram = sha1_example();
        scram.step(SHA1_SERVER_FIRST).unwrap();
        assert!(scram.step(claim).is_err());
        assert!(!scram.believes_success() && scram.distrusts_server());
        assert!(scram.step(b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=").is_err(), "no second try");
    }
}

/// The server's reply says the same then.
#[test]
fn a_refused_proof_is_no_success() {
    let mut scram = sha1_example();
    scram.step(SHA1_SERVER_FIRST).unwrap();
    assert!(scram.step(b"e=invalid-proof").unwrap().is_empty());
    assert!(!scram.believes_success() && !scram.distrusts_server());
    assert!(scram.step(b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=").is_err());
}

#[test]
fn a_server_that_answers_somebody_else_is_not_believed() {
    let mut scram = sha1_example();
    assert!(scram.step(b"r=somebody-else's,s=QSXCR+Q6sek8bf92,i=4096").is_err());
    assert!(scram.distrusts_server());
    let mut scram = sha1_example();
    assert!(scram.step(b"r=fyko+d2lbbFgONRv9qkxdawL,s=QSXCR+Q6sek8bf92").is_err());
    assert!(!scram.distrusts_server());
}

#[test]
fn a_failed_exchange_stays_failed() {
    let mut scram = sha1_example();
    assert!(scram.step(b"m=unknown,r=x,s=QSXCR+Q6sek8bf92,i=4096").is_err());
    assert!(scram.step(SHA1_SERVER_FIRST).is_err());
    assert!(Scram::new(Hash::Sha1).step(SHA1_SERVER_FIRST).is_err());
}

#[test]
fn header_tells_of_channel_binding() {
    let first = |mut scram: Scram, channel: &Channel| {
        let first = scram.start(credentials("u", "p"), channel);
        first.map(|message| text(&message.unwrap()).split("n=").next().unwrap().to_owned())
    };
    let plain = || Scram::new(Hash::Sha256);
    let plus = || Scram::with_binding(Hash::Sha256);
    assert_eq!(first(plain(), &Channel::default()).unwrap(), "n,,");
    assert_eq!(first(plain(), &tls(false)).unwrap(), "y,,");
    assert_eq!(first(plain(), &tls(true)).unwrap(), "n,,");
    assert_eq!(first(plus(), &tls(true)).unwrap(), "p=tls-exporter,,");
    assert!(first(plus(), &Channel::default()).is_err());
    let no_binding = Channel { binding: None, ..tls(false) };
    assert_eq!(first(plain(), &no_binding).unwrap(), "n,,");
    assert!(first(plus(), &no_binding).is_err());
}

/// The binding's data follows the header in `c=` (RFC 5802 §7: cbind-input).
#[test]
fn binding_is_part_of_the_proof() {
    let mut scram = Scram::with_binding(Hash::Sha1);
    scram.first(&credentials("user", "pencil"), &tls(true), b"abc".to_vec()).unwrap();
    let second = scram.step(b"r=abcD,s=QSXCR+Q6sek8bf92,i=1").unwrap();
    let expected = STANDARD.encode(b"p=tls-exporter,,\x00\x01\xfe\xff");
    assert!(text(&second).starts_with(&format!("c={expected},r=abcD,p=")));
}

/// Computed with the standard library of Python (`hashlib.pbkdf2_hmac`, `hmac`).
#[test]
fn names_and_passwords_are_prepared_and_escaped() {
    let mut scram = Scram::new(Hash::Sha256);
    // RFC 4013 §3: a soft hyphen is dropped, ª becomes a; RFC 5802 §5.1: comma, equals sign.
    let credentials = credentials("I\u{ad}X,=\u{aa}", "p\u{ad}a\u{2168}");
    let first = scram.first(&credentials, &Channel::default(), b"abc".to_vec()).unwrap();
    assert_eq!(text(&first), "n,,n=IX=2C=3Da,r=abc");
    let second = scram.step(b"r=abcD,s=QSXCR+Q6sek8bf92,i=7").unwrap();
    assert_eq!(text(&second), "c=biws,r=abcD,p=ve5gvsqash8miueFGmPbPpRySeu/Z1tGkqaoGMk0KFY=");
}

#[test]
fn text_that_cannot_be_prepared_is_refused() {
    for (user, passphrase) in [
        (b"".as_slice(), b"p".as_slice()),
        (b"\xc2\xad", b"p"),
        (b"u\xff", b"p"),
        (b"u", b"p\xff"),
        (b"u\x07", b"p"),
        (b"u", b"\x07"),
    ] {
        let credentials = Credentials {
            user: Secret::from(user),
            passphrase: Secret::from(passphrase),
            ..Credentials::empty()
        };
        assert!(Scram::new(Hash::Sha1).start(credentials, &Channel::default()).is_err());
    }
}

#[test]
fn nonces_differ() {
    let nonce = || {
        let first = Scram::new(Hash::Sha1).start(credentials("u", "p"), &Channel::default());
        text(&first.unwrap().unwrap()).to_owned()
    };
    assert_ne!(nonce(), nonce());
}
