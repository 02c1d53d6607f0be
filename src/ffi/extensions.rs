// SPDX-License-Identifier: LGPL-2.1-or-later
//! What SMTP extensions say about a message: DSN, SIZE, 8BITMIME, BINARYMIME, DELIVERBY.

use std::ffi::{c_char, c_int, c_long, c_ulong};

use super::guard::{guard, handle, text};
use super::types::{by_mode, e8bitmime_body, ret_flags, smtp_message_t};
use crate::error::{Error, Result};
use crate::protocol::envelope::{BodyType, ByMode, DeliverBy, EnvelopeId, Return};

/// `enum ret_flags` as C passes it: any number.
pub type RetFlags = c_int;
/// `enum e8bitmime_body` as C passes it: any number.
pub type Body = c_int;
/// `enum by_mode` as C passes it: any number.
pub type Mode = c_int;

/// Sets how much of the message a failure report returns (RFC 3461). Anything but Ret_NOTSET
/// makes DSN a required extension.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_dsn_set_ret(message: smtp_message_t, flags: RetFlags) -> c_int {
    guard(0, || {
        // SAFETY: a message handle is live as long as its session.
        let message = unsafe { handle(message) }?;
        message.set_return(ret(flags)?);
        Ok(1)
    })
}

fn ret(flags: RetFlags) -> Result<Option<Return>> {
    const NOTSET: c_int = ret_flags::Ret_NOTSET as c_int;
    const FULL: c_int = ret_flags::Ret_FULL as c_int;
    const HDRS: c_int = ret_flags::Ret_HDRS as c_int;
    match flags {
        NOTSET => Ok(None),
        FULL => Ok(Some(Return::Full)),
        HDRS => Ok(Some(Return::Headers)),
        _ => Err(Error::Invalid),
    }
}

/// Sets the envelope identifier that reports quote (RFC 3461), at most 100 bytes encoded.
/// Makes DSN a required extension.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_dsn_set_envid(message: smtp_message_t, envid: *const c_char) -> c_int {
    guard(0, || {
        // SAFETY: a message handle is live as long as its session.
        let message = unsafe { handle(message) }?;
        // SAFETY: envid is a C string for the time of this call.
        message.set_envelope_id(EnvelopeId::new(unsafe { text(envid) }?.to_bytes())?);
        Ok(1)
    })
}

/// Sets the estimated size of the message in bytes (RFC 1870); 0 = not told.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_size_set_estimate(message: smtp_message_t, size: c_ulong) -> c_int {
    guard(0, || {
        // SAFETY: a message handle is live as long as its session.
        unsafe { handle(message) }?.set_size(octets(size));
        Ok(1)
    })
}

/// C's `unsigned long` has 32 bits or 64.
fn octets(size: impl Into<u64>) -> u64 {
    size.into()
}

/// Sets what the message's text consists of. Anything but E8bitmime_NOTSET makes 8BITMIME, or
/// CHUNKING and BINARYMIME, required extensions.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_8bitmime_set_body(message: smtp_message_t, body: Body) -> c_int {
    guard(0, || {
        // SAFETY: a message handle is live as long as its session.
        let message = unsafe { handle(message) }?;
        message.set_body(body_type(body)?);
        Ok(1)
    })
}

fn body_type(body: Body) -> Result<Option<BodyType>> {
    const NOTSET: c_int = e8bitmime_body::E8bitmime_NOTSET as c_int;
    const SEVEN_BIT: c_int = e8bitmime_body::E8bitmime_7BIT as c_int;
    const EIGHT_BIT: c_int = e8bitmime_body::E8bitmime_8BITMIME as c_int;
    const BINARY: c_int = e8bitmime_body::E8bitmime_BINARYMIME as c_int;
    match body {
        NOTSET => Ok(None),
        SEVEN_BIT => Ok(Some(BodyType::SevenBit)),
        EIGHT_BIT => Ok(Some(BodyType::EightBit)),
        BINARY => Ok(Some(BodyType::Binary)),
        _ => Err(Error::Invalid),
    }
}

/// Sets the time in seconds within which the message is to be delivered (RFC 2852), and
/// whether relays report (`trace`). By_RETURN needs a time greater than 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_deliverby_set_mode(
    message: smtp_message_t,
    time: c_long,
    mode: Mode,
    trace: c_int,
) -> c_int {
    guard(0, || {
        // SAFETY: a message handle is live as long as its session.
        let message = unsafe { handle(message) }?;
        message.set_deliver_by(deliver_by(time, mode, trace != 0)?);
        Ok(1)
    })
}

/// `time` is C's `long`, which has 32 bits or 64.
fn deliver_by(time: impl Into<i64>, mode: Mode, trace: bool) -> Result<Option<DeliverBy>> {
    const NOTSET: c_int = by_mode::By_NOTSET as c_int;
    const NOTIFY: c_int = by_mode::By_NOTIFY as c_int;
    const RETURN: c_int = by_mode::By_RETURN as c_int;
    let mode = match mode {
        NOTSET => return Ok(None),
        NOTIFY => ByMode::Notify,
        RETURN => ByMode::Return,
        _ => return Err(Error::Invalid),
    };
    DeliverBy::new(time.into(), mode, trace).map(Some)
}
