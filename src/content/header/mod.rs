// SPDX-License-Identifier: LGPL-2.1-or-later
//! Headers that the application sets, and what becomes of those in the message (RFC 5322 §3.6).
//!
//! An application says what it wants of headers with [`Headers`]. When a message is sent, a
//! [`Plan`] is made of that once; it then tells of each header in the message whether it
//! passes, and at the end which ones the message lacks.

mod field;
mod plan;
mod render;
mod rules;
mod value;

#[cfg(test)]
mod tests;

pub use super::facts::{Facts, Recipients};
use field::Field;
pub(super) use plan::Fate;
pub use plan::Plan;
pub(super) use rules::NAME_MAX;
use rules::{Rule, find, same};
pub use value::{Value, ValueKind};

use crate::error::{Error, Result};

/// What can be said about a header besides its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderOption {
    /// The value that is set, or the library's own for headers that it supplies, takes the
    /// place of the message's.
    Override(bool),
    /// The header is removed from the message and not supplied.
    Prohibit(bool),
}

/// What the application said about the headers of a message.
#[derive(Debug, Clone, Default)]
pub struct Headers {
    /// Those with a value are in the order in which they were first set.
    fields: Vec<Field>,
}

impl Headers {
    /// Which sort of value a header takes.
    pub fn kind(name: &[u8]) -> Result<ValueKind> {
        Rule::for_application(name).map(|rule| rule.shape.kind())
    }

    /// Sets a header, or adds a mailbox to one that lists mailboxes.
    pub fn set(&mut self, name: &[u8], value: Value<'_>) -> Result<()> {
        let rule = Rule::for_application(name)?;
        let content = rule.shape.accept(value)?;
        let position = self.position(name, rule);
        let later = self.fields.get_mut(position..).unwrap_or_default();
        let field = later.first_mut().ok_or(Error::Invalid)?;
        if field.put(name, content)? {
            // Headers are printed in the order of the first values, whatever was said before.
            later.rotate_left(1);
        }
        Ok(())
    }

    /// Sets an option of a header.
    pub fn set_option(&mut self, name: &[u8], option: HeaderOption) -> Result<()> {
        let rule = Rule::for_application(name)?;
        let position = self.position(name, rule);
        let field = self.fields.get_mut(position).ok_or(Error::Invalid)?;
        field.set_option(option)
    }

    /// Prepares a message that starts now.
    #[must_use]
    pub fn plan(&self, facts: &Facts<'_>) -> Plan {
        Plan::new(&self.fields, facts)
    }

    /// Where a header is, after adding it if it is new.
    fn position(&mut self, name: &[u8], rule: &'static Rule) -> usize {
        let named = |name: &[u8]| self.fields.iter().position(|field| same(field.name(), name));
        // A header with its own rule belongs to no family.
        let known = if rule.is_its_own() { named(name) } else { find(name, named) };
        known.unwrap_or_else(|| {
            self.fields.push(Field::new(name, rule));
            self.fields.len() - 1
        })
    }
}
