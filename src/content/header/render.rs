// SPDX-License-Identifier: LGPL-2.1-or-later
//! Headers as they are printed.

use super::field::Field;
use super::mailbox;
use super::rules::Rule;
use super::value::{Content, Shape};
use crate::content::facts::Facts;
use crate::content::{date, message_id};

/// Between the mailboxes that the application set.
const MAILBOXES: &[u8] = b",\r\n    ";
/// Between the recipients of the envelope.
const RECIPIENTS: &[u8] = b",\r\n\t";

/// Prints a header, if it has a value or the library has one for it. `false`: it has not.
pub(super) fn render(rule: &Rule, field: Option<&Field>, facts: &Facts<'_>, out: &mut Vec<u8>) -> bool {
    let content = field.map_or(&Content::Unset, |field| &field.content);
    if matches!(content, Content::Unset) && !rule.is_supplied() {
        return false;
    }
    let name = match field {
        Some(field) if !rule.is_supplied() => &*field.name,
        _ => rule.name.as_bytes(),
    };
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    let column = name.len() + b": ".len();
    let path = || mailbox::of_envelope(facts.reverse_path.unwrap_or(b"<>"), facts.utf8, column);
    match content {
        Content::Unset => match rule.shape {
            Shape::Date => date::write_local(facts.seconds, facts, out),
            Shape::MessageId => message_id::write_unique(facts, out),
            Shape::Mailbox { .. } => out.extend_from_slice(&path()),
            _ => return false,
        },
        Content::Empty => {}
        Content::Date(seconds) => date::write_local(*seconds, facts, out),
        Content::Text(text) => out.extend_from_slice(text.wire(facts.utf8)),
        Content::ReversePath => out.extend_from_slice(&path()),
        Content::Recipients => list(out, RECIPIENTS, |take| {
            (facts.recipients)(&mut |given| take(&mailbox::of_envelope(given, facts.utf8, column)));
        }),
        // The newest first.
        Content::Mailboxes(mailboxes) => list(out, MAILBOXES, |take| {
            mailboxes.iter().rev().for_each(|mailbox| take(mailbox.wire(facts.utf8)));
        }),
    }
    out.extend_from_slice(b"\r\n");
    true
}

/// Appends what `each` hands out, with `between` between.
fn list(out: &mut Vec<u8>, between: &[u8], each: impl FnOnce(&mut dyn FnMut(&[u8]))) {
    let mut is_first = true;
    each(&mut |item| {
        if !std::mem::take(&mut is_first) {
            out.extend_from_slice(between);
        }
        out.extend_from_slice(item);
    });
}
