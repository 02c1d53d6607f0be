// SPDX-License-Identifier: LGPL-2.1-or-later
//! The full name that the resolver gives for a name of this host, without waiting long for it: a
//! name server that does not answer would hold up each session, which may need none at all.

use std::ffi::{CStr, CString};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::resolve;

/// Longest that a session waits for a look-up, its own or one that another has begun.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long an outcome is kept, also that there was none.
const KEPT: Duration = Duration::from_secs(600);

/// What is known of a name.
struct Known {
    node: CString,
    since: Instant,
    outcome: Outcome,
}

enum Outcome {
    Asked(Arc<LookUp>),
    Answered(Option<CString>),
}

static KNOWN: Mutex<Option<Known>> = Mutex::new(None);

fn known() -> MutexGuard<'static, Option<Known>> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The canonical name of this host, if there is one and it is found soon.
pub(super) fn of(node: &CStr) -> Option<CString> {
    let look_up = {
        let mut known = known();
        match known.as_ref().filter(|known| known.is_about(node)) {
            Some(Known { outcome: Outcome::Answered(name), .. }) => return name.clone(),
            Some(Known { outcome: Outcome::Asked(look_up), .. }) => Arc::clone(look_up),
            None => {
                // What hinders the look-up may pass: it is not kept.
                let look_up = Arc::new(LookUp::begin(node)?);
                let outcome = Outcome::Asked(Arc::clone(&look_up));
                *known = Some(Known {
                    node: node.to_owned(),
                    since: Instant::now(),
                    outcome,
                });
                look_up
            }
        }
    };
    // Without the lock: others may wait for the same, and a signal handler may jump away.
    let name = look_up.wait(PATIENCE)?;
    if let Some(known) = known().as_mut().filter(|known| known.is_about(node)) {
        known.outcome = Outcome::Answered(name.clone());
    }
    name
}

