// SPDX-License-Identifier: LGPL-2.1-or-later
//! The targets of a service, from its SRV records.

use std::time::Duration;

use super::configuration::Configuration;
use super::order::{Record, in_order};
use super::{SubmissionService, Target, query};
use crate::error::{Error, ResolveError, Result};

/// The longest that a look-up lasts, whatever the system's configuration says.
const LOOK_UP_MAX: Duration = Duration::from_secs(30);
/// More targets than this are not tried: each can cost a look-up and a connection that times
/// out, and a message of DNS has room for thousands.
const TARGETS_MAX: usize = 32;

/// Asks the system's name servers.
pub(super) fn look_up(service: &SubmissionService) -> Result<Vec<Target>> {
    look_up_with(service, &Configuration::of_system(), LOOK_UP_MAX)
}

pub(super) fn look_up_with(
    service: &SubmissionService,
    configuration: &Configuration,
    limit: Duration,
) -> Result<Vec<Target>> {
    let found = query::records(&name(service), configuration, limit).and_then(targets);
    found.map_err(|error| error.because(format_args!("SRV records of {}", name(service))))
}

fn name(service: &SubmissionService) -> String {
    let label = if service.implicit_tls { "_submissions" } else { "_submission" };
    format!("{label}._tcp.{}.", service.domain)
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
