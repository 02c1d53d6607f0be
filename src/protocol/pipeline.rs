// SPDX-License-Identifier: LGPL-2.1-or-later
//! The queue of replies that are due (RFC 2920).

use std::collections::VecDeque;

use super::reply::ReplyForm;

/// What the next reply answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expect {
    Greeting,
    Ehlo,
    Helo,
    StartTls,
    Auth,
    Etrn(usize),
    Xusr,
    Rset,
    Mail,
    Rcpt(usize),
    Data,
    EndOfData,
    /// A chunk of text of so many octets.
    Chunk {
        last: bool,
        octets: usize,
    },
    /// RCPT of a transaction whose MAIL was refused: consumed, not stored.
    VoidRcpt,
    /// DATA of such a transaction.
    VoidData,
    /// The end of such a transaction's empty text.
    VoidEndOfData,
    /// A chunk of such a transaction, or of one that an earlier chunk's refusal has ended.
    VoidChunk {
        last: bool,
        octets: usize,
    },
    Quit,
}

/// Which of the session's time-outs a reply falls under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Everything before the first MAIL.
    Greeting,
    /// MAIL, RCPT, RSET.
    Envelope,
    /// DATA.
    Data,
    /// A chunk of the text that is not the last.
    Chunk,
    /// The end of the text.
    EndOfData,
    /// QUIT.
    Quit,
}

/// Commands that were written, in order, and whether more may follow before their replies.
#[derive(Debug, Default)]
pub(super) struct Pipeline {
    expected: VecDeque<Expect>,
    closed: bool,
    unanswered_text: usize,
}

impl Pipeline {
    /// Notes a command that others may follow in the same group.
    pub(super) fn push(&mut self, expect: Expect) {
        self.unanswered_text += expect.octets();
        self.expected.push_back(expect);
    }

    /// Notes a command that ends its group (RFC 2920 §3.1: EHLO, DATA, QUIT … must).
    pub(super) fn push_last(&mut self, expect: Expect) {
        self.expected.push_back(expect);
        self.close();
    }

    /// Nothing may follow until every reply is there.
    pub(super) fn close(&mut self) {
        self.closed = !self.expected.is_empty();
    }

    /// Takes what the reply that just came answers.
    pub(super) fn pop(&mut self) -> Option<Expect> {
        let expect = self.expected.pop_front();
        self.unanswered_text -= expect.map_or(0, Expect::octets);
        if self.expected.is_empty() {
            self.closed = false;
        }
        expect
    }

    pub(super) fn front(&self) -> Option<Expect> {
        self.expected.front().copied()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.expected.is_empty()
    }

    /// Whether a command may be written now.
    pub(super) fn is_open(&self, pipelining: bool) -> bool {
        self.expected.is_empty() || (pipelining && !self.closed)
    }

    /// How many commands wait behind a MAIL that is not answered, and are errors if it is refused.
    pub(super) fn behind_mail(&self) -> usize {
        let behind = self.expected.iter().skip_while(|expect| **expect != Expect::Mail);
        let fails =
            |expect: &&Expect| matches!(expect, Expect::Rcpt(_) | Expect::Data | Expect::Chunk { .. });
        behind.filter(fails).count()
    }

    /// Octets of text in chunks that are not answered.
    pub(super) fn unanswered_text(&self) -> usize {
        self.unanswered_text
    }

    /// How many commands are not answered.
    pub(super) fn len(&self) -> usize {
        self.expected.len()
    }

    /// The transaction that the first commands belong to is over: what is due for them is no
    /// longer about it. The next transaction begins with RSET.
    pub(super) fn void_transaction(&mut self) {
        for expect in self.expected.iter_mut().take_while(|expect| **expect != Expect::Rset) {
            *expect = match *expect {
                Expect::Rcpt(_) => Expect::VoidRcpt,
                Expect::Data => Expect::VoidData,
                Expect::EndOfData => Expect::VoidEndOfData,
                Expect::Chunk { last, octets } => Expect::VoidChunk { last, octets },
                other => other,
            };
        }
    }

    /// Forgets the commands of the last transaction, whose replies are not waited for.
    pub(super) fn forget_last_transaction(&mut self) {
        let reset = self.expected.iter().rposition(|expect| *expect == Expect::Rset);
        while self.expected.len() > reset.unwrap_or(0) {
            self.unanswered_text -= self.expected.pop_back().map_or(0, Expect::octets);
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

impl Expect {
    const fn octets(self) -> usize {
        match self {
            Self::Chunk { octets, .. } | Self::VoidChunk { octets, .. } => octets,
            _ => 0,
        }
    }

    /// The time-out of the reply.
    pub(super) const fn wait(self) -> Wait {
        match self {
            Self::Greeting
            | Self::Ehlo
            | Self::Helo
            | Self::StartTls
            | Self::Auth
            | Self::Etrn(_)
            | Self::Xusr => Wait::Greeting,
            Self::Rset | Self::Mail | Self::Rcpt(_) | Self::VoidRcpt => Wait::Envelope,
            Self::Data | Self::VoidData => Wait::Data,
            Self::Chunk { last: false, .. } | Self::VoidChunk { last: false, .. } => Wait::Chunk,
            Self::EndOfData | Self::VoidEndOfData | Self::Chunk { .. } | Self::VoidChunk { .. } => {
                Wait::EndOfData
            }
            Self::Quit => Wait::Quit,
        }
    }

    /// The form of the reply; enhanced status codes come once EHLO has announced them.
    pub(super) const fn form(self, enhanced: bool) -> ReplyForm {
        match self {
            Self::Ehlo => ReplyForm::Ehlo,
            Self::Greeting | Self::Helo => ReplyForm::Plain { enhanced: false },
            Self::Auth => ReplyForm::Challenge { enhanced },
            _ => ReplyForm::Plain { enhanced },
        }
    }
}
