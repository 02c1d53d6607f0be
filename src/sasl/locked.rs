// SPDX-License-Identifier: LGPL-2.1-or-later
//! The cells of a context, which a C program may hand to sessions of any thread.

use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A value that several threads may look at and replace. It is locked for an expression; what
/// was in it is dropped when the lock is free again, for that may call a plug-in.
#[derive(Default)]
pub(super) struct Locked<T>(Mutex<T>);

impl<T> Locked<T> {
    pub(super) fn borrow(&self) -> MutexGuard<'_, T> {
        // What a panic leaves here is a whole value at any time.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn replace(&self, value: T) -> T {
        mem::replace(&mut *self.borrow(), value)
    }

    pub(super) fn set(&self, value: T) {
        drop(self.replace(value));
    }

    pub(super) fn take(&self) -> T
    where
        T: Default,
    {
        self.replace(T::default())
    }

    pub(super) fn get(&self) -> T
    where
        T: Copy,
    {
        *self.borrow()
    }
}
