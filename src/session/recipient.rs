// SPDX-License-Identifier: LGPL-2.1-or-later
//! A recipient of a message.

use std::cell::Cell;
use std::ffi::CStr;
use std::rc::Rc;

use super::{ApplicationData, Shared, Status};
use crate::protocol::envelope::{Notify, OriginalRecipient};
use crate::protocol::mailbox::Mailbox;

/// One `RCPT TO` and what became of it.
pub struct Recipient {
    mailbox: Mailbox,
    notify: Cell<Option<Notify>>,
    // Rare, so it has its own place.
    original: Cell<Option<Box<OriginalRecipient>>>,
    status: Status,
    complete: Cell<bool>,
    // Only because its message has no sender.
    lacks_sender: Cell<bool>,
    shared: Rc<Shared>,
    application_data: ApplicationData,
}

impl Recipient {
    pub(super) fn new(mailbox: Mailbox, shared: Rc<Shared>) -> Self {
        Self {
            mailbox,
            notify: Cell::new(None),
            original: Cell::new(None),
            status: Status::default(),
            complete: Cell::new(false),
            lacks_sender: Cell::new(false),
            shared,
            application_data: ApplicationData::default(),
        }
    }

    /// The mailbox as the application gave it.
    #[must_use]
    pub fn given(&self) -> &CStr {
        self.mailbox.given()
    }

    /// The checked mailbox.
    #[must_use]
    pub fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    /// When reports are wanted; anything but `None` makes DSN a requirement of the session.
    pub fn set_notify(&self, notify: Option<Notify>) {
        self.notify.set(notify);
        if notify.is_some() {
            self.shared.requirements.dsn.set(true);
        }
    }

    /// When reports are wanted.
    #[must_use]
    pub fn notify(&self) -> Option<Notify> {
        self.notify.get()
    }

    /// The address that reports name; makes DSN a requirement of the session.
    pub fn set_original(&self, original: OriginalRecipient) {
        self.original.set(Some(Box::new(original)));
        self.shared.requirements.dsn.set(true);
    }

    /// Runs `f` with the address that reports name. `f` must not call the application.
    pub(super) fn with_original<T>(&self, f: impl FnOnce(Option<&OriginalRecipient>) -> T) -> T {
        let original = self.original.take();
        let result = f(original.as_deref());
        self.original.set(original);
        result
    }

    /// The last reply about this recipient.
    #[must_use]
    pub fn status(&self) -> &Status {
        &self.status
    }

    /// Whether nothing is left to do: accepted with its message, or refused for good.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete.get()
    }

    pub(super) fn set_complete(&self) {
        self.complete.set(true);
    }

    /// Nothing is left to do as long as the message has this sender.
    pub(super) fn set_complete_for_sender(&self) {
        self.complete.set(true);
        self.lacks_sender.set(true);
    }

    /// Whether another sender makes it worth another attempt.
    pub(super) fn lacks_sender(&self) -> bool {
        self.lacks_sender.get()
    }

    /// Forgets what was answered: the recipient will be sent again.
    pub fn reset(&self) {
        self.status.clear();
        self.complete.set(false);
        self.lacks_sender.set(false);
    }

    /// The application's own pointer.
    #[must_use]
    pub fn application_data(&self) -> &ApplicationData {
        &self.application_data
    }
}
