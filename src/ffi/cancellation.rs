// SPDX-License-Identifier: LGPL-2.1-or-later
//! Cancellation of the calling thread (`pthread_cancel`), which ends a thread by unwinding its
//! stack. Rust's frames cannot be unwound like that: so it is put off while the library's own
//! steps run, and let in where the application is called and where a session waits.

use std::ffi::c_int;

use super::guard::caught;
use crate::error::Result;

/// Whether the application has it enabled.
#[derive(Clone, Copy)]
pub(super) struct State(c_int);

#[cfg(not(target_os = "android"))]
unsafe extern "C" {
    fn pthread_setcancelstate(state: c_int, before: *mut c_int) -> c_int;
}

#[cfg(not(target_os = "android"))]
unsafe extern "C-unwind" {
    fn pthread_testcancel();
}

/// There is none.
#[cfg(target_os = "android")]
unsafe fn pthread_testcancel() {}

/// There is none.
#[cfg(target_os = "android")]
unsafe fn pthread_setcancelstate(_: c_int, _: *mut c_int) -> c_int {
    0
}

#[cfg(target_vendor = "apple")]
const DISABLE: c_int = 0;
#[cfg(not(target_vendor = "apple"))]
const DISABLE: c_int = 1;

fn change(state: c_int) -> c_int {
    let mut before = state;
    // SAFETY: the state is one that the system knows, and the old one is ours to store.
    unsafe { pthread_setcancelstate(state, &raw mut before) };
    before
}

/// Puts it off until [`restore`].
pub(super) fn put_off() -> State {
    State(change(DISABLE))
}

/// Back to what the application has.
pub(super) fn restore(state: State) {
    change(state.0);
}

/// Ends the thread if that is due, and the application has it enabled. The frame owns nothing.
#[inline(always)]
pub(super) fn end_if_due() {
    // SAFETY: it has no argument; the frames that it may unwind own nothing.
    unsafe { pthread_testcancel() };
}

/// Calls the application, or waits: what may end the thread, or leave by a jump. The frame owns
/// nothing.
#[inline(always)]
pub(super) fn let_in<T>(state: State, f: impl FnOnce() -> T) -> T {
    restore(state);
    let result = f();
    put_off();
    result
}

/// Runs our own code that may come to where a thread is cancelled; a panic becomes an error.
pub(super) fn undisturbed<T>(f: impl FnOnce() -> T) -> Result<T> {
    let before = put_off();
    let result = caught(f);
    restore(before);
    result
}
