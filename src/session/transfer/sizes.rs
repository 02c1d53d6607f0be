// SPDX-License-Identifier: LGPL-2.1-or-later
//! How much text is handled at once on its way, in one table.
//!
//! ```text
//! application's block ── SMALL ──> put together up to GATHERED ──┐
//!        │                                                       │
//!        └── larger, divided into PORTIONs ──────────────────────┤
//!                                                                v
//!   clean run of DIRECT and more ──> written from where it lies, behind what is queued
//!   everything else ──> copied to the queue (DATA) or the gathered chunk (BDAT)
//!                                                                │
//!   queue of WRITE octets ──> socket, but for REST that waits to fill a TLS record
//!   chunk of CHUNK octets ──> BDAT
//! ```

/// Most text that goes through the session at once; between two portions the application is
/// told of progress.
pub(crate) const PORTION: usize = 262_144;
/// Blocks up to this size are put together before they enter the session: programs hand out
/// lines, and each way through costs more than copying so much.
pub(crate) const SMALL: usize = 1024;
/// How much of them is put together. It lies on the stack, where a callback that jumps away
/// leaves nothing behind.
pub(crate) const GATHERED: usize = 8192;
/// A block from this size on is looked at for a run that goes out as it is.
pub(crate) const LOOKED_AT: usize = 256;
/// A run of the application's text from this size on is written from where it lies: a call of
/// the system for it costs less than the copy.
pub(crate) const DIRECT: usize = 16_384;
/// Text is queued up to this size for one write.
pub(crate) const WRITE: usize = 65_536;
/// So much may stay behind a write in the middle of a text, so that TLS records (RFC 8446 §5.1:
/// 16,384 octets) are full.
pub(crate) const REST: usize = 16_384;
/// A chunk is gathered up to this size, so that small blocks do not become small chunks.
pub(crate) const CHUNK: usize = 65_536;
/// Most text that waits to be written when another chunk is begun: a server that answers but
/// does not read must not make us hold the text.
pub(crate) const UNWRITTEN: usize = 524_288;
/// Commands of a large group are written, and their replies read, from this many octets on.
pub(crate) const GROUP: usize = 16_384;
