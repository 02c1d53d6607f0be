// SPDX-License-Identifier: LGPL-2.1-or-later
//! What is to become of the headers of one message.

use std::borrow::Cow;

use super::field::Field;
use super::render::render;
use super::rules::{Policy, RULES, Rule, find, same};
use crate::content::facts::Facts;

/// The rules for the headers of one message, and which of them it has had.
#[derive(Debug)]
pub struct Plan {
    /// Those that may have to be added come first, in the order in which they are.
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    name: Cow<'static, [u8]>,
    treatment: Treatment,
    seen: bool,
    /// The whole header with its line end, as the library would print it.
    text: Option<Vec<u8>>,
}

/// How a header in the message is treated.
#[derive(Debug, Clone, Copy)]
enum Treatment {
    /// It passes as often as it comes.
    Preserve,
    /// It is removed.
    Prohibit,
    /// The first passes.
    Keep,
    /// The first is replaced.
    Replace,
}

/// What becomes of a header in the message.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::content) enum Fate {
    /// It goes out.
    Passes,
    /// It does not.
    Dropped,
    /// This one goes out in its place.
    Replaced(Vec<u8>),
}

impl Plan {
    pub(super) fn new(fields: &[Field], facts: &Facts<'_>) -> Self {
        let of_rule = |rule: &Rule| fields.iter().find(|field| same(field.name(), rule.name.as_bytes()));
        let supplied = RULES.iter().filter(|rule| rule.is_supplied());
        let mut entries = Vec::with_capacity(RULES.len() + fields.len());
        entries.extend(supplied.map(|rule| Entry::new(rule, of_rule(rule), facts)));
        let others = fields.iter().filter(|field| !field.rule.is_supplied());
        entries.extend(others.map(|field| Entry::new(field.rule, Some(field), facts)));
        let rest = RULES.iter().filter(|rule| !rule.is_supplied() && of_rule(rule).is_none());
        entries.extend(rest.map(|rule| Entry::new(rule, None, facts)));
        Self { entries }
    }

    /// Settles the fate of a header that the message has.
    pub(in crate::content) fn meet(&mut self, name: &[u8]) -> Fate {
        let known = find(name, |name| self.entries.iter().position(|entry| same(&entry.name, name)));
        let Some(entry) = known.and_then(|position| self.entries.get_mut(position)) else {
            return Fate::Passes;
        };
        let again = std::mem::replace(&mut entry.seen, true);
        match entry.treatment {
            Treatment::Preserve => Fate::Passes,
            Treatment::Prohibit => Fate::Dropped,
            Treatment::Keep | Treatment::Replace if again => Fate::Dropped,
            Treatment::Keep => Fate::Passes,
            Treatment::Replace => entry.text.take().map_or(Fate::Passes, Fate::Replaced),
        }
    }

    /// The headers that the message lacks, once it has no more of them.
    pub(in crate::content) fn missing(&mut self) -> impl Iterator<Item = Vec<u8>> + use<> {
        let unseen = std::mem::take(&mut self.entries).into_iter().filter(|entry| !entry.seen);
        unseen.filter_map(|entry| entry.text)
    }
}

impl Entry {
    fn new(rule: &'static Rule, field: Option<&Field>, facts: &Facts<'_>) -> Self {
        let prohibited = field.is_some_and(|field| field.prohibited);
        let text = if prohibited { None } else { render(rule, field, facts) };
        let treatment = match rule.policy {
            Policy::Preserved => Treatment::Preserve,
            Policy::Prohibited => Treatment::Prohibit,
            _ if prohibited => Treatment::Prohibit,
            _ if text.is_some() && field.is_some_and(|field| field.overrides) => Treatment::Replace,
            _ => Treatment::Keep,
        };
        Self {
            name: field.map_or(Cow::Borrowed(rule.name.as_bytes()), |field| Cow::Owned(field.name().into())),
            treatment,
            seen: false,
            text,
        }
    }
}
