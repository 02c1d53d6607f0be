// SPDX-License-Identifier: LGPL-2.1-or-later
//! An SMTP submission library with the C interface of libESMTP (`libesmtp.so.6`).
//!
//! A pure SMTP engine decides, a session carries out, the C boundary translates:
//!
//! ```text
//!            C program: smtp_*(), auth_*()          callbacks
//! ffi        C pointers to Rust values, NULL checks, panics
//! session    what the application set up; resolve, connect, TLS, engine, text, statuses
//! protocol   replies in, commands out          (pure)
//! content    message text and headers          (pure)
//! sasl       mechanisms and plug-ins
//! net        names, addresses, connections, TLS
//! policy     what the administrator says of all programs
//! host       environment, clock, CPU
//! ```
//!
//! Imports point downwards only; the five above `host` do not know each other.

pub mod content;
mod domain;
pub mod error;
pub mod fault;
#[allow(unsafe_code)]
pub mod ffi;
#[allow(unsafe_code)]
pub mod host;
#[allow(unsafe_code)]
pub mod net;
pub mod policy;
pub mod protocol;
mod room;
pub mod sasl;
pub mod session;
