// SPDX-License-Identifier: LGPL-2.1-or-later
//! Statuses: what the server said of messages and recipients.

use std::ffi::c_int;
use std::mem::offset_of;
use std::ptr;

use super::errno;
use super::guard::{guard, handle};
use super::types::{smtp_message_t, smtp_recipient_t, smtp_status_t};
use crate::error::Result;
use crate::session::Status;

// A status begins with the fields that C has of it.
const _: () = {
    let c = [
        offset_of!(smtp_status_t, code),
        offset_of!(smtp_status_t, text),
        offset_of!(smtp_status_t, enh_class),
        offset_of!(smtp_status_t, enh_subject),
        offset_of!(smtp_status_t, enh_detail),
    ];
    let mut at = 0;
    while at < c.len() {
        assert!(c[at] == Status::LAYOUT[at]);
        at += 1;
    }
    assert!(size_of::<Status>() >= size_of::<smtp_status_t>());
};

/// The C view of a status.
pub(super) fn view(status: Result<&Status>) -> *const smtp_status_t {
    errno::preserved(|| guard(ptr::null(), || Ok(ptr::from_ref(status?).cast())))
}

/// What the server said of the message as a whole. The pointer stays the same as long as the
/// message lives; the text is replaced with the next reply.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_message_transfer_status(message: smtp_message_t) -> *const smtp_status_t {
    // SAFETY: a message handle is live as long as its session.
    view(unsafe { handle(message) }.map(|message| message.transfer_status()))
}

/// What the server said of the message's sender.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_reverse_path_status(message: smtp_message_t) -> *const smtp_status_t {
    // SAFETY: a message handle is live as long as its session.
    view(unsafe { handle(message) }.map(|message| message.reverse_path_status()))
}

/// Forgets the statuses of the message and of its sender. The recipients keep theirs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_message_reset_status(message: smtp_message_t) -> c_int {
    guard(0, || {
        // SAFETY: a message handle is live as long as its session.
        unsafe { handle(message) }?.reset_statuses();
        Ok(1)
    })
}

/// What the server said of the recipient.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_recipient_status(recipient: smtp_recipient_t) -> *const smtp_status_t {
    // SAFETY: a recipient handle is live as long as its session.
    view(unsafe { handle(recipient) }.map(|recipient| recipient.status()))
}

/// Whether nothing is left to do for the recipient: the message was accepted for it, or it
/// was refused for good.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_recipient_check_complete(recipient: smtp_recipient_t) -> c_int {
    guard(0, || {
        // SAFETY: a recipient handle is live as long as its session.
        Ok(unsafe { handle(recipient) }?.is_complete().into())
    })
}

/// Forgets what the server said of the recipient: the message will be sent to it again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_recipient_reset_status(recipient: smtp_recipient_t) -> c_int {
    guard(0, || {
        // SAFETY: a recipient handle is live as long as its session.
        unsafe { handle(recipient) }?.reset();
        Ok(1)
    })
}
