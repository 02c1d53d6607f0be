// SPDX-License-Identifier: LGPL-2.1-or-later
//! The system's texts for its errors.

use std::ffi::{CStr, CString, c_char, c_int};

/// Longest text of an error; the system's are far shorter.
const TEXT_MAX: usize = 256;

/// The text of an `errno`.
#[must_use]
pub fn system_message(errno: c_int) -> CString {
    let mut buffer: [c_char; TEXT_MAX] = [0; TEXT_MAX];
    // SAFETY: the buffer has room for as many bytes as is said. An unknown errno gives a
    // text as well, and the buffer stays NUL-terminated in any case.
    unsafe { libc::strerror_r(errno, buffer.as_mut_ptr(), TEXT_MAX) };
    // SAFETY: strerror_r terminates what it writes, and the buffer was all NULs before.
    unsafe { CStr::from_ptr(buffer.as_ptr()) }.to_owned()
}

/// The text of one of `getaddrinfo`'s codes.
pub(crate) fn resolver_code_message(code: c_int) -> CString {
    // SAFETY: gai_strerror takes any number.
    let text = unsafe { libc::gai_strerror(code) };
    if text.is_null() {
        return CString::default();
    }
    // SAFETY: the text is a constant of the C library's.
    unsafe { CStr::from_ptr(text) }.to_owned()
}
