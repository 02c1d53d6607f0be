// SPDX-License-Identifier: LGPL-2.1-or-later
//! Data that tell one TLS connection from any other (RFC 5929, RFC 9266).

use std::ffi::c_int;
use std::ptr;

use foreign_types::ForeignTypeRef as _;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::ssl::{SslRef, SslVersion};
use openssl::x509::X509Ref;

use super::sys;

/// Where the data come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsBindingKind {
    /// `tls-exporter` (RFC 9266).
    Exporter,
    /// `tls-unique` (RFC 5929 §3).
    Unique,
    /// `tls-server-end-point` (RFC 5929 §4).
    ServerEndPoint,
}

/// What an authentication can be bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsBinding {
    /// Where the data come from.
    pub kind: TlsBindingKind,
    pub data: Vec<u8>,
}

/// The strongest that the connection has.
pub(super) fn of(ssl: &SslRef) -> Option<TlsBinding> {
    let (kind, data) = if ssl.version2() == Some(SslVersion::TLS1_3) {
        (TlsBindingKind::Exporter, exporter(ssl)?)
    } else if ssl.extms_support() == Some(true) {
        // Without the extended master secret two connections can be made to have the same
        // (RFC 7627 §1).
        (TlsBindingKind::Unique, first_finished(ssl)?)
    } else {
        (TlsBindingKind::ServerEndPoint, end_point(&*ssl.peer_certificate()?)?)
    };
    Some(TlsBinding { kind, data })
}

fn exporter(ssl: &SslRef) -> Option<Vec<u8>> {
    let mut data = vec![0; 32];
    // RFC 9266 §4.2 has a zero-length context, which in TLS 1.3 is the same as none.
    ssl.export_keying_material(&mut data, "EXPORTER-Channel-Binding", None).ok()?;
    Some(data)
}

/// The client's message, or the server's if an earlier session was resumed.
fn first_finished(ssl: &SslRef) -> Option<Vec<u8>> {
    let mut data = vec![0; 64];
    let length = if ssl.session_reused() {
        ssl.peer_finished(&mut data)
    } else {
        ssl.finished(&mut data)
    };
    data.truncate(length);
    (!data.is_empty()).then_some(data)
}

/// The certificate's hash, by the hash function of its signature; MD5 and SHA-1 are replaced.
fn end_point(certificate: &X509Ref) -> Option<Vec<u8>> {
    let digest = match signature_digest(certificate)? {
        Nid::MD5 | Nid::SHA1 => MessageDigest::sha256(),
        nid => MessageDigest::from_nid(nid)?,
    };
    certificate.digest(digest).ok().map(|hash| hash.to_vec())
}

/// `None` if the signature has no hash function of its own (Ed25519).
fn signature_digest(certificate: &X509Ref) -> Option<Nid> {
    let mut digest: c_int = 0;
    // SAFETY: the certificate is live; the digest is stored, the rest is not asked for.
    let known = unsafe {
        sys::X509_get_signature_info(
            certificate.as_ptr(),
            &raw mut digest,
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null_mut(),
        )
    };
    let nid = Nid::from_raw(digest);
    (known == 1 && nid != Nid::UNDEF).then_some(nid)
}

#[cfg(test)]
mod tests;
