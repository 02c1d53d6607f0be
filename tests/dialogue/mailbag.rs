// SPDX-License-Identifier: LGPL-2.1-or-later
//! A few messages in memory for the engine to send.

use std::cell::{Cell, RefCell};

use esmtp::protocol::{Outbox, Reply, Required, StartTls};

/// A recipient and what was answered about it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Recipient {
    pub(crate) code: u16,
    pub(crate) complete: bool,
}

/// A message and what was answered about it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) recipients: Vec<Recipient>,
    pub(crate) mail: u16,
    pub(crate) transfer: u16,
    pub(crate) by: Option<i64>,
    pub(crate) utf8: bool,
    pub(crate) binary: bool,
}

/// The messages of a session.
#[derive(Debug, Default)]
pub(crate) struct Mailbag {
    pub(crate) messages: RefCell<Vec<Message>>,
    pub(crate) nodes: RefCell<Vec<u16>>,
    pub(crate) starttls: Cell<StartTls>,
    pub(crate) require_all: Cell<bool>,
    pub(crate) required: Cell<Required>,
}

impl Mailbag {
    /// Messages with these numbers of recipients.
    pub(crate) fn new(recipients: &[usize]) -> Self {
        let message = |count: &usize| Message {
            recipients: vec![Recipient::default(); *count],
            ..Message::default()
        };
        Self {
            messages: RefCell::new(recipients.iter().map(message).collect()),
            ..Self::default()
        }
    }
}

impl Outbox for Mailbag {
    fn starttls(&self) -> StartTls {
        self.starttls.get()
    }

    fn wants_auth(&self) -> bool {
        false
    }

    fn required(&self) -> Required {
        self.required.get()
    }

    fn requires_all_recipients(&self) -> bool {
        self.require_all.get()
    }

    fn etrn_count(&self) -> usize {
        self.nodes.borrow().len()
    }

    fn next_message(&self, from: usize) -> Option<usize> {
        let messages = self.messages.borrow();
        (from..messages.len()).find(|at| messages[*at].recipients.iter().any(|one| !one.complete))
    }

    fn recipient_count(&self, message: usize) -> usize {
        self.messages.borrow()[message].recipients.len()
    }

    fn next_recipient(&self, message: usize, from: usize) -> Option<usize> {
        let messages = self.messages.borrow();
        let recipients = &messages[message].recipients;
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

    fn etrn_answered(&self, node: usize, reply: &Reply) {
        self.nodes.borrow_mut()[node] = reply.code().value();
    }

    fn reverse_path_answered(&self, message: usize, reply: &Reply) {
        self.messages.borrow_mut()[message].mail = reply.code().value();
    }

    fn recipient_answered(&self, message: usize, recipient: usize, reply: &Reply) {
        self.messages.borrow_mut()[message].recipients[recipient].code = reply.code().value();
    }

    fn recipient_complete(&self, message: usize, recipient: usize) {
        self.messages.borrow_mut()[message].recipients[recipient].complete = true;
    }

    fn message_answered(&self, message: usize, reply: &Reply) {
        self.messages.borrow_mut()[message].transfer = reply.code().value();
    }
}
