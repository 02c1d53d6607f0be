// SPDX-License-Identifier: LGPL-2.1-or-later
//! Local time.

use std::cell::Cell;
use std::mem::MaybeUninit;

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
    let seconds = libc::time_t::try_from(seconds).ok()?;
    let mut local = MaybeUninit::<libc::tm>::uninit();
    // SAFETY: localtime_r reads the time and fills the structure, both of which are ours.
    let filled = unsafe { libc::localtime_r(&raw const seconds, local.as_mut_ptr()) };
    if filled.is_null() {
        return None;
    }
    // SAFETY: localtime_r succeeded, so the structure is filled.
    let local = unsafe { local.assume_init() };
    i32::try_from(local.tm_gmtoff).ok()
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
