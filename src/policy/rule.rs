// SPDX-License-Identifier: LGPL-2.1-or-later
//! A rule: which sessions it fits, and what becomes of them.

use std::path::{Path, PathBuf};

use super::fault::{Position, shown};
use super::host::{Host, Port, Servers};
use super::table::{Entry, Parsed, Value};
use crate::domain::to_a_labels;

/// Who runs the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum User {
    /// By name.
    Name(String),
    /// By number.
    Id(u32),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// The last part of its path.
    Named(String),
    /// The whole path.
    At(PathBuf),
}

/// A reverse path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sender {
    /// `<>`.
    Null,
    /// `local@domain`, the domain in the one spelling that is compared.
    Mailbox {
        /// The local part; `None` in a rule = any.
        local: Option<Vec<u8>>,
        domain: Vec<u8>,
    },
}

/// What a rule names of a relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayName {
    pub name: String,
    /// Where it stands.
    pub position: Position,
}

/// What becomes of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// It is refused, for this reason.
    Refuse(String),
    /// It goes to the first of these that is to be had.
    Relays(Vec<RelayName>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Where it is written.
    pub position: Position,
    server: Option<Servers>,
    program: Option<Program>,
    user: Option<User>,
    from: Option<Sender>,
    /// What becomes of a session that fits.
    pub action: Action,
}

/// What is known of a session when it starts. What takes time to find out is asked for when a
/// rule looks at it. An error says what cannot be found out.
pub trait Circumstances {
    /// The host that the program has set; `None` if it has no spelling that can be compared.
    fn host(&self) -> Option<&Host>;
    /// The port that the program has set, or the one that it means; `None` if nobody knows it.
    fn port(&self) -> Option<u16>;
    /// The port of a service.
    fn service(&self, name: &str) -> Result<u16, String>;
    /// The program's file.
    fn program(&self) -> Result<PathBuf, String>;
    /// The effective user.
    fn user(&self) -> u32;
    /// The user of a name; `Ok(None)`: there is none.
    fn user_named(&self, name: &str) -> Result<Option<u32>, String>;
    /// Whether there is a message to be sent, and the reverse path of each fits.
    fn every_sender(&self, fits: &mut dyn FnMut(&Sender) -> bool) -> bool;
}

impl Sender {
    /// A reverse path as it is sent, without its brackets.
    #[must_use]
    pub fn of_path(path: &[u8]) -> Self {
        match memchr::memrchr(b'@', path) {
            _ if path.is_empty() => Self::Null,
            Some(at) => {
                let (local, domain) = path.split_at(at);
                let domain = domain.get(1..).unwrap_or_default();
                Self::Mailbox {
                    local: Some(local.to_vec()),
                    domain: same_spelling(domain),
                }
            }
            // Only `postmaster` has no domain.
            None => Self::Mailbox {
                local: Some(path.to_vec()),
                domain: Vec::new(),
            },
        }
    }

    /// `a@b`, `@b` or `<>`.
    fn parse(value: Value<'_>) -> Parsed<Self> {
        let text = value.string()?;
        if text == "<>" {
            return Ok(Self::Null);
        }
        match text.rsplit_once('@') {
            Some((local, domain)) if !domain.is_empty() && !text.contains(['<', '>', ' ']) => {
                Ok(Self::Mailbox {
                    local: (!local.is_empty()).then(|| local.as_bytes().to_vec()),
                    domain: same_spelling(domain.as_bytes()),
                })
            }
            _ => Err(value.mistake(format!("{} is none of \"a@b\", \"@b\", \"<>\"", shown(text)))),
        }
    }

    /// Whether a message's reverse path is one that this stands for.
    fn includes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Mailbox { local, domain }, Self::Mailbox { local: other_local, domain: other_domain }) => {
                domain == other_domain && (local.is_none() || local == other_local)
            }
            (Self::Null, Self::Mailbox { .. }) | (Self::Mailbox { .. }, Self::Null) => false,
        }
    }
}

/// A domain in small letters and A-labels.
fn same_spelling(domain: &[u8]) -> Vec<u8> {
    let ascii = std::str::from_utf8(domain).ok().and_then(to_a_labels).map(String::into_bytes);
    let mut domain = ascii.unwrap_or_else(|| domain.to_vec());
    domain.make_ascii_lowercase();
    if domain.last() == Some(&b'.') {
        domain.pop();
    }
    domain
}

