// SPDX-License-Identifier: LGPL-2.1-or-later
//! What this machine calls itself.

use std::ffi::{CStr, CString, c_char};
use std::mem::MaybeUninit;

/// What `uname` calls this host; it need not be a domain. Empty if it says nothing.
#[must_use]
pub fn node_name() -> CString {
    let mut names = MaybeUninit::<libc::utsname>::uninit();
    // SAFETY: uname fills the structure that it is given.
    if unsafe { libc::uname(names.as_mut_ptr()) } != 0 {
        return CString::default();
    }
    // SAFETY: uname succeeded, so the structure is filled.
    let names = unsafe { names.assume_init() };
    let bytes: &[c_char] = &names.nodename;
    // SAFETY: nodename is NUL-terminated, and lives until the end of this function.
    unsafe { CStr::from_ptr(bytes.as_ptr()) }.to_owned()
}
