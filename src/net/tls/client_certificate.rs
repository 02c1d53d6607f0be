// SPDX-License-Identifier: LGPL-2.1-or-later
//! A client certificate: a chain and its key, from PEM text.

use std::ptr;

use foreign_types::{ForeignType as _, ForeignTypeRef as _};
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::ssl::SslRef;
use openssl::x509::X509;

use super::context::PasswordSource;
use super::sys;

/// The certificate that we show to a server which asks for one.
pub(super) struct ClientCertificate {
    leaf: X509,
    chain: Vec<X509>,
    key: Option<PKey<Private>>,
}

impl ClientCertificate {
    /// Reads the certificate, those that lead to its CA, and its key. `None` = there is no
    /// certificate; a key that cannot be read is only found lacking later.
    pub(super) fn from_pem(pem: &[u8], password: PasswordSource) -> Option<Self> {
        Self::from_parts(pem, pem, password)
    }

    /// The same from two texts.
    pub(super) fn from_parts(certificates: &[u8], key: &[u8], password: PasswordSource) -> Option<Self> {
        let mut certificates = X509::stack_from_pem(certificates).ok()?.into_iter();
        Some(Self {
            leaf: certificates.next()?,
            chain: certificates.collect(),
            key: private_key(key, password),
        })
    }

    /// Whether there is a key, and it is the certificate's.
    pub(super) fn has_key(&self) -> bool {
        let own = self.leaf.public_key().ok();
        self.key.as_ref().is_some_and(|key| own.is_some_and(|own| key.public_eq(&own)))
    }

    /// What tells it from another.
    pub(super) fn fingerprint(&self) -> Option<Vec<u8>> {
        self.leaf.digest(MessageDigest::sha256()).ok().map(|hash| hash.to_vec())
    }

    /// Makes this the only certificate of a connection; `false` if it is too weak or odd for
    /// OpenSSL.
    pub(super) fn apply(self, ssl: &mut SslRef) -> bool {
        let Some(key) = self.key else { return false };
        // SAFETY: the SSL object is live and ours alone.
        unsafe { sys::SSL_certs_clear(ssl.as_ptr()) };
        ssl.set_certificate(&self.leaf).is_ok()
            && ssl.set_private_key(&key).is_ok()
            && self.chain.into_iter().all(|one| ssl.add_chain_cert(one).is_ok())
    }
}

/// The first private key of a PEM text.
fn private_key(pem: &[u8], password: PasswordSource) -> Option<PKey<Private>> {
    let length = i32::try_from(pem.len()).ok()?;
    // SAFETY: the memory is live until the BIO is freed below, and only read.
    let bio = unsafe { openssl_sys::BIO_new_mem_buf(pem.as_ptr().cast(), length) };
    if bio.is_null() {
        return None;
    }
    // SAFETY: the BIO is live; callback and argument belong together, and OpenSSL calls the
    // application's function itself, so nothing of Rust lies between.
    let key = unsafe { sys::PEM_read_bio_PrivateKey(bio, ptr::null_mut(), password.function, password.arg) };
    // SAFETY: the BIO is ours, and nothing refers to it any more.
    unsafe { openssl_sys::BIO_free_all(bio) };
    if key.is_null() {
        return None;
    }
    // SAFETY: the key is a new reference, given back when the value is dropped.
    Some(unsafe { PKey::from_ptr(key) })
}

#[cfg(test)]
mod tests;
