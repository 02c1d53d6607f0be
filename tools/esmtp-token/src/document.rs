// SPDX-License-Identifier: LGPL-2.1-or-later
//! A TOML document whose faults are told by line and column.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::{Error, Kind, Result};
use crate::secret::{Secret, Source};

/// The text of a document and its name.
pub(crate) struct Text<'t> {
    path: &'t Path,
    text: &'t str,
}

/// A value and where it stands.
pub(crate) struct Value<'d, T> {
    pub(crate) value: T,
    text: &'d Text<'d>,
    at: Range<usize>,
}

/// A table of the document.
pub(crate) struct Section<'d> {
    text: &'d Text<'d>,
    table: &'d DeTable<'d>,
    at: Range<usize>,
}

impl<'t> Text<'t> {
    pub(crate) fn new(path: &'t Path, text: &'t str) -> Self {
        Self { path, text }
    }

    pub(crate) fn parse(&self) -> Result<Spanned<DeTable<'t>>> {
        DeTable::parse(self.text)
            .map_err(|error| self.fault(&error.span().unwrap_or_default(), error.message()))
    }

    pub(crate) fn section<'d>(&'d self, table: &'d Spanned<DeTable<'d>>) -> Section<'d> {
        Section {
            text: self,
            table: table.get_ref(),
            at: table.span(),
        }
    }

    fn fault(&self, at: &Range<usize>, what: &str) -> Error {
        let before = self.text.get(..at.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Error::new(Kind::Configuration, format!("{}:{line}:{column}: {what}", self.path.display()))
    }
}

