// SPDX-License-Identifier: LGPL-2.1-or-later
//! The queue of replies that are due (RFC 2920).

use std::collections::VecDeque;

use super::position::{NodeAt, RecipientAt, RecipientRun};
use super::reply::ReplyForm;

/// What the next reply answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expect {
    Greeting,
    Ehlo,
    Helo,
    StartTls,
    Auth,
    Etrn(NodeAt),
    Xusr,
    Rset,
    Mail,
    /// One RCPT for each of them; the reply is the first one's.
    Rcpt(RecipientRun),
    /// Nothing: the recipient is refused in its turn without the server being asked.
    Unusable(RecipientAt),
    Data,
    EndOfData,
    Chunk {
        last: bool,
    },
    /// So many RCPTs of a transaction whose MAIL was refused: consumed, not stored.
    VoidRcpt {
        count: usize,
    },
    /// DATA of such a transaction.
    VoidData,
    /// The end of such a transaction's empty text.
    VoidEndOfData,
    /// A chunk behind one that was refused.
    VoidChunk {
        last: bool,
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
    Data,
    /// A chunk of the text that is not the last.
    Chunk,
    /// The end of the text.
    EndOfData,
    Quit,
}

/// Commands that were written, in order, and whether more may follow before their replies.
#[derive(Debug, Clone, Default)]
pub(super) struct Pipeline {
    expected: VecDeque<Expect>,
    // How many replies that are.
    due: usize,
    closed: bool,
}

impl Pipeline {
    /// Notes a command that others may follow in the same group.
    pub(super) fn push(&mut self, expect: Expect) {
        self.due += expect.replies();
        self.expected.push_back(expect);
    }

    /// Notes a command that ends its group (RFC 2920 §3.1: EHLO, DATA, QUIT … must).
    pub(super) fn push_last(&mut self, expect: Expect) {
        self.push(expect);
        self.closed = true;
    }

    /// Takes what the reply that just came answers.
    pub(super) fn pop(&mut self) -> Option<Expect> {
        let expect = *self.expected.front()?;
        self.due -= 1;
        if let Some(rest) = expect.behind_first() {
            self.expected.front_mut()?.clone_from(&rest);
            return Some(expect);
        }
        self.expected.pop_front();
        if self.expected.is_empty() {
            self.closed = false;
        }
        Some(expect)
    }

    pub(super) fn front(&self) -> Option<Expect> {
        self.expected.front().copied()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.expected.is_empty()
    }

    /// The recipients that the next replies are about, one each, if their group is written in full.
    /// The reply to another command follows these.
    pub(super) fn rcpts(&self) -> Option<RecipientRun> {
        match self.front() {
            Some(Expect::Rcpt(recipients)) if self.closed => recipients.up_to(self.due.saturating_sub(1)),
            _ => None,
        }
    }

    /// Takes the first ones of [`Pipeline::rcpts`], so many at most.
    pub(super) fn take_rcpts(&mut self, most: usize) -> Option<RecipientRun> {
        let taken = self.rcpts()?.up_to(most)?;
        self.due -= taken.count();
        if let Some(Expect::Rcpt(recipients)) = self.expected.front_mut() {
            match recipients.behind(taken.count()) {
                Some(rest) => *recipients = rest,
                None => drop(self.expected.pop_front()),
            }
        }
        Some(taken)
    }

    /// The recipient whose turn it is to be refused without the server.
    pub(super) fn take_unusable(&mut self) -> Option<RecipientAt> {
        let Some(Expect::Unusable(recipient)) = self.front() else {
            return None;
        };
        self.pop();
        Some(recipient)
    }

    /// Whether a command may be written now.
    pub(super) fn is_open(&self, pipelining: bool) -> bool {
        self.expected.is_empty() || (pipelining && !self.closed)
    }

    /// How many commands of transactions wait for their replies, and are errors if the MAIL before
    /// them is refused.
    pub(super) fn in_transactions(&self) -> usize {
        let expected = self.expected.iter();
        expected
            .filter(|expect| matches!(expect, Expect::Rcpt(_) | Expect::Data))
            .map(Expect::replies)
            .sum()
    }

    /// How many commands are not answered.
    pub(super) fn len(&self) -> usize {
        self.due
    }

    /// The transaction that all these commands belong to is over: what is due for them is no
    /// longer about it.
    pub(super) fn make_void(&mut self) {
        self.expected.retain(|expect| !matches!(expect, Expect::Unusable(_)));
        self.due = self.expected.iter().map(Expect::replies).sum();
        for expect in &mut self.expected {
            *expect = match *expect {
                Expect::Rcpt(recipients) => Expect::VoidRcpt { count: recipients.count() },
                Expect::Data => Expect::VoidData,
                Expect::Chunk { last } => Expect::VoidChunk { last },
                other => other,
            };
        }
    }

    pub(super) fn clear(&mut self) {
        self.expected.clear();
        self.due = 0;
        self.closed = false;
    }
}

