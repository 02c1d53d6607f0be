// SPDX-License-Identifier: LGPL-2.1-or-later
//! The versions of the library.

use std::ffi::{CStr, c_int, c_void};
use std::ptr;

use super::guard::guard;
use super::types::version_kind;
use crate::error::Error;

/// The API version that programs know.
const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(version) => version,
    Err(_) => c"",
};
/// The version in the shared library's file name.
const SO_VERSION: &CStr = c"6.2.0";
/// Current, revision and age as libtool counts them.
const LT_VERSION: &CStr = c"8:0:2";

/// Writes a version as text into `buf`. Fails if `len` has no room for it and its NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_version(buf: *mut c_void, len: usize, what: c_int) -> c_int {
    const VERSION_OF_API: c_int = version_kind::Ver_VERSION as c_int;
    const VERSION_OF_FILE: c_int = version_kind::Ver_SO_VERSION as c_int;
    const VERSION_OF_LIBTOOL: c_int = version_kind::Ver_LT_VERSION as c_int;
    guard(0, || {
        let version = match what {
            VERSION_OF_API => VERSION,
            VERSION_OF_FILE => SO_VERSION,
            VERSION_OF_LIBTOOL => LT_VERSION,
            _ => return Err(Error::Invalid),
        };
        let bytes = version.to_bytes_with_nul();
        if buf.is_null() || len < bytes.len() {
            return Err(Error::Invalid);
        }
        // SAFETY: buf has room for len bytes, and the text is no longer than that.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), buf.cast(), bytes.len()) };
        Ok(1)
    })
}
