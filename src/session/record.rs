// SPDX-License-Identifier: LGPL-2.1-or-later
//! Writes down what the server decided about messages, recipients and nodes.

use std::ops::Range;

use super::status::Words;
use super::texts::Texts;
use super::{Message, Recipient, Session};
use crate::protocol::{Accepted, Fate, RecipientAt, RecipientRun, Reply, Settled, Verdict};

impl Session {
    /// Writes down what a reply settles.
    pub(super) fn record(&self, verdict: &Verdict) {
        match verdict {
            Verdict::Node { node, reply } => {
                if let Some(node) = self.etrn_node(*node) {
                    node.status().set(reply, &self.texts);
                }
            }
            Verdict::Sender { message, reply } => {
                if let Some(message) = self.message(*message) {
                    message.reverse_path_status().set(reply, &self.texts);
                }
            }
            Verdict::SenderRefused {
                message,
                first,
                end,
                reply,
                reason,
                complete,
            } => {
                if let Some(message) = self.message(*message) {
                    message.reverse_path_status().set(reply, &self.texts);
                    let reason = reason.as_ref().unwrap_or(reply);
                    message.transfer_status().set(reason, &self.texts);
                    message.nobody_gets_it(*first..*end, reason, *complete, &self.texts);
                }
            }
            Verdict::Recipient { message, recipient, reply, complete } => {
                if let Some(message) = self.message(*message) {
                    message.recipients_answered((*recipient).into(), *complete, reply, &self.texts);
                }
            }
            Verdict::NothingSent { reply } => {
                for message in self.messages.borrow().iter().filter(|message| message.is_incomplete()) {
                    message.transfer_status().set(reply, &self.texts);
                }
            }
            Verdict::Withheld { message, reply, accepted } => {
                if let Some(message) = self.message(*message) {
                    message.answer(accepted, reply, &self.texts);
                    message.transfer_status().set(reply, &self.texts);
                }
            }
            Verdict::Message { message, reply, fate } => {
                if let Some(message) = self.message(*message) {
                    message.decide(fate, reply, &self.texts);
                    message.transfer_status().set(reply, &self.texts);
                }
            }
        }
    }

    /// Writes down what one of the usual replies settles.
    pub(super) fn record_settled(&self, settled: &Settled, reply: &Reply) {
        match settled {
            Settled::Nothing => {}
            Settled::Sender { message } => {
                if let Some(message) = self.message(*message) {
                    message.reverse_path_status().set(reply, &self.texts);
                }
            }
            Settled::Recipients { message, recipients, complete } => {
                if let Some(message) = self.message(*message) {
                    message.recipients_answered(*recipients, *complete, reply, &self.texts);
                }
            }
            Settled::Taken { message, accepted } => {
                if let Some(message) = self.message(*message) {
                    message.taken_for(accepted);
                    message.transfer_status().set(reply, &self.texts);
                }
            }
        }
    }

    /// Another address is tried: what the one before has said is no longer the reason.
    pub(super) fn forget_refusal(&self) {
        for message in self.messages.borrow().iter() {
            if !message.transfer_status().is_clear() && message.is_incomplete() {
                message.transfer_status().clear();
            }
        }
    }
}

impl Message {
    fn recipients_answered(&self, recipients: RecipientRun, complete: bool, reply: &Reply, texts: &Texts) {
        let words = Words::from(reply);
        self.for_each_of(recipients, |recipient| {
            recipient.status().say(&words, texts);
            if complete {
                recipient.set_complete();
            }
        });
    }

    fn nobody_gets_it(&self, concerned: Range<RecipientAt>, reply: &Reply, complete: bool, texts: &Texts) {
        let words = Words::from(reply);
        let Some(concerned) = RecipientRun::new(concerned) else {
            return;
        };
        self.for_each_of(concerned, |recipient| {
            if !recipient.is_complete() {
                recipient.status().say(&words, texts);
                if complete {
                    recipient.set_complete_for_sender();
                }
            }
        });
    }

    fn decide(&self, fate: &Fate, reply: &Reply, texts: &Texts) {
        match fate {
            Fate::Untouched => {}
            Fate::Taken(accepted) => self.taken_for(accepted),
            Fate::Deferred(accepted) => self.answer(accepted, reply, texts),
            Fate::Refused { accepted, end } => {
                self.answer(accepted, reply, texts);
                if let Some(all) = RecipientRun::new(RecipientAt::FIRST..*end) {
                    self.for_each_of(all, Recipient::set_complete);
                }
            }
        }
    }

    fn answer(&self, accepted: &Accepted, reply: &Reply, texts: &Texts) {
        let words = Words::from(reply);
        for run in accepted.runs() {
            self.for_each_of(run, |recipient| recipient.status().say(&words, texts));
        }
    }

    /// But for those that the application has reset meanwhile: they are to be sent again.
    fn taken_for(&self, accepted: &Accepted) {
        for run in accepted.runs() {
            self.for_each_of(run, |recipient| {
                if !recipient.status().is_clear() {
                    recipient.set_complete();
                }
            });
        }
    }
}
