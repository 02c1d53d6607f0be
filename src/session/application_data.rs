// SPDX-License-Identifier: LGPL-2.1-or-later
//! A pointer of the application's that travels with a session, message, recipient or node.

use std::cell::Cell;
use std::ffi::c_void;
use std::ptr;

use super::callback::Release;

/// The application's pointer and the function that releases it. Never looked into here.
pub struct ApplicationData {
    data: Cell<*mut c_void>,
    release: Cell<Option<Release>>,
}

impl Default for ApplicationData {
    fn default() -> Self {
        Self {
            data: Cell::new(ptr::null_mut()),
            release: Cell::new(None),
        }
    }
}

impl ApplicationData {
    /// The pointer that was set last, or null.
    #[must_use]
    pub fn data(&self) -> *mut c_void {
        self.data.get()
    }

    /// Whether a pointer was set that is not null.
    #[must_use]
    pub fn is_there(&self) -> bool {
        !self.data.get().is_null()
    }

    /// Stores a pointer and its release function; gives back what was there before, which
    /// the caller releases (or hands to the application, as the deprecated setters do).
    #[must_use]
    pub fn replace(&self, data: *mut c_void, release: Option<Release>) -> (*mut c_void, Option<Release>) {
        (self.data.replace(data), self.release.replace(release))
    }
}
