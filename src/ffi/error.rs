// SPDX-License-Identifier: LGPL-2.1-or-later
//! The last error and its text.

use std::ffi::{c_char, c_int};
use std::ptr;

use super::errno;
use super::guard::guard;
use crate::error::{self, Error};
use crate::session::describe;

// What the header says is what errors are.
const _: () = {
    use super::types::*;
    use crate::error::ResolveError;
    assert!(Error::NothingToDo.code() == SMTP_ERR_NOTHING_TO_DO);
    assert!(Error::Dropped.code() == SMTP_ERR_DROPPED_CONNECTION);
    assert!(Error::ResponseSyntax.code() == SMTP_ERR_INVALID_RESPONSE_SYNTAX);
    assert!(Error::StatusMismatch.code() == SMTP_ERR_STATUS_MISMATCH);
    assert!(Error::ResponseStatus.code() == SMTP_ERR_INVALID_RESPONSE_STATUS);
    assert!(Error::Invalid.code() == SMTP_ERR_INVAL);
    assert!(Error::ExtensionNotAvailable.code() == SMTP_ERR_EXTENSION_NOT_AVAILABLE);
    assert!(Error::UnterminatedResponse.code() == SMTP_ERR_UNTERMINATED_RESPONSE);
    assert!(Error::Client.code() == SMTP_ERR_CLIENT_ERROR);
    assert!(Error::Resolve(ResolveError::AddressFamily).code() == SMTP_ERR_EAI_ADDRFAMILY);
    assert!(Error::Resolve(ResolveError::NoData).code() == SMTP_ERR_EAI_NODATA);
    assert!(Error::Resolve(ResolveError::Fail).code() == SMTP_ERR_EAI_FAIL);
    assert!(Error::Resolve(ResolveError::Again).code() == SMTP_ERR_EAI_AGAIN);
    assert!(Error::Resolve(ResolveError::Memory).code() == SMTP_ERR_EAI_MEMORY);
    assert!(Error::Resolve(ResolveError::Family).code() == SMTP_ERR_EAI_FAMILY);
    assert!(Error::Resolve(ResolveError::BadFlags).code() == SMTP_ERR_EAI_BADFLAGS);
    assert!(Error::Resolve(ResolveError::NoName).code() == SMTP_ERR_EAI_NONAME);
    assert!(Error::Resolve(ResolveError::Service).code() == SMTP_ERR_EAI_SERVICE);
    assert!(Error::Resolve(ResolveError::SocketType).code() == SMTP_ERR_EAI_SOCKTYPE);
};

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

#[cfg(test)]
mod tests {
    use super::*;

    const MANUAL: &str = include_str!("../../man/libesmtp_error.3");

    /// The entry of a number, up to the next one.
    fn entry(number: c_int) -> Option<&'static str> {
        let mark = format!(" No ( {number} ");
        let (_, rest) = MANUAL.split_once(&mark)?;
        rest.split("\n.It ").next()
    }

    #[test]
    fn the_manual_has_each_number_with_its_text() {
        for number in (2..=8).chain(19..=20) {
            let text = describe(number).into_string().expect("ASCII");
            let entry = entry(number).expect("an entry");
            let after = entry.strip_prefix(&format!(": Dq {text} )"));
            let examples: Vec<_> =
                after.expect("its text").lines().filter_map(|line| line.strip_prefix(".D1 ")).collect();
            assert!(number == 2 || !examples.is_empty(), "{number} has no example");
            for example in examples {
                assert!(example.starts_with(&format!("\"{text}: ")), "{number}: {example}");
            }
        }
        for number in 9..=18 {
            assert!(MANUAL.contains(&format!(" No ( {number} )")), "{number}");
        }
        assert_eq!(entry(21), None);
        assert_eq!(describe(21).as_bytes(), b"Error 21", "there is no other number");
    }
}
