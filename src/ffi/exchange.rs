// SPDX-License-Identifier: LGPL-2.1-or-later
//! One step of an authentication exchange: asks the application for credentials, calls
//! plug-ins.

use std::ffi::{CStr, c_char, c_int};
use std::ptr;
use std::sync::Arc;

use super::cancellation::undisturbed;
use crate::error::{Error, Result};
use crate::sasl::{ClientRequest, Context, Due, FIELDS_MAX, Secret, field};
use crate::session::callback::Answer;

/// The answer to a challenge, or the initial response if there is no challenge; `None` = the
/// mechanism has no initial response.
///
/// # Safety
/// The context's callback is of its type.
pub(super) unsafe fn respond(context: &Context, challenge: Option<&[u8]>) -> Result<Option<Arc<Secret>>> {
    let due = undisturbed(|| context.begin(challenge))?;
    // SAFETY: the caller's promise.
    match unsafe { carry_on(context, due) }? {
        Answer::Response(response) => Ok(response),
        Answer::Failed | Answer::Distrusted => Err(Error::Client),
    }
}

/// Does what the context says until it has an answer.
///
/// # Safety
/// The context's callback is of its type.
pub(super) unsafe fn carry_on(context: &Context, mut due: Due) -> Result<Answer> {
    loop {
        due = match due {
            // SAFETY: the caller's promise.
            Due::Ask(fields) => unsafe { ask(context, fields) }?,
            Due::Plugin(call) => {
                let interact = context.interact().ok_or(Error::Client)?;
                // SAFETY: the caller's promise, which holds for what the plug-in calls too.
                let response = unsafe { call.call(interact) };
                undisturbed(|| context.plugin_responded(response))?
            }
            Due::Respond(response) => return Ok(Answer::Response(response)),
            Due::Failed => return Ok(Answer::Failed),
            Due::Distrusted => return Ok(Answer::Distrusted),
        };
    }
}

/// Asks the application for all fields in one call.
///
/// # Safety
/// The context's callback is of its type.
unsafe fn ask(context: &Context, fields: &'static [ClientRequest]) -> Result<Due> {
    let mut results: [*mut c_char; FIELDS_MAX] = [ptr::null_mut(); FIELDS_MAX];
    let count = c_int::try_from(fields.len()).map_err(|_| Error::Client)?;
    let answered = match context.interact() {
        Some(interact) => {
            // SAFETY: the callback is of its type; the results have room for every field.
            unsafe { (interact.function)(fields.as_ptr(), results.as_mut_ptr(), count, interact.arg) }
        }
        None => 0,
    };
    // No realm is as good as an empty one; without a name or a secret nothing can be said.
    let is_missing =
        |(asked, result): (&ClientRequest, &*mut c_char)| result.is_null() && asked.flags & field::REALM == 0;
    if answered == 0 || fields.iter().zip(&results).any(is_missing) {
        return undisturbed(|| context.answered(None));
    }
    let answer = |result: &*mut c_char| {
        if result.is_null() {
            return &[][..];
        }
        // SAFETY: the callback's results are C strings that live until it is called again.
        unsafe { CStr::from_ptr(*result) }.to_bytes()
    };
    undisturbed(|| {
        let answers: Vec<&[u8]> = results.iter().take(fields.len()).map(answer).collect();
        context.answered(Some(&answers))
    })
}
