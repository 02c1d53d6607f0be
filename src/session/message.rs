// SPDX-License-Identifier: LGPL-2.1-or-later
//! A message: its envelope, its headers, where its text comes from, what became of it.

use std::cell::{Cell, OnceCell, Ref, RefCell};
use std::ffi::CStr;
use std::rc::Rc;

use super::callback::MessageSource;
use super::slots::Slots;
use super::{ApplicationData, Recipient, Shared, Status, Walk};
use crate::content::header::Headers;
use crate::error::Result;
use crate::protocol::envelope::{BodyType, DeliverBy, EnvelopeId, Return};
use crate::protocol::mailbox::Mailbox;
use crate::protocol::{Next, RecipientAt, RecipientRun};

/// The reverse path of a message.
#[derive(Debug, Clone, Default)]
pub enum ReversePath {
    /// None was set, or the null path.
    #[default]
    Null,
    Mailbox(Mailbox),
    /// The last one that was set was not taken: the message must not go out, for it would have
    /// a sender that the application did not want.
    Refused,
}

impl ReversePath {
    /// Whether it can be sent.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Mailbox(mailbox) => mailbox.is_usable(),
            Self::Refused => false,
        }
    }
}

/// A copy of the application's string, for a start when that may be gone.
#[derive(Debug, Default)]
enum OwnText {
    #[default]
    None,
    Kept(#[expect(dead_code, reason = "C reads it")] Box<[u8]>),
    Lost,
}

/// What few messages have.
#[derive(Default)]
struct Rare {
    own_text: RefCell<OwnText>,
    envelope_id: RefCell<Option<EnvelopeId>>,
    deliver_by: Cell<Option<DeliverBy>>,
}

/// One mail transaction and what became of it.
pub struct Message {
    reverse_path: RefCell<ReversePath>,
    reverse_path_status: Status,
    transfer_status: Status,
    source: Cell<Option<MessageSource>>,
    headers: RefCell<Headers>,
    rare: OnceCell<Box<Rare>>,
    ret: Cell<Option<Return>>,
    size: Cell<u64>,
    body: Cell<Option<BodyType>>,
    recipients: Slots<Recipient>,
    // One of them may need SMTPUTF8.
    international: Cell<bool>,
    shared: Rc<Shared>,
    application_data: ApplicationData,
}

impl Message {
    pub(super) fn new(shared: Rc<Shared>) -> Rc<Self> {
        Rc::new(Self {
            reverse_path: RefCell::default(),
            reverse_path_status: Status::default(),
            transfer_status: Status::default(),
            source: Cell::new(None),
            headers: RefCell::default(),
            rare: OnceCell::new(),
            ret: Cell::new(None),
            size: Cell::new(0),
            body: Cell::new(None),
            recipients: Slots::default(),
            international: Cell::new(false),
            shared,
            application_data: ApplicationData::default(),
        })
    }

    fn rare(&self) -> &Rare {
        self.rare.get_or_init(Box::default)
    }

    /// Sets the sender; `None` or empty is the null path. After one that was not taken the
    /// message is refused without being sent, until another is set.
    pub fn set_reverse_path(&self, path: Option<&CStr>) -> Result<()> {
        let (path, outcome) = match path.map(Mailbox::new) {
            None => (ReversePath::Null, Ok(())),
            Some(Ok(mailbox)) => (ReversePath::Mailbox(mailbox), Ok(())),
            Some(Err(error)) => (ReversePath::Refused, Err(error)),
        };
        let before = self.reverse_path.replace(path);
        if !before.is_usable() {
            // Who was refused for its sake alone may be sent to now.
            self.recipients.for_each(|recipient| {
                if recipient.lacks_sender() {
                    recipient.reset();
                }
            });
        }
        outcome
    }

    /// The sender.
    #[must_use]
    pub fn reverse_path(&self) -> &RefCell<ReversePath> {
        &self.reverse_path
    }

    /// The last reply to MAIL.
    #[must_use]
    pub fn reverse_path_status(&self) -> &Status {
        &self.reverse_path_status
    }

