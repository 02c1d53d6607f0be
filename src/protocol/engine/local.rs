// SPDX-License-Identifier: LGPL-2.1-or-later
//! What is refused without the server: paths that no command can carry, each when its turn comes.
//! The others of the session are not concerned.

use super::Step;
use crate::protocol::event::Event;
use crate::protocol::outbox::Outbox;
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
    let mut transaction = Transaction::new(message, first, outbox);
    if !outbox.has_usable_sender(message) {
        return Some(vec![
            Step::Record(transaction.sender_unusable(no_sender())),
            Step::Tell(Event::MailStatus { message }),
        ]);
    }
    let incomplete = |from: RecipientAt| transaction.recipient(outbox, from);
    let all = std::iter::successors(incomplete(first), |at| incomplete(at.next()));
    let mut unusable = Vec::new();
    for recipient in all {
        if outbox.is_usable(message, recipient) {
            return None;
        }
        unusable.push(recipient);
    }
    let mut steps = Vec::new();
    for recipient in unusable {
        steps.push(Step::Record(transaction.recipient_answered(recipient, no_recipient())));
        steps.push(Step::Tell(Event::RecipientStatus { message, recipient }));
    }
    steps.extend(transaction.nobody_accepted().map(Step::Record));
    steps.push(Step::Tell(Event::MessageSent { message }));
    Some(steps)
}
