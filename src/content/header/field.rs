// SPDX-License-Identifier: LGPL-2.1-or-later
//! What the application said about one header.

use super::HeaderOption;
use super::rules::{Policy, Rule};
use super::value::Content;
use crate::error::{Error, Result};
use crate::room::one_more;

/// A header that the application set, or gave an option.
#[derive(Debug, Clone)]
pub(super) struct Field {
    /// The name it was first called by; once a value is set, the name it had then.
    pub(super) name: Box<[u8]>,
    /// A value was set once.
    is_set: bool,
    pub(super) rule: &'static Rule,
    /// The rule's position, if it is this header's own.
    pub(super) own: Option<usize>,
    pub(super) content: Content,
    pub(super) overrides: bool,
    pub(super) prohibited: bool,
}

impl Field {
    pub(super) fn new(name: &[u8], rule: &'static Rule, own: Option<usize>) -> Self {
        Self {
            name: name.into(),
            is_set: false,
            rule,
            own,
            content: Content::Unset,
            overrides: false,
            prohibited: false,
        }
    }

    /// Takes a value, or one more. Tells whether it is the first.
    pub(super) fn put(&mut self, name: &[u8], new: Content) -> Result<bool> {
        if self.prohibited {
            return Err(Error::Invalid);
        }
        match (&mut self.content, new) {
            (content @ Content::Mailboxes(_), Content::Recipients) => *content = Content::Recipients,
            (Content::Mailboxes(_), Content::ReversePath) => {}
            (Content::Mailboxes(list), Content::Mailboxes(more)) if self.rule.shape.is_list() => {
                one_more(list)?;
                list.extend(more);
            }
            (Content::Date(_) | Content::Text(_) | Content::Mailboxes(_), _) => return Err(Error::Invalid),
            (content, new) => *content = new,
        }
        let is_first = !std::mem::replace(&mut self.is_set, true);
        if is_first && *self.name != *name {
            self.name = name.into();
        }
        Ok(is_first)
    }

    pub(super) fn set_option(&mut self, option: HeaderOption) -> Result<()> {
        match option {
            HeaderOption::Override(_) if self.prohibited => return Err(Error::Invalid),
            HeaderOption::Override(on) => self.overrides = on,
            HeaderOption::Prohibit(_) if self.rule.policy == Policy::Required => return Err(Error::Invalid),
            HeaderOption::Prohibit(on) => self.prohibited = on,
        }
        Ok(())
    }
}