impl Program {
    fn parse(value: Value<'_>) -> Parsed<Self> {
        let text = value.string()?;
        match text.contains('/') {
            false => Ok(Self::Named(text.to_owned())),
            true if text.starts_with('/') => Ok(Self::At(PathBuf::from(text))),
            true => Err(value.mistake(format!("{} is neither a name nor an absolute path", shown(text)))),
        }
    }

    fn is(&self, program: &Path) -> bool {
        match self {
            Self::Named(name) => program.file_name().is_some_and(|last| last == name.as_str()),
            Self::At(path) => path == program,
        }
    }
}

impl User {
    fn parse(value: Value<'_>) -> Parsed<Self> {
        if value.is_number() {
            let number = value.number()?;
            let id = u32::try_from(number);
            return id.map(Self::Id).map_err(|_| value.mistake(format!("{number} is no user")));
        }
        let text = value.string()?;
        Ok(text.parse().map_or_else(|_| Self::Name(text.to_owned()), Self::Id))
    }
}

impl Rule {
    /// The rule that a table holds.
    pub(super) fn parse(entries: &[Entry<'_>], position: Position) -> Parsed<Self> {
        let (mut server, mut program, mut user, mut from) = (None, None, None, None);
        let (mut relays, mut refuse) = (None, None);
        for entry in entries {
            let value = entry.value;
            match entry.key {
                "server" => {
                    let text = value.string()?;
                    server = Some(Servers::parse(text).map_err(|text| value.mistake(text))?);
                }
                "program" => program = Some(Program::parse(value)?),
                "user" => user = Some(User::parse(value)?),
                "from" => from = Some(Sender::parse(value)?),
                "relays" => relays = Some(relay_names(value)?),
                "refuse" => refuse = Some(value.string()?.to_owned()),
                _ => return Err(entry.unknown()),
            }
        }
        let whole = |text: &str| super::fault::Mistake { position, text: text.to_owned() };
        let action = match (relays, refuse) {
            (Some(relays), None) => Action::Relays(relays),
            (None, Some(reason)) => Action::Refuse(reason),
            (None, None) => return Err(whole("a rule with neither relays nor refuse")),
            (Some(_), Some(_)) => return Err(whole("a rule with both relays and refuse")),
        };
        Ok(Self {
            position,
            server,
            program,
            user,
            from,
            action,
        })
    }

    /// Whether it fits every session.
    #[must_use]
    pub fn fits_everything(&self) -> bool {
        let Self { server, program, user, from, .. } = self;
        server.as_ref().is_none_or(Servers::are_all) && program.is_none() && user.is_none() && from.is_none()
    }

    /// Whether it fits a session; an error if that cannot be told.
    pub fn fits(&self, session: &dyn Circumstances) -> Result<bool, String> {
        Ok(self.fits_server(session)?
            && self.fits_user(session)?
            && self.fits_program(session)?
            && self.fits_senders(session))
    }

    fn fits_server(&self, session: &dyn Circumstances) -> Result<bool, String> {
        let Some(servers) = &self.server else {
            return Ok(true);
        };
        if !servers.include(session.host()) {
            return Ok(false);
        }
        let port = match &servers.port {
            None => return Ok(true),
            Some(Port::Number(number)) => *number,
            Some(Port::Service(name)) => session.service(name)?,
        };
        Ok(session.port() == Some(port))
    }

    fn fits_user(&self, session: &dyn Circumstances) -> Result<bool, String> {
        Ok(match &self.user {
            None => true,
            Some(User::Id(id)) => session.user() == *id,
            Some(User::Name(name)) => session.user_named(name)? == Some(session.user()),
        })
    }

    fn fits_program(&self, session: &dyn Circumstances) -> Result<bool, String> {
        match &self.program {
            None => Ok(true),
            Some(program) => Ok(program.is(&session.program()?)),
        }
    }

    fn fits_senders(&self, session: &dyn Circumstances) -> bool {
        match &self.from {
            None => true,
            Some(sender) => session.every_sender(&mut |other| sender.includes(other)),
        }
    }
}

fn relay_names(value: Value<'_>) -> Parsed<Vec<RelayName>> {
    let name = |value: Value<'_>| {
        let name = value.string()?.to_owned();
        Ok(RelayName { name, position: value.position() })
    };
    value.nonempty_list()?.into_iter().map(name).collect()
}
