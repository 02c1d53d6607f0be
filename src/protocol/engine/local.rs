// SPDX-License-Identifier: LGPL-2.1-or-later
//! What is refused without the server: paths that no command can carry, each when its turn comes.
//! The others of the session are not concerned.

use super::Step;
use crate::protocol::event::Event;
use crate::protocol::outbox::{Next, Outbox};
use crate::protocol::position::{MessageAt, RecipientAt};
use crate::protocol::reply::{EnhancedCode, Reply, ReplyCode};
use crate::protocol::transaction::Transaction;

/// A recipient is no mailbox (RFC 3463 §3.2: X.1.3).
pub(super) fn no_recipient() -> Reply {
    refusal(3, "no mailbox (libesmtp)")
}

/// A sender is none (X.1.7).
fn no_sender() -> Reply {
    refusal(7, "the sender is no mailbox (libesmtp)")
}

fn refusal(detail: u16, text: &str) -> Reply {
    let code = EnhancedCode { class: 5, subject: 1, detail };
    Reply::local(ReplyCode::MAILBOX_NAME, code, text)
}

/// What becomes of a message that the server need not be asked about: its sender or each of its
/// recipients, from the first that is still to come, is no mailbox. `None` for any other.
pub fn refused_locally(outbox: &dyn Outbox, message: MessageAt, first: RecipientAt) -> Option<Vec<Step>> {
    let envelope = outbox.envelope(message);
    let mut transaction = Transaction::new(message, first, &envelope, outbox.requires_all_recipients());
    if !envelope.usable_sender {
        return Some(vec![Step::Record(transaction.sender_unusable(no_sender()))]);
    }
    let mut steps = Vec::new();
    let mut from = first;
    loop {
        match transaction.recipients(outbox, from, 1) {
            Next::Usable(_) => return None,
            Next::Unusable(recipient) => {
                steps.push(Step::Record(transaction.recipient_answered(recipient, no_recipient())));
                from = recipient.next();
            }
            Next::Nobody => break,
        }
    }
    steps.push(match transaction.nobody_accepted() {
        Some(verdict) => Step::Record(verdict),
        None => Step::Tell(Event::MessageSent { message }),
    });
    Some(steps)
}
