// SPDX-License-Identifier: LGPL-2.1-or-later
//! A service that is stopped, a terminal that is closed: while a server may have sent a new refresh token
//! that is not on disk yet, these wait. It is for a few seconds at most, by the run's deadline.

use nix::sys::signal::{SigSet, SigmaskHow, Signal};

pub(crate) struct Undisturbed {
    before: Option<SigSet>,
}

impl Undisturbed {
    pub(crate) fn begin() -> Self {
        let signals: SigSet =
            [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM].into_iter().collect();
        Self {
            before: signals.thread_swap_mask(SigmaskHow::SIG_BLOCK).ok(),
        }
    }
}

impl Drop for Undisturbed {
    fn drop(&mut self) {
        if let Some(before) = self.before {
            let _ = before.thread_set_mask();
        }
    }
}
