// SPDX-License-Identifier: LGPL-2.1-or-later
//! The session's messages as the protocol engine asks for them.

use super::Session;
use super::terms::Terms;
use crate::policy::Tls;
use crate::protocol::envelope::BodyType;
use crate::protocol::{
    Envelope, Extensions, MessageAt, Next, Outbox, RecipientAt, RecipientRun, Required, StartTls,
};

impl Outbox for Session {
    fn starttls(&self) -> StartTls {
        let policy = self.terms.borrow().as_deref().and_then(|terms| terms.relay().tls);
        match policy {
            None => self.starttls.get(),
            Some(Tls::StartTls) => StartTls::Required,
            Some(Tls::Off | Tls::Implicit) => StartTls::Disabled,
        }
    }

    fn wants_auth(&self) -> bool {
        self.sasl().is_some_and(|context| context.is_enabled())
    }

    fn requires_auth(&self) -> bool {
        self.terms.borrow().as_deref().is_some_and(Terms::requires_auth)
    }

    fn prune(&self, offered: &mut Extensions) {
        if let Some(terms) = self.terms.borrow().as_deref() {
            terms.prune(offered);
        }
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

    fn next_message(&self, from: MessageAt) -> Option<MessageAt> {
        let messages = self.messages.borrow();
        let sendable = |message: &std::rc::Rc<super::Message>| {
            // Added by a callback of this run and not complete in itself: left for the next.
            message.source().is_some() && message.is_incomplete()
        };
        let offset = messages.get(from.get()..)?.iter().position(sendable)?;
        Some(MessageAt::new(from.get() + offset))
    }

    fn envelope(&self, message: MessageAt) -> Envelope {
        self.message(message).map_or_else(Envelope::default, |message| Envelope {
            end: RecipientAt::new(message.recipient_count()),
            usable_sender: message.reverse_path().borrow().is_usable(),
            utf8: message.needs_utf8(),
            binary: message.body() == Some(BodyType::Binary),
            deliver_by: message.deliver_by().map(|by| by.seconds),
        })
    }

    fn recipients(&self, message: MessageAt, of: RecipientRun, most: usize) -> Next {
        self.message(message).map_or(Next::Nobody, |message| message.next_recipients(of, most))
    }

    fn is_repeatable(&self, message: MessageAt) -> bool {
        let source = self.message(message).and_then(|message| message.source());
        source.is_some_and(|source| source.repeatable)
    }
}
