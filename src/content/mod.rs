// SPDX-License-Identifier: LGPL-2.1-or-later
//! The text of a message: header rules, line ends and dots, from the application's blocks to
//! the octets that follow DATA.
//!
//! Nothing here does I/O or calls the application. Blocks go in, cut anywhere; octets for the
//! wire come out, with notes of what the application is to be told. Neither a message nor a
//! line is ever held as a whole.

pub mod header;

mod clean;
mod date;
mod facts;
mod lines;
mod message_id;
mod note;
mod opening;
mod options;
mod section;
mod text;

pub use facts::{Facts, Recipients};
pub use note::{Note, Output, PIECE};
pub use options::{Body, Framing, Options};
pub use text::{End, Text};

const CR: u8 = b'\r';
const LF: u8 = b'\n';
const CRLF: &[u8] = b"\r\n";
