// SPDX-License-Identifier: LGPL-2.1-or-later
//! ETRN nodes (RFC 1985): queues that the server is asked to run.

use std::ffi::{c_char, c_int, c_void};
use std::ptr;
use std::rc::Rc;

use super::guard::{guard, handle, noted, stack_position, text};
use super::status::view;
use super::types::{smtp_etrn_enumerate_nodecb_t, smtp_etrn_node_t, smtp_session_t, smtp_status_t};
use crate::error::{Error, Result};
use crate::protocol::NodeAt;
use crate::protocol::envelope::EtrnOption;

/// Asks the server to send the mail that it holds for `node`: a host, or with option '@' a
/// domain and all below it. Makes ETRN a required extension. NULL on failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_etrn_add_node(
    session: smtp_session_t,
    option: c_int,
    node: *const c_char,
) -> smtp_etrn_node_t {
    guard(ptr::null_mut(), || {
        // SAFETY: a session handle is live until smtp_destroy_session.
        let session = unsafe { handle(session) }?;
        // SAFETY: node is a C string for the time of this call.
        let node = session.add_etrn_node(etrn_option(option)?, unsafe { text(node) }?)?;
        // The session keeps the node, so the pointer outlives this reference.
        Ok(Rc::as_ptr(&node).cast_mut())
    })
}

fn etrn_option(option: c_int) -> Result<EtrnOption> {
    match option {
        0 => Ok(EtrnOption::Host),
        0x40 => Ok(EtrnOption::Subdomains),
        _ => Err(Error::Invalid),
    }
}

/// The option as C knows it.
pub(super) fn option_number(option: EtrnOption) -> c_int {
    match option {
        EtrnOption::Host => 0,
        EtrnOption::Subdomains => c_int::from(b'@'),
    }
}

/// Calls `cb` with each node, in the order in which they were added.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn smtp_etrn_enumerate_nodes(
    session: smtp_session_t,
    cb: smtp_etrn_enumerate_nodecb_t,
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
    let mut at = NodeAt::FIRST;
    while let Some(pointer) = session.etrn_node(at).map(|node| Rc::as_ptr(&node)) {
        // SAFETY: the session keeps the node.
        let node = unsafe { &*pointer };
        let (option, domain) = (option_number(node.option()), node.domain().as_ptr());
        // SAFETY: the callback is of its type; the session keeps the node.
        unsafe { call(pointer.cast_mut(), option, domain, arg) };
        at = at.next();
    }
    session.walk().leave(mark);
    1
}

/// What the server said of the node.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_etrn_node_status(node: smtp_etrn_node_t) -> *const smtp_status_t {
    // SAFETY: a node handle is live as long as its session.
    view(unsafe { handle(node) }.map(|node| node.status()))
}
