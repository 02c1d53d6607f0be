// SPDX-License-Identifier: LGPL-2.1-or-later
//! Recipients: adding them and their delivery status notifications (RFC 3461).

use std::ffi::{c_char, c_int, c_void};
use std::ptr;

use super::guard::{guard, handle, noted, stack_position, text};
use super::types::{smtp_enumerate_recipientcb_t, smtp_message_t, smtp_recipient_t};
use crate::error::{Error, Result};
use crate::protocol::RecipientAt;
use crate::protocol::envelope::{Notify, OriginalRecipient};

/// `enum notify_flags` as C passes it: any number.
pub type NotifyFlags = c_int;

/// Adds a recipient to the message. NULL on failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_add_recipient(
    message: smtp_message_t,
    mailbox: *const c_char,
) -> smtp_recipient_t {
    guard(ptr::null_mut(), || {
        // SAFETY: a message handle is live as long as its session.
        let message = unsafe { handle(message) }?;
        // SAFETY: mailbox is a C string for the time of this call.
        let recipient = message.add_recipient(unsafe { text(mailbox) }?)?;
        // The message keeps the recipient, so the pointer outlives this reference.
        Ok(ptr::from_ref(recipient).cast_mut())
    })
}

/// Calls `cb` with each recipient, in the order in which they were added.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn smtp_enumerate_recipients(
    message: smtp_message_t,
    cb: smtp_enumerate_recipientcb_t,
    arg: *mut c_void,
) -> c_int {
    // SAFETY: a message handle is live as long as its session, whose destruction is refused
    // from within this walk.
    let message = unsafe { handle(message) };
    let arguments = message.and_then(|message| Ok((message, cb.ok_or(Error::Invalid)?)));
    let Some((message, call)) = noted(arguments) else {
        return 0;
    };
    let mark = message.walk().enter(stack_position());
    let mut at = RecipientAt::FIRST;
    while let Some(recipient) = message.recipient(at).map(ptr::from_ref) {
        // SAFETY: the message keeps the recipient.
        let mailbox = unsafe { &*recipient }.given().as_ptr();
        // SAFETY: the callback is of its type; the message keeps the recipient.
        unsafe { call(recipient.cast_mut(), mailbox, arg) };
        at = at.next();
    }
    message.walk().leave(mark);
    1
}

/// Sets when the sender wants a report about this recipient. Makes DSN a required extension.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_dsn_set_notify(recipient: smtp_recipient_t, flags: NotifyFlags) -> c_int {
    guard(0, || {
        // SAFETY: a recipient handle is live as long as its session.
        let recipient = unsafe { handle(recipient) }?;
        recipient.set_notify(notify(flags)?);
        Ok(1)
    })
}

fn notify(flags: NotifyFlags) -> Result<Option<Notify>> {
    match flags {
        0 => Ok(None),
        -1 => Ok(Some(Notify::Never)),
        1..=7 => Ok(Some(Notify::On {
            success: flags & 1 != 0,
            failure: flags & 2 != 0,
            delay: flags & 4 != 0,
        })),
        _ => Err(Error::Invalid),
    }
}

/// Sets the address that reports name as the original recipient, `address_type` for example
/// "rfc822". Makes DSN a required extension.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_dsn_set_orcpt(
    recipient: smtp_recipient_t,
    address_type: *const c_char,
    address: *const c_char,
) -> c_int {
    guard(0, || {
        // SAFETY: a recipient handle is live as long as its session.
        let recipient = unsafe { handle(recipient) }?;
        // SAFETY: address_type is a C string for the time of this call.
        let address_type = unsafe { text(address_type) }?;
        // SAFETY: address is a C string for the time of this call.
        let address = unsafe { text(address) }?;
        recipient.set_original(OriginalRecipient::new(address_type.to_bytes(), address.to_bytes())?);
        Ok(1)
    })
}
