// SPDX-License-Identifier: LGPL-2.1-or-later
//! The session's messages as the protocol engine asks for them.

use super::{ReversePath, Session};
use crate::protocol::envelope::BodyType;
use crate::protocol::{Outbox, Reply, Required, StartTls};

impl Outbox for Session {
    fn starttls(&self) -> StartTls {
        self.starttls.get()
    }

    fn wants_auth(&self) -> bool {
        self.auth_context.borrow().as_ref().is_some_and(|context| context.is_enabled())
    }

    fn required(&self) -> Required {
        let required = &self.shared.requirements;
        Required {
            dsn: required.dsn.get(),
            eight_bit: required.eight_bit.get(),
            binary: required.binary.get(),
            etrn: required.etrn.get(),
        }
    }

    fn requires_all_recipients(&self) -> bool {
        self.require_all_recipients.get()
    }

    fn etrn_count(&self) -> usize {
        self.etrn_nodes.borrow().len()
    }

    fn next_message(&self, from: usize) -> Option<usize> {
        let messages = self.messages.borrow();
        let sendable = |message: &std::rc::Rc<super::Message>| {
            // Added by a callback of this run and not complete in itself: left for the next.
            message.source().is_some()
                && !matches!(*message.reverse_path().borrow(), ReversePath::Refused)
                && message.is_incomplete()
        };
        let offset = messages.get(from..)?.iter().position(sendable)?;
        Some(from + offset)
    }

    fn recipient_count(&self, message: usize) -> usize {
        self.message(message).map_or(0, |message| message.recipient_count())
    }

    fn next_recipient(&self, message: usize, from: usize) -> Option<usize> {
        self.message(message)?.incomplete_recipient(from)
    }

    fn is_binary(&self, message: usize) -> bool {
        self.message(message).is_some_and(|message| message.body() == Some(BodyType::Binary))
    }

    fn needs_utf8(&self, message: usize) -> bool {
        self.message(message).is_some_and(|message| message.needs_utf8())
    }

    fn deliver_by(&self, message: usize) -> Option<i64> {
        Some(self.message(message)?.deliver_by()?.seconds)
    }

    fn etrn_answered(&self, node: usize, reply: &Reply) {
        if let Some(node) = self.etrn_node(node) {
            node.status().set(reply);
        }
    }

    fn reverse_path_answered(&self, message: usize, reply: &Reply) {
        if let Some(message) = self.message(message) {
            message.reverse_path_status().set(reply);
        }
    }

    fn recipient_answered(&self, message: usize, recipient: usize, reply: &Reply) {
        if let Some(recipient) = self.message(message).and_then(|one| one.recipient(recipient)) {
            recipient.status().set(reply);
        }
    }

    fn recipient_complete(&self, message: usize, recipient: usize) {
        if let Some(recipient) = self.message(message).and_then(|one| one.recipient(recipient)) {
            recipient.set_complete();
        }
    }

    fn message_answered(&self, message: usize, reply: &Reply) {
        if let Some(message) = self.message(message) {
            message.transfer_status().set(reply);
        }
    }
}
