// SPDX-License-Identifier: LGPL-2.1-or-later
//! Authentication contexts, and the mechanisms for programs that run an exchange themselves.

#![allow(non_camel_case_types, reason = "these are the names that C programs use")]

use std::ffi::{c_char, c_int, c_uint, c_void};
use std::ptr;
use std::slice;
use std::sync::Arc;

use super::cancellation::undisturbed;
use super::guard::{guard, handle, noted, optional_text, text};
use super::{errno, exchange};
use crate::error::{Error, Result};
use crate::sasl::{ClientRequest, Context, Interact, Secret, plugin};

/// An authentication context.
pub type auth_context_t = *mut Context;
/// A field that the application is asked for.
pub type auth_client_request_t = *const ClientRequest;

/// Supplies credentials: for each of `fields` requests a NUL-terminated string in `result`,
/// which stays the application's and must live until the callback is called again. Returns 0 if
/// it cannot.
pub type auth_interact_t = Option<
    unsafe extern "C-unwind" fn(
        request: auth_client_request_t,
        result: *mut *mut c_char,
        fields: c_int,
        arg: *mut c_void,
    ) -> c_int,
>;
/// A plug-in's function that answers a challenge; `challenge` NULL = the initial response.
pub type auth_response_t = Option<
    unsafe extern "C-unwind" fn(
        ctx: *mut c_void,
        challenge: *const c_char,
        len: *mut c_int,
        interact: auth_interact_t,
        arg: *mut c_void,
    ) -> *const c_char,
>;
/// A plug-in's function that encodes or decodes what goes over the connection.
pub type auth_recode_t = Option<
    unsafe extern "C-unwind" fn(
        ctx: *mut c_void,
        dstbuf: *mut *mut c_char,
        dstlen: *mut c_int,
        srcbuf: *const c_char,
        srclen: c_int,
    ) -> c_int,
>;

/// The name of a user.
pub const AUTH_USER: c_int = 1;
/// The realm or domain that a user belongs to.
pub const AUTH_REALM: c_int = 2;
/// What only the user knows.
pub const AUTH_PASS: c_int = 4;
/// The field is sent as it is.
pub const AUTH_CLEARTEXT: c_int = 8;
/// The mechanism tells the server nothing about the user.
pub const AUTH_PLUGIN_ANONYMOUS: c_int = 1;
/// The mechanism sends the password as it is.
pub const AUTH_PLUGIN_PLAIN: c_int = 2;
/// The server knows the user from somewhere else, such as a TLS certificate.
pub const AUTH_PLUGIN_EXTERNAL: c_int = 4;

/// A reference of its own to a context; `None` for NULL.
///
/// # Safety
/// The context is null or live.
pub(super) unsafe fn share(context: auth_context_t) -> Option<Arc<Context>> {
    if context.is_null() {
        return None;
    }
    // SAFETY: the pointer came from Arc::into_raw in auth_create_context, and the context is live.
    unsafe { Arc::increment_strong_count(context) };
    // SAFETY: as above; this is the reference that was just counted.
    Some(unsafe { Arc::from_raw(context) })
}

/// Prepares the library for authentication. May be called any number of times, or never.
#[unsafe(no_mangle)]
pub extern "C" fn auth_client_init() {}

/// Unloads the plug-ins that no context uses. Contexts and sessions go on working.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn auth_client_exit() {
    noted(undisturbed(plugin::unload_unused));
}

/// Creates a context. NULL on failure.
#[unsafe(no_mangle)]
pub extern "C" fn auth_create_context() -> auth_context_t {
    guard(ptr::null_mut(), || Ok(Arc::into_raw(Context::new()).cast_mut()))
}

/// Destroys a context. A session that still has it goes on using it.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn auth_destroy_context(context: auth_context_t) -> c_int {
    guard(0, || {
        // SAFETY: a context handle is live until this call.
        unsafe { handle(context) }?;
        // SAFETY: the pointer came from Arc::into_raw in auth_create_context; the handle ends here.
        let context = unsafe { Arc::from_raw(context) };
        undisturbed(|| drop(context))?;
        Ok(1)
    })
}

