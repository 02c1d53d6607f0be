// SPDX-License-Identifier: LGPL-2.1-or-later
//! Pointers of the application's that travel with sessions, messages, recipients and nodes.

use std::ffi::c_void;
use std::ptr;

use super::errno;
use super::guard::{guard, handle, noted};
use super::types::{smtp_etrn_node_t, smtp_message_t, smtp_recipient_t, smtp_session_t};
use crate::error::Result;
use crate::session::ApplicationData;
use crate::session::callback::Release;

/// Releases data that was replaced, if it is there and has a release function.
///
/// # Safety
/// The function is of its type and fits the data.
pub(super) unsafe fn release((data, release): (*mut c_void, Option<Release>)) {
    if let Some(release) = release.filter(|_| !data.is_null()) {
        // SAFETY: the caller's promise.
        unsafe { release(data) };
    }
}

/// Sets data without a release function; the data that was there is the application's again.
fn set(owner: Result<&ApplicationData>, data: *mut c_void) -> *mut c_void {
    guard(ptr::null_mut(), || Ok(owner?.replace(data, None).0))
}

/// Sets data after having the data that was there released.
///
/// # Safety
/// As for [`release`].
unsafe fn set_release(owner: Result<&ApplicationData>, data: *mut c_void, function: Option<Release>) {
    if let Some(owner) = noted(owner) {
        // SAFETY: the caller's promise.
        unsafe { release(owner.replace(data, function)) };
    }
}

fn get(owner: Result<&ApplicationData>) -> *mut c_void {
    errno::preserved(|| guard(ptr::null_mut(), || Ok(owner?.data())))
}

/// Sets the session's application data; returns the pointer that was there. Deprecated: use
/// `smtp_set_application_data_release`.
#[cfg(header_shows_deprecated)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_set_application_data(
    session: smtp_session_t,
    data: *mut c_void,
) -> *mut c_void {
    // SAFETY: a session handle is live until smtp_destroy_session.
    set(unsafe { handle(session) }.map(|session| session.application_data()), data)
}

/// Sets the session's application data and the function that releases it (may be NULL); the
/// data that was there is released first.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn smtp_set_application_data_release(
    session: smtp_session_t,
    data: *mut c_void,
    release: Option<unsafe extern "C-unwind" fn(data: *mut c_void)>,
) {
    // SAFETY: a session handle is live until smtp_destroy_session.
    let owner = unsafe { handle(session) }.map(|session| session.application_data());
    // SAFETY: the release functions are those that the application set for the data.
    unsafe { set_release(owner, data, release) };
}

/// The session's application data, NULL if none was set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_get_application_data(session: smtp_session_t) -> *mut c_void {
    // SAFETY: a session handle is live until smtp_destroy_session.
    get(unsafe { handle(session) }.map(|session| session.application_data()))
}

/// Sets the message's application data; returns the pointer that was there. Deprecated: use
/// `smtp_message_set_application_data_release`.
#[cfg(header_shows_deprecated)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_message_set_application_data(
    message: smtp_message_t,
    data: *mut c_void,
) -> *mut c_void {
    // SAFETY: a message handle is live as long as its session.
    set(unsafe { handle(message) }.map(|message| message.application_data()), data)
}

/// Sets the message's application data and the function that releases it (may be NULL); the
/// data that was there is released first.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn smtp_message_set_application_data_release(
    message: smtp_message_t,
    data: *mut c_void,
    release: Option<unsafe extern "C-unwind" fn(data: *mut c_void)>,
) {
    // SAFETY: a message handle is live as long as its session.
    let owner = unsafe { handle(message) }.map(|message| message.application_data());
    // SAFETY: the release functions are those that the application set for the data.
    unsafe { set_release(owner, data, release) };
}

/// The message's application data, NULL if none was set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_message_get_application_data(message: smtp_message_t) -> *mut c_void {
    // SAFETY: a message handle is live as long as its session.
    get(unsafe { handle(message) }.map(|message| message.application_data()))
}

/// Sets the recipient's application data; returns the pointer that was there. Deprecated: use
/// `smtp_recipient_set_application_data_release`.
#[cfg(header_shows_deprecated)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_recipient_set_application_data(
    recipient: smtp_recipient_t,
    data: *mut c_void,
) -> *mut c_void {
    // SAFETY: a recipient handle is live as long as its session.
    set(unsafe { handle(recipient) }.map(|recipient| recipient.application_data()), data)
}

/// Sets the recipient's application data and the function that releases it (may be NULL); the
/// data that was there is released first.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn smtp_recipient_set_application_data_release(
    recipient: smtp_recipient_t,
    data: *mut c_void,
    release: Option<unsafe extern "C-unwind" fn(data: *mut c_void)>,
) {
    // SAFETY: a recipient handle is live as long as its session.
    let owner = unsafe { handle(recipient) }.map(|recipient| recipient.application_data());
    // SAFETY: the release functions are those that the application set for the data.
    unsafe { set_release(owner, data, release) };
}

/// The recipient's application data, NULL if none was set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_recipient_get_application_data(recipient: smtp_recipient_t) -> *mut c_void {
    // SAFETY: a recipient handle is live as long as its session.
    get(unsafe { handle(recipient) }.map(|recipient| recipient.application_data()))
}

/// Sets the node's application data; returns the pointer that was there. Deprecated: use
/// `smtp_etrn_set_application_data_release`.
#[cfg(header_shows_deprecated)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_etrn_set_application_data(
    node: smtp_etrn_node_t,
    data: *mut c_void,
) -> *mut c_void {
    // SAFETY: a node handle is live as long as its session.
    set(unsafe { handle(node) }.map(|node| node.application_data()), data)
}

/// Sets the node's application data and the function that releases it (may be NULL); the data
/// that was there is released first.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn smtp_etrn_set_application_data_release(
    node: smtp_etrn_node_t,
    data: *mut c_void,
    release: Option<unsafe extern "C-unwind" fn(data: *mut c_void)>,
) {
    // SAFETY: a node handle is live as long as its session.
    let owner = unsafe { handle(node) }.map(|node| node.application_data());
    // SAFETY: the release functions are those that the application set for the data.
    unsafe { set_release(owner, data, release) };
}

/// The node's application data, NULL if none was set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_etrn_get_application_data(node: smtp_etrn_node_t) -> *mut c_void {
    // SAFETY: a node handle is live as long as its session.
    get(unsafe { handle(node) }.map(|node| node.application_data()))
}
