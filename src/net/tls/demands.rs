// SPDX-License-Identifier: LGPL-2.1-or-later
//! What a site policy demands of TLS with one server. All of it is set on the connection, nothing
//! on the application's context, which other sessions use too.

use std::ffi::{CString, c_int};
use std::path::PathBuf;
use std::ptr;

use foreign_types::ForeignTypeRef as _;
use openssl::error::ErrorStack;
use openssl::pkey::PKey;
use openssl::ssl::{SslFiletype, SslRef, SslVerifyMode, SslVersion};
use openssl::x509::store::{X509Lookup, X509Store, X509StoreBuilder};
use openssl::x509::{X509, X509Ref, X509VerifyResult};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::error_queue::with_clean_queue;
use super::{ca_file, sys};

/// PEM text, some of it secret.
pub type Pem = Zeroizing<Vec<u8>>;

/// What is demanded beyond what is always done.
#[derive(Default)]
pub struct TlsDemands {
    /// The name to send and to look for in the certificate; `None` = the server's.
    pub name: Option<CString>,
    /// TLS 1.3 at least, not 1.2.
    pub version_1_3: bool,
    /// Certificates of authorities.
    pub authorities: Option<Pem>,
    /// A folder of such, under the hashes of their names.
    pub authority_folder: Option<PathBuf>,
    /// SHA-256 of the public keys of which the server must have one; then neither authority nor
    /// name nor dates count. Empty = any.
    pub pins: Vec<[u8; 32]>,
    /// A client certificate with its chain, and its key.
    pub certificate: Option<(Pem, Pem)>,
    /// What the verification finds is final: the application's callbacks in OpenSSL cannot make
    /// anything good.
    pub strict: bool,
}

/// How the server's key compares with those that are pinned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pin {
    /// None is.
    NotAsked,
    /// It is one of them.
    Matches,
    /// It is another; this is its SHA-256, if there is a certificate.
    Mismatch(Option<[u8; 32]>),
}

impl TlsDemands {
    /// Whether other authorities count than those of the context.
    pub(super) fn replace_authorities(&self) -> bool {
        self.authorities.is_some() || self.authority_folder.is_some() || !self.pins.is_empty()
    }

    /// Whether a server that is good by the context is good by this.
    pub(super) fn agree_with_context(&self) -> bool {
        !self.replace_authorities() && !self.version_1_3
    }

    /// Sets what can be set before the handshake.
    pub(super) fn apply(&self, ssl: &mut SslRef) -> Result<(), ErrorStack> {
        let least = if self.version_1_3 { SslVersion::TLS1_3 } else { SslVersion::TLS1_2 };
        if !is_at_least_1_3(ssl) {
            ssl.set_min_proto_version(Some(least))?;
        }
        if self.authorities.is_some() || self.authority_folder.is_some() {
            ssl.set_verify_cert_store(self.store()?)?;
        }
        if !self.pins.is_empty() {
            // The key decides, after the handshake.
            ssl.set_verify(SslVerifyMode::NONE);
        }
        Ok(())
    }

    fn store(&self) -> Result<X509Store, ErrorStack> {
        let mut builder = X509StoreBuilder::new()?;
        if let Some(pem) = &self.authorities {
            for certificate in X509::stack_from_pem(pem)? {
                builder.add_cert(certificate)?;
            }
        }
        if let Some(folder) = self.authority_folder.as_deref().and_then(std::path::Path::to_str) {
            builder.add_lookup(X509Lookup::hash_dir())?.add_dir(folder, SslFiletype::PEM)?;
        }
        Ok(builder.build())
    }

    /// Whether the text has certificates at all.
    #[must_use]
    pub fn has_authorities(pem: &[u8]) -> bool {
        with_clean_queue(|| X509::stack_from_pem(pem).is_ok_and(|certificates| !certificates.is_empty()))
    }

