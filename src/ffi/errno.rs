// SPDX-License-Identifier: LGPL-2.1-or-later
//! The calling thread's `errno`.

use std::ffi::c_int;
use std::io;

/// The current value.
pub(super) fn get() -> c_int {
    io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// Sets the value.
pub(super) fn set(value: c_int) {
    // SAFETY: the function has no preconditions.
    let errno = unsafe { location() };
    // SAFETY: the system gives the address of the calling thread's own errno.
    unsafe { *errno = value };
}

#[cfg(any(
    target_os = "linux",
    target_os = "hurd",
    target_os = "redox",
    target_os = "emscripten"
))]
use libc::__errno_location as location;

#[cfg(any(target_os = "macos", target_os = "ios", target_os = "freebsd"))]
use libc::__error as location;

#[cfg(any(target_os = "openbsd", target_os = "netbsd", target_os = "android"))]
use libc::__errno as location;

/// Runs something that must leave `errno` alone.
pub(super) fn preserved<T>(f: impl FnOnce() -> T) -> T {
    let before = get();
    let result = f();
    set(before);
    result
}
