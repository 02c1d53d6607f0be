// SPDX-License-Identifier: LGPL-2.1-or-later
//! Headers that the application sets.

use std::ffi::{c_char, c_int};

use super::guard::{guard, handle, optional_text, text};
use super::types::{header_option, smtp_message_t};
use crate::content::header::{HeaderOption, Headers, Value, ValueKind};
use crate::error::{Error, Result};

/// `enum header_option` as C passes it: any number.
pub type Option_ = c_int;

#[allow(improper_ctypes, reason = "C sees the handle as an opaque pointer")]
unsafe extern "C" {
    /// Sets a header. What follows its name: `const time_t *` for Date; `const char *phrase,
    /// const char *mailbox` for From, Sender, To, Cc, Bcc, Reply-To and
    /// Disposition-Notification-To; else `const char *text`.
    pub fn smtp_set_header(message: smtp_message_t, header: *const c_char, ...) -> c_int;

    /// Sets an option of a header: Hdr_OVERRIDE or Hdr_PROHIBIT, followed by an int, 0 = off.
    pub fn smtp_set_header_option(
        message: smtp_message_t,
        header: *const c_char,
        option: Option_,
        ...
    ) -> c_int;
}

/// Headers for resending (RFC 5322 section 3.6.6) are passed as they are in the message's
/// text: only 0 succeeds.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_set_resent_headers(message: smtp_message_t, onoff: c_int) -> c_int {
    guard(0, || {
        // SAFETY: a message handle is live as long as its session.
        unsafe { handle(message) }?;
        if onoff == 0 { Ok(1) } else { Err(Error::Invalid) }
    })
}

/// Which arguments follow the header's name: 1 = a time, 2 = a string, 3 = phrase and mailbox,
/// as variadic.c knows them; 0 = the header cannot be set.
#[unsafe(no_mangle)]
unsafe extern "C" fn esmtp_header_value_kind(message: smtp_message_t, header: *const c_char) -> c_int {
    guard(0, || {
        // SAFETY: a message handle is live as long as its session.
        unsafe { handle(message) }?;
        // SAFETY: header is a C string for the time of this call.
        let name = unsafe { text(header) }?;
        Ok(match Headers::kind(name.to_bytes())? {
            ValueKind::Date => 1,
            ValueKind::MessageId | ValueKind::Text => 2,
            ValueKind::Mailbox => 3,
        })
    })
}

/// Sets a header whose value is a moment, in seconds since 1970. How many bits a `time_t` of the
/// application has, variadic.c knows: C libraries with one of 32 bits may have both.
#[unsafe(no_mangle)]
unsafe extern "C" fn esmtp_set_header_date(
    message: smtp_message_t,
    header: *const c_char,
    value: *const i64,
) -> c_int {
    guard(0, || {
        // SAFETY: value points to seconds for the time of this call, or is NULL.
        let seconds = unsafe { value.as_ref() }.copied();
        // SAFETY: the arguments are those of smtp_set_header.
        unsafe { set(message, header, Value::Date(seconds)) }
    })
}

/// Sets a header whose value is a string.
#[unsafe(no_mangle)]
unsafe extern "C" fn esmtp_set_header_text(
    message: smtp_message_t,
    header: *const c_char,
    value: *const c_char,
) -> c_int {
    guard(0, || {
        // SAFETY: header is a C string for the time of this call.
        let kind = Headers::kind(unsafe { text(header) }?.to_bytes())?;
        // SAFETY: value is NULL or a C string for the time of this call.
        let value = unsafe { optional_text(value) }.map(|value| value.to_bytes());
        let value = match kind {
            ValueKind::MessageId => Value::MessageId(value),
            _ => Value::Text(value),
        };
        // SAFETY: the arguments are those of smtp_set_header.
        unsafe { set(message, header, value) }
    })
}

/// Sets a header whose value is a mailbox with a phrase.
#[unsafe(no_mangle)]
unsafe extern "C" fn esmtp_set_header_mailbox(
    message: smtp_message_t,
    header: *const c_char,
    phrase: *const c_char,
    mailbox: *const c_char,
) -> c_int {
    guard(0, || {
        // SAFETY: phrase is NULL or a C string for the time of this call.
        let phrase = unsafe { optional_text(phrase) }.map(|phrase| phrase.to_bytes());
        // SAFETY: mailbox is NULL or a C string for the time of this call.
        let mailbox = unsafe { optional_text(mailbox) }.map(|mailbox| mailbox.to_bytes());
        // SAFETY: the arguments are those of smtp_set_header.
        unsafe { set(message, header, Value::Mailbox { phrase, mailbox }) }
    })
}

/// Sets an option of a header.
#[unsafe(no_mangle)]
unsafe extern "C" fn esmtp_set_header_option(
    message: smtp_message_t,
    header: *const c_char,
    option: Option_,
    value: c_int,
) -> c_int {
    const OVERRIDE: c_int = header_option::Hdr_OVERRIDE as c_int;
    const PROHIBIT: c_int = header_option::Hdr_PROHIBIT as c_int;
    guard(0, || {
        // SAFETY: a message handle is live as long as its session.
        let message = unsafe { handle(message) }?;
        // SAFETY: header is a C string for the time of this call.
        let name = unsafe { text(header) }?;
        let option = match option {
            OVERRIDE => HeaderOption::Override(value != 0),
            PROHIBIT => HeaderOption::Prohibit(value != 0),
            _ => return Err(Error::Invalid),
        };
        message.headers().borrow_mut().set_option(name.to_bytes(), option)?;
        Ok(1)
    })
}

/// # Safety
/// The message is null or live, the header null or a C string.
unsafe fn set(message: smtp_message_t, header: *const c_char, value: Value<'_>) -> Result<c_int> {
    // SAFETY: the caller's promise.
    let message = unsafe { handle(message) }?;
    // SAFETY: the caller's promise.
    let name = unsafe { text(header) }?;
    message.headers().borrow_mut().set(name.to_bytes(), value)?;
    Ok(1)
}
