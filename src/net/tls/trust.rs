// SPDX-License-Identifier: LGPL-2.1-or-later
//! Which CAs are trusted: the user's list, else OpenSSL's.

use std::ffi::{CStr, CString, OsStr, OsString, c_char};
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::ptr;
use std::sync::Arc;

use openssl::ssl::SslContextBuilder;

use super::ca_file::{self, CaFile};
use super::config_dir::{ConfigDir, NotAcceptable};
use super::sys;
use crate::error::{self, Reason};

/// A list up to this size is loaded as a whole; it holds some forty certificates.
const SMALL: u64 = 65_536;

/// What a context of ours trusts.
#[derive(Debug, Clone)]
pub(super) enum Trust {
    /// What was loaded.
    Loaded,
    /// What was loaded, and the certificates in a file which are looked for when a server's
    /// chain leads to one.
    WithFile(Arc<CaFile>),
    /// The user's list must not be used, or could not be read.
    Unusable(Box<Reason>),
}

/// When a long list is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loading {
    /// At once: the context is the application's to use.
    AtOnce,
    /// When it is needed. To read the hundreds of certificates of a system's list costs far
    /// more than all the rest of a session.
    OnDemand,
}

/// Sets what a new context trusts. CA lists are loaded here and in [`ca_file`] only.
pub(super) fn load(
    builder: &mut SslContextBuilder,
    directory: Option<&ConfigDir>,
    loading: Loading,
) -> Trust {
    match directory.map_or(Ok(None), |directory| load_user_list(builder, directory, loading)) {
        Ok(Some(trust)) => trust,
        Ok(None) => load_default(builder, loading),
        Err(NotAcceptable) => Trust::Unusable(Box::new(error::take_found().unwrap_or(Reason::NONE))),
    }
}

/// The user's list; `None` if there is none.
fn load_user_list(
    builder: &SslContextBuilder,
    directory: &ConfigDir,
    loading: Loading,
) -> Result<Option<Trust>, NotAcceptable> {
    let mut file = directory.ca_file()?;
    let hashed = directory.ca_dir()?;
    if file.is_none() && hashed.is_none() {
        return Ok(None);
    }
    let is_long = |path: &PathBuf| fs::metadata(path).is_ok_and(|about| about.len() > SMALL);
    let later = match loading {
        Loading::AtOnce => None,
        Loading::OnDemand => file.take_if(|path| is_long(path) && ca_file::is_usable(path)),
    };
    if file.is_some() || hashed.is_some() {
        load_now(builder, file, hashed)?;
    }
    Ok(Some(later.map_or(Trust::Loaded, |path| Trust::WithFile(CaFile::new(path)))))
}

fn load_now(
    builder: &SslContextBuilder,
    file: Option<PathBuf>,
    hashed: Option<PathBuf>,
) -> Result<(), NotAcceptable> {
    let no_path = |path: &PathBuf| NotAcceptable::because(path, "is no path");
    let c_string = |path: &PathBuf| CString::new(path.as_os_str().as_bytes()).map_err(|_| no_path(path));
    let file_path = file.as_ref().map(c_string).transpose()?;
    let hashed_path = hashed.as_ref().map(c_string).transpose()?;
    let or_null = |path: &Option<CString>| path.as_ref().map_or(ptr::null(), |path| path.as_ptr());
    // SAFETY: the context is live; both paths are NULL or C strings that live until the
    // function returns.
    let loaded = unsafe {
        openssl_sys::SSL_CTX_load_verify_locations(
            builder.as_ptr(),
            or_null(&file_path),
            or_null(&hashed_path),
        )
    };
    if loaded == 1 {
        return Ok(());
    }
    let path = file.or(hashed).unwrap_or_default();
    Err(match File::open(&path) {
        Ok(_) => NotAcceptable::because(&path, "holds no usable certificate"),
        Err(error) => NotAcceptable::unreadable(&path, &error),
    })
}

/// OpenSSL's list: a file, and a directory that is looked into when a certificate is needed.
/// A system without either trusts nobody; that is found by the verification.
fn load_default(builder: &mut SslContextBuilder, loading: Loading) -> Trust {
    if loading == Loading::AtOnce {
        let _ = builder.set_default_verify_paths();
        return Trust::Loaded;
    }
    // SAFETY: the context is live.
    unsafe { sys::SSL_CTX_set_default_verify_dir(builder.as_ptr()) };
    Trust::WithFile(CaFile::new(default_file()))
}

/// OpenSSL's file.
pub(super) fn default_file() -> PathBuf {
    use openssl_sys::{X509_get_default_cert_file, X509_get_default_cert_file_env};
    default_path(X509_get_default_cert_file_env, X509_get_default_cert_file).into()
}

/// OpenSSL's directories.
pub(super) fn default_dirs() -> Vec<PathBuf> {
    use openssl_sys::{X509_get_default_cert_dir, X509_get_default_cert_dir_env};
    let list = default_path(X509_get_default_cert_dir_env, X509_get_default_cert_dir);
    let paths = list.as_bytes().split(|byte| *byte == b':');
    paths.map(|path| PathBuf::from(OsStr::from_bytes(path))).collect()
}

type Text = unsafe extern "C" fn() -> *const c_char;

/// What the environment says, or what OpenSSL was built with.
fn default_path(variable: Text, path: Text) -> OsString {
    let text = |function: Text| {
        // SAFETY: each of these functions of OpenSSL takes nothing.
        let text = unsafe { function() };
        // SAFETY: and gives a constant C string.
        unsafe { CStr::from_ptr(text) }
    };
    crate::host::variable(text(variable))
        .unwrap_or_else(|| OsStr::from_bytes(text(path).to_bytes()).to_owned())
}
