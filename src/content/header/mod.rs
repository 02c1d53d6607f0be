// SPDX-License-Identifier: LGPL-2.1-or-later
//! Headers that the application sets, and what becomes of those in the message (RFC 5322 §3.6).
//!
//! An application says what it wants of headers with [`Headers`]. When a message is sent, a
//! [`Plan`] is made of that once; it then tells of each header in the message whether it
//! passes, and at the end which ones the message lacks.

mod encoded_word;
mod field;
mod fields;
mod fold;
mod mailbox;
mod plan;
mod printed;
mod render;
mod rules;
mod value;

#[cfg(test)]
mod tests;

use std::rc::Rc;

use fields::Fields;
pub(super) use plan::Fate;
pub use plan::Plan;
pub(super) use rules::NAME_MAX;
use rules::Rule;
pub use value::{Value, ValueKind};

use super::facts::Facts;
use crate::error::Result;

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
    /// A text under way keeps what was true when it began.
    fields: Option<Rc<Fields>>,
}

impl Headers {
    /// Which sort of value a header takes.
    pub fn kind(name: &[u8]) -> Result<ValueKind> {
        let bare = bare(name);
        let (rule, _) = Rule::for_application(bare)?;
        // libESMTP knows a name with a colon no more and takes a string: there need not be more.
        Ok(if bare.len() < name.len() { ValueKind::Text } else { rule.shape.kind() })
    }

    /// Sets a header, or adds a mailbox to one that lists mailboxes.
    pub fn set(&mut self, name: &[u8], value: Value<'_>) -> Result<()> {
        let bare = bare(name);
        let (rule, own) = Rule::for_application(bare)?;
        let value = if bare.len() < name.len() { value.for_kind(rule.shape.kind()) } else { value };
        let content = rule.shape.accept(value, bare.len() + b": ".len())?;
        self.fields_mut().put(bare, rule, own, content)
    }

    /// Sets an option of a header.
    pub fn set_option(&mut self, name: &[u8], option: HeaderOption) -> Result<()> {
        let name = bare(name);
        let (rule, own) = Rule::for_application(name)?;
        self.fields_mut().field(name, rule, own)?.set_option(option)
    }

    /// Prepares a message that starts now.
    #[must_use]
    pub fn plan(&self, facts: &Facts<'_>) -> Plan {
        Plan::new(self.fields.clone(), facts)
    }

    fn fields_mut(&mut self) -> &mut Fields {
        Rc::make_mut(self.fields.get_or_insert_default())
    }
}

/// Some programs write the colon, too, or a blank.
fn bare(name: &[u8]) -> &[u8] {
    let name = without_blanks(name);
    name.strip_suffix(b":").map_or(name, without_blanks)
}

fn without_blanks(mut name: &[u8]) -> &[u8] {
    while let [bare @ .., b' ' | b'\t'] = name {
        name = bare;
    }
    name
}
