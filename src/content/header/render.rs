// SPDX-License-Identifier: LGPL-2.1-or-later
//! Headers as they are printed.

use super::field::Field;
use super::rules::{Policy, Rule};
use super::value::{Content, Shape};
use crate::content::facts::Facts;
use crate::content::{date, message_id};

/// Between the mailboxes that the application set.
const MAILBOXES: &[u8] = b",\r\n    ";
/// Between the recipients of the envelope.
const RECIPIENTS: &[u8] = b",\r\n\t";

/// Room for a header of the usual length, so that it does not grow piece by piece.
const USUAL: usize = 128;

/// Prints a header, if it has a value or the library has one for it.
pub(super) fn render(rule: &Rule, field: Option<&Field>, facts: &Facts<'_>) -> Option<Vec<u8>> {
    let content = field.map_or(&Content::Unset, |field| &field.content);
    if matches!(content, Content::Unset) && !rule.is_supplied() {
        return None;
    }
    let name = match field {
        Some(field) if !rule.is_supplied() => field.printed_name(),
        _ => rule.name.as_bytes(),
    };
    let mut header = Vec::with_capacity(name.len() + USUAL);
    header.extend_from_slice(name);
    header.extend_from_slice(b": ");
    match content {
        Content::Unset => match rule.shape {
            Shape::Date => date::write_local(facts.seconds, facts, &mut header),
            Shape::MessageId => message_id::write_unique(facts, &mut header),
            Shape::Mailbox { .. } if rule.policy == Policy::Required => {
                header.extend_from_slice(facts.reverse_path.unwrap_or(b"<>"));
            }
            _ => return None,
        },
        Content::Empty => {}
        Content::Date(seconds) => date::write_local(*seconds, facts, &mut header),
        Content::Text(text) => header.extend_from_slice(text),
        Content::ReversePath => header.extend_from_slice(facts.reverse_path.unwrap_or(b"<>")),
        Content::Recipients => list(&mut header, RECIPIENTS, |take| (facts.recipients)(take)),
        // The newest first.
        Content::Mailboxes(mailboxes) => list(&mut header, MAILBOXES, |take| {
            mailboxes.iter().rev().for_each(|mailbox| take(mailbox));
        }),
    }
    header.extend_from_slice(b"\r\n");
    Some(header)
}

/// Appends what `each` hands out, with `between` between.
fn list(header: &mut Vec<u8>, between: &[u8], each: impl FnOnce(&mut dyn FnMut(&[u8]))) {
    let mut is_first = true;
    each(&mut |item| {
        if !std::mem::take(&mut is_first) {
            header.extend_from_slice(between);
        }
        header.extend_from_slice(item);
    });
}