    /// The last reply about the message as a whole.
    #[must_use]
    pub fn transfer_status(&self) -> &Status {
        &self.transfer_status
    }

    /// Forgets both statuses. The recipients keep theirs.
    pub fn reset_statuses(&self) {
        self.reverse_path_status.clear();
        self.transfer_status.clear();
    }

    /// Sets where the text comes from.
    pub fn set_source(&self, source: MessageSource) {
        self.source.set(Some(source));
        if let Some(rare) = self.rare.get() {
            rare.own_text.take();
        }
    }

    /// From now on the text is this one, which ends with a NUL, in place of the application's
    /// string.
    pub fn keep_text(&self, text: Box<[u8]>) {
        if let Some(source) = self.source.get() {
            let arg = text.as_ptr().cast_mut().cast();
            self.rare().own_text.replace(OwnText::Kept(text));
            self.source.set(Some(MessageSource { arg, ..source }));
        }
    }

    /// There was no memory to keep the text: the message cannot be sent any more.
    pub fn lose_text(&self) {
        self.rare().own_text.replace(OwnText::Lost);
    }

    /// Whether the application's string is not needed any more.
    #[must_use]
    pub fn has_own_text(&self) -> bool {
        self.rare.get().is_some_and(|rare| !matches!(*rare.own_text.borrow(), OwnText::None))
    }

    /// Whether the text could not be kept.
    #[must_use]
    pub fn has_lost_text(&self) -> bool {
        self.rare.get().is_some_and(|rare| matches!(*rare.own_text.borrow(), OwnText::Lost))
    }

    /// Where the text comes from.
    #[must_use]
    pub fn source(&self) -> Option<MessageSource> {
        self.source.get()
    }

    /// What the application said about the headers.
    #[must_use]
    pub fn headers(&self) -> &RefCell<Headers> {
        &self.headers
    }

    /// Sets `RET=`; anything but `None` makes DSN a requirement of the session.
    pub fn set_return(&self, ret: Option<Return>) {
        self.ret.set(ret);
        if ret.is_some() {
            self.shared.requirements.dsn.set(true);
        }
    }

    #[must_use]
    pub fn ret(&self) -> Option<Return> {
        self.ret.get()
    }

    /// Sets `ENVID=`; makes DSN a requirement of the session.
    pub fn set_envelope_id(&self, id: EnvelopeId) {
        self.rare().envelope_id.replace(Some(id));
        self.shared.requirements.dsn.set(true);
    }

    /// `ENVID=`.
    #[must_use]
    pub fn envelope_id(&self) -> Option<Ref<'_, EnvelopeId>> {
        Ref::filter_map(self.rare.get()?.envelope_id.borrow(), Option::as_ref).ok()
    }

    /// Sets the estimate for `SIZE=` in bytes (RFC 1870); 0 = unknown.
    pub fn set_size(&self, bytes: u64) {
        self.size.set(bytes);
    }

