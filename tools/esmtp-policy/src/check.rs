// SPDX-License-Identifier: LGPL-2.1-or-later
//! Looks for everything that would keep a session from going out.

use std::path::PathBuf;

use esmtp::host;
use esmtp::policy::file::{self, Places};
use esmtp::policy::{Action, Host, Part, Policy, Relay, Tls};
use esmtp::session::site;

use crate::Finding;
use crate::options::Check;

pub(crate) fn run(options: &Check) -> Finding {
    let user = match user_id(options.user.as_deref()) {
        Ok(user) => user,
        Err(text) => return fault(&text),
    };
    let policy = match policy(options.file.clone(), user) {
        Ok(Some(policy)) => policy,
        Ok(None) => {
            println!("there is no policy: programs send as they are set up");
            return Finding::Nothing;
        }
        Err(text) => return fault(&text),
    };
    let mut finding = Finding::Nothing;
    for part in policy.parts() {
        if !check_part(part, user) {
            finding = Finding::Something;
        }
        for text in warnings(part, &policy) {
            println!("warning: {text}");
        }
        let (relays, rules) = (part.document.relays.len(), part.document.rules.len());
        println!("{}: {relays} relays, {rules} rules", part.path.display());
    }
    finding
}

/// The policy that a session would have; the text says what is wrong with it.
pub(crate) fn policy(file: Option<PathBuf>, user: u32) -> Result<Option<Policy>, String> {
    let places = match file {
        Some(file) => Ok(Places::Only(file)),
        None => site::places(),
    };
    let policy = places.and_then(|places| file::current(&places, &|| site::identity_of(user)));
    policy.map_err(|fault| fault.to_string())
}

/// A user by name or number; without one it is the user who asks.
pub(crate) fn user_id(user: Option<&str>) -> Result<u32, String> {
    let Some(user) = user else {
        return Ok(host::process_user().effective);
    };
    if let Ok(number) = user.parse() {
        return Ok(number);
    }
    match host::user_named(user) {
        Ok(Some(number)) => Ok(number),
        Ok(None) => Err(format!("there is no user {user}")),
        Err(error) => Err(format!("user {user}: {error}")),
    }
}

pub(crate) fn fault(text: &str) -> Finding {
    println!("error: {text}");
    Finding::Something
}

fn check_part(part: &Part, user: u32) -> bool {
    let mut good = true;
    for relay in &part.document.relays {
        for one in site::inspect(relay, user) {
            good = false;
            let (path, line) = (part.path.display(), relay.position.line);
            println!("error: {path}:{line}: relay {}: {one}", relay.name);
        }
    }
    good
}

fn warnings(part: &Part, policy: &Policy) -> Vec<String> {
    let mut warnings = Vec::new();
    let at = |relay: &Relay| format!("{}:{}: relay {}", part.path.display(), relay.position.line, relay.name);
    let named = |relay: &Relay| {
        let mut rules = policy.parts().iter().flat_map(|part| &part.document.rules);
        rules.any(|rule| match &rule.action {
            Action::Relays(names) => names.iter().any(|name| name.name == relay.name),
            Action::Refuse(_) => false,
        })
    };
    for relay in &part.document.relays {
        if relay.tls == Some(Tls::Off) && !is_loopback(relay) {
            warnings.push(format!("{}: mail goes in clear beyond this host", at(relay)));
        }
        if !named(relay) {
            warnings.push(format!("{}: no rule leads to it", at(relay)));
        }
    }
    warnings
}

fn is_loopback(relay: &Relay) -> bool {
    match relay.server.as_ref().map(|server| &server.endpoint.host) {
        Some(Host::Name(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Address(address)) => address.is_loopback(),
        None => false,
    }
}
