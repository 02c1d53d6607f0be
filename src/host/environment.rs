// SPDX-License-Identifier: LGPL-2.1-or-later
//! The environment, as far as it can be trusted.

use std::ffi::{CStr, OsString, c_char};
use std::os::unix::ffi::OsStringExt as _;

#[cfg(any(target_env = "gnu", target_env = "musl"))]
unsafe extern "C" {
    /// `getenv`, but NULL in a process with more rights than its user.
    fn secure_getenv(name: *const c_char) -> *mut c_char;
}

/// The same where the C library does not have it, or not always: the BSDs and macOS.
#[cfg(not(any(target_env = "gnu", target_env = "musl")))]
unsafe fn secure_getenv(name: *const c_char) -> *mut c_char {
    unsafe extern "C" {
        /// Whether the process has got other rights than its user has.
        safe fn issetugid() -> std::ffi::c_int;
    }
    if issetugid() != 0 {
        return std::ptr::null_mut();
    }
    // SAFETY: the caller promises a C string.
    unsafe { libc::getenv(name) }
}

/// Room behind a variable's value: many name a folder in which a file is looked for.
const ROOM: usize = 40;

/// A variable's value; `None` in a process with more rights than its user, whose environment
/// somebody else may have made.
#[must_use]
pub fn variable(name: &CStr) -> Option<OsString> {
    // SAFETY: the name is a C string.
    let value = unsafe { secure_getenv(name.as_ptr()) };
    if value.is_null() {
        return None;
    }
    // SAFETY: a value that is there is a C string; it is copied before anything can change it.
    let value = unsafe { CStr::from_ptr(value) };
    let value = value.to_bytes();
    let mut copy = Vec::with_capacity(value.len() + ROOM);
    copy.extend_from_slice(value);
    Some(OsString::from_vec(copy))
}
