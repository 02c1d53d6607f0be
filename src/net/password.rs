// SPDX-License-Identifier: LGPL-2.1-or-later
//! The application's callback for the pass phrases of private keys.

use std::ffi::{c_char, c_int, c_void};
use std::sync::{Mutex, PoisonError};

/// `smtp_starttls_passwordcb_t`, OpenSSL's `pem_password_cb` under another name.
pub type PasswordFunction =
    unsafe extern "C-unwind" fn(buf: *mut c_char, buflen: c_int, rwflag: c_int, arg: *mut c_void) -> c_int;

/// Asked for the pass phrase of an encrypted key.
#[derive(Clone, Copy)]
pub struct PasswordCallback {
    /// The application's function.
    pub function: PasswordFunction,
    /// Handed back with each call.
    pub arg: *mut c_void,
}

// SAFETY: the library only hands the pointer back. That the callback may be called from any
// thread which starts a session is the application's promise when it sets one for the process.
unsafe impl Send for PasswordCallback {}

static INSTALLED: Mutex<Option<PasswordCallback>> = Mutex::new(None);

impl PasswordCallback {
    /// Makes this the callback of the process.
    pub fn install(self) {
        *INSTALLED.lock().unwrap_or_else(PoisonError::into_inner) = Some(self);
    }

    /// The callback of the process.
    #[must_use]
    pub fn installed() -> Option<Self> {
        *INSTALLED.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
