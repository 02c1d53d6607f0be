// SPDX-License-Identifier: LGPL-2.1-or-later
//! TLS and authentication of a session.

use std::ffi::{c_int, c_void};
use std::ptr;

use openssl_sys::SSL_CTX;

use super::auth::auth_context_t;
use super::cancellation::undisturbed;
use super::guard::{guard, handle};
use super::types::{smtp_session_t, smtp_starttls_passwordcb_t, starttls_option};
use crate::error::{Error, Result};
use crate::net::{PasswordCallback, TlsContext};
use crate::session::StartTls;

/// `enum starttls_option` as C passes it: any number.
pub type StartTlsOption = c_int;

/// Sets the context with which the session authenticates; NULL = not at all. The context
/// stays the application's.
#[cfg(header_shows_auth)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_auth_set_context(session: smtp_session_t, context: auth_context_t) -> c_int {
    guard(0, || {
        // SAFETY: a session handle is live until smtp_destroy_session.
        let session = unsafe { handle(session) }?;
        // SAFETY: a context handle is live until auth_destroy_context.
        session.set_auth_context(unsafe { super::auth::share(context) });
        Ok(1)
    })
}

/// Sets whether STARTTLS is used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_starttls_enable(session: smtp_session_t, how: StartTlsOption) -> c_int {
    guard(0, || {
        // SAFETY: a session handle is live until smtp_destroy_session.
        let session = unsafe { handle(session) }?;
        session.set_starttls(starttls(how)?);
        Ok(1)
    })
}

fn starttls(how: StartTlsOption) -> Result<StartTls> {
    const DISABLED: c_int = starttls_option::Starttls_DISABLED as c_int;
    const ENABLED: c_int = starttls_option::Starttls_ENABLED as c_int;
    const REQUIRED: c_int = starttls_option::Starttls_REQUIRED as c_int;
    match how {
        DISABLED => Ok(StartTls::Disabled),
        ENABLED => Ok(StartTls::Enabled),
        REQUIRED => Ok(StartTls::Required),
        _ => Err(Error::Invalid),
    }
}

/// Sets the OpenSSL context that the session uses; it takes a reference of its own. NULL = a
/// context of the library's.
#[cfg(header_shows_tls)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_starttls_set_ctx(session: smtp_session_t, ctx: *mut SSL_CTX) -> c_int {
    guard(0, || {
        // SAFETY: a session handle is live until smtp_destroy_session.
        let session = unsafe { handle(session) }?;
        let context = if ctx.is_null() {
            None
        } else {
            // SAFETY: a context that is not NULL is live for the time of this call.
            Some(unsafe { TlsContext::share(ctx) }?)
        };
        session.tls_context().replace(context);
        Ok(1)
    })
}

/// The OpenSSL context that the session uses, made if there is none yet; without a new
/// reference. NULL on failure.
#[cfg(header_shows_tls)]
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn smtp_starttls_get_ctx(session: smtp_session_t) -> *mut SSL_CTX {
    guard(ptr::null_mut(), || {
        // SAFETY: a session handle is live until smtp_destroy_session.
        let session = unsafe { handle(session) }?;
        let mut context = session.tls_context().borrow_mut();
        let context = match &mut *context {
            Some(context) => context,
            none => none.insert(undisturbed(TlsContext::new)??),
        };
        Ok(context.as_ptr())
    })
}

/// Sets the callback that is asked for the pass phrase of a private key, for the whole
/// process; NULL is refused. The callback must return: no `longjmp`, no exception.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_starttls_set_password_cb(
    cb: smtp_starttls_passwordcb_t,
    arg: *mut c_void,
) -> c_int {
    guard(0, || {
        let function = cb.ok_or(Error::Invalid)?;
        PasswordCallback { function, arg }.install();
        Ok(1)
    })
}