impl Expect {
    /// How many replies it stands for.
    const fn replies(&self) -> usize {
        match self {
            Self::Rcpt(recipients) => recipients.count(),
            Self::VoidRcpt { count } => *count,
            _ => 1,
        }
    }

    /// What is left behind the first reply, if it is not the only one.
    fn behind_first(self) -> Option<Self> {
        match self {
            Self::Rcpt(recipients) => recipients.behind_first().map(Self::Rcpt),
            Self::VoidRcpt { count: 0 | 1 } => None,
            Self::VoidRcpt { count } => Some(Self::VoidRcpt { count: count - 1 }),
            _ => None,
        }
    }

    /// What is waited for, for the user.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Greeting => "the greeting",
            Self::Ehlo => "the reply to EHLO",
            Self::Helo => "the reply to HELO",
            Self::StartTls => "the reply to STARTTLS",
            Self::Auth => "the reply to AUTH",
            Self::Etrn(_) => "the reply to ETRN",
            Self::Xusr => "the reply to XUSR",
            Self::Rset => "the reply to RSET",
            Self::Mail => "the reply to MAIL",
            Self::Rcpt(_) | Self::VoidRcpt { .. } | Self::Unusable(_) => "the reply to RCPT",
            Self::Data | Self::VoidData => "the reply to DATA",
            Self::Chunk { .. } | Self::VoidChunk { .. } => "the reply to BDAT",
            Self::EndOfData | Self::VoidEndOfData => "the reply to the text",
            Self::Quit => "the reply to QUIT",
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
            Self::Rset | Self::Mail | Self::Rcpt(_) | Self::VoidRcpt { .. } | Self::Unusable(_) => {
                Wait::Envelope
            }
            Self::Data | Self::VoidData => Wait::Data,
            Self::Chunk { last: false } | Self::VoidChunk { last: false } => Wait::Chunk,
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
            Self::Auth => ReplyForm::Challenge { enhanced },
            _ => ReplyForm::Plain { enhanced },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group() -> Pipeline {
        let mut pipeline = Pipeline::default();
        let run = RecipientRun::new(RecipientAt::new(2)..RecipientAt::new(5)).expect("some");
        pipeline.push(Expect::Mail);
        pipeline.push(Expect::Rcpt(run));
        pipeline.push_last(Expect::Data);
        pipeline
    }

    #[test]
    fn each_line_is_due_once() {
        let mut pipeline = group();
        for left in (0..5).rev() {
            assert!(!pipeline.is_empty());
            assert!(pipeline.pop().is_some());
            assert_eq!(pipeline.len(), left);
        }
        assert!(pipeline.is_empty() && pipeline.pop().is_none());
    }

    /// However often it is said.
    #[test]
    fn what_is_void_is_due_all_the_same() {
        let mut pipeline = group();
        pipeline.pop();
        pipeline.push(Expect::Unusable(RecipientAt::new(5)));
        for _ in 0..2 {
            pipeline.make_void();
            assert_eq!(pipeline.len(), 4);
            assert_eq!(pipeline.front(), Some(Expect::VoidRcpt { count: 3 }));
        }
        for _ in 0..3 {
            assert!(matches!(pipeline.pop(), Some(Expect::VoidRcpt { .. })));
        }
        assert_eq!(pipeline.pop(), Some(Expect::VoidData));
        assert_eq!(pipeline.len(), 0);
    }

    #[test]
    fn recipients_are_taken_from_a_group_that_is_written() {
        let mut pipeline = group();
        assert_eq!((pipeline.rcpts(), pipeline.take_rcpts(9)), (None, None), "it is MAIL that is answered");
        pipeline.pop();
        let run = |first, end| RecipientRun::new(RecipientAt::new(first)..RecipientAt::new(end));
        assert_eq!((pipeline.rcpts(), pipeline.take_rcpts(0)), (run(2, 5), None));
        assert_eq!((pipeline.take_rcpts(1), pipeline.rcpts(), pipeline.len()), (run(2, 3), run(3, 5), 3));
        assert_eq!((pipeline.take_rcpts(3), pipeline.rcpts(), pipeline.len()), (run(3, 5), None, 1));
        assert_eq!(pipeline.take_rcpts(1), None, "it is DATA that is answered");
        assert_eq!(pipeline.front(), Some(Expect::Data));

        let mut unfinished = Pipeline::default();
        unfinished.push(Expect::Rcpt(RecipientAt::FIRST.into()));
        unfinished.push(Expect::Rcpt(RecipientAt::new(1).into()));
        assert_eq!((unfinished.rcpts(), unfinished.take_rcpts(1)), (None, None));
        assert_eq!(unfinished.len(), 2);
    }

    #[test]
    fn what_is_cleared_is_not_due() {
        let mut pipeline = group();
        assert!(!pipeline.is_open(true));
        pipeline.clear();
        assert!(pipeline.is_empty() && pipeline.is_open(false));
        assert_eq!((pipeline.len(), pipeline.front()), (0, None));
    }
}
