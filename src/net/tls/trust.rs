// SPDX-License-Identifier: LGPL-2.1-or-later
//! Which CAs are trusted: the user's list, else OpenSSL's.

use std::ffi::{CStr, CString, OsStr, c_char, c_int};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::ptr;

use foreign_types::ForeignTypeRef as _;
use openssl::error::ErrorStack;
use openssl::ssl::{SslContextBuilder, SslRef};
use openssl::x509::{X509StoreContext, X509StoreContextRef, X509VerifyResult};

use super::config_dir::{ConfigDir, NotAcceptable};
use super::sys;

/// What a context of ours trusts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// All that is to be trusted.
    Complete,
    /// OpenSSL's default directory; its default file is loaded when it is needed.
    Directory,
    /// The user's list must not be used.
    Unusable,
}

/// Sets what a new context trusts. Files are loaded here and nowhere else.
pub(super) fn load(builder: &mut SslContextBuilder, directory: Option<&ConfigDir>) -> Trust {
    match directory.map_or(Ok(false), |directory| load_user_list(builder, directory)) {
        Ok(true) => Trust::Complete,
        Ok(false) => load_default(builder),
        Err(NotAcceptable) => Trust::Unusable,
    }
}

/// The user's list; `false` if there is none.
fn load_user_list(builder: &SslContextBuilder, directory: &ConfigDir) -> Result<bool, NotAcceptable> {
    let path = |path: PathBuf| CString::new(path.into_os_string().into_vec()).map_err(|_| NotAcceptable);
    let file = directory.ca_file()?.map(path).transpose()?;
    let hashed = directory.ca_dir()?.map(path).transpose()?;
    if file.is_none() && hashed.is_none() {
        return Ok(false);
    }
    let or_null = |path: &Option<CString>| path.as_ref().map_or(ptr::null(), |path| path.as_ptr());
    // SAFETY: the context is live; both paths are NULL or C strings that live until the
    // function returns.
    let loaded = unsafe {
        openssl_sys::SSL_CTX_load_verify_locations(builder.as_ptr(), or_null(&file), or_null(&hashed))
    };
    if loaded == 1 { Ok(true) } else { Err(NotAcceptable) }
}

/// OpenSSL's list. The default file holds hundreds of certificates, and reading it costs more
/// than all the rest of a session; the default directory usually holds the same and is read
/// one certificate at a time. So the file waits until the directory proves insufficient.
fn load_default(builder: &mut SslContextBuilder) -> Trust {
    if is_set(openssl_file_variable()) || !default_dirs().iter().any(|path| is_hashed(path)) {
        // A system without CA list trusts nobody; that is found by the verification.
        let _ = builder.set_default_verify_paths();
        return Trust::Complete;
    }
    // SAFETY: the context is live.
    unsafe { sys::SSL_CTX_set_default_verify_dir(builder.as_ptr()) };
    Trust::Directory
}

/// Verifies the server's chain once more, with OpenSSL's default file, if the default
/// directory lacked the issuer.
pub(super) fn complete(ssl: &SslRef) {
    if !lacks_issuer(ssl.verify_result()) {
        return;
    }
    let context = ssl.ssl_context();
    // SAFETY: the context is live; its store locks itself against other users.
    unsafe { sys::SSL_CTX_set_default_verify_file(context.as_ptr()) };
    if let Some(result) = verify(ssl) {
        // SAFETY: the SSL object is live and ours.
        unsafe { sys::SSL_set_verify_result(ssl.as_ptr(), result.as_raw().into()) };
    }
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

/// Verifies as the handshake does: purpose, parameters and security level of the connection.
fn verify(ssl: &SslRef) -> Option<X509VerifyResult> {
    let leaf = ssl.peer_certificate()?;
    let chain = ssl.peer_cert_chain()?;
    let mut context = X509StoreContext::new().ok()?;
    let store = ssl.ssl_context().cert_store();
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

fn openssl_file_variable() -> *const c_char {
    // SAFETY: the function gives a constant C string.
    unsafe { openssl_sys::X509_get_default_cert_file_env() }
}

fn openssl_dir_variable() -> *const c_char {
    // SAFETY: as above.
    unsafe { openssl_sys::X509_get_default_cert_dir_env() }
}

/// The directories of OpenSSL's default list.
fn default_dirs() -> Vec<PathBuf> {
    let list = value(openssl_dir_variable()).unwrap_or_else(|| {
        // SAFETY: the function gives a constant C string.
        let default = unsafe { openssl_sys::X509_get_default_cert_dir() };
        // SAFETY: as above.
        unsafe { CStr::from_ptr(default) }.to_bytes().to_vec()
    });
    let paths = list.split(|byte| *byte == b':');
    paths.map(|path| PathBuf::from(OsStr::from_bytes(path))).collect()
}

fn is_set(variable: *const c_char) -> bool {
    value(variable).is_some()
}

/// A variable as OpenSSL reads it.
fn value(variable: *const c_char) -> Option<Vec<u8>> {
    // SAFETY: the name is one of OpenSSL's constant C strings.
    let value = unsafe { sys::secure_getenv(variable) };
    if value.is_null() {
        return None;
    }
    // SAFETY: the environment's value is a C string, copied at once.
    Some(unsafe { CStr::from_ptr(value) }.to_bytes().to_vec())
}

/// Whether certificates are found in a directory by the hash of their subject (`1a2b3c4d.0`).
fn is_hashed(path: &Path) -> bool {
    let Ok(entries) = path.read_dir() else {
        return false;
    };
    entries.flatten().any(|entry| {
        let name = entry.file_name();
        let name = name.as_bytes();
        let Some((hash, [b'.', number @ ..])) = name.split_at_checked(8) else {
            return false;
        };
        hash.iter().all(u8::is_ascii_hexdigit) && !number.is_empty() && number.iter().all(u8::is_ascii_digit)
    })
}
