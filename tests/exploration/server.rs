// SPDX-License-Identifier: LGPL-2.1-or-later
//! A server that may answer anything a real one may, and that keeps an envelope as real ones do.

use std::collections::VecDeque;

use esmtp::protocol::Command;

/// What was written and is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    Greeting,
    Ehlo,
    Mail(usize),
    Rcpt(usize, usize),
    Data,
    /// The end of a text: whose, or of an empty one.
    Text(Option<usize>),
    Chunk {
        message: usize,
        last: bool,
    },
    Rset,
    Quit,
}

/// What the server does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Move {
    /// It gives this reply.
    Says(&'static str),
    /// It begins this refusal, and the connection ends in it.
    BreaksOff(&'static str),
    /// The connection ends.
    Drops,
}

/// The server.
#[derive(Debug, Clone, Default)]
pub(crate) struct Server {
    pub(crate) due: VecDeque<Due>,
    // The message whose envelope is open, and whom it was accepted for.
    sender: Option<usize>,
    accepted: Vec<(usize, usize)>,
    // The last DATA was answered with 354, and nothing of a text has come.
    reading: bool,
    // Whose chunk came last.
    chunks_of: usize,
    // A chunk was refused: nothing is taken until RSET (RFC 3030 §4.2).
    refusing: bool,
    /// Whom the server has taken responsibility for: message and recipient.
    pub(crate) delivered: Vec<(usize, usize)>,
    /// What a client must never do, if it was done.
    pub(crate) fault: Option<&'static str>,
    /// A planted defect: RSET does not get here.
    pub(crate) misses_rset: bool,
}

const REFUSALS: [Move; 4] = [Move::Says("451"), Move::Says("550"), Move::Says("421"), Move::BreaksOff("550")];

impl Server {
    pub(crate) fn connected(&mut self) {
        *self = Self {
            due: VecDeque::from([Due::Greeting]),
            delivered: std::mem::take(&mut self.delivered),
            misses_rset: self.misses_rset,
            ..Self::default()
        };
    }

    /// A command comes. Nobody's command is taken for the beginning of a text.
    pub(crate) fn hears(&mut self, command: &Command) {
        match command {
            Command::Ehlo => self.due.push_back(Due::Ehlo),
            Command::Mail { message, .. } => self.due.push_back(Due::Mail(message.get())),
            Command::Rcpt { message, recipients, .. } => {
                let each = recipients.iter().map(|one| Due::Rcpt(message.get(), one.get()));
                self.due.extend(each);
            }
            Command::Data => self.due.push_back(Due::Data),
            Command::EndOfData => self.text(None),
            Command::Rset => self.due.push_back(Due::Rset),
            Command::Quit => self.due.push_back(Due::Quit),
            Command::LastChunk => {
                let message = self.chunks_of;
                self.due.push_back(Due::Chunk { message, last: true });
            }
            other => panic!("nobody asked for {other:?}"),
        }
    }

    /// A text comes as a whole, with its end.
    pub(crate) fn text(&mut self, message: Option<usize>) {
        if !self.reading || !self.due.is_empty() {
            self.fault = Some("a text that is taken for commands");
        }
        self.reading = false;
        self.due.push_back(Due::Text(message));
    }

    /// A chunk comes.
    pub(crate) fn chunk(&mut self, message: usize, last: bool) {
        self.chunks_of = message;
        self.due.push_back(Due::Chunk { message, last });
    }

    /// Whether a text of this message may come now: somebody is known to take it, and no command is
    /// before it.
    pub(crate) fn takes(&self, message: usize) -> bool {
        self.sender == Some(message)
            && !self.accepted.is_empty()
            && self.due.iter().all(|due| matches!(due, Due::Chunk { .. }))
    }

    /// Whether the server waits for a text after DATA.
    pub(crate) fn is_reading(&self) -> bool {
        self.reading
    }

    /// Whether the reply that is due is that to a text.
    pub(crate) fn ends_text(&self) -> bool {
        matches!(self.due.front(), Some(Due::Text(Some(_))))
    }

    /// What it may do now.
    pub(crate) fn moves(&self) -> Vec<Move> {
        let Some(due) = self.due.front() else {
            return vec![Move::Drops];
        };
        let open = self.sender.is_some();
        let somebody = !self.accepted.is_empty();
        let positive: &[&str] = match due {
            Due::Greeting => &["220"],
            Due::Ehlo => &[""],
            Due::Mail(_) if open => &[],
            Due::Rset | Due::Mail(_) => &["250"],
            Due::Rcpt(..) if open => &["250"],
            // Some servers ask for a text that they have nobody for.
            Due::Data if open => &["354", "250"],
            Due::Text(_) => &["250", "354"],
            Due::Chunk { .. } if open && somebody && !self.refusing => &["250"],
            Due::Rcpt(..) | Due::Data | Due::Chunk { .. } => &[],
            Due::Quit => &["221"],
        };
        let mut moves: Vec<Move> = positive.iter().map(|code| Move::Says(code)).collect();
        if !matches!(due, Due::Greeting | Due::Ehlo | Due::Quit) {
            moves.extend(REFUSALS);
        }
        moves.push(Move::Drops);
        moves
    }

    /// It gives this reply to what is due first.
    pub(crate) fn answers(&mut self, code: &str) {
        let Some(due) = self.due.pop_front() else { return };
        let completes = code.starts_with('2');
        match due {
            Due::Greeting | Due::Ehlo | Due::Quit => {}
            Due::Mail(message) => {
                if completes {
                    self.sender = Some(message);
                    self.accepted.clear();
                }
            }
            Due::Rcpt(message, recipient) => {
                if completes {
                    self.accepted.push((message, recipient));
                }
            }
            Due::Data => self.reading = code == "354",
            Due::Text(message) => self.decide(message, code),
            Due::Chunk { message, last } => {
                if last && completes {
                    self.decide(Some(message), code);
                }
                self.refusing |= !completes;
            }
            Due::Rset => {
                if completes && !self.misses_rset {
                    self.sender = None;
                    self.accepted.clear();
                    self.refusing = false;
                }
            }
        }
    }

    fn decide(&mut self, message: Option<usize>, code: &str) {
        if code.starts_with('2') {
            for (whose, recipient) in std::mem::take(&mut self.accepted) {
                if Some(whose) != message {
                    self.fault = Some("a text for the recipients of another message, or an empty one");
                }
                if self.delivered.contains(&(whose, recipient)) {
                    self.fault = Some("a message twice");
                }
                self.delivered.push((whose, recipient));
            }
            self.sender = None;
        } else if code.starts_with('5') {
            self.accepted.clear();
            self.sender = None;
        }
        // Some servers keep the envelope of a message that they refused for now.
    }

    pub(crate) fn drops(&mut self) {
        self.due.clear();
        self.reading = false;
    }
}