impl Known {
    fn is_about(&self, node: &CStr) -> bool {
        self.node.as_c_str() == node && self.since.elapsed() < KEPT
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
use aside::LookUp;

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
use at_once::LookUp;

/// The C library asks in a thread of its own. A thread of ours would run code that the host may
/// unload.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod aside {
    use std::cell::UnsafeCell;
    use std::ffi::{CStr, CString, c_char, c_int};
    use std::mem::{self, ManuallyDrop};
    use std::ptr;
    use std::time::{Duration, Instant};

    use super::resolve;

    /// `struct gaicb`.
    #[repr(C)]
    struct Request {
        name: *const c_char,
        service: *const c_char,
        hints: *const libc::addrinfo,
        result: *mut libc::addrinfo,
        internal: [c_int; 6],
    }

    const NOWAIT: c_int = 1;
    const IN_PROGRESS: c_int = -100;

    unsafe extern "C" {
        fn getaddrinfo_a(
            mode: c_int,
            list: *const *mut Request,
            count: c_int,
            event: *mut libc::sigevent,
        ) -> c_int;
        fn gai_suspend(list: *const *const Request, count: c_int, timeout: *const libc::timespec) -> c_int;
        fn gai_error(request: *mut Request) -> c_int;
        fn gai_cancel(request: *mut Request) -> c_int;
    }

    /// What the C library works on.
    struct Block {
        request: UnsafeCell<Request>,
        hints: libc::addrinfo,
        node: CString,
    }

    /// A look-up under way.
    pub(super) struct LookUp {
        block: ManuallyDrop<Box<Block>>,
        begun: Instant,
    }

    // SAFETY: the C library locks what it does with the request; the rest of the block does not
    // change.
    unsafe impl Send for LookUp {}
    // SAFETY: as above.
    unsafe impl Sync for LookUp {}

    impl LookUp {
        pub(super) fn begin(node: &CStr) -> Option<Self> {
            // SAFETY: all zeroes is what addrinfo is to be for hints: no flags, any family.
            let mut hints: libc::addrinfo = unsafe { mem::zeroed() };
            hints.ai_flags = libc::AI_CANONNAME;
            hints.ai_socktype = libc::SOCK_STREAM;
            let request = Request {
                name: ptr::null(),
                service: ptr::null(),
                hints: ptr::null(),
                result: ptr::null_mut(),
                internal: [0; 6],
            };
            let mut block = Box::new(Block {
                request: UnsafeCell::new(request),
                hints,
                node: node.to_owned(),
            });
            let (name, hints) = (block.node.as_ptr(), &raw const block.hints);
            let request = block.request.get_mut();
            request.name = name;
            request.hints = hints;
            let look_up = Self {
                block: ManuallyDrop::new(block),
                begun: Instant::now(),
            };
            let list = [look_up.request()];
            // SAFETY: the list is read in this call; the block outlives the work, see `drop`.
            let begun = unsafe { getaddrinfo_a(NOWAIT, list.as_ptr(), 1, ptr::null_mut()) };
            (begun == 0).then_some(look_up)
        }

        fn request(&self) -> *mut Request {
            self.block.request.get()
        }

        fn state(&self) -> c_int {
            // SAFETY: the request is live, and was handed in.
            unsafe { gai_error(self.request()) }
        }

        /// Waits until so long after the beginning. `None` = there is no outcome yet.
        pub(super) fn wait(&self, patience: Duration) -> Option<Option<CString>> {
            loop {
                let state = self.state();
                if state != IN_PROGRESS {
                    return Some(if state == 0 { self.name() } else { None });
                }
                let left = patience.checked_sub(self.begun.elapsed()).filter(|left| !left.is_zero())?;
                let timeout = libc::timespec {
                    tv_sec: libc::time_t::try_from(left.as_secs()).unwrap_or(0),
                    // A `long`: of 32 bits or of 64, less than 1,000,000,000.
                    tv_nsec: i32::try_from(left.subsec_nanos()).unwrap_or(0).into(),
                };
                let list = [self.request().cast_const()];
                // SAFETY: list and time-out live through the call, and the request longer. It
                // comes back early for a signal, too.
                unsafe { gai_suspend(list.as_ptr(), 1, &raw const timeout) };
            }
        }

        fn result(&self) -> *mut libc::addrinfo {
            // SAFETY: asked for when the work is over, so nobody writes to the request any more.
            unsafe { (*self.request()).result }
        }

        fn name(&self) -> Option<CString> {
            // SAFETY: the result is getaddrinfo's list, freed in `drop`.
            unsafe { self.result().as_ref() }.and_then(resolve::canonical)
        }
    }

    impl Drop for LookUp {
        fn drop(&mut self) {
            // SAFETY: the request is live.
            unsafe { gai_cancel(self.request()) };
            if self.state() == IN_PROGRESS {
                // The C library still writes to it: it is left behind.
                return;
            }
            let result = self.result();
            if !result.is_null() {
                // SAFETY: the list is getaddrinfo's, and freed once.
                unsafe { libc::freeaddrinfo(result) };
            }
            // SAFETY: nobody refers to the block any more, and it is dropped once.
            unsafe { ManuallyDrop::drop(&mut self.block) };
        }
    }
}

/// Where the C library has no look-up that can be left alone.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
mod at_once {
    use std::ffi::{CStr, CString};
    use std::time::Duration;

    use super::resolve;

    /// A look-up that is done.
    pub(super) struct LookUp(Option<CString>);

    impl LookUp {
        pub(super) fn begin(node: &CStr) -> Option<Self> {
            Some(Self(resolve::canonical_name(node)))
        }

        pub(super) fn wait(&self, _: Duration) -> Option<Option<CString>> {
            Some(self.0.clone())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_kept() {
        // Nothing is asked of a name server for an address.
        assert_eq!(of(c"127.0.0.1").as_deref(), Some(c"127.0.0.1"));
        assert_eq!(of(c"127.0.0.1").as_deref(), Some(c"127.0.0.1"));
        let answered = known().as_ref().map(|known| matches!(known.outcome, Outcome::Answered(_)));
        assert_ne!(answered, Some(false));
    }
}
