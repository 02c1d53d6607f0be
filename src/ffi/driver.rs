// SPDX-License-Identifier: LGPL-2.1-or-later
//! Runs a session: asks it what is due, makes that call into C, feeds the answer back.
//!
//! While C runs, nothing of the library is borrowed, no `catch_unwind` is on the stack and
//! these frames own nothing, so a callback may use the API, jump away or throw.

use std::ptr;

use super::callback::message_handle;
use super::cancellation::{self, State, let_in};
use super::exchange;
use super::guard::{caught, stack_position};
use super::kept_text;
use super::reader::{Buffer, Reader};
use crate::error::{self, Error, Result};
use crate::protocol::MessageAt;
use crate::session::callback::MessageSource;
use crate::session::{Block, Call, Session};

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
    // Of a run that was left by a jump.
    release_source_context(session);
    let allowed = cancellation::put_off();
    // SAFETY: the caller's promise.
    let result = unsafe { serve(session, allowed) };
    // SAFETY: the caller's promise.
    let kept = caught(|| unsafe { kept_text::keep(session) });
    let finished = caught(|| session.finish().renew());
    cancellation::restore(allowed);
    // It may have come where nothing could be left: while connecting, in a handshake or a write.
    cancellation::end_if_due();
    finished?;
    kept?;
    if result.is_ok() {
        error::restore_last(before);
    }
    result
}

/// Always part of [`run`], whose stack position must lie below its locals.
///
/// # Safety
/// As for [`run`].
#[inline(always)]
unsafe fn serve(session: &Session, cancellation: State) -> Result<()> {
    let mut reader = Reader::new();
    let mut buffer = Buffer::new();
    loop {
        match caught(|| session.advance())? {
            Call::Done(result) => {
                // Of a text that the end of the connection cut off.
                release_source_context(session);
                return result;
            }
            Call::Wait(waiting) => let_in(cancellation, || waiting.wait()),
            Call::Show => {
                let piece = caught(|| session.take_piece())?;
                if let (Some(piece), Some(monitor)) = (piece, session.monitor()) {
                    // SAFETY: the caller promises a function of this type.
                    let_in(cancellation, || unsafe { monitor.show(&piece) });
                }
            }
            Call::Tell(event) => {
                if let Some(events) = session.events() {
                    // SAFETY: the caller promises a function of this type.
                    let_in(cancellation, || unsafe { events.tell(session, event) });
                }
            }
            Call::Progress { message } => {
                // SAFETY: the caller promises a function of this type.
                unsafe { tell_progress(session, message, cancellation) }?;
            }
            Call::Ask(question) => {
                let mut answer = question.preset();
                if let Some(events) = session.events() {
                    // SAFETY: the caller promises a function of this type.
                    let_in(cancellation, || unsafe { events.ask(session, question, &mut answer) });
                }
                caught(|| session.answer(answer))?;
            }
            Call::AskTls(question) => {
                let mut answer = 0;
                if let Some(events) = session.events() {
                    // SAFETY: the caller promises a function of this type.
                    let_in(cancellation, || unsafe { events.ask_tls(session, question, &mut answer) });
                }
                caught(|| session.answer(answer))?;
            }
            Call::TellTls(established) => {
                if let Some(events) = session.events() {
                    // SAFETY: the caller promises a function of this type.
                    let_in(cancellation, || unsafe { events.tell_tls(session, established) });
                }
            }
            Call::Exchange { context, due } => {
                // SAFETY: the run keeps the context, and goes on only after this.
                let context = unsafe { &*context };
                // SAFETY: the caller promises a callback of its type.
                let answer = let_in(cancellation, || unsafe { exchange::carry_on(context, due) })?;
                caught(|| session.responded(answer))?;
            }
            Call::Release => {
                reader.reset();
                release_source_context(session);
            }
            Call::Rewind { message } => {
                reader.reset();
                match source(session, message) {
                    // SAFETY: the caller promises a function of this type.
                    Some(source) => unsafe { rewind(session, source, cancellation) },
                    None => caught(|| session.rewound(Err(Error::Client)))?,
                }
            }
            Call::Read { message } => {
                let Some(source) = source(session, message) else {
                    caught(|| session.text(Block::Failed(Error::Client), false))?;
                    continue;
                };
                loop {
                    // SAFETY: the caller promises a function of this type.
                    let block = let_in(cancellation, || unsafe { reader.next(session, source, &mut buffer) });
                    let more_follows = reader.has_more();
                    if !caught(|| session.text(block, more_follows))? {
                        break;
                    }
                }
            }
        }
    }
}

/// Tells of the lines of a text, which are many: not each is worth the way through the session.
///
/// # Safety
/// As for [`run`].
unsafe fn tell_progress(session: &Session, message: MessageAt, cancellation: State) -> Result<()> {
    let message = message_handle(session, message);
    let mut lengths = [0; 64];
    loop {
        let count = caught(|| session.take_lengths(&mut lengths))?;
        let_in(cancellation, || {
            for &length in lengths.iter().take(count) {
                if let Some(events) = session.events() {
                    // SAFETY: the caller promises a function of this type.
                    unsafe { events.tell_progress(session, message, length) };
                }
            }
        });
        if count < lengths.len() {
            return Ok(());
        }
    }
}

fn source(session: &Session, message: MessageAt) -> Option<MessageSource> {
    session.message(message).filter(|message| !message.has_lost_text())?.source()
}

/// # Safety
/// The source is a function of its type.
unsafe fn rewind(session: &Session, source: MessageSource, cancellation: State) {
    let context = session.source_context().as_ptr();
    // SAFETY: the context is the session's cell, which outlives the call; no length = rewind.
    let_in(cancellation, || unsafe { (source.function)(context, ptr::null_mut(), source.arg) });
    // A panic was reported by `advance` before, or will be: the run is over either way.
    let _ = caught(|| session.rewound(Ok(())));
}

/// Releases what the source allocated for its context.
pub(super) fn release_source_context(session: &Session) {
    let context = session.source_context().replace(ptr::null_mut());
    // SAFETY: by the rules of the message callback its context is null or came from malloc,
    // and is the library's to free.
    unsafe { libc::free(context) };
}
