// SPDX-License-Identifier: LGPL-2.1-or-later
//! Site policy: what the administrator, and the user, say about TLS, authentication and relays of
//! programs that cannot be changed (libesmtp-policy(5)).
//!
//! A text becomes relays and rules ([`Document`]); [`Policy::decide`] finds the first rule that
//! fits a session. Nothing here connects to a server. Only `file` and `secret` touch the system.

mod decision;
mod defaults;
mod document;
mod fault;
pub mod file;
mod host;
mod keys;
mod nesting;
mod relay;
mod rule;
pub mod secret;
mod table;
mod trust;

pub use decision::{Chosen, Decision, Part, Place, Policy};
pub use document::Document;
pub use fault::{Fault, Mistake, Position};
pub use host::{Endpoint, Host, Port, Servers};
pub use relay::{
    Auth, Certificate, Proxy, ProxyKind, Relay, RelayServer, SecretSource, Setting, Timeouts, Tls,
    TlsVersion, Verify,
};
pub use rule::{Action, Circumstances, Program, RelayName, Rule, Sender, User};

#[cfg(test)]
mod tests;
