// SPDX-License-Identifier: LGPL-2.1-or-later
//! What is known of both ends once TLS stands.

use std::ffi::{CString, c_int, c_long};
use std::ptr;

use foreign_types::ForeignTypeRef as _;
use openssl::ssl::SslRef;
use openssl_sys::SSL;

use super::demands::Pin;
use super::identity::{self, Identity};
use super::server_name::ServerName;
use super::sys;

/// The facts of a handshake, for the application to judge.
#[derive(Debug)]
pub struct Secured {
    /// OpenSSL's verdict on the certificate's chain, `X509_V_OK` or an `X509_V_ERR_*`.
    pub verify_result: c_long,
    /// The same in OpenSSL's words.
    pub verdict: &'static str,
    /// The cipher's name.
    pub cipher: CString,
    /// The secret bits of the cipher.
    pub bits: c_int,
    /// The version of TLS, as OpenSSL calls it (`TLSv1.3`).
    pub protocol: CString,
    /// Whether the certificate is the server's; `None` = it has shown none.
    pub identity: Option<Identity>,
    /// How the server's key compares with those that a policy pins.
    pub pin: Pin,
    /// The commonName of the certificate that we have shown; `None` if there was none.
    pub client_name: Option<CString>,
    /// Whether an earlier connection's session goes on; what is known of the certificate is
    /// what was found then.
    pub resumed: bool,
    /// OpenSSL's object for callbacks, live as long as the stream.
    pub ssl: *mut SSL,
}

impl Secured {
    pub(super) fn of(ssl: &SslRef, host: &ServerName) -> Self {
        let cipher = ssl.current_cipher();
        let text = |text: &str| CString::new(text).unwrap_or_default();
        Self {
            verify_result: ssl.verify_result().as_raw().into(),
            verdict: ssl.verify_result().error_string(),
            pin: Pin::NotAsked,
            cipher: text(cipher.map_or("(NONE)", |cipher| cipher.name())),
            bits: cipher.map_or(0, |cipher| cipher.bits().secret),
            protocol: text(ssl.version_str()),
            identity: ssl.peer_certificate().map(|certificate| identity::check(&certificate, host)),
            client_name: client_name(ssl),
            resumed: false,
            ssl: ssl.as_ptr(),
        }
    }

    /// Whether OpenSSL found nothing wrong with the certificate's chain.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.verify_result == c_long::from(openssl_sys::X509_V_OK)
    }
}

/// The name in the client certificate, if the server asked for it and got it.
fn client_name(ssl: &SslRef) -> Option<CString> {
    if !has_signed(ssl) {
        return None;
    }
    let name = identity::common_name(ssl.certificate()?)?;
    // A name that C would see the half of is another name.
    CString::new(name).ok().filter(|name: &CString| name.as_c_str() != c"")
}

/// A client signs when it shows a certificate, and never else.
fn has_signed(ssl: &SslRef) -> bool {
    let mut digest: c_int = 0;
    // SAFETY: the object is live; the command stores one int where it is told.
    let known = unsafe {
        openssl_sys::SSL_ctrl(
            ssl.as_ptr(),
            sys::SSL_CTRL_GET_SIGNATURE_NID,
            0,
            ptr::from_mut(&mut digest).cast(),
        )
    };
    known == 1
}
