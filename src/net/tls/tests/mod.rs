// SPDX-License-Identifier: LGPL-2.1-or-later
//! Handshakes with servers in threads, over the loopback.

mod certificates;
mod child;
mod client_auth;
mod folder;
mod handshake;
mod server;
mod transfer;
mod verification;

use std::time::{Duration, Instant};

pub(super) use certificates::{Issued, Template, dns, email, ip};
pub(super) use folder::Folder;
pub(super) use server::{Client, Server, builder as server_builder};

/// Long enough for anything that works, short enough for a test that fails.
pub(super) fn soon() -> Option<Instant> {
    Some(Instant::now() + Duration::from_secs(30))
}
