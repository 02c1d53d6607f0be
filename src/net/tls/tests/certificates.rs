// SPDX-License-Identifier: LGPL-2.1-or-later
//! Certificates made for a test.

use foreign_types::ForeignType as _;
use openssl::asn1::{Asn1Object, Asn1OctetString, Asn1Time, Asn1Type};
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::extension::BasicConstraints;
use openssl::x509::{X509, X509Builder, X509Extension, X509Name};

/// A moment so many seconds from now. `Asn1Time::from_unix` takes the `time_t` of the crate `libc`, which on armhf is
/// not OpenSSL's.
fn from_now(seconds: i64) -> Asn1Time {
    let seconds = std::ffi::c_long::try_from(seconds).expect("fits");
    // SAFETY: without an object to change the function makes one, or gives NULL.
    let time = unsafe { openssl_sys::X509_gmtime_adj(std::ptr::null_mut(), seconds) };
    assert!(!time.is_null(), "memory");
    // SAFETY: it is a live object, and ours alone.
    unsafe { Asn1Time::from_ptr(time) }
}

/// A certificate and its key.
pub(in super::super) struct Issued {
    pub(in super::super) certificate: X509,
    pub(in super::super) key: PKey<Private>,
}

/// What a certificate is to say.
pub(in super::super) struct Template<'a> {
    pub(in super::super) common_name: Option<&'a str>,
    /// Encoded GeneralNames.
    pub(in super::super) names: Vec<Vec<u8>>,
    /// Seconds from now.
    pub(in super::super) valid: (i64, i64),
    pub(in super::super) is_ca: bool,
    /// `None`: Ed25519, which has no digest of its own.
    pub(in super::super) digest: Option<MessageDigest>,
}

impl Default for Template<'_> {
    fn default() -> Self {
        Self {
            common_name: None,
            names: Vec::new(),
            valid: (-3600, 3600),
            is_ca: false,
            digest: Some(MessageDigest::sha256()),
        }
    }
}

/// An entry of subjectAltName (RFC 5280 §4.2.1.6).
fn entry(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).expect("short");
    assert!(length < 128);
    [&[0x80 | tag, length], content].concat()
}

pub(in super::super) fn dns(name: impl AsRef<[u8]>) -> Vec<u8> {
    entry(2, name.as_ref())
}

pub(in super::super) fn email(address: &str) -> Vec<u8> {
    entry(1, address.as_bytes())
}

pub(in super::super) fn ip(address: &str) -> Vec<u8> {
    match address.parse().expect("address") {
        std::net::IpAddr::V4(address) => entry(7, &address.octets()),
        std::net::IpAddr::V6(address) => entry(7, &address.octets()),
    }
}

impl Template<'_> {
    /// For a host, by its DNS name.
    pub(in super::super) fn host(name: &str) -> Self {
        Self {
            names: vec![dns(name)],
            ..Self::default()
        }
    }

    pub(in super::super) fn authority() -> Issued {
        Self::authority_named("Test CA")
    }

    pub(in super::super) fn authority_named(name: &str) -> Issued {
        let template = Template {
            common_name: Some(name),
            is_ca: true,
            ..Template::default()
        };
        template.self_signed()
    }

    pub(in super::super) fn self_signed(&self) -> Issued {
        let key = self.key();
        let subject = self.subject();
        let certificate = self.sign(&key, &subject, &key);
        Issued { certificate, key }
    }

    fn key(&self) -> PKey<Private> {
        if self.digest.is_none() {
            return PKey::generate_ed25519().expect("key");
        }
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("curve");
        PKey::from_ec_key(EcKey::generate(&group).expect("key")).expect("key")
    }

    fn subject(&self) -> X509Name {
        let mut name = X509Name::builder().expect("name");
        if let Some(common_name) = self.common_name {
            name.append_entry_by_nid_with_type(Nid::COMMONNAME, common_name, Asn1Type::UTF8STRING)
                .expect("name");
        }
        name.build()
    }

    fn sign(&self, key: &PKey<Private>, issuer: &X509Name, signer: &PKey<Private>) -> X509 {
        let mut builder = X509Builder::new().expect("builder");
        builder.set_version(2).expect("version");
        let serial = BigNum::from_u32(std::process::id()).expect("number").to_asn1_integer().expect("serial");
        builder.set_serial_number(&serial).expect("serial");
        builder.set_not_before(&from_now(self.valid.0)).expect("time");
        builder.set_not_after(&from_now(self.valid.1)).expect("time");
        builder.set_subject_name(&self.subject()).expect("name");
        builder.set_issuer_name(issuer).expect("name");
        builder.set_pubkey(key).expect("key");
        if self.is_ca {
            let basic = BasicConstraints::new().critical().ca().build().expect("extension");
            builder.append_extension(basic).expect("extension");
        }
        if !self.names.is_empty() {
            builder.append_extension(alternatives(&self.names)).expect("extension");
        }
        // Signing with nothing is how OpenSSL is told of a key with a digest of its own.
        let digest = self.digest.unwrap_or_else(MessageDigest::null);
        let digest = if signer.id() == openssl::pkey::Id::ED25519 {
            MessageDigest::null()
        } else {
            digest
        };
        builder.sign(signer, digest).expect("signature");
        builder.build()
    }
}

fn alternatives(names: &[Vec<u8>]) -> X509Extension {
    let content = names.concat();
    let length = u8::try_from(content.len()).expect("short");
    let mut der = vec![0x30];
    if length >= 128 {
        der.push(0x81);
    }
    der.push(length);
    der.extend_from_slice(&content);
    let oid = Asn1Object::from_str("2.5.29.17").expect("oid");
    let der = Asn1OctetString::new_from_bytes(&der).expect("string");
    X509Extension::new_from_der(&oid, false, &der).expect("extension")
}

impl Issued {
    /// Issues a certificate as a CA.
    pub(in super::super) fn issue(&self, template: &Template<'_>) -> Self {
        let key = template.key();
        let issuer = X509Name::from_der(&self.certificate.subject_name().to_der().expect("name"));
        let certificate = template.sign(&key, &issuer.expect("name"), &self.key);
        Self { certificate, key }
    }

    pub(in super::super) fn certificate_pem(&self) -> Vec<u8> {
        self.certificate.to_pem().expect("pem")
    }

    pub(in super::super) fn key_pem(&self) -> Vec<u8> {
        self.key.private_key_to_pem_pkcs8().expect("pem")
    }

    /// Certificate and key in one text.
    pub(in super::super) fn pem(&self) -> Vec<u8> {
        [self.certificate_pem(), self.key_pem()].concat()
    }
}
