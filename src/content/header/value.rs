// SPDX-License-Identifier: LGPL-2.1-or-later
//! Values of headers, checked when they are set.

use super::encoded_word;
use super::fold::folded;
use super::mailbox;
use super::printed::Printed;
use crate::error::{Error, Result};

/// The value that an application gives a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// A time in seconds since 1970; 0 is the time when the message is sent.
    Date(Option<i64>),
    /// A message identifier; `None` is one that the library makes.
    MessageId(Option<&'a [u8]>),
    /// A mailbox; what it means if both are missing depends on the header.
    Mailbox {
        /// The name shown for it.
        phrase: Option<&'a [u8]>,
        /// The address.
        mailbox: Option<&'a [u8]>,
    },
    /// Any text; `None` is an empty value.
    Text(Option<&'a [u8]>),
}

impl Value<'_> {
    /// A string as the value that a header of this kind takes; none is a date.
    pub(super) fn for_kind(self, kind: ValueKind) -> Self {
        match (self, kind) {
            (Self::Text(id), ValueKind::MessageId) => Self::MessageId(id),
            (Self::Text(mailbox), ValueKind::Mailbox) => Self::Mailbox { phrase: None, mailbox },
            _ => self,
        }
    }
}

/// Which sort of [`Value`] a header takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// [`Value::Date`].
    Date,
    /// [`Value::MessageId`].
    MessageId,
    /// [`Value::Mailbox`].
    Mailbox,
    /// [`Value::Text`].
    Text,
}

/// What the value of a header looks like.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    Date,
    MessageId,
    Mailbox {
        /// Whether there may be several.
        list: bool,
        /// How an empty mailbox without phrase is printed.
        empty: &'static str,
        /// What setting the header without a mailbox means.
        without: Without,
    },
    Text,
}

/// What setting a header without a mailbox means.
#[derive(Debug, Clone, Copy)]
pub(super) enum Without {
    /// Nothing: an error.
    Refused,
    ReversePath,
    /// The recipients of the envelope.
    Recipients,
}

/// The value of a header as it is kept.
#[derive(Debug, Clone)]
pub(super) enum Content {
    /// None: the library's own for the headers that it supplies.
    Unset,
    /// None, and printed so.
    Empty,
    Date(i64),
    Text(Printed),
    ReversePath,
    Recipients,
    /// In the order in which they were set.
    Mailboxes(Vec<Printed>),
}

impl Shape {
    pub(super) const FROM: Self = Self::Mailbox {
        list: true,
        empty: "<>",
        without: Without::ReversePath,
    };
    pub(super) const SENDER: Self = Self::Mailbox {
        list: false,
        empty: "<>",
        without: Without::Refused,
    };
    pub(super) const NOTIFICATION: Self = Self::Mailbox {
        list: false,
        empty: "<>",
        without: Without::ReversePath,
    };
    pub(super) const TO: Self = Self::Mailbox {
        list: true,
        empty: "",
        without: Without::Recipients,
    };
    pub(super) const ADDRESSES: Self = Self::Mailbox {
        list: true,
        empty: "",
        without: Without::Refused,
    };

    pub(super) const fn kind(self) -> ValueKind {
        match self {
            Self::Date => ValueKind::Date,
            Self::MessageId => ValueKind::MessageId,
            Self::Mailbox { .. } => ValueKind::Mailbox,
            Self::Text => ValueKind::Text,
        }
    }

    /// Whether the header can have several values.
    pub(super) const fn is_list(self) -> bool {
        matches!(self, Self::Mailbox { list: true, .. })
    }

    /// Checks a value for a header of this shape, whose first line begins with so many octets.
    pub(super) fn accept(self, value: Value<'_>, column: usize) -> Result<Content> {
        match (self, value) {
            (Self::Date, Value::Date(Some(0))) | (Self::MessageId, Value::MessageId(None)) => {
                Ok(Content::Unset)
            }
            (Self::Date, Value::Date(Some(seconds))) => Ok(Content::Date(seconds)),
            (Self::MessageId, Value::MessageId(Some(id))) => message_id(id).map(Content::Text),
            (Self::Text, Value::Text(None)) => Ok(Content::Empty),
            (Self::Text, Value::Text(Some(value))) => text(value, column).map(Content::Text),
            (Self::Mailbox { without, .. }, Value::Mailbox { phrase: None, mailbox: None }) => {
                match without {
                    Without::Refused => Err(Error::Invalid),
                    Without::ReversePath => Ok(Content::ReversePath),
                    Without::Recipients => Ok(Content::Recipients),
                }
            }
            (Self::Mailbox { empty, .. }, Value::Mailbox { phrase, mailbox: Some(mailbox) }) => {
                Ok(Content::Mailboxes(vec![mailbox::printed(phrase, mailbox, empty, column)?]))
            }
            _ => Err(Error::Invalid),
        }
    }
}

/// Text without structure, encoded if it is not ASCII (RFC 2047 §5 (1)).
fn text(value: &[u8], column: usize) -> Result<Printed> {
    let value = folded(value)?;
    let other = std::str::from_utf8(&value).ok().filter(|text| !text.is_ascii());
    let encoded = other.map(|text| encoded_word::encode_text(text, column));
    Ok(Printed::new(value, encoded))
}

