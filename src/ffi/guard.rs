// SPDX-License-Identifier: LGPL-2.1-or-later
//! One function for each duty at the boundary: check the pointer, convert the string, catch
//! the panic, report the error.

use std::any::Any;
use std::ffi::{CStr, c_char};
use std::panic::{self, AssertUnwindSafe};

use crate::error::{self, Error, Result};

/// Runs our own code: a panic becomes an error.
pub(super) fn caught<T>(f: impl FnOnce() -> T) -> Result<T> {
    // What a panic leaves half done is in cells that hold whole values at any time.
    panic::catch_unwind(AssertUnwindSafe(f)).map_err(fault)
}

// What happens rarely stands here once, and not in each of the entry points.

#[cold]
#[inline(never)]
fn fault(panic: Box<dyn Any + Send>) -> Error {
    drop(panic);
    Error::Client.because("a fault of the library itself")
}

#[cold]
#[inline(never)]
fn no_object() -> Error {
    Error::Invalid.because("no object: the handle is NULL")
}

#[cold]
#[inline(never)]
fn no_string() -> Error {
    Error::Invalid.because("no string: it is NULL")
}

/// Makes a failure the thread's last error.
pub(super) fn noted<T>(result: Result<T>) -> Option<T> {
    result.map_err(error::set_last).ok()
}

/// An entry point's body that does not call the application: a panic or an error becomes
/// `failure` and the thread's last error.
pub(super) fn guard<T>(failure: T, f: impl FnOnce() -> Result<T>) -> T {
    noted(caught(f).and_then(|result| result)).unwrap_or(failure)
}

/// The value behind a handle.
///
/// # Safety
/// The handle is null or live for `'a`.
pub(super) unsafe fn handle<'a, T>(handle: *const T) -> Result<&'a T> {
    // SAFETY: the caller promises that a handle which is not null is live.
    unsafe { handle.as_ref() }.ok_or_else(no_object)
}

/// A string that must be there.
///
/// # Safety
/// The pointer is null or a C string that lives for `'a`.
pub(super) unsafe fn text<'a>(string: *const c_char) -> Result<&'a CStr> {
    // SAFETY: the caller's promise.
    unsafe { optional_text(string) }.ok_or_else(no_string)
}

/// A string that may be missing.
///
/// # Safety
/// The pointer is null or a C string that lives for `'a`.
pub(super) unsafe fn optional_text<'a>(string: *const c_char) -> Option<&'a CStr> {
    if string.is_null() {
        return None;
    }
    // SAFETY: it is not null, so the caller promises a C string.
    Some(unsafe { CStr::from_ptr(string) })
}

/// About where the caller's frame lies on its thread's stack.
#[inline(never)]
pub(super) fn stack_position() -> usize {
    let here = 0_u8;
    std::ptr::from_ref(std::hint::black_box(&here)).addr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error() {
        let quiet = panic::take_hook();
        panic::set_hook(Box::new(|_| {}));
        let result = guard(7, || panic!("on purpose"));
        panic::set_hook(quiet);
        assert_eq!(result, 7);
        assert_eq!(error::last(), Error::Client.code());
    }

    #[test]
    fn null_is_no_handle() {
        // SAFETY: null is allowed.
        assert!(unsafe { handle::<u8>(std::ptr::null()) }.is_err());
        // SAFETY: null is allowed.
        assert!(unsafe { text(std::ptr::null()) }.is_err());
    }

    #[test]
    fn deeper_frames_have_lower_positions() {
        #[inline(never)]
        fn deeper() -> usize {
            let padding = [0_u8; 256];
            std::hint::black_box(&padding);
            stack_position()
        }
        assert!(deeper() < stack_position());
    }
}
