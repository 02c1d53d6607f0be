// SPDX-License-Identifier: LGPL-2.1-or-later
//! What the application is told and asked during a session.

use super::position::{MessageAt, NodeAt, RecipientAt};

/// Something that is due to the application. Messages, recipients and nodes are named by
/// their position, so that nothing borrowed is alive during the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A connection stands.
    Connect,
    /// The connection is closed.
    Disconnect,
    /// MAIL was answered.
    MailStatus {
        /// Which one.
        message: MessageAt,
    },
    /// RCPT was answered.
    RecipientStatus {
        /// Which one.
        message: MessageAt,
        /// Which one.
        recipient: RecipientAt,
    },
    /// The message got its final reply.
    MessageSent {
        /// Which one.
        message: MessageAt,
    },
    /// ETRN was answered.
    EtrnStatus {
        /// Which one.
        node: NodeAt,
    },
    /// 8BITMIME is required and not offered.
    No8BitMime,
    /// BINARYMIME is required and not offered.
    NoBinaryMime,
    /// STARTTLS is required and not offered.
    NoStartTls,
    /// The client certificate's file is not acceptable.
    UnusableClientCertificate,
    /// The CA list's file is not acceptable.
    UnusableCaList,
}

/// An event that the application answers through an `int *`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// A reply lacks its enhanced status code: quit?
    SyntaxWarning,
    /// DSN is required and not offered: quit?
    NoDsn,
    /// CHUNKING is required and not offered: quit?
    NoChunking,
    /// ETRN is required and not offered: quit?
    NoEtrn,
    /// The server needs more time than the message has left: by how many seconds more than
    /// the server's minimum should it be asked for?
    DeliverByExpired {
        /// Seconds that are missing.
        missing: i64,
    },
}

impl Question {
    /// What the answer is before the application was asked, and without an event callback.
    #[must_use]
    pub const fn preset(self) -> i32 {
        match self {
            Self::NoEtrn => 1,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without a callback a session goes on, but not where its only work is ETRN.
    #[test]
    fn answers_of_nobody() {
        assert_eq!(Question::NoEtrn.preset(), 1);
        for question in [
            Question::SyntaxWarning,
            Question::NoDsn,
            Question::NoChunking,
            Question::DeliverByExpired { missing: 9 },
        ] {
            assert_eq!(question.preset(), 0, "{question:?}");
        }
    }
}
