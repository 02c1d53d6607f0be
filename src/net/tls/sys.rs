// SPDX-License-Identifier: LGPL-2.1-or-later
//! Functions of OpenSSL 3 and of the C library that the `openssl-sys` and `libc` crates lack.

use std::ffi::{c_char, c_int, c_long, c_uint, c_void};

use openssl_sys::{BIO, EVP_PKEY, SSL, SSL_CTX, SSL_SESSION, X509, X509_STORE_CTX, X509_VERIFY_PARAM};

use crate::net::PasswordFunction;

/// Which digest signs on our side: unset until a client certificate is used.
pub(super) const SSL_CTRL_GET_SIGNATURE_NID: c_int = 132;

unsafe extern "C" {
    pub(super) fn SSL_CTX_set_default_passwd_cb(context: *mut SSL_CTX, callback: Option<PasswordFunction>);
    pub(super) fn SSL_CTX_set_default_passwd_cb_userdata(context: *mut SSL_CTX, arg: *mut c_void);
    pub(super) fn SSL_CTX_get_default_passwd_cb(context: *mut SSL_CTX) -> Option<PasswordFunction>;
    pub(super) fn SSL_CTX_get_default_passwd_cb_userdata(context: *mut SSL_CTX) -> *mut c_void;
    pub(super) fn SSL_CTX_set_default_verify_dir(context: *mut SSL_CTX) -> c_int;

    pub(super) fn SSL_set_options(ssl: *mut SSL, options: u64) -> u64;
    pub(super) fn SSL_set_read_ahead(ssl: *mut SSL, on: c_int);
    pub(super) fn SSL_certs_clear(ssl: *mut SSL);
    pub(super) fn SSL_SESSION_is_resumable(session: *const SSL_SESSION) -> c_int;
    pub(super) fn SSL_set_verify_result(ssl: *mut SSL, result: c_long);

    pub(super) fn OPENSSL_init_crypto(options: u64, settings: *const c_void) -> c_int;

    pub(super) fn X509_get_X509_PUBKEY(certificate: *const X509) -> *mut c_void;
    pub(super) fn i2d_X509_PUBKEY(key: *const c_void, out: *mut *mut u8) -> c_int;
    pub(super) fn X509_get_signature_info(
        certificate: *mut X509,
        digest: *mut c_int,
        key: *mut c_int,
        security_bits: *mut c_int,
        flags: *mut c_uint,
    ) -> c_int;
    pub(super) fn X509_STORE_CTX_set_default(context: *mut X509_STORE_CTX, name: *const c_char) -> c_int;
    pub(super) fn X509_STORE_CTX_get0_param(context: *mut X509_STORE_CTX) -> *mut X509_VERIFY_PARAM;
    pub(super) fn X509_VERIFY_PARAM_set1(to: *mut X509_VERIFY_PARAM, from: *const X509_VERIFY_PARAM)
    -> c_int;
}

unsafe extern "C-unwind" {
    // Calls the application's pass phrase callback.
    pub(super) fn PEM_read_bio_PrivateKey(
        bio: *mut BIO,
        key: *mut *mut EVP_PKEY,
        callback: Option<PasswordFunction>,
        arg: *mut c_void,
    ) -> *mut EVP_PKEY;
}
