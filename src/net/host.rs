// SPDX-License-Identifier: LGPL-2.1-or-later
//! What this host calls itself, and its offset from universal time.

use std::ffi::{CStr, CString, c_char};
use std::mem::MaybeUninit;

use super::resolve;

/// The name for EHLO: the node name, or the full name that the resolver gives for it, if the
/// node name has no dot (RFC 5321 §4.1.1.1 asks for a full name).
#[must_use]
pub fn mail_name() -> CString {
    let node = node_name();
    if node.as_bytes().contains(&b'.') {
        return node;
    }
    let full = resolve::canonical_name(&node).filter(|name| {
        let name = name.as_bytes();
        let is_local = name.get(..9).is_some_and(|start| start.eq_ignore_ascii_case(b"localhost"));
        name.contains(&b'.') && !is_local
    });
    full.unwrap_or(node)
}

/// What `uname` calls this host; `localhost` if it says nothing usable.
fn node_name() -> CString {
    let mut names = MaybeUninit::<libc::utsname>::uninit();
    // SAFETY: uname fills the structure that it is given.
    if unsafe { libc::uname(names.as_mut_ptr()) } != 0 {
        return c"localhost".to_owned();
    }
    // SAFETY: uname succeeded, so the structure is filled.
    let names = unsafe { names.assume_init() };
    let bytes: &[c_char] = &names.nodename;
    // SAFETY: nodename is NUL-terminated, and lives until the end of this function.
    let node = unsafe { CStr::from_ptr(bytes.as_ptr()) };
    let clean = !node.is_empty() && node.to_bytes().iter().all(u8::is_ascii_graphic);
    if clean { node.to_owned() } else { c"localhost".to_owned() }
}

/// Seconds that local time is ahead of universal time at a moment given in seconds since
/// 1970; `None` if the system cannot represent it.
#[must_use]
pub fn local_offset(seconds: i64) -> Option<i32> {
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
    fn a_name_is_never_empty() {
        assert!(!mail_name().is_empty());
    }

    #[test]
    fn a_moment_that_cannot_be_represented_has_no_offset() {
        assert!(local_offset(0).is_some());
        assert!(local_offset(i64::MAX).is_none());
    }
}
