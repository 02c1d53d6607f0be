// SPDX-License-Identifier: LGPL-2.1-or-later
//! What the process holds: descriptors and memory. Tests that compare run alone.

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How much a test's own bookkeeping may differ, whatever the number of cases.
const SLACK: isize = 64 * 1024;

struct Counting;

fn bytes(layout: Layout) -> isize {
    // A layout is never larger than that.
    isize::try_from(layout.size()).unwrap_or(isize::MAX)
}

static LIVE: AtomicIsize = AtomicIsize::new(0);

// SAFETY: the system's allocator does the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(bytes(layout), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        LIVE.fetch_sub(bytes(layout), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Keeps other tests of this program away.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the process holds.
pub(crate) struct Holdings {
    descriptors: usize,
    bytes: isize,
}

impl Holdings {
    pub(crate) fn now() -> Self {
        let descriptors = fs::read_dir("/proc/self/fd").expect("Linux has it").count();
        Self {
            descriptors,
            bytes: LIVE.load(Ordering::Relaxed),
        }
    }

    /// So many cases later nothing more is held.
    pub(crate) fn compare(&self, cases: usize) {
        let now = Self::now();
        assert_eq!(now.descriptors, self.descriptors, "descriptors after {cases} cases");
        let more = now.bytes - self.bytes;
        assert!(more < SLACK, "{more} bytes more after {cases} cases");
    }
}
