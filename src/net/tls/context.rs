// SPDX-License-Identifier: LGPL-2.1-or-later
//! TLS contexts: the application's, or one of our own.

use std::ffi::c_void;
use std::sync::Arc;

use foreign_types::ForeignType as _;
use openssl::error::ErrorStack;
use openssl::ssl::{SslContext, SslContextBuilder, SslMethod, SslVerifyMode, SslVersion};
use openssl_sys::{SSL_CTX, SSL_CTX_up_ref};

use super::config_dir::ConfigDir;
use super::error_queue::{said, with_clean_queue};
use super::resumption::Sessions;
use super::sys;
use super::trust::{self, Loading, Trust};
use crate::error::{Error, Result};
use crate::net::{PasswordCallback, PasswordFunction};

/// A reference to an OpenSSL context, given back when the value is dropped.
#[derive(Clone)]
pub struct TlsContext {
    context: SslContext,
    origin: Origin,
    // Of a context that nobody but us can change.
    sessions: Option<Arc<Sessions>>,
}

/// Whose context it is.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    /// The application's: it decides what to trust.
    Application,
    /// Ours, with what came of its CA list.
    Library(Trust),
}

/// What gives OpenSSL the pass phrase of a key.
#[derive(Clone, Copy)]
pub(super) struct PasswordSource {
    pub(super) function: Option<PasswordFunction>,
    pub(super) arg: *mut c_void,
}

impl TlsContext {
    /// A context of our own for the application to look at: TLS 1.2 or later (RFC 8996),
    /// with the user's CA list if there is one, else OpenSSL's.
    pub fn new() -> Result<Self> {
        Self::with_config(ConfigDir::of_user().as_ref(), Loading::AtOnce)
    }

    /// A context with the user's files in this directory.
    pub(super) fn with_config(directory: Option<&ConfigDir>, loading: Loading) -> Result<Self> {
        let build = || {
            let mut builder = SslContext::builder(SslMethod::tls_client())?;
            raise_version(&mut builder)?;
            // The chain is verified all the same; what came of it is judged after the
            // handshake, when the application can be asked.
            builder.set_verify(SslVerifyMode::NONE);
            if loading == Loading::AtOnce {
                set_password_callback(&builder);
            }
            let trust = trust::load(&mut builder, directory, loading);
            Ok::<_, ErrorStack>(Self {
                context: builder.build(),
                origin: Origin::Library(trust),
                sessions: None,
            })
        };
        with_clean_queue(build).map_err(|errors| Error::Client.because(said(&errors)))
    }

    /// Takes a reference of its own to the application's context.
    ///
    /// # Safety
    /// `context` points to a live `SSL_CTX`.
    pub unsafe fn share(context: *mut SSL_CTX) -> Result<Self> {
        // SAFETY: the caller promises a live context.
        if unsafe { SSL_CTX_up_ref(context) } != 1 {
            return Err(Error::Client.because("the SSL_CTX cannot be shared"));
        }
        Ok(Self {
            // SAFETY: the reference just taken is now the value's, which gives it back once.
            context: unsafe { SslContext::from_ptr(context) },
            origin: Origin::Application,
            sessions: None,
        })
    }

    /// The same, with its sessions kept: the context must never be the application's to change.
    pub(super) fn resuming(self) -> Self {
        Self { sessions: Some(Sessions::new()), ..self }
    }

    pub(super) const fn sessions(&self) -> Option<&Arc<Sessions>> {
        self.sessions.as_ref()
    }

    /// The context, without a new reference.
    #[must_use]
    pub fn as_ptr(&self) -> *mut SSL_CTX {
        self.context.as_ptr()
    }

    /// The user's CA list could not be loaded; another time it may.
    pub(super) const fn lacks_trust(&self) -> bool {
        matches!(self.origin, Origin::Library(Trust::Unusable(_)))
    }

    pub(super) const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Where the pass phrase of a key comes from: the callback of the process, else the
    /// context's own, else an empty one is tried. Nobody is asked on the terminal.
    pub(super) fn password_source(&self) -> PasswordSource {
        if let Some(callback) = PasswordCallback::installed() {
            return PasswordSource {
                function: Some(callback.function),
                arg: callback.arg,
            };
        }
        // SAFETY: the context is live.
        let function = unsafe { sys::SSL_CTX_get_default_passwd_cb(self.as_ptr()) };
        // SAFETY: as above.
        let arg = unsafe { sys::SSL_CTX_get_default_passwd_cb_userdata(self.as_ptr()) };
        if function.is_none() && arg.is_null() {
            // Without a function the argument is the pass phrase itself.
            return PasswordSource {
                function: None,
                arg: c"".as_ptr().cast_mut().cast(),
            };
        }
        PasswordSource { function, arg }
    }
}

/// TLS 1.2 at least; the system's configuration may ask for more.
fn raise_version(builder: &mut SslContextBuilder) -> std::result::Result<(), ErrorStack> {
    if builder.min_proto_version() == Some(SslVersion::TLS1_3) {
        return Ok(());
    }
    builder.set_min_proto_version(Some(SslVersion::TLS1_2))
}

/// For keys that the application loads into the context itself.
fn set_password_callback(builder: &SslContextBuilder) {
    if let Some(callback) = PasswordCallback::installed() {
        // SAFETY: the context is live; the function is one that OpenSSL may call.
        unsafe { sys::SSL_CTX_set_default_passwd_cb(builder.as_ptr(), Some(callback.function)) };
        // SAFETY: the context is live; the argument is only handed back.
        unsafe { sys::SSL_CTX_set_default_passwd_cb_userdata(builder.as_ptr(), callback.arg) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_raised_and_never_lowered() {
        let raised = |from| {
            let mut builder = SslContext::builder(SslMethod::tls_client()).expect("context");
            builder.set_min_proto_version(from).expect("version");
            raise_version(&mut builder).expect("version");
            builder.min_proto_version()
        };
        assert_eq!(raised(None), Some(SslVersion::TLS1_2));
        assert_eq!(raised(Some(SslVersion::TLS1)), Some(SslVersion::TLS1_2));
        assert_eq!(raised(Some(SslVersion::TLS1_2)), Some(SslVersion::TLS1_2));
        assert_eq!(raised(Some(SslVersion::TLS1_3)), Some(SslVersion::TLS1_3));
    }
}
