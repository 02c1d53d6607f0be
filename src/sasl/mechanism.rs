// SPDX-License-Identifier: LGPL-2.1-or-later
//! What a mechanism is.

use std::ffi::{CStr, c_uint};

use super::channel::Channel;
use super::request::{ClientRequest, Credentials};
use super::secret::Secret;
use crate::error::Result;

/// One exchange of a mechanism. A failed one is thrown away.
pub(super) trait Mechanism: Send {
    /// The initial response, if the mechanism has one.
    fn start(&mut self, credentials: Credentials, channel: &Channel) -> Result<Option<Secret>>;

    /// The answer to a challenge.
    fn step(&mut self, challenge: &[u8]) -> Result<Secret>;

    /// Whether a success that the server reports now can be believed. Not so as long as a
    /// server that should prove itself has not.
    fn believes_success(&self) -> bool {
        true
    }

    /// Whether a step has failed because the server is not who it claims to be.
    fn distrusts_server(&self) -> bool {
        false
    }
}

/// A mechanism that needs no plug-in.
pub(super) struct BuiltIn {
    /// Its registered name.
    pub(super) name: &'static CStr,
    /// What the application must allow: [`super::flags`].
    pub(super) flags: c_uint,
    /// What it needs of the connection.
    pub(super) needs: Needs,
    /// What its refusal says about other mechanisms.
    pub(super) group: Group,
    /// What the application is asked for.
    pub(super) fields: &'static [ClientRequest],
    /// Begins an exchange.
    pub(super) new: fn() -> Box<dyn Mechanism>,
}

/// What the server gets to see, and with it what a refusal says about other mechanisms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    /// The password itself.
    Plain,
    /// A proof that the password is known. The server may not have what it needs to check it,
    /// so a refusal need not mean that the password is wrong.
    Challenge,
    /// An access token, which is no password.
    Token,
    /// Nothing: the server knows the client from elsewhere.
    External,
}

/// What a mechanism needs of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    Nothing,
    /// TLS: who overhears it can use it.
    Secrecy,
    /// TLS with channel binding.
    Binding,
}

impl Needs {
    /// Whether a connection has it.
    pub(super) fn are_met_by(self, channel: &Channel) -> bool {
        match self {
            Self::Nothing => true,
            Self::Secrecy => channel.secure,
            Self::Binding => channel.secure && channel.binding.is_some(),
        }
    }
}

impl BuiltIn {
    /// Whether its first answer waits until the server asks. Servers that ignore what comes with
    /// `AUTH LOGIN` ask for the name all the same, and would get the password for it.
    pub(super) fn opens_bare(&self) -> bool {
        self.name == c"LOGIN"
    }

    /// Whether its answer is tried again as the answer to a prompt if a server does not understand
    /// it as a part of the command.
    pub(super) fn may_be_asked_for(&self) -> bool {
        self.name == c"PLAIN"
    }

    /// Whether it does not matter what the server asks with: each has its own words for a
    /// prompt, and those of some are not even base64.
    pub(super) fn ignores_prompts(&self) -> bool {
        matches!(self.group, Group::Plain | Group::External)
    }
}
