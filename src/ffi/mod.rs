// SPDX-License-Identifier: LGPL-2.1-or-later
//! The C interface. A file for each section of the headers, which are made from them.
//!
//! What holds for every entry point is said once, here:
//! - A handle is a pointer that the library gave out and that is still live: a session until
//!   `smtp_destroy_session`, everything in it as long as the session, an authentication
//!   context until `auth_destroy_context`. NULL is an error (`SMTP_ERR_INVAL`).
//! - A string is NUL-terminated and need live only for the call; it is copied.
//! - A session and all in it belong to one thread at a time.
//! - No panic leaves: it becomes a failed call with `SMTP_ERR_CLIENT_ERROR`.
//! - An entry point that calls the application is `extern "C-unwind"`; while the application
//!   runs, nothing of the library is borrowed and the frames below own nothing.

#![allow(
    clippy::missing_safety_doc,
    reason = "the conditions of an entry point are those of its C documentation, see above"
)]

pub mod application_data;
pub mod auth;
mod callback;
mod cancellation;
mod driver;
mod errno;
pub mod error;
pub mod etrn;
mod exchange;
pub mod extensions;
mod guard;
pub mod header;
mod kept_text;
pub mod message;
mod reader;
pub mod recipient;
pub mod session;
pub mod source;
pub mod starttls;
pub mod status;
pub mod types;
pub mod version;