    /// What is wrong with a certificate and its key, if anything. A key under a pass phrase is of
    /// no use: there is nobody to ask for it.
    #[must_use]
    pub fn certificate_fault(certificates: &[u8], key: &[u8]) -> Option<&'static str> {
        with_clean_queue(|| {
            let Some(leaf) =
                X509::stack_from_pem(certificates).ok().and_then(|chain| chain.into_iter().next())
            else {
                return Some("no certificate in it");
            };
            let Ok(key) = PKey::private_key_from_pem_passphrase(key, b"") else {
                return Some("its key cannot be used");
            };
            let own = leaf.public_key().is_ok_and(|own| own.public_eq(&key));
            (!own).then_some("its key is another's")
        })
    }

    pub(super) fn pin(&self, ssl: &SslRef) -> Pin {
        if self.pins.is_empty() {
            return Pin::NotAsked;
        }
        let found = ssl.peer_certificate().and_then(|certificate| key_hash(&certificate));
        match found {
            Some(hash) if self.pins.contains(&hash) => Pin::Matches,
            found => Pin::Mismatch(found),
        }
    }
}

/// The SHA-256 of a certificate's SubjectPublicKeyInfo, as it stands in the certificate.
pub(super) fn key_hash(certificate: &X509Ref) -> Option<[u8; 32]> {
    // SAFETY: the certificate is live; the key stays its own.
    let key = unsafe { sys::X509_get_X509_PUBKEY(certificate.as_ptr()) };
    // SAFETY: a certificate has a key; without a place to write to, only the length is given.
    let length = unsafe { sys::i2d_X509_PUBKEY(key, ptr::null_mut()) };
    let mut der = vec![0_u8; usize::try_from(length).ok().filter(|length| *length > 0)?];
    let mut end = der.as_mut_ptr();
    // SAFETY: there is room for as many octets as were asked for.
    let written = unsafe { sys::i2d_X509_PUBKEY(key, &raw mut end) };
    (written == length).then(|| Sha256::digest(&der).into())
}

/// OpenSSL's verdict on the server's chain without the application's callbacks: they may have
/// called good what is not. A verdict that is bad with them stays bad.
pub(super) fn verdict(ssl: &SslRef) -> X509VerifyResult {
    let first = ssl.verify_result();
    if first != X509VerifyResult::OK {
        return first;
    }
    let store = own_store(ssl).unwrap_or_else(|| ssl.ssl_context().cert_store().as_ptr());
    // SAFETY: the store belongs to the connection or its context, both of which are live.
    let store = unsafe { openssl::x509::store::X509StoreRef::from_ptr(store) };
    ca_file::verify(ssl, store).unwrap_or(X509VerifyResult::APPLICATION_VERIFICATION)
}

/// What the context, or the system's configuration, already asks for is not lowered.
fn is_at_least_1_3(ssl: &SslRef) -> bool {
    const SSL_CTRL_GET_MIN_PROTO_VERSION: c_int = 130;
    // SAFETY: the object is live; the command takes nothing and gives a number.
    let version =
        unsafe { openssl_sys::SSL_ctrl(ssl.as_ptr(), SSL_CTRL_GET_MIN_PROTO_VERSION, 0, ptr::null_mut()) };
    version >= openssl_sys::TLS1_3_VERSION.into()
}

/// The store that was set on the connection itself.
fn own_store(ssl: &SslRef) -> Option<*mut openssl_sys::X509_STORE> {
    const SSL_CTRL_GET_VERIFY_CERT_STORE: c_int = 137;
    let mut store: *mut openssl_sys::X509_STORE = ptr::null_mut();
    // SAFETY: the object is live; the command stores one pointer where it is told, without a
    // reference of its own.
    unsafe {
        openssl_sys::SSL_ctrl(
            ssl.as_ptr(),
            SSL_CTRL_GET_VERIFY_CERT_STORE,
            0,
            ptr::from_mut(&mut store).cast(),
        );
    }
    (!store.is_null()).then_some(store)
}
