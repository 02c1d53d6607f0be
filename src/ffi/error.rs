// SPDX-License-Identifier: LGPL-2.1-or-later
//! The last error and its text.

use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr;

use super::errno;
use super::guard::guard;
use crate::error::{self, Error};
use crate::net;

/// The calling thread's last error: one of SMTP_ERR_*, or a negated `errno`; 0 = none so far.
#[unsafe(no_mangle)]
pub extern "C" fn smtp_errno() -> c_int {
    error::last()
}

/// Writes the text of an error of `smtp_errno` into `buf`, cut to `buflen` with its NUL. For the
/// calling thread's last error the reason follows, if it is known: `Client error: certificate has
/// expired`. Returns `buf`, NULL if there is no room at all.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_strerror(error: c_int, buf: *mut c_char, buflen: usize) -> *mut c_char {
    errno::preserved(|| {
        guard(ptr::null_mut(), || {
            if buf.is_null() || buflen == 0 {
                return Err(Error::Invalid);
            }
            let mut room = Room { start: buf, length: buflen };
            room.append(describe(error).to_bytes());
            let reason = error::last_reason();
            if error == error::last() && !reason.text().is_empty() {
                room.append(b": ");
                room.append(reason.text().as_bytes());
            }
            Ok(buf)
        })
    })
}

/// What is left of the caller's buffer; one byte at least.
struct Room {
    start: *mut c_char,
    length: usize,
}

impl Room {
    /// Writes what fits, and a NUL where the next text begins.
    fn append(&mut self, text: &[u8]) {
        let count = text.len().min(self.length - 1);
        // SAFETY: the buffer has room for more bytes than these; the text is ours.
        unsafe { ptr::copy_nonoverlapping(text.as_ptr().cast(), self.start, count) };
        // SAFETY: count is less than the room.
        self.start = unsafe { self.start.add(count) };
        self.length -= count;
        // SAFETY: one byte of room is left at least.
        unsafe { self.start.write(0) };
    }
}

fn describe(error: c_int) -> CString {
    let text: &CStr = match error {
        ..0 => return crate::host::system_message(error.saturating_neg()),
        0 => c"No Error",
        1 => c"",
        2 => c"Nothing to do",
        3 => c"SMTP server dropped connection",
        4 => c"Invalid SMTP syntax in server response",
        5 => c"SMTP Status code mismatch on continuation line",
        6 => c"Invalid SMTP status code in server response",
        7 => c"Invalid API function argument",
        8 => c"Requested SMTP extension not available",
        9..=18 => return net::resolver_message(error),
        19 => c"Unterminated server response",
        20 => c"Client error",
        _ => return CString::new(format!("Error {error}")).unwrap_or_default(),
    };
    text.to_owned()
}