/// Forbids the kinds of mechanisms in `clear`, then allows those in `set`: AUTH_PLUGIN_PLAIN,
/// AUTH_PLUGIN_ANONYMOUS.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_set_mechanism_flags(
    context: auth_context_t,
    set: c_uint,
    clear: c_uint,
) -> c_int {
    guard(0, || {
        // SAFETY: a context handle is live until auth_destroy_context.
        unsafe { handle(context) }?.change_flags(set, clear);
        Ok(1)
    })
}

/// Sets the least strength of a mechanism's security layer, 0 = none is needed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_set_mechanism_ssf(context: auth_context_t, min_ssf: c_int) -> c_int {
    guard(0, || {
        // SAFETY: a context handle is live until auth_destroy_context.
        unsafe { handle(context) }?.set_min_ssf(min_ssf);
        Ok(1)
    })
}

// SAFETY: the library only hands the pointers of both on. That the callback may be called from each
// thread which starts a session with its context is the application's promise when it sets one.
unsafe impl Send for Interact {}
// SAFETY: the pointers lead to constant strings, and are read by C alone.
unsafe impl Sync for ClientRequest {}

/// Sets the callback that supplies credentials; NULL = none, and no authentication.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_set_interact_cb(
    context: auth_context_t,
    interact: auth_interact_t,
    arg: *mut c_void,
) -> c_int {
    guard(0, || {
        // SAFETY: a context handle is live until auth_destroy_context.
        let context = unsafe { handle(context) }?;
        context.set_interact(interact.map(|function| Interact { function, arg }));
        Ok(1)
    })
}

/// Whether the context has a callback that supplies credentials.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_client_enabled(context: auth_context_t) -> c_int {
    guard(0, || {
        // SAFETY: a context handle is live until auth_destroy_context.
        Ok(unsafe { handle(context) }?.is_enabled().into())
    })
}

/// Selects a mechanism, if it is known and allowed. A session tries it first.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn auth_set_mechanism(context: auth_context_t, name: *const c_char) -> c_int {
    guard(0, || {
        // SAFETY: a context handle is live until auth_destroy_context.
        let context = unsafe { handle(context) }?;
        // SAFETY: name is a C string for the time of this call.
        let name = unsafe { text(name) }?.to_str().map_err(|_| Error::Invalid)?;
        undisturbed(|| context.select(name))??;
        Ok(1)
    })
}

/// The selected mechanism's name; NULL if there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_mechanism_name(context: auth_context_t) -> *const c_char {
    errno::preserved(|| {
        guard(ptr::null(), || {
            // SAFETY: a context handle is live until auth_destroy_context.
            Ok(unsafe { handle(context) }?.mechanism_name())
        })
    })
}

/// The selected mechanism's answer to a challenge of `*len` bytes, or its initial response if
/// `challenge` is NULL. `*len` becomes its length; it lives until the next call with this
/// context. NULL with length 0: there is no initial response, or the mechanism has failed.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn auth_response(
    context: auth_context_t,
    challenge: *const c_char,
    len: *mut c_int,
) -> *const c_char {
    // A reference of our own: the callback may destroy the context.
    // SAFETY: a context handle is live until auth_destroy_context.
    let context = unsafe { share(context) }.ok_or(Error::Invalid);
    // SAFETY: the length points to the caller's variable, and the challenge has so many bytes.
    let challenge = unsafe { challenge_text(challenge, len) };
    let arguments = context.and_then(|context| Ok((context, challenge?)));
    let Some((context, challenge)) = noted(arguments) else {
        return ptr::null();
    };
    // SAFETY: the callback is the one that the application set with its type.
    let response = noted(unsafe { exchange::respond(&context, challenge) }).flatten();
    let (text, length) = response.as_deref().map_or((ptr::null(), 0), |response: &Secret| {
        (response.as_c_ptr(), c_int::try_from(response.len()).unwrap_or(c_int::MAX))
    });
    // SAFETY: the length was checked not to be null.
    unsafe { *len = length };
    // The context keeps the response, so the pointer outlives this reference.
    text
}

