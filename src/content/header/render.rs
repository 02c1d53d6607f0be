// SPDX-License-Identifier: LGPL-2.1-or-later
//! Headers as they are printed.

use super::Facts;
use super::field::Field;
use super::rules::{Policy, Rule};
use super::value::{Content, Shape};
use crate::content::{date, message_id};

/// Between the mailboxes that the application set.
const MAILBOXES: &[u8] = b",\r\n    ";
/// Between the recipients of the envelope.
const RECIPIENTS: &[u8] = b",\r\n\t";

/// Prints a header, if it has a value or the library has one for it.
pub(super) fn render(rule: &Rule, field: Option<&Field>, facts: &Facts<'_>) -> Option<Box<[u8]>> {
    let name = match field {
        Some(field) if !rule.is_supplied() => field.printed_name(),
        _ => rule.name.as_bytes(),
    };
    let mut header = name.to_vec();
    header.extend_from_slice(b": ");
    let content = field.map_or(&Content::Unset, |field| &field.content);
    match content {
        Content::Unset => match rule.shape {
            Shape::Date => header.extend(date::local(facts.seconds, facts).into_bytes()),
            Shape::MessageId => header.extend(message_id::unique(facts)),
            Shape::Mailbox { .. } if rule.policy == Policy::Required => {
                header.extend_from_slice(facts.reverse_path.unwrap_or(b"<>"));
            }
            _ => return None,
        },
        Content::Empty => {}
        Content::Date(seconds) => header.extend(date::local(*seconds, facts).into_bytes()),
        Content::Text(text) => header.extend_from_slice(text),
        Content::ReversePath => header.extend_from_slice(facts.reverse_path.unwrap_or(b"<>")),
        Content::Recipients => list(&mut header, RECIPIENTS, |take| (facts.recipients)(take)),
        // The newest first.
        Content::Mailboxes(mailboxes) => list(&mut header, MAILBOXES, |take| {
            mailboxes.iter().rev().for_each(|mailbox| take(mailbox));
        }),
    }
    header.extend_from_slice(b"\r\n");
    Some(header.into())
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
