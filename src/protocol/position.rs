// SPDX-License-Identifier: LGPL-2.1-or-later
//! Where something stands in its session or message, counted in the order in which it was
//! added. A type for each kind, so that one is not taken for another.

use std::ops::Range;

macro_rules! position {
    ($(#[$what:meta])* $name:ident) => {
        $(#[$what])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(u32);

        impl $name {
            /// Of the one that was added first.
            pub const FIRST: Self = Self(0);

            /// Counted from 0. There cannot be more than a `u32` counts.
            #[must_use]
            pub fn new(count: usize) -> Self {
                Self(u32::try_from(count).unwrap_or(u32::MAX))
            }

            /// Counted from 0.
            #[must_use]
            pub const fn get(self) -> usize {
                self.0 as usize
            }

            /// Of the one that was added next.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }
        }
    };
}

position! {
    /// Of a message in its session.
    MessageAt
}
position! {
    /// Of a recipient in its message.
    RecipientAt
}
position! {
    /// Of an ETRN node in its session.
    NodeAt
}

/// Recipients that follow each other in their message, one at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecipientRun {
    first: RecipientAt,
    end: RecipientAt,
}

impl RecipientRun {
    /// The recipients from the first to the one before the end; `None` if that is nobody.
    #[must_use]
    pub fn new(recipients: Range<RecipientAt>) -> Option<Self> {
        let Range { start: first, end } = recipients;
        (first < end).then_some(Self { first, end })
    }

    /// The first of them.
    #[must_use]
    pub const fn first(self) -> RecipientAt {
        self.first
    }

    /// Where the next one stands that is none of them.
    #[must_use]
    pub const fn end(self) -> RecipientAt {
        self.end
    }

    /// How many they are.
    #[must_use]
    pub const fn count(self) -> usize {
        self.end.get() - self.first.get()
    }

    /// The first ones up to a number; `None` if that is 0.
    #[must_use]
    pub fn up_to(self, most: usize) -> Option<Self> {
        let end = RecipientAt::new(self.first.get().saturating_add(most)).min(self.end);
        Self::new(self.first..end)
    }

    /// All but the first; `None` if there is no other.
    #[must_use]
    pub fn behind_first(self) -> Option<Self> {
        self.behind(1)
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = RecipientAt> {
        (self.first.get()..self.end.get()).map(RecipientAt::new)
    }

    /// Adds others if they stand next behind them.
    pub(super) fn extend(&mut self, others: Self) -> bool {
        let follow = others.first == self.end;
        if follow {
            self.end = others.end;
        }
        follow
    }

    /// All but so many of the first; `None` if that is nobody.
    #[must_use]
    pub fn behind(self, count: usize) -> Option<Self> {
        Self::new(RecipientAt::new(self.first.get().saturating_add(count))..self.end)
    }
}

impl From<RecipientAt> for RecipientRun {
    fn from(recipient: RecipientAt) -> Self {
        Self { first: recipient, end: recipient.next() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Neighbours are one run, however many they are.
    #[test]
    fn a_run_grows_by_those_behind_it() {
        let run =
            |first, end| RecipientRun::new(RecipientAt::new(first)..RecipientAt::new(end)).expect("some");
        let mut grown = run(3, 4);
        for others in [run(3, 4), run(2, 3), run(5, 6)] {
            assert!(!grown.extend(others));
            assert_eq!(grown, run(3, 4));
        }
        for (others, whole, count) in [(run(4, 5), run(3, 5), 2), (run(5, 9), run(3, 9), 6)] {
            assert!(grown.extend(others));
            assert_eq!((grown, grown.count()), (whole, count));
        }
    }
}
