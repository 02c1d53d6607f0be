// SPDX-License-Identifier: LGPL-2.1-or-later
//! Every way in which the program can fail, and its exit status.

use std::fmt;

/// The result of anything that can fail here.
pub(crate) type Result<T> = std::result::Result<T, Error>;

/// What has to change before another run can succeed. The numbers are the exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The command line.
    Usage = 2,
    /// `token.toml`, or a file that it names.
    Configuration = 3,
    /// The server was not reached, or what answered is no OAuth server; later it may be.
    Network = 4,
    /// The server answered and refused.
    Refused = 5,
    /// The state folder.
    State = 6,
    /// Nobody reads the token.
    Output = 7,
    /// The program itself, or a machine on which nothing can be started any more.
    Fault = 8,
}

/// What went wrong, for the administrator's log: one line without secrets.
#[derive(Debug)]
pub(crate) struct Error {
    pub(crate) kind: Kind,
    text: String,
}

/// A server's text is quoted up to this many characters; Microsoft's longest have about 500.
const QUOTED: usize = 600;

impl Error {
    pub(crate) fn new(kind: Kind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }

    /// The same, with what it is about in front.
    pub(crate) fn about(self, subject: impl fmt::Display) -> Self {
        Self {
            kind: self.kind,
            text: format!("{subject}: {}", self.text),
        }
    }

    /// The same, with a remark behind it.
    pub(crate) fn hint(mut self, remark: &str) -> Self {
        self.text.push_str("; ");
        self.text.push_str(remark);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&one_line(&self.text, usize::MAX))
    }
}

/// A text from outside, fit to be quoted in a message.
pub(crate) fn quoted(text: &str) -> String {
    one_line(text, QUOTED)
}

/// A log has a line for each message, and a terminal obeys control characters.
fn one_line(text: &str, longest: usize) -> String {
    let mut line = String::new();
    let mut characters = 0;
    for character in text.chars() {
        let character = if harmless(character) { character } else { ' ' };
        if character == ' ' && (line.is_empty() || line.ends_with(' ')) {
            continue;
        }
        if characters == longest {
            line.push('…');
            break;
        }
        characters += 1;
        line.push(character);
    }
    line.truncate(line.trim_end().len());
    line
}

/// Neither a control character nor one that turns the direction of writing or starts a line.
fn harmless(character: char) -> bool {
    !character.is_control()
        && !matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line() {
        let error = Error::new(Kind::Refused, "AADSTS1:\r\n\r\n bad \u{1b}[31mthing\0\u{202e}!\n").about("x");
        assert_eq!(error.to_string(), "x: AADSTS1: bad [31mthing !");
    }

    #[test]
    fn what_a_server_says_is_cut() {
        let text = quoted(&"é".repeat(5000));
        assert_eq!(text.chars().count(), QUOTED + 1);
        assert!(text.ends_with('…'));
    }
}
