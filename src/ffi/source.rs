// SPDX-License-Identifier: LGPL-2.1-or-later
//! Ready-made message callbacks: an open file, a string.

use std::ffi::{c_char, c_int, c_void};
use std::ptr;

use super::errno;
use crate::error::{self, Error};
use crate::session::callback::MessageFunction;

/// Size of the blocks that are read from a file.
const BLOCK: usize = 8192;

/// A callback that fails says so through `errno`; who calls it directly looks at our error.
fn refuse() -> *const c_char {
    error::set_last(Error::Invalid);
    errno::set(libc::EINVAL);
    ptr::null()
}

/// Whether a source gives the same text again after it was rewound, as the ready-made ones do. What
/// a pipe gave is gone.
///
/// # Safety
/// `arg` is an argument for `function`.
pub(super) unsafe fn is_repeatable(function: MessageFunction, arg: *mut c_void) -> bool {
    if ptr::fn_addr_eq(function, _smtp_message_str_cb as MessageFunction) {
        return true;
    }
    let is_file = ptr::fn_addr_eq(function, _smtp_message_fp_cb as MessageFunction) && !arg.is_null();
    // SAFETY: the argument of this function is an open FILE.
    is_file && errno::preserved(|| unsafe { libc::ftell(arg.cast()) } >= 0)
}

/// Message callback for a `FILE *`; see `smtp_set_message_fp`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn _smtp_message_fp_cb(
    ctx: *mut *mut c_void,
    len: *mut c_int,
    arg: *mut c_void,
) -> *const c_char {
    let file = arg.cast::<libc::FILE>();
    if file.is_null() || ctx.is_null() {
        return refuse();
    }
    // SAFETY: ctx points to the caller's variable.
    let context = unsafe { &mut *ctx };
    if context.is_null() {
        // SAFETY: malloc may be called with any size; the caller frees the block.
        *context = unsafe { libc::malloc(BLOCK) };
    }
    if len.is_null() {
        // SAFETY: arg is an open FILE, as smtp_set_message_fp demands.
        unsafe { libc::rewind(file) };
        return ptr::null();
    }
    let block = *context;
    if block.is_null() {
        return ptr::null();
    }
    let before = errno::get();
    // SAFETY: the block has room for BLOCK bytes; arg is an open FILE.
    let count = unsafe { libc::fread(block, 1, BLOCK, file) };
    // SAFETY: arg is an open FILE.
    if unsafe { libc::ferror(file) } == 0 {
        // A file that simply ends may leave anything here, which would look like a failure.
        errno::set(before);
    }
    // SAFETY: len is not null and points to the caller's variable.
    unsafe { *len = c_int::try_from(count).unwrap_or(0) };
    block.cast()
}

/// Message callback for a NUL-terminated string; see `smtp_set_message_str`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn _smtp_message_str_cb(
    ctx: *mut *mut c_void,
    len: *mut c_int,
    arg: *mut c_void,
) -> *const c_char {
    let string = arg.cast::<c_char>();
    if string.is_null() || ctx.is_null() {
        return refuse();
    }
    // SAFETY: ctx points to the caller's variable.
    let context = unsafe { &mut *ctx };
    // The context is where the rest of the string begins: all of it at first, and pieces
    // only if it is longer than a length can tell.
    let begins = len.is_null() || context.is_null();
    if context.is_null() {
        // SAFETY: malloc may be called with any size; the caller frees the block.
        *context = unsafe { libc::malloc(size_of::<usize>()) };
        if context.is_null() {
            return ptr::null();
        }
    }
    let offset = context.cast::<usize>();
    if begins {
        // SAFETY: the block was made above with this size, now or earlier, and malloc aligns it.
        unsafe { offset.write(0) };
    }
    if len.is_null() {
        return ptr::null();
    }
    // SAFETY: the offset was written above, in this call or an earlier one.
    let start = unsafe { *offset };
    // SAFETY: the offset lies within the string or at its NUL.
    let rest = unsafe { string.add(start) };
    // SAFETY: the rest of a C string is a C string.
    let length = unsafe { libc::strlen(rest) };
    let part = c_int::try_from(length).unwrap_or(c_int::MAX);
    // SAFETY: as for reading it.
    unsafe { *offset = start + usize::try_from(part).unwrap_or(0) };
    // SAFETY: len is not null and points to the caller's variable.
    unsafe { *len = part };
    rest
}