impl<'d> Section<'d> {
    /// Every key with its value, in the order of their names.
    pub(crate) fn keys(
        &self,
    ) -> impl Iterator<Item = (Value<'d, &'d str>, &'d Spanned<DeValue<'d>>)> + use<'d> {
        let text = self.text;
        self.table.iter().map(move |(key, value)| {
            (
                Value {
                    value: key.get_ref().as_ref(),
                    text,
                    at: key.span(),
                },
                value,
            )
        })
    }

    /// The table below `value`.
    pub(crate) fn below(&self, value: &'d Spanned<DeValue<'d>>) -> Result<Self> {
        match value.get_ref() {
            DeValue::Table(table) => Ok(Section { text: self.text, table, at: value.span() }),
            other => Err(self.text.fault(&value.span(), &format!("expected a table, found {}", kind(other)))),
        }
    }

    pub(crate) fn only(&self, known: &[&str]) -> Result<()> {
        match self.table.keys().find(|key| !known.contains(&key.get_ref().as_ref())) {
            None => Ok(()),
            Some(key) => Err(self.text.fault(&key.span(), &format!("unknown key {:?}", key.get_ref()))),
        }
    }

    /// A fault of the table as a whole.
    pub(crate) fn fault(&self, what: &str) -> Error {
        self.text.fault(&self.at, what)
    }

    /// A fault of the key, if it is there, else of the table.
    pub(crate) fn fault_at(&self, key: &str, what: &str) -> Error {
        let at = self.table.get_key_value(key).map_or_else(|| self.at.clone(), |(key, _)| key.span());
        self.text.fault(&at, what)
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    fn get(&self, key: &str) -> Option<&'d Spanned<DeValue<'d>>> {
        self.table.get(key)
    }

    fn expected<T>(&self, key: &str, what: &str, value: &Spanned<DeValue<'_>>) -> Result<T> {
        let text = format!("{key}: expected {what}, found {}", kind(value.get_ref()));
        Err(self.text.fault(&value.span(), &text))
    }

    pub(crate) fn integer(&self, key: &str) -> Result<Option<Value<'d, i64>>> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let number = match value.get_ref() {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => return self.expected(key, "a number", value),
        };
        let number = number.ok_or_else(|| self.text.fault(&value.span(), "the number is too large"))?;
        Ok(Some(Value {
            value: number,
            text: self.text,
            at: value.span(),
        }))
    }

    pub(crate) fn string(&self, key: &str) -> Result<Option<Value<'d, &'d str>>> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        match value.get_ref() {
            DeValue::String(text) if text.is_empty() => {
                Err(self.text.fault(&value.span(), &format!("{key}: must not be empty")))
            }
            DeValue::String(text) => Ok(Some(Value {
                value: text.as_ref(),
                text: self.text,
                at: value.span(),
            })),
            _ => self.expected(key, "a string", value),
        }
    }

    /// A string, or several that are joined by spaces.
    pub(crate) fn words(&self, key: &str) -> Result<Option<String>> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let DeValue::Array(list) = value.get_ref() else {
            return Ok(self.string(key)?.map(|text| text.value.to_owned()));
        };
        let words: Option<Vec<&str>> = list.iter().map(|word| word.get_ref().as_str()).collect();
        match words {
            Some(words) if !words.is_empty() => Ok(Some(words.join(" "))),
            _ => self.expected(key, "a string or a list of strings", value),
        }
    }

    /// An absolute path: the service's own folder is none that an administrator would think of.
    pub(crate) fn path(&self, key: &str) -> Result<Option<PathBuf>> {
        let Some(text) = self.string(key)? else {
            return Ok(None);
        };
        if !text.value.starts_with('/') {
            return Err(text.fault(&format!("{key}: the path must be absolute")));
        }
        Ok(Some(PathBuf::from(text.value)))
    }

    /// `"10s"` or `"2m"`.
    pub(crate) fn duration(&self, key: &str) -> Result<Option<Value<'d, Duration>>> {
        let Some(text) = self.string(key)? else {
            return Ok(None);
        };
        let seconds =
            |number: &str, unit: u64| number.parse::<u32>().ok().map(|number| u64::from(number) * unit);
        let duration = match (text.value.strip_suffix('s'), text.value.strip_suffix('m')) {
            (Some(number), _) => seconds(number, 1),
            (_, Some(number)) => seconds(number, 60),
            _ => None,
        };
        let duration = duration
            .ok_or_else(|| text.fault(&format!("{key}: expected a time such as \"9s\" or \"1m\"")))?;
        Ok(Some(Value {
            value: Duration::from_secs(duration),
            text: self.text,
            at: text.at,
        }))
    }

    /// A secret: a string, `{ file = "/…" }` or `{ credential = "…" }`.
    pub(crate) fn secret(&self, key: &str) -> Result<Option<Source>> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        if let DeValue::String(_) = value.get_ref() {
            return Ok(self.string(key)?.map(|text| Source::Here(Secret::new(text.value))));
        }
        let DeValue::Table(table) = value.get_ref() else {
            return self.expected(key, "a string, { file } or { credential }", value);
        };
        let below = Section { text: self.text, table, at: value.span() };
        below.only(&["file", "credential"])?;
        match (below.path("file")?, below.string("credential")?) {
            (Some(file), None) => Ok(Some(Source::File(file))),
            (None, Some(name)) if name.value.contains('/') || name.value.starts_with('.') => {
                Err(name.fault("a credential has a name, not a path"))
            }
            (None, Some(name)) => Ok(Some(Source::Credential(name.value.to_owned()))),
            _ => Err(below.fault(&format!("{key}: one of \"file\" and \"credential\" is needed"))),
        }
    }

    /// A table of strings.
    pub(crate) fn strings(&self, key: &str) -> Result<Vec<(String, String)>> {
        let Some(value) = self.get(key) else {
            return Ok(Vec::new());
        };
        let below = self.below(value)?;
        let pairs = below.table.iter().map(|(name, value)| match value.get_ref() {
            DeValue::String(text) => Ok((name.get_ref().to_string(), text.to_string())),
            _ => self.expected(name.get_ref(), "a string", value),
        });
        pairs.collect()
    }
}

impl<T> Value<'_, T> {
    pub(crate) fn fault(&self, what: &str) -> Error {
        self.text.fault(&self.at, what)
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
