// SPDX-License-Identifier: LGPL-2.1-or-later
//! A long list of CA certificates, of which those are loaded that a server's chain leads to.
//!
//! To find a name in the list costs a hundredth of what it costs to make OpenSSL's objects of
//! all its certificates.

use std::collections::HashSet;
use std::ffi::c_int;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use foreign_types::{ForeignType as _, ForeignTypeRef as _};
use memchr::memmem::{self, Finder};
use once_cell::sync::OnceCell;
use openssl::error::ErrorStack;
use openssl::ssl::SslRef;
use openssl::x509::store::X509StoreRef;
use openssl::x509::{X509, X509Ref, X509StoreContext, X509StoreContextRef, X509VerifyResult};

use super::sys;

/// Systems have some 200 KiB.
const FILE_MAX: u64 = 16 << 20;

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
const END: &[u8] = b"-----END CERTIFICATE-----";

/// Most issuers that are remembered as looked for; a server may name any.
const SEARCHED_MAX: usize = 64;

/// A list that is searched when it is needed.
#[derive(Debug)]
pub(super) struct CaFile {
    path: PathBuf,
    /// Its certificates in DER, once one was needed.
    certificates: OnceCell<Vec<Vec<u8>>>,
    /// What was looked for already: it is in the store now, or not in the file.
    searched: Mutex<HashSet<Vec<u8>>>,
}

/// Whether there is a certificate in the file.
pub(super) fn is_usable(path: &Path) -> bool {
    read(path).is_ok_and(|pem| certificates(&pem).any(|der| X509::from_der(&der).is_ok()))
}

impl CaFile {
    pub(super) fn new(path: PathBuf) -> Arc<Self> {
        Arc::new(Self {
            path,
            certificates: OnceCell::new(),
            searched: Mutex::default(),
        })
    }

    /// Verifies the server's chain once more, with what the file adds, if an issuer was
    /// lacking. What is added stays in the connection's context, as if the file had been
    /// loaded.
    pub(super) fn complete(&self, ssl: &SslRef) {
        if !lacks_issuer(ssl.verify_result()) {
            return;
        }
        let chain = ssl.peer_cert_chain().into_iter().flatten();
        let wanted: Vec<Vec<u8>> = chain.flat_map(leads_to).collect();
        if self.is_news(&wanted) {
            let decoded = || read(&self.path).map(|pem| certificates(&pem).collect());
            let Ok(list) = self.certificates.get_or_try_init(decoded) else {
                return;
            };
            add_issuers(ssl, list.iter().collect(), wanted.clone());
            self.remember(wanted);
        }
        // Another session may have added what this one lacked.
        if let Some(result) = verify(ssl, ssl.ssl_context().cert_store()) {
            // SAFETY: the SSL object is live and ours.
            unsafe { sys::SSL_set_verify_result(ssl.as_ptr(), result.as_raw().into()) };
        }
    }

    /// Whether any of these was not looked for yet.
    fn is_news(&self, wanted: &[Vec<u8>]) -> bool {
        let searched = self.searched.lock().unwrap_or_else(PoisonError::into_inner);
        !wanted.iter().all(|sign| searched.contains(sign))
    }

    fn remember(&self, wanted: Vec<Vec<u8>>) {
        let mut searched = self.searched.lock().unwrap_or_else(PoisonError::into_inner);
        if searched.len() + wanted.len() > SEARCHED_MAX {
            searched.clear();
        }
        searched.extend(wanted);
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut pem = Vec::new();
    File::open(path)?.take(FILE_MAX).read_to_end(&mut pem)?;
    Ok(pem)
}

/// The certificates of a PEM text, in DER.
fn certificates(pem: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let end = Finder::new(END);
    memmem::find_iter(pem, BEGIN).filter_map(move |at| {
        let body = pem.get(at + BEGIN.len()..)?;
        let body = body.get(..end.find(body)?)?;
        BASE64_STANDARD.decode(without_line_ends(body)).ok()
    })
}

fn without_line_ends(text: &[u8]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(text.len());
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', text).chain([text.len()]) {
        joined.extend_from_slice(text.get(start..end).unwrap_or_default().trim_ascii());
        start = end + 1;
    }
    joined
}

