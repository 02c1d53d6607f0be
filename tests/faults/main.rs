// SPDX-License-Identifier: LGPL-2.1-or-later
//! Nothing is lost and nobody is let in: connections that break at any byte, and servers that
//! mean no good. Client and server run in this process; the client uses the C functions.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::multiple_unsafe_ops_per_block,
    clippy::panic,
    clippy::print_stdout,
    unsafe_code,
    reason = "a test may stop and says how far it came; the C functions are unsafe"
)]

mod accounting;
mod client;
mod every_byte;
mod hostile;
mod leaks;
mod server;
mod station;
mod wire;
