// SPDX-License-Identifier: LGPL-2.1-or-later
//! The text of a policy: TOML to relays and rules. The first mistake in it is the outcome.

use std::sync::Arc;

use toml::de::DeTable;

use super::fault::{Mistake, Position, shown};
use super::keys::Keys;
use super::nesting;
use super::relay::Relay;
use super::rule::{Action, Rule};
use super::table::{Entry, Parsed, Source};

/// The only version of the format.
const VERSION: u64 = 1;

/// What one file says.
#[derive(Debug, PartialEq, Eq)]
pub struct Document {
    /// Its relays, in the order of the text.
    pub relays: Vec<Arc<Relay>>,
    pub rules: Vec<Rule>,
}

impl Document {
    /// Reads a text. Relays that rules name and the text lacks are found later: they may be
    /// another file's.
    pub fn parse(text: &str) -> Result<Self, Mistake> {
        nesting::check(text)?;
        let source = Source(text);
        let table = DeTable::parse(text).map_err(|error| source.syntax(&error))?;
        let entries = source.entries(table.get_ref());
        check_version(&entries)?;
        let entry = |key: &str| entries.iter().find(|entry| entry.key == key);
        let known = |entry: &&Entry<'_>| matches!(entry.key, "version" | "defaults" | "relay" | "rule");
        if let Some(unknown) = entries.iter().find(|entry| !known(entry)) {
            return Err(unknown.unknown());
        }
        let defaults = match entry("defaults") {
            Some(entry) => Keys::of_defaults(&entry.value.table()?)?,
            None => Keys::default(),
        };
        let relays = entry("relay").map_or(Ok(Vec::new()), |entry| relays(entry, &defaults))?;
        let rules = entry("rule").map_or(Ok(Vec::new()), rules)?;
        Ok(Self { relays, rules })
    }

    /// The relay of a name.
    #[must_use]
    pub fn relay(&self, name: &str) -> Option<&Arc<Relay>> {
        self.relays.iter().find(|relay| relay.name == name)
    }

    /// Checks that each relay which a rule names is here or `elsewhere`.
    pub fn check_names(&self, elsewhere: Option<&Self>) -> Parsed<()> {
        for rule in &self.rules {
            let Action::Relays(names) = &rule.action else {
                continue;
            };
            for name in names {
                let other = || elsewhere.and_then(|other| other.relay(&name.name));
                if self.relay(&name.name).or_else(other).is_none() {
                    let text = format!("unknown relay {}", shown(&name.name));
                    return Err(Mistake { position: name.position, text });
                }
            }
        }
        Ok(())
    }
}

/// Before anything else: another version may mean something else by everything.
fn check_version(entries: &[Entry<'_>]) -> Parsed<()> {
    let Some(entry) = entries.iter().find(|entry| entry.key == "version") else {
        let position = Position { line: 1, column: 1 };
        return Err(Mistake {
            position,
            text: "version = 1 is missing".to_owned(),
        });
    };
    match entry.value.number()? {
        VERSION => Ok(()),
        other => Err(entry.value.mistake(format!("version {other} is not known here, only 1"))),
    }
}

fn relays(entry: &Entry<'_>, defaults: &Keys) -> Parsed<Vec<Arc<Relay>>> {
    let relay = |entry: Entry<'_>| {
        let keys = Keys::of_relay(&entry.value.table()?, defaults)?;
        Ok(Arc::new(Relay::new(entry.key, entry.position, keys)))
    };
    entry.value.table()?.into_iter().map(relay).collect()
}

fn rules(entry: &Entry<'_>) -> Parsed<Vec<Rule>> {
    let mut rules: Vec<Rule> = Vec::new();
    for value in entry.value.list()? {
        let position = value.position();
        let rule = Rule::parse(&value.table()?, position)?;
        if let Some(earlier) = rules.last().filter(|earlier| earlier.fits_everything()) {
            let text = format!("never reached: the rule in line {} fits everything", earlier.position.line);
            return Err(Mistake { position, text });
        }
        rules.push(rule);
    }
    Ok(rules)
}
