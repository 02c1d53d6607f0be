// SPDX-License-Identifier: LGPL-2.1-or-later
//! Sessions: creating, setting up, carrying out, destroying.

use std::ffi::{c_char, c_int, c_long, c_void};
use std::ptr;
use std::rc::Rc;
use std::time::Duration;

use super::application_data::release;
use super::cancellation::undisturbed;
use super::guard::{guard, handle, noted, optional_text, stack_position, text};
use super::types::{
    Timeout_OVERRIDE_RFC2822_MINIMUM, rfc2822_timeouts, smtp_eventcb_t, smtp_monitorcb_t, smtp_session_t,
};
use super::{driver, errno};
use crate::error::{self, Error, Result};
use crate::protocol::{MessageAt, NodeAt, RecipientAt};
use crate::session::{ApplicationData, EventCallback, MonitorCallback, Session, Timeout};

/// Creates a session. NULL on failure.
#[unsafe(no_mangle)]
pub extern "C" fn smtp_create_session() -> smtp_session_t {
    guard(ptr::null_mut(), || Ok(Rc::into_raw(Session::new()).cast_mut()))
}

/// Sets the server, `host[:service]`; the service is a name or a number, 587 if it is
/// missing. An IPv6 address goes into brackets: `[address]:service`. Port 465 means TLS from the
/// first byte (RFC 8314). `_submission._tcp.DOMAIN` and `_submissions._tcp.DOMAIN` are looked up
/// as SRV names (RFC 6186).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_set_server(session: smtp_session_t, hostport: *const c_char) -> c_int {
    guard(0, || {
        // SAFETY: a session handle is live until smtp_destroy_session.
        let session = unsafe { handle(session) }?;
        // SAFETY: hostport is a C string for the time of this call.
        let hostport = unsafe { text(hostport) }?;
        undisturbed(|| session.set_server(hostport))?;
        Ok(1)
    })
}

/// The server's full name once it was looked up, else its name as it was set; NULL if none
/// was set. Valid until the server is set again, the session is started again or destroyed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_get_server_name(session: smtp_session_t) -> *const c_char {
    errno::preserved(|| {
        guard(ptr::null(), || {
            // SAFETY: a session handle is live until smtp_destroy_session.
            let session = unsafe { handle(session) }?;
            let name = session.server_name().borrow();
            Ok(name.as_ref().map_or(ptr::null(), |name| name.as_ptr()))
        })
    })
}

/// Sets the name that we give ourselves in EHLO; NULL or "" = found at the start.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_set_hostname(session: smtp_session_t, hostname: *const c_char) -> c_int {
    guard(0, || {
        // SAFETY: a session handle is live until smtp_destroy_session.
        let session = unsafe { handle(session) }?;
        // SAFETY: hostname is NULL or a C string for the time of this call.
        session.set_hostname(unsafe { optional_text(hostname) })?;
        Ok(1)
    })
}

/// Sets the callback that is told of the session's progress; NULL = none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_set_eventcb(
    session: smtp_session_t,
    cb: smtp_eventcb_t,
    arg: *mut c_void,
) -> c_int {
    guard(0, || {
        // SAFETY: a session handle is live until smtp_destroy_session.
        let session = unsafe { handle(session) }?;
        session.set_events(cb.map(|function| EventCallback { function, arg }));
        Ok(1)
    })
}

/// Sets the callback that is shown the dialogue, and the message's headers too if `headers`
/// is not 0; NULL = none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_set_monitorcb(
    session: smtp_session_t,
    cb: smtp_monitorcb_t,
    arg: *mut c_void,
    headers: c_int,
) -> c_int {
    guard(0, || {
        // SAFETY: a session handle is live until smtp_destroy_session.
        let session = unsafe { handle(session) }?;
        session.set_monitor(cb.map(|function| MonitorCallback { function, arg, headers: headers != 0 }));
        Ok(1)
    })
}

/// Sets a time-out in milliseconds, raised to the least value of RFC 5321 unless
/// Timeout_OVERRIDE_RFC2822_MINIMUM is added to `which`. Returns the value that was set, 0 on
/// failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_set_timeout(session: smtp_session_t, which: c_int, value: c_long) -> c_long {
    guard(0, || {
        // SAFETY: a session handle is live until smtp_destroy_session.
        let session = unsafe { handle(session) }?;
        let below_rfc = which & Timeout_OVERRIDE_RFC2822_MINIMUM != 0;
        let which = timeout(which & !Timeout_OVERRIDE_RFC2822_MINIMUM)?;
        let value = u64::try_from(value).ok().filter(|value| *value > 0).ok_or(Error::Invalid)?;
        let set = session.set_timeout(which, Duration::from_millis(value), below_rfc);
        c_long::try_from(set.as_millis()).map_err(|_| Error::Client)
    })
}

