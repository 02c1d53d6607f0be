// SPDX-License-Identifier: LGPL-2.1-or-later
//! A few messages in memory for the engine to send, and what it reports about them.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use esmtp::protocol::{
    Accepted, Engine, Envelope, Fate, MessageAt, Next, Outbox, RecipientAt, RecipientRun, Reply, Required,
    Settled, StartTls, Verdict,
};

/// A recipient and what was answered about it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Recipient {
    pub(crate) code: u16,
    pub(crate) complete: bool,
    pub(crate) unusable: bool,
}

/// A message and what was answered about it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) recipients: Vec<Recipient>,
    pub(crate) mail: u16,
    pub(crate) transfer: u16,
    pub(crate) by: Option<i64>,
    pub(crate) utf8: bool,
    pub(crate) no_sender: bool,
    pub(crate) binary: bool,
    pub(crate) repeatable: bool,
}

/// The messages of a session.
#[derive(Debug, Default, Clone)]
pub(crate) struct Mailbag {
    pub(crate) messages: RefCell<Vec<Message>>,
    pub(crate) nodes: RefCell<Vec<u16>>,
    pub(crate) starttls: Cell<StartTls>,
    pub(crate) require_all: Cell<bool>,
    pub(crate) required: Cell<Required>,
    pub(crate) auth: Cell<bool>,
    pub(crate) auth_required: Cell<bool>,
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

impl Mailbag {
    /// Gives the engine the next reply; one of the usual ones together with those behind it that say the
    /// same, if they may be taken at once.
    pub(crate) fn receive(&self, engine: &mut Engine, replies: &mut VecDeque<Reply>, at_once: bool) {
        let reply = replies.pop_front().expect("a reply is due");
        let Some(usual) = engine.usual(&reply).filter(|_| at_once) else {
            return engine.receive(reply);
        };
        let mut count = 1;
        while count < usual.most() && replies.front() == Some(&reply) {
            replies.pop_front();
            count += 1;
        }
        let settled = engine.settle(usual, &reply, count).expect("they are due");
        self.record_settled(settled, &reply, count);
    }

    /// Writes down what a reply settles that came so often.
    pub(crate) fn record_settled(&self, settled: Settled, reply: &Reply, count: usize) {
        let reply = reply.clone();
        match settled {
            Settled::Nothing => assert_eq!(count, 1),
            Settled::Sender { message } => {
                assert_eq!(count, 1);
                self.record(&Verdict::Sender { message, reply });
            }
            Settled::Recipients { message, recipients, complete } => {
                assert_eq!(recipients.count(), count);
                for recipient in recipients.iter() {
                    let reply = reply.clone();
                    self.record(&Verdict::Recipient { message, recipient, reply, complete });
                }
            }
            Settled::Taken { message, accepted } => {
                assert_eq!(count, 1);
                let fate = Fate::Taken(accepted);
                self.record(&Verdict::Message { message, reply, fate });
            }
        }
    }

    /// Writes down what the engine reports.
    pub(crate) fn record(&self, verdict: &Verdict) {
        let mut messages = self.messages.borrow_mut();
        match verdict {
            Verdict::Node { node, reply } => self.nodes.borrow_mut()[node.get()] = reply.code().value(),
            Verdict::Sender { message, reply } => messages[message.get()].mail = reply.code().value(),
            Verdict::SenderRefused {
                message,
                first,
                end,
                reply,
                reason,
                complete,
            } => {
                let message = &mut messages[message.get()];
                message.mail = reply.code().value();
                let reply = reason.as_ref().unwrap_or(reply);
                message.transfer = reply.code().value();
                let concerned = message.recipients.iter_mut().take(end.get()).skip(first.get());
                for recipient in concerned.filter(|one| !one.complete) {
                    recipient.code = reply.code().value();
                    recipient.complete |= complete;
                }
            }
            Verdict::Recipient { message, recipient, reply, complete } => {
                let recipient = &mut messages[message.get()].recipients[recipient.get()];
                recipient.code = reply.code().value();
                recipient.complete |= complete;
            }
            Verdict::NothingSent { reply } => {
                let open = |message: &&mut Message| message.recipients.iter().any(|one| !one.complete);
                messages.iter_mut().filter(open).for_each(|one| one.transfer = reply.code().value());
            }
            Verdict::Withheld { message, reply, accepted } => {
                messages[message.get()].decide(reply, &Fate::Deferred(accepted.clone()));
            }
            Verdict::Message { message, reply, fate } => messages[message.get()].decide(reply, fate),
        }
    }
}

impl Message {
    fn decide(&mut self, reply: &Reply, fate: &Fate) {
        self.transfer = reply.code().value();
        match fate {
            Fate::Untouched => {}
            Fate::Taken(accepted) => accepted.iter().for_each(|at| self.recipients[at.get()].complete = true),
            Fate::Deferred(accepted) => self.answer(reply, accepted),
            Fate::Refused { accepted, end } => {
                self.answer(reply, accepted);
                self.recipients.iter_mut().take(end.get()).for_each(|one| one.complete = true);
            }
        }
    }

    fn answer(&mut self, reply: &Reply, accepted: &Accepted) {
        accepted.iter().for_each(|at| self.recipients[at.get()].code = reply.code().value());
    }
}

impl Outbox for Mailbag {
    fn starttls(&self) -> StartTls {
        self.starttls.get()
    }

    fn wants_auth(&self) -> bool {
        self.auth.get()
    }

    fn requires_auth(&self) -> bool {
        self.auth_required.get()
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

    fn next_message(&self, from: MessageAt) -> Option<MessageAt> {
        let messages = self.messages.borrow();
        let mut rest = from.get()..messages.len();
        rest.find(|at| messages[*at].recipients.iter().any(|one| !one.complete))
            .map(MessageAt::new)
    }

    fn envelope(&self, message: MessageAt) -> Envelope {
        let message = &self.messages.borrow()[message.get()];
        Envelope {
            end: RecipientAt::new(message.recipients.len()),
            usable_sender: !message.no_sender,
            utf8: message.utf8,
            binary: message.binary,
            deliver_by: message.by,
        }
    }

    fn recipients(&self, message: MessageAt, of: RecipientRun, most: usize) -> Next {
        let recipients = &self.messages.borrow()[message.get()].recipients;
        let Some(first) = of.iter().find(|at| !recipients[at.get()].complete) else {
            return Next::Nobody;
        };
        if recipients[first.get()].unusable {
            return Next::Unusable(first);
        }
        let is_usable = |at: &usize| !recipients[*at].complete && !recipients[*at].unusable;
        let count = (first.get()..of.end().get()).take(most).take_while(is_usable).count();
        let run = RecipientRun::new(first..RecipientAt::new(first.get() + count));
        Next::Usable(run.expect("the first at least"))
    }

    fn is_repeatable(&self, message: MessageAt) -> bool {
        self.messages.borrow()[message.get()].repeatable
    }
}
