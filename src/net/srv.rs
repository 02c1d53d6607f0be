// SPDX-License-Identifier: LGPL-2.1-or-later
//! Servers that a domain names in its SRV records (RFC 2782, RFC 6186, RFC 8314).
//!
//! All else goes through the system's resolver, which knows no such records. The crate that
//! asks for them runs for the time of one look-up, on the thread that wants it.

mod configuration;
mod order;
mod query;

use std::time::Duration;

use crate::domain::to_a_labels;
use crate::error::{Error, ResolveError, Result};

use configuration::Configuration;
use order::{Record, in_order};

/// The longest that a look-up lasts, whatever the system's configuration says.
const LOOK_UP_MAX: Duration = Duration::from_secs(30);
/// More targets than this are not tried: each can cost a look-up and a connection that times
/// out, and a message of DNS has room for thousands.
const TARGETS_MAX: usize = 32;

/// Mail submission as a domain offers it: `_submission._tcp.example.org`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubmissionService {
    /// The domain, which a certificate has to be for: the names of the targets come from DNS
    /// and prove nothing (RFC 6186 §6).
    pub domain: String,
    /// TLS from the first byte (`_submissions`, RFC 8314 §5.1).
    pub implicit_tls: bool,
}

/// A host that offers a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its name, to be resolved like any host's.
    pub host: String,
    /// Where it listens.
    pub port: u16,
}

impl SubmissionService {
    /// The service that such a name stands for; `None` for the name of a host.
    #[must_use]
    pub fn parse(host: &str) -> Option<Self> {
        let (service, rest) = host.split_once('.')?;
        let (protocol, domain) = rest.split_once('.')?;
        let domain = domain.strip_suffix('.').unwrap_or(domain);
        let implicit_tls = service.eq_ignore_ascii_case("_submissions");
        let is_submission = implicit_tls || service.eq_ignore_ascii_case("_submission");
        if !is_submission || !protocol.eq_ignore_ascii_case("_tcp") || domain.is_empty() {
            return None;
        }
        // A domain without A-labels stays as it is, and nothing is found for it.
        let domain = to_a_labels(domain).unwrap_or_else(|| domain.to_owned());
        Some(Self { domain, implicit_tls })
    }

    /// Asks the system's name servers; gives the targets in the order in which to try them.
    pub fn look_up(&self) -> Result<Vec<Target>> {
        self.look_up_with(&Configuration::of_system(), LOOK_UP_MAX)
    }

    fn look_up_with(&self, configuration: &Configuration, limit: Duration) -> Result<Vec<Target>> {
        targets(query::records(&self.name(), configuration, limit)?)
    }

    fn name(&self) -> String {
        let service = if self.implicit_tls { "_submissions" } else { "_submission" };
        format!("{service}._tcp.{}.", self.domain)
    }
}

fn targets(mut records: Vec<Record>) -> Result<Vec<Target>> {
    let found_any = !records.is_empty();
    // RFC 2782: the target "." says that the service is not offered.
    records.retain(|record| !record.target.host.is_empty());
    if found_any && records.is_empty() {
        return Err(Error::Resolve(ResolveError::Service));
    }
    records.retain(|record| is_host_name(&record.target.host));
    if records.is_empty() {
        return Err(Error::Resolve(ResolveError::NoName));
    }
    let mut targets = in_order(records, random_up_to);
    targets.truncate(TARGETS_MAX);
    Ok(targets)
}

/// Whether the name is one of a host (RFC 1123 §2.1, with the underscore that many have):
/// the others may be neither resolved nor shown as they are.
fn is_host_name(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// A number from 0 to `most`. Without random bytes the order is one that the priorities allow.
fn random_up_to(most: u64) -> u64 {
    getrandom::u64().unwrap_or(0) % most.saturating_add(1)
}

#[cfg(test)]
mod tests;