    /// The estimate for `SIZE=` in bytes, 0 = unknown.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size.get()
    }

    /// Sets `BODY=`; makes 8BITMIME, or CHUNKING and BINARYMIME, a requirement of the session.
    pub fn set_body(&self, body: Option<BodyType>) {
        self.body.set(body);
        match body {
            None => {}
            Some(BodyType::SevenBit | BodyType::EightBit) => self.shared.requirements.eight_bit.set(true),
            Some(BodyType::Binary) => self.shared.requirements.binary.set(true),
        }
    }

    #[must_use]
    pub fn body(&self) -> Option<BodyType> {
        self.body.get()
    }

    pub fn set_deliver_by(&self, by: Option<DeliverBy>) {
        if by.is_some() || self.rare.get().is_some() {
            self.rare().deliver_by.set(by);
        }
    }

    #[must_use]
    pub fn deliver_by(&self) -> Option<DeliverBy> {
        self.rare.get()?.deliver_by.get()
    }

    pub fn add_recipient(&self, mailbox: &CStr) -> Result<&Recipient> {
        match Mailbox::short(mailbox) {
            Some(short) => self.recipients.push(|| Recipient::new(short, Rc::clone(&self.shared))),
            None => self.add_any_recipient(mailbox),
        }
    }

    #[cold]
    fn add_any_recipient(&self, mailbox: &CStr) -> Result<&Recipient> {
        let mailbox = Mailbox::new(mailbox)?;
        if mailbox.needs_utf8() {
            self.international.set(true);
        }
        self.recipients.push(|| Recipient::new(mailbox, Rc::clone(&self.shared)))
    }

    /// How many recipients there are.
    #[must_use]
    pub fn recipient_count(&self) -> usize {
        self.recipients.len()
    }

    /// The recipient at a position, in the order added.
    #[must_use]
    pub fn recipient(&self, position: RecipientAt) -> Option<&Recipient> {
        self.recipients.get(position.get())
    }

    /// Whether any recipient is left to send to.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        self.incomplete_recipient(RecipientAt::FIRST).is_some()
    }

    /// The position of the first incomplete recipient at or after `from`.
    #[must_use]
    pub fn incomplete_recipient(&self, from: RecipientAt) -> Option<RecipientAt> {
        let behind = from.get()..self.recipients.len();
        self.recipients.position(behind, |one| !one.is_complete()).map(RecipientAt::new)
    }

    /// The first incomplete ones of some recipients: one that is no mailbox, or neighbours that are.
    pub(super) fn next_recipients(&self, of: RecipientRun, most: usize) -> Next {
        let (from, end) = (of.first().get(), of.end().get());
        let Some(first) = self.recipients.position(from..end, |one| !one.is_complete()) else {
            return Next::Nobody;
        };
        let end = end.min(first.saturating_add(most));
        let is_other = |one: &Recipient| one.is_complete() || !one.mailbox().is_usable();
        let other = self.recipients.position(first..end, is_other);
        let first = RecipientAt::new(first);
        let end = RecipientAt::new(other.unwrap_or(end.min(self.recipients.len())));
        RecipientRun::new(first..end).map_or(Next::Unusable(first), Next::Usable)
    }

    /// Whether an envelope path needs SMTPUTF8 (RFC 6531 §3.2). Recipients that are done with
    /// do not count.
    #[must_use]
    pub fn needs_utf8(&self) -> bool {
        let sender = match &*self.reverse_path.borrow() {
            ReversePath::Mailbox(mailbox) => mailbox.needs_utf8(),
            ReversePath::Null | ReversePath::Refused => false,
        };
        let needs = |one: &Recipient| !one.is_complete() && one.mailbox().needs_utf8();
        let all = 0..self.recipients.len();
        sender || (self.international.get() && self.recipients.position(all, needs).is_some())
    }

    /// Clears the statuses of a message that is about to be sent, and of its incomplete
    /// recipients.
    pub(super) fn begin_attempt(&self) {
        self.reset_statuses();
        self.recipients.for_each(|recipient| {
            if !recipient.is_complete() {
                recipient.status().clear();
            }
        });
    }

    /// The position of the first recipient at or after `from` that has data of the application's.
    #[must_use]
    pub fn recipient_with_data(&self, from: RecipientAt) -> Option<RecipientAt> {
        let behind = from.get()..self.recipients.len();
        self.recipients
            .position(behind, |one| one.application_data().is_there())
            .map(RecipientAt::new)
    }

    /// Runs `f` on each recipient, in the order added. `f` must not call the application.
    pub(super) fn for_each_recipient(&self, f: impl FnMut(&Recipient)) {
        self.recipients.for_each(f);
    }

    /// Runs `f` on each of these recipients. `f` must not call the application.
    pub(super) fn for_each_of(&self, recipients: RecipientRun, f: impl FnMut(&Recipient)) {
        self.recipients.for_each_of(recipients.first().get()..recipients.end().get(), f);
    }

    /// The enumerations and destructions that are under way in the session.
    #[must_use]
    pub fn walk(&self) -> &Walk {
        &self.shared.walk
    }

    /// The application's own pointer.
    #[must_use]
    pub fn application_data(&self) -> &ApplicationData {
        &self.application_data
    }
}