fn timeout(which: c_int) -> Result<Timeout> {
    const GREETING: c_int = rfc2822_timeouts::Timeout_GREETING as c_int;
    const ENVELOPE: c_int = rfc2822_timeouts::Timeout_ENVELOPE as c_int;
    const DATA: c_int = rfc2822_timeouts::Timeout_DATA as c_int;
    const TRANSFER: c_int = rfc2822_timeouts::Timeout_TRANSFER as c_int;
    const DATA2: c_int = rfc2822_timeouts::Timeout_DATA2 as c_int;
    match which {
        GREETING => Ok(Timeout::Greeting),
        ENVELOPE => Ok(Timeout::Envelope),
        DATA => Ok(Timeout::Data),
        TRANSFER => Ok(Timeout::Transfer),
        DATA2 => Ok(Timeout::EndOfData),
        _ => Err(Error::Invalid),
    }
}

/// Whether a message is sent only if the server accepts each of its recipients.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn smtp_option_require_all_recipients(session: smtp_session_t, state: c_int) -> c_int {
    guard(0, || {
        // SAFETY: a session handle is live until smtp_destroy_session.
        let session = unsafe { handle(session) }?;
        session.set_require_all_recipients(state != 0);
        Ok(1)
    })
}

/// Submits the messages that are not complete. 1 if the dialogue ran its course, whatever the
/// server decided about each message (the statuses tell); 0 if it could not, with the reason
/// in `smtp_errno` and its text in `smtp_strerror`. `errno` is the system's number for it then, or
/// 0.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn smtp_start_session(session: smtp_session_t) -> c_int {
    let caller = 0_u8;
    // SAFETY: a session handle is live until smtp_destroy_session, which refuses to run while
    // this call does.
    let session = unsafe { handle(session) };
    // SAFETY: the session's callbacks are those that the application set with their types.
    let result = session.and_then(|session| unsafe { driver::run(session, ptr::from_ref(&caller).addr()) });
    let done = noted(result).is_some();
    if !done {
        errno::set(error::last_cause());
    }
    c_int::from(done)
}

/// Destroys a session and all that is in it, after having each application data released.
/// Not possible from a callback of the session itself.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn smtp_destroy_session(session: smtp_session_t) -> c_int {
    if session.is_null() {
        error::set_last(Error::Invalid);
        return 0;
    }
    let caller = 0_u8;
    // SAFETY: a session handle that is not NULL is live until this call is over.
    unsafe { destroy(session, ptr::from_ref(&caller).addr()) }
}

/// Kept apart from the entry point, whose frame is small so that its address tells well where
/// the caller stands.
///
/// # Safety
/// The session is a live one of smtp_create_session, and its callbacks are of their types.
#[inline(never)]
unsafe fn destroy(pointer: *const Session, position: usize) -> c_int {
    // SAFETY: the caller promises a live session; it is not used any more when it is freed.
    let session = unsafe { &*pointer };
    if noted(undisturbed(|| session.check_destroy(position)).and_then(|result| result)).is_none() {
        return 0;
    }
    let callbacks = stack_position();
    let mark = session.walk().enter(callbacks);
    session.walk().enter_destruction(callbacks);
    // SAFETY: the caller's promise.
    unsafe { release_all(session) };
    session.walk().leave(mark);
    driver::release_source_context(session);
    // SAFETY: the caller promises a pointer of Rc::into_raw; it is given back once, here.
    let session = unsafe { Rc::from_raw(pointer) };
    c_int::from(noted(undisturbed(|| drop(session))).is_some())
}

/// Releases the session's data, its nodes', its messages' and their recipients'. Each is taken
/// out first, so that a release function which jumps away is not called again.
///
/// # Safety
/// The release functions are of their type.
unsafe fn release_all(session: &Session) {
    let data = |data: &ApplicationData| {
        // SAFETY: the caller's promise.
        unsafe { release(data.replace(ptr::null_mut(), None)) };
    };
    data(session.application_data());
    let mut at = NodeAt::FIRST;
    while let Some(node) = session.etrn_node(at).map(|node| Rc::as_ptr(&node)) {
        // SAFETY: the session owns its nodes, and is not destroyed before this walk is over.
        data(unsafe { &*node }.application_data());
        at = at.next();
    }
    let mut at = MessageAt::FIRST;
    while let Some(message) = session.message(at).map(|message| Rc::as_ptr(&message)) {
        // SAFETY: the session owns its messages, as above.
        let message = unsafe { &*message };
        data(message.application_data());
        let mut who = RecipientAt::FIRST;
        while let Some(at) = message.recipient_with_data(who) {
            if let Some(recipient) = message.recipient(at).map(ptr::from_ref) {
                // SAFETY: the message owns its recipients, as above.
                data(unsafe { &*recipient }.application_data());
            }
            who = at.next();
        }
        at = at.next();
    }
}
