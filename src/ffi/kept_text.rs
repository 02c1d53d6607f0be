// SPDX-License-Identifier: LGPL-2.1-or-later
//! Copies of texts that a later start will want, when the program's own may be gone: known programs
//! hand in a buffer on their stack and start the session again much later.

use std::ffi::c_char;
use std::ptr;

use super::source::_smtp_message_str_cb;
use crate::protocol::MessageAt;
use crate::session::callback::{MessageFunction, MessageSource};
use crate::session::{Message, Session};

/// Longest text that is kept. Who sends more by way of a string has it somewhere safe.
const TEXT_MAX: usize = 1 << 20;

/// Copies the strings of messages that are not complete.
///
/// # Safety
/// The sources follow the rules of `smtp_messagecb_t`: a string lives until the start is over.
pub(super) unsafe fn keep(session: &Session) {
    let mut at = MessageAt::FIRST;
    while let Some(message) = session.message(at) {
        if message.is_incomplete() && !message.has_own_text() {
            // SAFETY: the caller's promise.
            unsafe { keep_text(&message) };
        }
        at = at.next();
    }
}

/// # Safety
/// As for [`keep`].
unsafe fn keep_text(message: &Message) {
    let Some(source) = message.source().filter(is_string) else {
        return;
    };
    let text = source.arg.cast::<c_char>().cast_const();
    if text.is_null() {
        return;
    }
    // SAFETY: the caller promises a string.
    let length = unsafe { libc::strnlen(text, TEXT_MAX + 1) };
    if length > TEXT_MAX {
        return;
    }
    let mut copy: Vec<u8> = Vec::new();
    if copy.try_reserve_exact(length + 1).is_err() {
        return message.lose_text();
    }
    // SAFETY: so many bytes are there, the NUL included.
    copy.extend_from_slice(unsafe { std::slice::from_raw_parts(text.cast(), length + 1) });
    message.keep_text(copy.into_boxed_slice());
}

/// Whether the source is `smtp_set_message_str`'s. In a program that is not position-independent
/// the function has another address than here, which the dynamic linker tells.
fn is_string(source: &MessageSource) -> bool {
    if ptr::fn_addr_eq(source.function, _smtp_message_str_cb as MessageFunction) {
        return true;
    }
    // SAFETY: the name is a C string; the handle means every object of the program.
    let shown = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"_smtp_message_str_cb".as_ptr()) };
    !shown.is_null() && ptr::eq(source.function as *const (), shown.cast())
}
