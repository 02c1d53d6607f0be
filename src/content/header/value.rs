// SPDX-License-Identifier: LGPL-2.1-or-later
//! Values of headers, checked when they are set.

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
    /// The reverse path.
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
    Text(Box<[u8]>),
    ReversePath,
    Recipients,
    /// As they are printed, in the order in which they were set.
    Mailboxes(Vec<Box<[u8]>>),
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

    /// Checks a value for a header of this shape.
    pub(super) fn accept(self, value: Value<'_>) -> Result<Content> {
        match (self, value) {
            (Self::Date, Value::Date(Some(0))) | (Self::MessageId, Value::MessageId(None)) => {
                Ok(Content::Unset)
            }
            (Self::Date, Value::Date(Some(seconds))) => Ok(Content::Date(seconds)),
            (Self::MessageId, Value::MessageId(Some(id))) => message_id(id).map(Content::Text),
            (Self::Text, Value::Text(None)) => Ok(Content::Empty),
            (Self::Text, Value::Text(Some(text))) => Ok(Content::Text(checked(text)?.into())),
            (Self::Mailbox { without, .. }, Value::Mailbox { phrase: None, mailbox: None }) => {
                match without {
                    Without::Refused => Err(Error::Invalid),
                    Without::ReversePath => Ok(Content::ReversePath),
                    Without::Recipients => Ok(Content::Recipients),
                }
            }
            (Self::Mailbox { empty, .. }, Value::Mailbox { phrase, mailbox: Some(mailbox) }) => {
                Ok(Content::Mailboxes(vec![print_mailbox(phrase, mailbox, empty)?]))
            }
            _ => Err(Error::Invalid),
        }
    }
}

/// A message identifier in the brackets that RFC 5322 §3.6.4 wants; some programs bring them.
fn message_id(id: &[u8]) -> Result<Box<[u8]>> {
    let id = checked(id)?;
    let bare = match id.as_slice() {
        [b'<', bare @ .., b'>'] => bare,
        bare => bare,
    };
    Ok([b"<", bare, b">"].concat().into())
}

/// A mailbox, with a phrase as a quoted string (RFC 5322 §3.2.4). The mailbox itself is not
/// looked into: programs put whole lists there.
fn print_mailbox(phrase: Option<&[u8]>, mailbox: &[u8], empty: &str) -> Result<Box<[u8]>> {
    let mailbox = checked(mailbox)?;
    let Some(phrase) = phrase else {
        return Ok(if mailbox.is_empty() { empty.as_bytes().into() } else { mailbox.into() });
    };
    let mut printed = Vec::with_capacity(phrase.len() + mailbox.len() + 5);
    printed.push(b'"');
    for byte in checked(phrase)? {
        if matches!(byte, b'"' | b'\\') {
            printed.push(b'\\');
        }
        printed.push(byte);
    }
    printed.extend_from_slice(b"\" <");
    printed.extend_from_slice(&mailbox);
    printed.push(b'>');
    Ok(printed.into())
}

/// Text as it can stand in a header. A line end followed by a blank is a fold (RFC 5322
/// §2.2.3) and is written as CRLF; one line end after everything is dropped, since programs
/// add it. Any other line end, or a NUL, would let the text put headers of its own into the
/// message.
fn checked(text: &[u8]) -> Result<Vec<u8>> {
    let text = text.strip_suffix(b"\n").map_or(text, |line| line.strip_suffix(b"\r").unwrap_or(line));
    let mut lines = text.split(|&byte| byte == b'\n').peekable();
    let mut clean = Vec::with_capacity(text.len());
    let mut is_fold = false;
    while let Some(line) = lines.next() {
        let ends = lines.peek().is_some();
        let line = if ends { line.strip_suffix(b"\r").unwrap_or(line) } else { line };
        if is_fold && !matches!(line, [b' ' | b'\t', ..]) || line.iter().any(|byte| matches!(byte, b'\r' | 0))
        {
            return Err(Error::Invalid);
        }
        clean.extend_from_slice(line);
        if ends {
            clean.extend_from_slice(b"\r\n");
            is_fold = true;
        }
    }
    Ok(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(shape: Shape, value: Value<'_>) -> Result<String> {
        match shape.accept(value)? {
            Content::Text(text) => Ok(String::from_utf8_lossy(&text).into()),
            Content::Mailboxes(list) => Ok(String::from_utf8_lossy(&list.concat()).into()),
            other => Ok(format!("{other:?}")),
        }
    }

    fn mailbox(shape: Shape, phrase: Option<&str>, mailbox: Option<&str>) -> Result<String> {
        let phrase = phrase.map(str::as_bytes);
        let mailbox = mailbox.map(str::as_bytes);
        printed(shape, Value::Mailbox { phrase, mailbox })
    }

    fn text(text: &[u8]) -> Result<String> {
        printed(Shape::Text, Value::Text(Some(text)))
    }

    #[test]
    fn folds_are_written_with_crlf() {
        assert_eq!(text(b"a\r\n b\n\tc").as_deref(), Ok("a\r\n b\r\n\tc"));
        assert_eq!(text(b"\n a").as_deref(), Ok("\r\n a"));
    }

    #[test]
    fn one_line_end_after_the_text_is_dropped() {
        assert_eq!(text(b"a\r\n").as_deref(), Ok("a"));
        assert_eq!(text(b"a\n").as_deref(), Ok("a"));
        assert_eq!(text(b"\r\n").as_deref(), Ok(""));
        assert_eq!(text(b"").as_deref(), Ok(""));
    }

    #[test]
    fn text_cannot_add_headers() {
        let bad: [&[u8]; 9] = [
            b"a\r\nBcc: x",
            b"a\nb",
            b"a\rb",
            b"a\r",
            b"a\n\n",
            b"a\r\n\r\n",
            b"a\r\n\r\nbody",
            b"a\0b",
            b"a\r\r\n b",
        ];
        for value in bad {
            assert_eq!(text(value), Err(Error::Invalid), "{value:?}");
            let id = Value::MessageId(Some(value));
            assert_eq!(printed(Shape::MessageId, id), Err(Error::Invalid), "{value:?}");
            let in_phrase = Value::Mailbox {
                phrase: Some(value),
                mailbox: Some(b"a@b"),
            };
            assert_eq!(printed(Shape::TO, in_phrase), Err(Error::Invalid), "{value:?}");
            let in_mailbox = Value::Mailbox { phrase: None, mailbox: Some(value) };
            assert_eq!(printed(Shape::TO, in_mailbox), Err(Error::Invalid), "{value:?}");
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
    fn phrases_are_quoted() {
        let quoted = |phrase| mailbox(Shape::TO, Some(phrase), Some("a@b"));
        assert_eq!(quoted("A B").as_deref(), Ok("\"A B\" <a@b>"));
        assert_eq!(quoted("").as_deref(), Ok("\"\" <a@b>"));
        assert_eq!(quoted(r#"a "b" \ c"#).as_deref(), Ok(r#""a \"b\" \\ c" <a@b>"#));
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
