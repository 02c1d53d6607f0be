// SPDX-License-Identifier: LGPL-2.1-or-later
//! Where something stands in its session or message, counted in the order in which it was
//! added. A type for each kind, so that one is not taken for another.

macro_rules! position {
    ($(#[$what:meta])* $name:ident) => {
        $(#[$what])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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
