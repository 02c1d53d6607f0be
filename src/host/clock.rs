// SPDX-License-Identifier: LGPL-2.1-or-later
//! Local time.

use std::cell::Cell;
use std::ffi::c_int;

thread_local! {
    /// What was asked for last: many messages leave in a second, and each asks.
    static LAST: Cell<Option<(i64, i32)>> = const { Cell::new(None) };
}

/// Seconds that local time is ahead of universal time at a moment given in seconds since
/// 1970; `None` if the system cannot represent it.
#[must_use]
pub fn local_offset(seconds: i64) -> Option<i32> {
    if let Some((_, offset)) = LAST.get().filter(|(last, _)| *last == seconds) {
        return Some(offset);
    }
    let offset = ask(seconds)?;
    LAST.set(Some((seconds, offset)));
    Some(offset)
}

fn ask(seconds: i64) -> Option<i32> {
    let mut offset = 0;
    // SAFETY: it reads a number and writes one of ours, for the time of the call.
    let known = unsafe { esmtp_local_offset(seconds, &raw mut offset) };
    (known != 0).then_some(offset)
}

unsafe extern "C" {
    /// In clock.c.
    fn esmtp_local_offset(seconds: i64, offset: *mut i32) -> c_int;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_that_cannot_be_represented_has_no_offset() {
        assert!(local_offset(0).is_some());
        assert!(local_offset(i64::MAX).is_none());
    }
}
