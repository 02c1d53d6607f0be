// SPDX-License-Identifier: LGPL-2.1-or-later
//! What is to become of the headers of one message.

use std::ops::Range;
use std::rc::Rc;

use super::Facts;
use super::field::Field;
use super::fields::Fields;
use super::render::render;
use super::rules::{self, OTHER, Policy, RULE_COUNT, RULES, Rule, SUPPLIED, find};

/// The rules for the headers of one message, and which of them it has had.
#[derive(Debug)]
pub struct Plan {
    /// The headers with rules of their own.
    own: [Entry; RULE_COUNT],
    /// Those that the application named besides, by their positions in `fields`.
    others: Vec<Entry>,
    fields: Option<Rc<Fields>>,
    /// The headers that may have to be added, with their line ends.
    texts: Vec<u8>,
}

/// What is known of one header.
#[derive(Debug, Clone, Copy)]
struct Entry {
    treatment: Treatment,
    seen: bool,
    /// Where in `texts` it begins and ends, if it can be added.
    start: u32,
    end: u32,
}

/// Where the entry of a header is.
#[derive(Debug, Clone, Copy)]
enum Place {
    Own(usize),
    Other(usize),
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
pub(in crate::content) enum Fate<'a> {
    /// It goes out.
    Passes,
    /// It does not.
    Dropped,
    /// This one goes out in its place.
    Replaced(&'a [u8]),
}

/// Room for the headers that most messages get, so that it does not grow piece by piece.
const USUAL: usize = 256;

/// The rules if the application said nothing.
#[allow(clippy::indexing_slicing, reason = "the compiler does it")]
static UNTOUCHED: [Entry; RULE_COUNT] = {
    let mut entries = [Entry::new(&OTHER, None); RULE_COUNT];
    let mut at = 0;
    while at < RULE_COUNT {
        entries[at] = Entry::new(&RULES[at], None);
        at += 1;
    }
    entries
};

impl Plan {
    pub(super) fn new(fields: Option<Rc<Fields>>, facts: &Facts<'_>) -> Self {
        let mut plan = Self {
            own: UNTOUCHED,
            others: Vec::new(),
            fields: None,
            texts: Vec::with_capacity(USUAL),
        };
        if let Some(fields) = &fields {
            plan.apply(fields);
        }
        for (at, rule) in RULES.iter().enumerate().take(SUPPLIED) {
            let field = fields.as_ref().and_then(|fields| fields.own(at));
            plan.print(Place::Own(at), rule, field, facts);
        }
        if let Some(fields) = &fields {
            for (at, field) in fields.in_order() {
                if !field.rule.is_supplied() {
                    plan.print(place(at, field), field.rule, Some(field), facts);
                }
            }
        }
        plan.fields = fields;
        plan
    }

    /// Takes in what the application said of treatment.
    fn apply(&mut self, fields: &Fields) {
        self.others.resize(fields.len(), Entry::new(&OTHER, None));
        for (at, field) in fields.all() {
            if let Some(entry) = self.entry_mut(place(at, field)) {
                *entry = Entry::new(field.rule, Some(field));
            }
        }
    }

    fn entry(&self, place: Place) -> Option<&Entry> {
        match place {
            Place::Own(at) => self.own.get(at),
            Place::Other(at) => self.others.get(at),
        }
    }

    fn entry_mut(&mut self, place: Place) -> Option<&mut Entry> {
        match place {
            Place::Own(at) => self.own.get_mut(at),
            Place::Other(at) => self.others.get_mut(at),
        }
    }

    /// Prints a header, if it has a value or the library has one for it.
    fn print(&mut self, place: Place, rule: &Rule, field: Option<&Field>, facts: &Facts<'_>) {
        if field.is_some_and(|field| field.prohibited) {
            return;
        }
        let start = self.texts.len();
        if !render(rule, field, facts, &mut self.texts) {
            return self.texts.truncate(start);
        }
        // No header is as long as 4 GiB: there would be no memory for it.
        let bounds = (u32::try_from(start), u32::try_from(self.texts.len()));
        if let (Some(entry), (Ok(start), Ok(end))) = (self.entry_mut(place), bounds) {
            (entry.start, entry.end) = (start, end);
            if field.is_some_and(|field| field.overrides) {
                entry.treatment = Treatment::Replace;
            }
        }
    }

    /// Settles the fate of a header that the message has.
    pub(in crate::content) fn meet(&mut self, name: &[u8]) -> Fate<'_> {
        let place = |name: &[u8]| {
            let other = || self.fields.as_ref()?.position(name).map(Place::Other);
            rules::position(name).map(Place::Own).or_else(other)
        };
        let Some(entry) = find(name, place).and_then(|place| self.entry_mut(place)) else {
            return Fate::Passes;
        };
        let again = std::mem::replace(&mut entry.seen, true);
        match entry.treatment {
            Treatment::Preserve => Fate::Passes,
            Treatment::Prohibit => Fate::Dropped,
            Treatment::Keep | Treatment::Replace if again => Fate::Dropped,
            Treatment::Keep => Fate::Passes,
            Treatment::Replace => {
                let range = entry.range();
                self.texts.get(range).map_or(Fate::Passes, Fate::Replaced)
            }
        }
    }

    /// The headers that the message lacks, once it has no more of them.
    pub(in crate::content) fn missing(&self) -> impl Iterator<Item = &[u8]> {
        let fields = self.fields.iter().flat_map(|fields| fields.in_order());
        let set = fields.filter(|(_, field)| !field.rule.is_supplied());
        let places = (0..SUPPLIED).map(Place::Own).chain(set.map(|(at, field)| place(at, field)));
        let unseen = places.filter_map(|place| self.entry(place)).filter(|entry| !entry.seen);
        unseen.filter_map(|entry| self.texts.get(entry.range())).filter(|text| !text.is_empty())
    }
}

/// The place of a field at a position.
fn place(at: usize, field: &Field) -> Place {
    field.own.map_or(Place::Other(at), Place::Own)
}

impl Entry {
    const fn new(rule: &Rule, field: Option<&Field>) -> Self {
        let treatment = match (rule.policy, field) {
            (Policy::Preserved, _) => Treatment::Preserve,
            (Policy::Prohibited, _) | (_, Some(Field { prohibited: true, .. })) => Treatment::Prohibit,
            _ => Treatment::Keep,
        };
        Self { treatment, seen: false, start: 0, end: 0 }
    }

    const fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}
