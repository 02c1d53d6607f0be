// SPDX-License-Identifier: LGPL-2.1-or-later
//! One step of an authentication exchange: asks the application for credentials, calls
//! plug-ins.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;
use std::sync::Arc;

use super::cancellation::undisturbed;
use crate::error::{Error, Result};
use crate::sasl::{ClientRequest, Context, Due, FIELDS_MAX, Interact, Secret, field};
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
                let mut answers = Answers { context, given: Vec::new() };
                let arg = (&raw mut answers).cast();
                // SAFETY: the caller's promise, which holds for what the plug-in calls too; the
                // answers outlive the call.
                let response = unsafe { call.call(Interact { function: answer, arg }) };
                undisturbed(|| context.plugin_responded(response))?
            }
            Due::Respond(response) => return Ok(Answer::Response(response)),
            Due::Failed => return Ok(Answer::Failed),
            Due::Distrusted => return Ok(Answer::Distrusted),
        };
    }
}

/// What a plug-in's questions are answered with. It must return to us, so this may own something.
struct Answers<'a> {
    context: &'a Context,
    /// Until the plug-in is done with them.
    given: Vec<Secret>,
}

/// The callback of a plug-in: what is given comes from the context, the rest from the application.
///
/// # Safety
/// `arg` is the `Answers` of this call of the plug-in; there are so many requests and results.
unsafe extern "C-unwind" fn answer(
    requests: *const ClientRequest,
    results: *mut *mut c_char,
    count: c_int,
    arg: *mut c_void,
) -> c_int {
    // SAFETY: the caller's promise.
    let answers = unsafe { &mut *arg.cast::<Answers<'_>>() };
    let Some(interact) = answers.context.interact().filter(|_| !answers.context.has_given()) else {
        // SAFETY: the caller's promise.
        return unsafe { answer_each(requests, results, count, answers) };
    };
    // SAFETY: the callback is of its type, and gets what the plug-in passed.
    unsafe { (interact.function)(requests, results, count, interact.arg) }
}

/// Field by field.
///
/// # Safety
/// There are so many requests and results.
unsafe fn answer_each(
    requests: *const ClientRequest,
    results: *mut *mut c_char,
    count: c_int,
    answers: &mut Answers<'_>,
) -> c_int {
    for at in 0..usize::try_from(count).unwrap_or(0) {
        // SAFETY: the caller's promise.
        let (request, result) = unsafe { (requests.add(at), results.add(at)) };
        // SAFETY: as above.
        let flags = unsafe { (*request).flags };
        if let Some(secret) = answers.context.given_for(flags) {
            // SAFETY: as above; who moves a secret leaves its text where it is.
            unsafe { result.write(secret.as_c_ptr().cast_mut()) };
            answers.given.push(secret);
            continue;
        }
        let asked = match answers.context.interact() {
            // SAFETY: the callback is of its type, and gets one field.
            Some(interact) => unsafe { (interact.function)(request, result, 1, interact.arg) },
            None => 0,
        };
        if asked == 0 {
            return 0;
        }
    }
    1
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
