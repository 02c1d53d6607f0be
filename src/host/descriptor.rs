// SPDX-License-Identifier: LGPL-2.1-or-later
//! Descriptors of ours keep away from those of standard input, output and error: where a host has
//! closed these, what it prints would go to the server.

use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};

/// The first one that is nobody's by custom.
const FIRST: i32 = 3;

/// The same file or socket under a number of its own.
pub(crate) fn away_from_stdio(descriptor: OwnedFd) -> io::Result<OwnedFd> {
    if descriptor.as_raw_fd() >= FIRST {
        return Ok(descriptor);
    }
    // The standard library takes the first free one from 3 on, closed when a program is run.
    descriptor.try_clone()
}
