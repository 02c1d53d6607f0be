// SPDX-License-Identifier: LGPL-2.1-or-later
//! Which kinds of mechanisms the application allows.

use std::ffi::{c_int, c_uint};

/// What the application allows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Policy {
    /// Kinds of mechanisms, [`super::flags`].
    pub(super) allowed: c_uint,
    /// Least strength of the security layer.
    pub(super) min_ssf: c_int,
}

impl Policy {
    /// Whether a mechanism may be used.
    pub(super) const fn allows(self, flags: c_uint, ssf: c_int) -> bool {
        flags & !self.allowed == 0 && ssf >= self.min_ssf
    }
}
