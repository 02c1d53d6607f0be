// SPDX-License-Identifier: LGPL-2.1-or-later
//! What the files together decide about a session.

use std::path::Path;
use std::sync::Arc;

use super::document::Document;
use super::fault::{Fault, Mistake, Position};
use super::relay::Relay;
use super::rule::{Action, Circumstances, RelayName, Rule};

/// What one file says.
#[derive(Debug, Clone)]
pub struct Part {
    /// The file.
    pub path: Arc<Path>,
    /// What it says.
    pub document: Arc<Document>,
}

/// The user's file and the system's, or one of them.
#[derive(Debug, Clone)]
pub struct Policy {
    parts: Vec<Part>,
}

/// A rule or a relay of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: Arc<Path>,
    /// Where in it.
    pub position: Position,
}

/// A relay that a session goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The file in which it stands.
    pub path: Arc<Path>,
    pub relay: Arc<Relay>,
}

/// What becomes of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// No rule fits: all is as without a policy.
    AsProgram,
    Refused {
        /// Why.
        reason: String,
        /// By which rule.
        rule: Place,
    },
    /// It goes to the first of these that is to be had.
    Relays {
        relays: Vec<Chosen>,
        /// By which rule.
        rule: Place,
    },
}

impl Policy {
    /// Puts files together. The rules of an earlier one come first and may name relays of a later
    /// one, not the other way round.
    pub fn new(parts: Vec<Part>) -> Result<Self, Fault> {
        for (at, part) in parts.iter().enumerate() {
            let later = parts.get(at + 1).map(|part| &*part.document);
            part.document.check_names(later).map_err(|mistake| mistake.in_file(&part.path))?;
        }
        Ok(Self { parts })
    }

    /// The files.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The first rule that fits a session.
    pub fn decide(&self, session: &dyn Circumstances) -> Result<Decision, Fault> {
        for (at, part) in self.parts.iter().enumerate() {
            for rule in &part.document.rules {
                let unknown = |text| Mistake { position: rule.position, text }.in_file(&part.path);
                if rule.fits(session).map_err(unknown)? {
                    return Ok(self.carry_out(at, part, rule));
                }
            }
        }
        Ok(Decision::AsProgram)
    }

    /// The relay of a name, as a rule of the file at a position means it.
    #[must_use]
    pub fn relay(&self, name: &str, at: usize) -> Option<Chosen> {
        self.parts.iter().skip(at).find_map(|part| {
            let relay = Arc::clone(part.document.relay(name)?);
            Some(Chosen { path: Arc::clone(&part.path), relay })
        })
    }

    fn carry_out(&self, at: usize, part: &Part, rule: &Rule) -> Decision {
        let place = Place {
            path: Arc::clone(&part.path),
            position: rule.position,
        };
        match &rule.action {
            Action::Refuse(reason) => Decision::Refused { reason: reason.clone(), rule: place },
            Action::Relays(names) => {
                // Each name was checked when the files were put together.
                let relay = |name: &RelayName| self.relay(&name.name, at);
                Decision::Relays {
                    relays: names.iter().filter_map(relay).collect(),
                    rule: place,
                }
            }
        }
    }
}