/// A message identifier in the brackets that RFC 5322 §3.6.4 wants; some programs bring them.
fn message_id(id: &[u8]) -> Result<Printed> {
    let id = folded(id)?;
    let bare = match id.as_slice() {
        [b'<', bare @ .., b'>'] => bare,
        bare => bare,
    };
    Printed::plain(&[b"<", bare, b">"])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(shape: Shape, value: Value<'_>) -> Result<String> {
        match shape.accept(value, 9)? {
            Content::Text(text) => Ok(String::from_utf8_lossy(text.wire(false)).into()),
            Content::Mailboxes(list) => {
                let list: Vec<&[u8]> = list.iter().map(|one| one.wire(false)).collect();
                Ok(String::from_utf8_lossy(&list.concat()).into())
            }
            other => Ok(format!("{other:?}")),
        }
    }

    fn mailbox(shape: Shape, phrase: Option<&str>, mailbox: Option<&str>) -> Result<String> {
        let phrase = phrase.map(str::as_bytes);
        let mailbox = mailbox.map(str::as_bytes);
        printed(shape, Value::Mailbox { phrase, mailbox })
    }

    #[test]
    fn a_value_cannot_add_headers() {
        type Make = fn(&[u8]) -> Value<'_>;
        let values: [(Shape, Make, &str); 4] = [
            (Shape::Text, |value| Value::Text(Some(value)), "a\r\n Bcc: x"),
            (Shape::MessageId, |value| Value::MessageId(Some(value)), "<a\r\n Bcc: x>"),
            (
                Shape::TO,
                |value| Value::Mailbox {
                    phrase: Some(value),
                    mailbox: Some(b"a@b"),
                },
                "\"a\r\n Bcc: x\" <a@b>",
            ),
            (Shape::TO, |value| Value::Mailbox { phrase: None, mailbox: Some(value) }, "a\r\n Bcc: x"),
        ];
        for (shape, value, expected) in values {
            for end in ["\r\n", "\n", "\r", "\r\n\r\n", "\n\n"] {
                let text = format!("a{end}Bcc: x{end}");
                assert_eq!(printed(shape, value(text.as_bytes())).as_deref(), Ok(expected));
            }
            assert_eq!(printed(shape, value(b"a\0b")), Err(Error::Invalid));
        }
    }

    #[test]
    fn text_that_is_not_ascii_is_encoded_unless_the_transaction_is_utf8() {
        let both = |value: &[u8]| {
            let value = text(value, 9).unwrap();
            [false, true].map(|utf8| value.wire(utf8).to_vec())
        };
        let [ascii, utf8] = both("caf\u{e9}\nau lait".as_bytes());
        assert_eq!(ascii, b"=?utf-8?b?Y2Fmw6k=?= au lait");
        assert_eq!(utf8, "caf\u{e9}\r\n au lait".as_bytes());
        for given in [&b"caf\xe9"[..], b"ASCII", b"\x1b$B"] {
            assert_eq!(both(given), [given, given]);
        }
    }

    #[test]
    fn encoded_text_has_short_lines() {
        for letter in ["\u{e9}", "\u{20ac}", "\u{1f600}", "x\u{e9} "] {
            for column in [4, 9, 60, 70, 74, 75, 76, 80] {
                let printed = text(letter.repeat(200).as_bytes(), column).unwrap();
                let wire = String::from_utf8(printed.wire(false).to_vec()).unwrap();
                assert!(wire.is_ascii());
                for line in wire.split("\r\n").skip(1) {
                    assert!(line.starts_with(' ') && line.len() <= 76, "{line}");
                    assert!(line.split(' ').all(|word| word.len() <= 75), "{line}");
                }
            }
        }
    }

    #[test]
    fn a_message_id_has_one_pair_of_brackets() {
        for id in ["1@example.org", "<1@example.org>"] {
            let value = Value::MessageId(Some(id.as_bytes()));
            assert_eq!(printed(Shape::MessageId, value).as_deref(), Ok("<1@example.org>"));
        }
    }

    #[test]
    fn empty_mailboxes() {
        for shape in [Shape::FROM, Shape::SENDER, Shape::NOTIFICATION] {
            assert_eq!(mailbox(shape, None, Some("")).as_deref(), Ok("<>"));
        }
        for shape in [Shape::TO, Shape::ADDRESSES] {
            assert_eq!(mailbox(shape, None, Some("")).as_deref(), Ok(""));
        }
        assert_eq!(mailbox(Shape::TO, Some("P"), Some("")).as_deref(), Ok("\"P\" <>"));
    }

    #[test]
    fn a_mailbox_may_hold_a_list() {
        let list = "a@b, \"C\" <c@d>,\n\te@f";
        let kept = "a@b, \"C\" <c@d>,\r\n\te@f";
        assert_eq!(mailbox(Shape::TO, None, Some(list)).as_deref(), Ok(kept));
    }

    #[test]
    fn headers_without_mailbox() {
        assert_eq!(mailbox(Shape::FROM, None, None).as_deref(), Ok("ReversePath"));
        assert_eq!(mailbox(Shape::NOTIFICATION, None, None).as_deref(), Ok("ReversePath"));
        assert_eq!(mailbox(Shape::TO, None, None).as_deref(), Ok("Recipients"));
        assert_eq!(mailbox(Shape::ADDRESSES, None, None), Err(Error::Invalid));
        assert_eq!(mailbox(Shape::SENDER, None, None), Err(Error::Invalid));
        for shape in [Shape::FROM, Shape::NOTIFICATION, Shape::TO, Shape::ADDRESSES, Shape::SENDER] {
            assert_eq!(mailbox(shape, Some("P"), None), Err(Error::Invalid));
        }
    }

    #[test]
    fn a_value_must_fit_its_header() {
        assert_eq!(printed(Shape::Date, Value::Date(None)), Err(Error::Invalid));
        assert_eq!(printed(Shape::Date, Value::Text(Some(b"x"))), Err(Error::Invalid));
        assert_eq!(printed(Shape::Text, Value::Date(Some(1))), Err(Error::Invalid));
    }
}
