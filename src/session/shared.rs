// SPDX-License-Identifier: LGPL-2.1-or-later
//! What a session, its messages and their recipients know together.

use std::cell::Cell;

/// Kept by each of them, since a C program hands in a message or recipient alone.
#[derive(Debug, Default)]
pub struct Shared {
    pub(crate) requirements: Requirements,
    pub(crate) walk: Walk,
}

/// The extensions without which the session must not go on. They stay required for the
/// session's life, whatever is set later.
#[derive(Debug, Default)]
pub struct Requirements {
    pub(crate) dsn: Cell<bool>,
    pub(crate) eight_bit: Cell<bool>,
    pub(crate) binary: Cell<bool>,
    pub(crate) etrn: Cell<bool>,
}

/// Where on which stack something runs that calls the application.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    thread: usize,
    position: usize,
}

impl Frame {
    pub(super) fn here(position: usize) -> Self {
        Self {
            thread: crate::error::thread_mark(),
            position,
        }
    }

    /// Whether `inner` was called from here: same thread, deeper on its stack, which grows
    /// downwards on every platform that the library knows.
    pub(super) fn encloses(self, inner: Self) -> bool {
        self.thread == inner.thread && inner.position < self.position
    }
}

/// Whether an enumeration or a destruction is calling the application: as long as it does,
/// nothing of the session may be freed.
#[derive(Debug, Default)]
pub struct Walk {
    current: Cell<Option<Frame>>,
    destruction: Cell<Option<Frame>>,
}

/// What [`Walk::enter`] found.
#[must_use]
pub struct WalkMark(Option<Frame>);

impl Walk {
    /// Notes a walk at a stack position; returns what was noted before, for [`Walk::leave`].
    pub fn enter(&self, position: usize) -> WalkMark {
        WalkMark(self.current.replace(Some(Frame::here(position))))
    }

    /// Notes that the session is being destroyed by a caller whose callbacks run below a stack
    /// position.
    pub fn enter_destruction(&self, position: usize) {
        self.destruction.set(Some(Frame::here(position)));
    }

    /// Ends what [`Walk::enter`] began.
    pub fn leave(&self, WalkMark(before): WalkMark) {
        self.current.set(before);
    }

    pub(super) fn current(&self) -> Option<Frame> {
        self.current.get()
    }

    /// Forgets walks that were left by a jump: those that did not call who is `here`.
    pub(super) fn forget_what_was_left(&self, here: Frame) {
        for walk in [&self.current, &self.destruction] {
            walk.set(walk.get().filter(|frame| frame.encloses(here)));
        }
    }

    pub(super) fn destruction(&self) -> Option<Frame> {
        self.destruction.get()
    }
}
