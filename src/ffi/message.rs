// SPDX-License-Identifier: LGPL-2.1-or-later
//! Messages: adding them, their sender, where their text comes from.

use std::ffi::{c_char, c_int, c_void};
use std::ptr;
use std::rc::Rc;

use super::guard::{guard, handle, noted, optional_text, stack_position};
use super::source;
use super::types::{smtp_enumerate_messagecb_t, smtp_message_t, smtp_messagecb_t, smtp_session_t};
use crate::error::Error;
use crate::fault::{self, Layer};
use crate::protocol::MessageAt;
use crate::session::callback::MessageSource;

/// Adds a message to the session. NULL on failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_add_message(session: smtp_session_t) -> smtp_message_t {
    guard(ptr::null_mut(), || {
        fault::point(Layer::Ffi);
        // SAFETY: a session handle is live until smtp_destroy_session.
        let message = unsafe { handle(session) }?.add_message()?;
        // The session keeps the message, so the pointer outlives this reference.
        Ok(Rc::as_ptr(&message).cast_mut())
    })
}

/// Calls `cb` with each message, in the order in which they were added.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn smtp_enumerate_messages(
    session: smtp_session_t,
    cb: smtp_enumerate_messagecb_t,
    arg: *mut c_void,
) -> c_int {
    // SAFETY: a session handle is live until smtp_destroy_session, which refuses to run from
    // within this walk.
    let session = unsafe { handle(session) };
    let arguments = session.and_then(|session| Ok((session, cb.ok_or(Error::Invalid)?)));
    let Some((session, call)) = noted(arguments) else {
        return 0;
    };
    let mark = session.walk().enter(stack_position());
    let mut at = MessageAt::FIRST;
    while let Some(message) = session.message(at).map(|message| Rc::as_ptr(&message)) {
        // SAFETY: the callback is of its type; the session keeps the message.
        unsafe { call(message.cast_mut(), arg) };
        at = at.next();
    }
    session.walk().leave(mark);
    1
}

/// Sets the sender to which failures are reported; NULL or "" = nobody (`<>`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_set_reverse_path(message: smtp_message_t, mailbox: *const c_char) -> c_int {
    guard(0, || {
        // SAFETY: a message handle is live as long as its session.
        let message = unsafe { handle(message) }?;
        // SAFETY: mailbox is NULL or a C string for the time of this call.
        message.set_reverse_path(unsafe { optional_text(mailbox) })?;
        Ok(1)
    })
}

/// Sets the callback that supplies the message's text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_set_messagecb(
    message: smtp_message_t,
    cb: smtp_messagecb_t,
    arg: *mut c_void,
) -> c_int {
    guard(0, || {
        // SAFETY: a message handle is live as long as its session.
        let message = unsafe { handle(message) }?;
        let function = cb.ok_or(Error::Invalid)?;
        // SAFETY: the callback is called with this argument, so it is one for it.
        let repeatable = unsafe { source::is_repeatable(function, arg) };
        message.set_source(MessageSource { function, arg, repeatable });
        Ok(1)
    })
}