/// Adds to the store what the server's chain leads to, what that leads to, and so on.
fn add_issuers(ssl: &SslRef, mut list: Vec<&Vec<u8>>, mut wanted: Vec<Vec<u8>>) {
    let store = ssl.ssl_context().cert_store();
    loop {
        let finders: Vec<Finder<'_>> = wanted.iter().map(Finder::new).collect();
        let is_wanted = |der: &&Vec<u8>| finders.iter().any(|finder| finder.find(der).is_some());
        let (found, rest): (Vec<_>, Vec<_>) = list.into_iter().partition(is_wanted);
        if found.is_empty() {
            return;
        }
        list = rest;
        for certificate in found.iter().flat_map(|der| X509::from_der(der)) {
            wanted.extend(leads_to(&certificate));
            // SAFETY: both are live; the store locks itself, and takes a reference of its own.
            unsafe { openssl_sys::X509_STORE_add_cert(store.as_ptr(), certificate.as_ptr()) };
        }
    }
}

/// What the issuer's certificate holds somewhere: its name and, should the name be spelt
/// another way there, the identifier of its key.
fn leads_to(certificate: &X509Ref) -> impl Iterator<Item = Vec<u8>> {
    /// Anything shorter is found everywhere.
    const MIN: usize = 8;
    let name = certificate.issuer_name().to_der().ok();
    let key = certificate.authority_key_id().map(|key| key.as_slice().to_vec());
    name.into_iter().chain(key).filter(|sign| sign.len() >= MIN)
}

fn lacks_issuer(result: X509VerifyResult) -> bool {
    use openssl_sys as ffi;
    matches!(
        result.as_raw(),
        ffi::X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT
            | ffi::X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY
            | ffi::X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE
            | ffi::X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT
            | ffi::X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN
    )
}

/// Verifies as the handshake does: purpose, security level and parameters of the connection.
pub(super) fn verify(ssl: &SslRef, store: &X509StoreRef) -> Option<X509VerifyResult> {
    let leaf = ssl.peer_certificate()?;
    let chain = ssl.peer_cert_chain()?;
    let mut context = X509StoreContext::new().ok()?;
    let verified = context.init(store, &leaf, chain, |context| {
        set_parameters(context, ssl)?;
        context.verify_cert()?;
        Ok(context.error())
    });
    verified.ok()
}

fn set_parameters(context: &mut X509StoreContextRef, ssl: &SslRef) -> Result<(), ErrorStack> {
    // SAFETY: the context is live and initialised; the name is a C string.
    check(unsafe { sys::X509_STORE_CTX_set_default(context.as_ptr(), c"ssl_server".as_ptr()) })?;
    // SAFETY: the context is live and initialised, so it has parameters.
    let parameters = unsafe { sys::X509_STORE_CTX_get0_param(context.as_ptr()) };
    // SAFETY: the SSL object is live.
    let level = unsafe { openssl_sys::SSL_get_security_level(ssl.as_ptr()) };
    // SAFETY: the parameters live as long as their context.
    unsafe { openssl_sys::X509_VERIFY_PARAM_set_auth_level(parameters, level) };
    // SAFETY: the SSL object is live and keeps its parameters.
    let own = unsafe { openssl_sys::SSL_get0_param(ssl.as_ptr()) };
    // SAFETY: both are live, and the second is copied.
    check(unsafe { sys::X509_VERIFY_PARAM_set1(parameters, own) })
}

fn check(result: c_int) -> Result<(), ErrorStack> {
    if result == 1 { Ok(()) } else { Err(ErrorStack::get()) }
}
