// SPDX-License-Identifier: LGPL-2.1-or-later
//! Runs a session: asks it what is due, makes that call into C, feeds the answer back.
//!
//! While C runs, nothing of the library is borrowed, no `catch_unwind` is on the stack and
//! these frames own nothing, so a callback may use the API, jump away or throw.

use std::ffi::c_int;
use std::ptr;
use std::slice;

use super::guard::{caught, stack_position};
use super::{errno, exchange};
use crate::error::{self, Error, Result};
use crate::session::callback::MessageSource;
use crate::session::{Block, Call, Session};

/// Most text that goes through the session at once; between two parts the application is
/// told of progress.
const PART: usize = 65_536;

/// Carries out a session for a caller at a stack position.
///
/// # Safety
/// The session's callbacks are functions of the types that they were set as, and the messages'
/// sources follow the rules of `smtp_messagecb_t`.
#[inline(never)]
pub(super) unsafe fn run(session: &Session, caller: usize) -> Result<()> {
    let before = error::last();
    let callbacks = stack_position();
    caught(|| session.begin(caller, callbacks))??;
    // SAFETY: the caller's promise.
    let result = unsafe { serve(session) };
    caught(|| session.finish())?;
    if result.is_ok() {
        error::restore_last(before);
    }
    result
}

/// # Safety
/// As for [`run`].
unsafe fn serve(session: &Session) -> Result<()> {
    let mut rest: &[u8] = &[];
    loop {
        match caught(|| session.advance())? {
            Call::Done(result) => return result,
            Call::Show(piece) => {
                if let Some(monitor) = session.monitor() {
                    // SAFETY: the caller promises a function of this type.
                    unsafe { monitor.show(&piece) };
                }
            }
            Call::Tell(event) => {
                if let Some(events) = session.events() {
                    // SAFETY: the caller promises a function of this type.
                    unsafe { events.tell(session, event) };
                }
            }
            Call::Ask(question) => {
                let mut answer = question.preset();
                if let Some(events) = session.events() {
                    // SAFETY: the caller promises a function of this type.
                    unsafe { events.ask(session, question, &mut answer) };
                }
                caught(|| session.answer(answer))?;
            }
            Call::AskTls(question) => {
                let mut answer = 0;
                if let Some(events) = session.events() {
                    // SAFETY: the caller promises a function of this type.
                    unsafe { events.ask_tls(session, question, &mut answer) };
                }
                caught(|| session.answer(answer))?;
            }
            Call::TellTls(established) => {
                if let Some(events) = session.events() {
                    // SAFETY: the caller promises a function of this type.
                    unsafe { events.tell_tls(session, established) };
                }
            }
            Call::Exchange { context, due } => {
                // SAFETY: the caller promises a callback of its type.
                let outcome = unsafe { exchange::carry_on(&context, due) };
                caught(|| session.responded(outcome))?;
            }
            Call::Release => {
                rest = &[];
                release_source_context(session);
            }
            Call::Rewind { message } => {
                rest = &[];
                match source(session, message) {
                    // SAFETY: the caller promises a function of this type.
                    Some(source) => unsafe { rewind(session, source) },
                    None => caught(|| session.rewound(Err(Error::Client)))?,
                }
            }
            Call::Read { message } => {
                let block = match source(session, message) {
                    _ if !rest.is_empty() => Block::Text(rest),
                    // SAFETY: the caller promises a function of this type.
                    Some(source) => unsafe { read(session, source) },
                    None => Block::Failed(Error::Client),
                };
                let block = match block {
                    Block::Text(text) => {
                        let (part, later) = text.split_at(text.len().min(PART));
                        rest = later;
                        Block::Text(part)
                    }
                    other => other,
                };
                caught(|| session.text(block))?;
            }
        }
    }
}

fn source(session: &Session, message: usize) -> Option<MessageSource> {
    session.message(message)?.source()
}

/// # Safety
/// The source is a function of its type.
unsafe fn rewind(session: &Session, source: MessageSource) {
    let context = session.source_context().as_ptr();
    // SAFETY: the context is the session's cell, which outlives the call; no length = rewind.
    unsafe { (source.function)(context, ptr::null_mut(), source.arg) };
    // A panic was reported by `advance` before, or will be: the run is over either way.
    let _ = caught(|| session.rewound(Ok(())));
}

/// Asks for a block. The source says that it failed by setting `errno` and giving nothing.
///
/// # Safety
/// The source is a function of its type, and its block lives until it is called again.
unsafe fn read<'a>(session: &Session, source: MessageSource) -> Block<'a> {
    let context = session.source_context().as_ptr();
    let mut length: c_int = 0;
    errno::set(0);
    // SAFETY: the context is the session's cell, the length is ours; both outlive the call.
    let text = unsafe { (source.function)(context, &raw mut length, source.arg) };
    let failure = errno::get();
    match usize::try_from(length) {
        Ok(1..) if text.is_null() => Block::Failed(Error::Client),
        Ok(length @ 1..) => {
            // SAFETY: the source says that so many bytes are there, until it is called again.
            Block::Text(unsafe { slice::from_raw_parts(text.cast(), length) })
        }
        _ if failure != 0 => Block::Failed(Error::System(failure)),
        _ => Block::End,
    }
}

/// Releases what the source allocated for its context.
pub(super) fn release_source_context(session: &Session) {
    let context = session.source_context().replace(ptr::null_mut());
    // SAFETY: by the rules of the message callback its context is null or came from malloc,
    // and is the library's to free.
    unsafe { libc::free(context) };
}
