// SPDX-License-Identifier: LGPL-2.1-or-later
//! What a reply settles, to be written down before the application hears of it.

use super::event::Event;
use super::position::{MessageAt, NodeAt, RecipientAt, RecipientRun};
use super::reply::Reply;

/// A reply and what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The reply to a node's ETRN.
    Node {
        /// Which one.
        node: NodeAt,
        reply: Reply,
    },
    /// The reply to MAIL, which says of the sender alone: it was accepted, or the reason for the
    /// refusal is an earlier reply.
    Sender {
        /// Whose sender it is.
        message: MessageAt,
        reply: Reply,
    },
    /// MAIL was refused, so nobody gets the message: the reply is the sender's, the message's
    /// and that of its incomplete recipients from `first` up to `end`.
    SenderRefused {
        /// Whose sender it is.
        message: MessageAt,
        /// Recipients before this one are not concerned.
        first: RecipientAt,
        /// Recipients from here on are not concerned.
        end: RecipientAt,
        reply: Reply,
        /// What the message and its recipients are told instead: why the server says so.
        reason: Option<Reply>,
        /// Nothing is left to do for them: the refusal is ours, and for good.
        complete: bool,
    },
    /// The reply to RCPT.
    Recipient {
        /// The recipient's message.
        message: MessageAt,
        /// Which one.
        recipient: RecipientAt,
        reply: Reply,
        /// Nothing is left to do: refused for good.
        complete: bool,
    },
    /// No message was sent for this reply, which is that of each that was still to be sent.
    NothingSent { reply: Reply },
    /// A message that must go to all of its recipients was not sent, since one was refused. The
    /// application has heard of that one.
    Withheld {
        /// Which one.
        message: MessageAt,
        /// The first refusal: the reply of the message and of those who were accepted.
        reply: Reply,
        /// Who was accepted, and stays incomplete.
        accepted: Accepted,
    },
    /// The reply that counts for a message as a whole.
    Message {
        /// Which one.
        message: MessageAt,
        reply: Reply,
        /// What it means for recipients.
        fate: Fate,
    },
}

/// What one of the usual replies settles, the reply itself apart: it need not be kept for that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// Nothing to be written down: the old envelope is forgotten, or the text may come.
    Nothing,
    /// The sender was accepted: [`Verdict::Sender`].
    Sender {
        /// Whose sender it is.
        message: MessageAt,
    },
    /// The RCPT of each of them has this reply: many times [`Verdict::Recipient`].
    Recipients {
        /// The recipients' message.
        message: MessageAt,
        /// Which ones.
        recipients: RecipientRun,
        /// Nothing is left to do: refused for good.
        complete: bool,
    },
    /// The message was taken: [`Verdict::Message`] with [`Fate::Taken`].
    Taken {
        /// Which one.
        message: MessageAt,
        /// For whom.
        accepted: Accepted,
    },
}

impl Verdict {
    /// The reply that was the last word, of which nothing is needed any more.
    #[must_use]
    pub fn into_reply(self) -> Reply {
        match self {
            Self::Node { reply, .. }
            | Self::Sender { reply, .. }
            | Self::SenderRefused { reply, .. }
            | Self::Recipient { reply, .. }
            | Self::NothingSent { reply }
            | Self::Withheld { reply, .. }
            | Self::Message { reply, .. } => reply,
        }
    }

    /// What the application is told of it.
    #[must_use]
    pub const fn event(&self) -> Option<Event> {
        Some(match *self {
            Self::Node { node, .. } => Event::EtrnStatus { node },
            Self::Sender { message, .. } | Self::SenderRefused { message, .. } => {
                Event::MailStatus { message }
            }
            Self::Recipient { message, recipient, .. } => Event::RecipientStatus { message, recipient },
            Self::Message { message, .. } => Event::MessageSent { message },
            Self::NothingSent { .. } | Self::Withheld { .. } => return None,
        })
    }
}

/// What becomes of a message's recipients with its last reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// They keep what they have.
    Untouched,
    /// The message was taken: these are complete, their status stays that of RCPT.
    Taken(Accepted),
    /// Not now: the reply is the status of these, who stay incomplete.
    Deferred(Accepted),
    /// Never: the reply is the status of the accepted ones, and everybody before `end` is
    /// complete.
    Refused {
        /// Those whom the server would have taken the message for.
        accepted: Accepted,
        /// Recipients from here on are not concerned.
        end: RecipientAt,
    },
}

/// The recipients that the server accepted, in their order: runs of neighbours, of which there
/// is one as a rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accepted {
    last: Option<RecipientRun>,
    earlier: Vec<RecipientRun>,
}

impl Accepted {
    /// Adds some that stand behind all others.
    pub(super) fn push(&mut self, recipients: RecipientRun) {
        if !self.last.as_mut().is_some_and(|run| run.extend(recipients)) {
            self.earlier.extend(self.last.replace(recipients));
        }
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.last.is_none()
    }

    /// Those that stand side by side, together.
    pub fn runs(&self) -> impl Iterator<Item = RecipientRun> + '_ {
        self.earlier.iter().chain(&self.last).copied()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = RecipientAt> + '_ {
        self.runs().flat_map(RecipientRun::iter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted_ones_come_back_in_their_order() {
        for wanted in [&[][..], &[0], &[3], &[0, 1, 2], &[0, 2, 3, 7], &[1, 2, 5, 6, 9]] {
            let mut accepted = Accepted::default();
            assert!(accepted.is_empty());
            for one in wanted {
                accepted.push(RecipientAt::new(*one).into());
                assert!(!accepted.is_empty());
            }
            let got: Vec<usize> = accepted.iter().map(RecipientAt::get).collect();
            assert_eq!(got, wanted);
        }
    }
}
