// SPDX-License-Identifier: LGPL-2.1-or-later
//! A server's certificate for whoever wants to look at it.

use std::net::IpAddr;

use openssl::ssl::SslRef;
use openssl::x509::{GeneralNameRef, X509NameRef};

use super::demands::key_hash;

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Whose it is.
    pub subject: String,
    /// Who has signed it.
    pub issuer: String,
    /// Names and addresses of the server.
    pub names: Vec<String>,
    /// Since when it is valid.
    pub not_before: String,
    /// Until when.
    pub not_after: String,
    /// SHA-256 of its public key.
    pub key: Option<[u8; 32]>,
}

/// The certificate that the server has shown.
pub(super) fn of(ssl: &SslRef) -> Option<CertificateFacts> {
    let certificate = ssl.peer_certificate()?;
    let names = certificate.subject_alt_names();
    Some(CertificateFacts {
        subject: text(certificate.subject_name()),
        issuer: text(certificate.issuer_name()),
        names: names.iter().flatten().filter_map(name).collect(),
        not_before: certificate.not_before().to_string(),
        not_after: certificate.not_after().to_string(),
        key: key_hash(&certificate),
    })
}

fn text(name: &X509NameRef) -> String {
    let part = |entry: &openssl::x509::X509NameEntryRef| {
        let kind = entry.object().nid().short_name().unwrap_or("?");
        let value = entry.data().to_string().unwrap_or_default();
        format!("{kind}={}", printable(&value))
    };
    let parts: Vec<String> = name.entries().map(part).collect();
    parts.join(", ")
}

fn name(name: &GeneralNameRef) -> Option<String> {
    if let Some(domain) = name.dnsname() {
        return Some(printable(domain));
    }
    let octets = name.ipaddress()?;
    let address = <[u8; 4]>::try_from(octets).map(IpAddr::from);
    let address = address.or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from));
    address.ok().map(|address| address.to_string())
}

/// A terminal must not obey what a certificate says.
fn printable(text: &str) -> String {
    text.chars().map(|one| if one.is_control() { '?' } else { one }).collect()
}
