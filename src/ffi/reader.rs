// SPDX-License-Identifier: LGPL-2.1-or-later
//! Reads a message's text from the application's callback, in portions that are worth the way
//! through the session: small blocks are put together, large ones are divided.

use std::ffi::c_int;
use std::mem::{self, MaybeUninit};
use std::ptr;
use std::slice;

use super::errno;
use crate::error::Error;
use crate::session::callback::MessageSource;
use crate::session::transfer::sizes::{GATHERED, PORTION, SMALL};
use crate::session::{Block, Session};

/// What the source gave and was not passed on yet.
enum Left<'a> {
    Nothing,
    Text(&'a [u8]),
    End,
    Failed(Error),
}

/// Where small blocks are put together.
pub(super) struct Buffer(MaybeUninit<[u8; GATHERED]>);

impl Buffer {
    pub(super) const fn new() -> Self {
        Self(MaybeUninit::uninit())
    }
}

/// A source as it is read.
pub(super) struct Reader<'a> {
    left: Left<'a>,
}

impl<'a> Reader<'a> {
    pub(super) const fn new() -> Self {
        Self { left: Left::Nothing }
    }

    /// Forgets what is left: the source starts anew, or another one follows.
    pub(super) fn reset(&mut self) {
        self.left = Left::Nothing;
    }

    /// The next portion of the source's text.
    ///
    /// # Safety
    /// The source is a function of its type, and its block lives until it is called again.
    pub(super) unsafe fn next<'b>(
        &mut self,
        session: &Session,
        source: MessageSource,
        buffer: &'b mut Buffer,
    ) -> Block<'b>
    where
        'a: 'b,
    {
        let mut length = 0;
        if let Left::Nothing = self.left {
            loop {
                // SAFETY: the caller's promise; the block before was copied.
                self.left = unsafe { call(session, source) };
                let Left::Text(text) = self.left else { break };
                if text.len() > SMALL || length + text.len() > GATHERED {
                    break;
                }
                let start: *mut u8 = buffer.0.as_mut_ptr().cast();
                // SAFETY: there is room for the text after what was copied so far.
                let end = unsafe { start.add(length) };
                // SAFETY: as above; the text is the application's and not the buffer.
                unsafe { ptr::copy_nonoverlapping(text.as_ptr(), end, text.len()) };
                length += text.len();
                self.left = Left::Nothing;
            }
        }
        if length > 0 {
            let start: *const u8 = buffer.0.as_ptr().cast();
            // SAFETY: so many bytes of the buffer were written above.
            return Block::Text(unsafe { slice::from_raw_parts(start, length) });
        }
        match mem::replace(&mut self.left, Left::Nothing) {
            Left::Text(text) => {
                let (portion, later) = text.split_at(text.len().min(PORTION));
                if !later.is_empty() {
                    self.left = Left::Text(later);
                }
                Block::Text(portion)
            }
            Left::Failed(error) => Block::Failed(error),
            Left::End | Left::Nothing => Block::End,
        }
    }

    /// Whether more of the source's last block follows the portion that was passed on.
    pub(super) const fn has_more(&self) -> bool {
        matches!(self.left, Left::Text(_))
    }
}

/// Asks for a block. The source says that it failed by setting `errno` and giving nothing.
///
/// # Safety
/// As for [`Reader::next`].
unsafe fn call<'a>(session: &Session, source: MessageSource) -> Left<'a> {
    let context = session.source_context().as_ptr();
    let mut length: c_int = 0;
    errno::set(0);
    // SAFETY: the context is the session's cell, the length is ours; both outlive the call.
    let text = unsafe { (source.function)(context, &raw mut length, source.arg) };
    match usize::try_from(length) {
        Ok(1..) if text.is_null() => {
            Left::Failed(Error::Client.because("the message callback gave a length and no text"))
        }
        Ok(length @ 1..) => {
            // SAFETY: the source says that so many bytes are there, until it is called again.
            Left::Text(unsafe { slice::from_raw_parts(text.cast(), length) })
        }
        _ => match errno::get() {
            0 => Left::End,
            failure => Left::Failed(Error::System(failure).because("the message callback failed")),
        },
    }
}
