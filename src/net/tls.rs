// SPDX-License-Identifier: LGPL-2.1-or-later
//! TLS contexts: the application's, or one of our own.

use openssl::ssl::{SslContext, SslMethod, SslVersion};
use openssl_sys::{SSL_CTX, SSL_CTX_up_ref};

use crate::error::{Error, Result};

/// A reference to an OpenSSL context, given back when the value is dropped.
pub struct TlsContext(SslContext);

impl TlsContext {
    /// A context of our own: TLS 1.2 or later (RFC 8996), OpenSSL's default CA list.
    pub fn new() -> Result<Self> {
        let build = || {
            let mut builder = SslContext::builder(SslMethod::tls_client())?;
            builder.set_min_proto_version(Some(SslVersion::TLS1_2))?;
            builder.set_default_verify_paths()?;
            Ok::<_, openssl::error::ErrorStack>(builder.build())
        };
        build().map(Self).map_err(|_| Error::Client)
    }

    /// Takes a reference of its own to the application's context.
    ///
    /// # Safety
    /// `context` points to a live `SSL_CTX`.
    pub unsafe fn share(context: *mut SSL_CTX) -> Result<Self> {
        // SAFETY: the caller promises a live context.
        if unsafe { SSL_CTX_up_ref(context) } != 1 {
            return Err(Error::Client);
        }
        // SAFETY: the reference just taken is now the value's, which gives it back once.
        Ok(Self(unsafe { foreign_types::ForeignType::from_ptr(context) }))
    }

    /// The context, without a new reference.
    #[must_use]
    pub fn as_ptr(&self) -> *mut SSL_CTX {
        foreign_types::ForeignType::as_ptr(&self.0)
    }
}
