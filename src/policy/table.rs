// SPDX-License-Identifier: LGPL-2.1-or-later
//! Values of a parsed TOML text, each with its place: the messages about them are ours.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{Mistake, Position, shown};

/// What may be wrong with a part of the text.
pub(super) type Parsed<T> = Result<T, Mistake>;

/// A text that values are read from.
#[derive(Clone, Copy)]
pub(super) struct Source<'a>(pub(super) &'a str);

/// A value and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Value<'a> {
    source: Source<'a>,
    value: &'a Spanned<DeValue<'a>>,
}

/// A key, where it stands, and its value.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) key: &'a str,
    pub(super) position: Position,
    pub(super) value: Value<'a>,
}

impl<'a> Source<'a> {
    fn position(self, span: Range<usize>) -> Position {
        Position::of(self.0, span.start)
    }

    /// The entries of a table, in the order of the text.
    pub(super) fn entries(self, table: &'a DeTable<'a>) -> Vec<Entry<'a>> {
        let entry = |(key, value): (&'a Spanned<_>, &'a Spanned<DeValue<'a>>)| {
            let name: &'a std::borrow::Cow<'a, str> = key.get_ref();
            Entry {
                key: name.as_ref(),
                position: self.position(key.span()),
                value: Value { source: self, value },
            }
        };
        let mut entries: Vec<_> = table.iter().map(entry).collect();
        entries.sort_by_key(|entry| entry.position);
        entries
    }

    /// A mistake in TOML itself.
    pub(super) fn syntax(self, error: &toml::de::Error) -> Mistake {
        let offset = error.span().map_or(self.0.len(), |span| span.start);
        let text = error.message().lines().next().unwrap_or("not TOML").to_owned();
        Mistake {
            position: Position::of(self.0, offset),
            text,
        }
    }
}

impl Entry<'_> {
    /// A mistake about the key.
    pub(super) fn mistake(&self, text: impl Into<String>) -> Mistake {
        Mistake {
            position: self.position,
            text: text.into(),
        }
    }

    /// There is no such key here.
    pub(super) fn unknown(&self) -> Mistake {
        self.mistake(format!("unknown key {}", shown(self.key)))
    }
}

impl<'a> Value<'a> {
    /// Where it begins.
    pub(super) fn position(self) -> Position {
        self.source.position(self.value.span())
    }

    /// A mistake about the value.
    pub(super) fn mistake(self, text: impl Into<String>) -> Mistake {
        Mistake {
            position: self.position(),
            text: text.into(),
        }
    }

    fn expected(self, what: &str) -> Mistake {
        let found = match self.value.get_ref() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "a number",
            DeValue::Float(_) => "a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.mistake(format!("{what} is expected, not {found}"))
    }

    /// A string with something in it, and nothing that could end a line.
    pub(super) fn string(self) -> Parsed<&'a str> {
        let Some(text) = self.value.get_ref().as_str() else {
            return Err(self.expected("a string"));
        };
        if text.is_empty() {
            return Err(self.mistake("an empty string"));
        }
        if text.chars().any(char::is_control) {
            return Err(self.mistake("a control character in a string"));
        }
        Ok(text)
    }

    /// A whole number that is not negative.
    pub(super) fn number(self) -> Parsed<u64> {
        let Some(number) = self.value.get_ref().as_integer() else {
            return Err(self.expected("a number"));
        };
        let parsed = u64::from_str_radix(number.as_str(), number.radix());
        parsed.map_err(|_| self.mistake(format!("{} is out of range", number.as_str())))
    }

    pub(super) fn is_number(self) -> bool {
        self.value.get_ref().is_integer()
    }

    /// The entries of a table.
    pub(super) fn table(self) -> Parsed<Vec<Entry<'a>>> {
        match self.value.get_ref().as_table() {
            Some(table) => Ok(self.source.entries(table)),
            None => Err(self.expected("a table")),
        }
    }

    /// The elements of a list.
    pub(super) fn list(self) -> Parsed<Vec<Self>> {
        let Some(array) = self.value.get_ref().as_array() else {
            return Err(self.expected("a list"));
        };
        Ok(array.iter().map(|value| Self { value, ..self }).collect())
    }

    /// A list with something in it.
    pub(super) fn nonempty_list(self) -> Parsed<Vec<Self>> {
        let list = self.list()?;
        if list.is_empty() { Err(self.mistake("an empty list")) } else { Ok(list) }
    }

    /// One of some words.
    pub(super) fn word<T: Copy>(self, words: &[(&str, T)]) -> Parsed<T> {
        let text = self.string()?;
        let found = words.iter().find(|(word, _)| *word == text);
        found.map(|(_, meaning)| *meaning).ok_or_else(|| {
            let names: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            self.mistake(format!("{} is none of {}", shown(text), names.join(", ")))
        })
    }

    /// The value as it stands in the text.
    pub(super) fn written(self) -> &'a str {
        self.source.0.get(self.value.span()).unwrap_or_default()
    }
}
