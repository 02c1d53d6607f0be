// SPDX-License-Identifier: LGPL-2.1-or-later
//! Messages in memory, for the engine to send.

use std::cell::RefCell;

use esmtp::protocol::{Outbox, Reply, Required, StartTls};

use super::input::Input;

#[derive(Default, Clone)]
pub(crate) struct Recipient {
    pub(crate) code: u16,
    pub(crate) complete: bool,
}

#[derive(Default)]
pub(crate) struct Message {
    pub(crate) recipients: Vec<Recipient>,
    pub(crate) code: u16,
    utf8: bool,
    binary: bool,
    by: Option<i64>,
}

/// What an application has set up.
pub(crate) struct Mail {
    pub(crate) messages: RefCell<Vec<Message>>,
    starttls: StartTls,
    auth: bool,
    required: Required,
    all: bool,
    nodes: usize,
}

impl Mail {
    /// Any setting at all.
    pub(crate) fn new(input: &mut Input<'_>) -> Self {
        let messages = (0..input.below(5)).map(|_| Message {
            recipients: vec![Recipient::default(); input.below(4)],
            code: 0,
            utf8: input.below(8) == 1,
            binary: input.below(16) == 1,
            by: (input.below(8) == 1).then(|| i64::from(input.byte()) - 100),
        });
        let messages = RefCell::new(messages.collect());
        let starttls = match input.below(8) {
            1 => StartTls::Enabled,
            2 => StartTls::Required,
            _ => StartTls::Disabled,
        };
        let rarely = |input: &mut Input<'_>| input.below(8) == 1;
        Self {
            messages,
            starttls,
            auth: input.flag(),
            required: Required {
                dsn: rarely(input),
                eight_bit: rarely(input),
                binary: rarely(input),
                etrn: rarely(input),
            },
            all: rarely(input),
            nodes: input.below(8) / 6,
        }
    }
}

impl Outbox for Mail {
    fn starttls(&self) -> StartTls {
        self.starttls
    }

    fn wants_auth(&self) -> bool {
        self.auth
    }

    fn required(&self) -> Required {
        self.required
    }

    fn requires_all_recipients(&self) -> bool {
        self.all
    }

    fn etrn_count(&self) -> usize {
        self.nodes
    }

    fn next_message(&self, from: usize) -> Option<usize> {
        let messages = self.messages.borrow();
        (from..messages.len()).find(|at| messages[*at].recipients.iter().any(|one| !one.complete))
    }

    fn recipient_count(&self, message: usize) -> usize {
        self.messages.borrow()[message].recipients.len()
    }

    fn next_recipient(&self, message: usize, from: usize) -> Option<usize> {
        let recipients = &self.messages.borrow()[message].recipients;
        (from..recipients.len()).find(|at| !recipients[*at].complete)
    }

    fn is_binary(&self, message: usize) -> bool {
        self.messages.borrow()[message].binary
    }

    fn needs_utf8(&self, message: usize) -> bool {
        self.messages.borrow()[message].utf8
    }

    fn deliver_by(&self, message: usize) -> Option<i64> {
        self.messages.borrow()[message].by
    }

    fn etrn_answered(&self, node: usize, _: &Reply) {
        assert!(node < self.nodes);
    }

    fn reverse_path_answered(&self, message: usize, _: &Reply) {
        assert!(message < self.messages.borrow().len());
    }

    fn recipient_answered(&self, message: usize, recipient: usize, reply: &Reply) {
        self.messages.borrow_mut()[message].recipients[recipient].code = reply.code().value();
    }

    fn recipient_complete(&self, message: usize, recipient: usize) {
        self.messages.borrow_mut()[message].recipients[recipient].complete = true;
    }

    fn message_answered(&self, message: usize, reply: &Reply) {
        self.messages.borrow_mut()[message].code = reply.code().value();
    }
}
