// SPDX-License-Identifier: LGPL-2.1-or-later
//! The headers that an application named, found by their names and kept in their order.

use std::collections::BTreeMap;

use super::field::Field;
use super::rules::{RULE_COUNT, Rule, find};
use super::value::Content;
use crate::error::{Error, Result};
use crate::room::one_more;

/// All of them, of one message.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields {
    all: Vec<Field>,
    /// Those whose rule is theirs alone, by the rule.
    own: [Option<usize>; RULE_COUNT],
    /// The others, by their names in small letters. A program may set any number of them.
    by_name: BTreeMap<Box<[u8]>, usize>,
    /// Those that have a value, in the order in which they got the first: so they are printed.
    in_order: Vec<usize>,
}

impl Fields {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// The field of a rule of its own.
    pub(super) fn own(&self, rule: usize) -> Option<&Field> {
        self.all.get((*self.own.get(rule)?)?)
    }

    /// All fields with their positions.
    pub(super) fn all(&self) -> impl Iterator<Item = (usize, &Field)> {
        self.all.iter().enumerate()
    }

    /// Fields in the order in which they are printed, with their positions.
    pub(super) fn in_order(&self) -> impl Iterator<Item = (usize, &Field)> {
        self.in_order.iter().filter_map(|&at| Some((at, self.all.get(at)?)))
    }

    /// The position of a field without a rule of its own that has this very name.
    pub(super) fn position(&self, name: &[u8]) -> Option<usize> {
        if self.by_name.is_empty() {
            return None;
        }
        // On the stack, as it is needed for each header of each message.
        let mut small = [0; 64];
        if let Some(small) = small.get_mut(..name.len()) {
            small.copy_from_slice(name);
            small.make_ascii_lowercase();
            return self.by_name.get(&*small).copied();
        }
        self.by_name.get(name.to_ascii_lowercase().as_slice()).copied()
    }

    /// The field of a name, which is added if it is new.
    pub(super) fn field(
        &mut self,
        name: &[u8],
        rule: &'static Rule,
        own: Option<usize>,
    ) -> Result<&mut Field> {
        let at = self.find_or_add(name, rule, own)?;
        self.all.get_mut(at).ok_or(Error::Invalid)
    }

    /// Sets a value, or adds one more.
    pub(super) fn put(
        &mut self,
        name: &[u8],
        rule: &'static Rule,
        own: Option<usize>,
        content: Content,
    ) -> Result<()> {
        let at = self.find_or_add(name, rule, own)?;
        one_more(&mut self.in_order)?;
        let field = self.all.get_mut(at).ok_or(Error::Invalid)?;
        if field.put(name, content)? {
            self.in_order.push(at);
        }
        Ok(())
    }

    fn find_or_add(&mut self, name: &[u8], rule: &'static Rule, own: Option<usize>) -> Result<usize> {
        // A header with its own rule belongs to no family.
        let known = match own {
            Some(rule) => self.own.get(rule).copied().flatten(),
            None => find(name, |name| self.position(name)),
        };
        if let Some(at) = known {
            return Ok(at);
        }
        let at = self.all.len();
        one_more(&mut self.all)?;
        self.all.push(Field::new(name, rule, own));
        match own.and_then(|rule| self.own.get_mut(rule)) {
            Some(own) => *own = Some(at),
            None => drop(self.by_name.insert(name.to_ascii_lowercase().into(), at)),
        }
        Ok(at)
    }
}