/// # Safety
/// The length is null or points to a variable; a challenge has so many bytes.
unsafe fn challenge_text<'a>(challenge: *const c_char, len: *const c_int) -> Result<Option<&'a [u8]>> {
    if len.is_null() {
        return Err(Error::Invalid);
    }
    if challenge.is_null() {
        // What the length holds then may be anything.
        return Ok(None);
    }
    // SAFETY: it is not null, so the caller promises a variable.
    let length = usize::try_from(unsafe { *len }).map_err(|_| Error::Invalid)?;
    // SAFETY: the caller promises so many bytes.
    Ok(Some(unsafe { slice::from_raw_parts(challenge.cast(), length) }))
}

/// The strength of the selected mechanism's security layer; -1 = no mechanism is selected.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_get_ssf(context: auth_context_t) -> c_int {
    errno::preserved(|| {
        guard(-1, || {
            // SAFETY: a context handle is live until auth_destroy_context.
            Ok(unsafe { handle(context) }?.ssf().unwrap_or(-1))
        })
    })
}

/// Applies the mechanism's security layer to text for the server; `arg` is the context. What
/// comes out lives until the next call. Without a security layer nothing is changed.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn auth_encode(
    dstbuf: *mut *mut c_char,
    dstlen: *mut c_int,
    srcbuf: *const c_char,
    srclen: c_int,
    arg: *mut c_void,
) {
    // SAFETY: the arguments are those of this function.
    unsafe { recode(dstbuf, dstlen, srcbuf, srclen, arg.cast(), Direction::Encode) };
}

/// Takes the mechanism's security layer off text from the server; `arg` is the context. What
/// comes out lives until the next call. Without a security layer nothing is changed.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn auth_decode(
    dstbuf: *mut *mut c_char,
    dstlen: *mut c_int,
    srcbuf: *const c_char,
    srclen: c_int,
    arg: *mut c_void,
) {
    // SAFETY: the arguments are those of this function.
    unsafe { recode(dstbuf, dstlen, srcbuf, srclen, arg.cast(), Direction::Decode) };
}

#[derive(Clone, Copy)]
enum Direction {
    Encode,
    Decode,
}

/// # Safety
/// The context is null or live; the source has so many bytes; the destinations are null or
/// point to variables.
unsafe fn recode(
    to: *mut *mut c_char,
    to_len: *mut c_int,
    from: *const c_char,
    from_len: c_int,
    context: *const Context,
    direction: Direction,
) {
    guard((), || {
        // SAFETY: the caller's promise.
        let context = unsafe { handle(context) }?;
        if from.is_null() || to.is_null() || to_len.is_null() {
            return Err(Error::Invalid);
        }
        let length = usize::try_from(from_len).map_err(|_| Error::Invalid)?;
        // SAFETY: the caller promises so many bytes.
        let text = unsafe { slice::from_raw_parts(from.cast(), length) };
        let Some(layer) = context.security_layer() else {
            return Ok(());
        };
        let (recoded, length) = match direction {
            Direction::Encode => layer.encode_in_place(text),
            Direction::Decode => layer.decode_in_place(text),
        }?;
        // SAFETY: the destination is not null and points to the caller's variable.
        unsafe { *to = recoded };
        // SAFETY: as above.
        unsafe { *to_len = length };
        Ok(())
    });
}

/// Sets the identity for EXTERNAL, which allows that mechanism; NULL forbids it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn auth_set_external_id(context: auth_context_t, identity: *const c_char) -> c_int {
    guard(0, || {
        // SAFETY: a context handle is live until auth_destroy_context.
        let context = unsafe { handle(context) }?;
        // SAFETY: identity is NULL or a C string for the time of this call.
        context.set_external_id(unsafe { optional_text(identity) });
        Ok(1)
    })
}
