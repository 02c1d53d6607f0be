// SPDX-License-Identifier: LGPL-2.1-or-later
//! The protocol engine on its own: transcripts of dialogues, and properties that hold for any
//! replies.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may stop"
)]

mod challenges;
mod mailbag;
mod pipelining;
mod transcript;
mod waiting;
