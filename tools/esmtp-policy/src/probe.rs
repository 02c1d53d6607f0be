// SPDX-License-Identifier: LGPL-2.1-or-later
//! Tries a relay without a mail.

use std::ffi::{CStr, CString};

use esmtp::policy::Chosen;
use esmtp::protocol::Extensions;
use esmtp::session::probe::{self, Found};

use crate::Finding;
use crate::check::{fault, policy, user_id};
use crate::options::Probe;

pub(crate) fn run(options: &Probe) -> Finding {
    let policy = match user_id(None).and_then(|user| policy(options.file.clone(), user)) {
        Ok(Some(policy)) => policy,
        Ok(None) => return fault("there is no policy"),
        Err(text) => return fault(&text),
    };
    let Some(relay) = policy.relay(&options.relay, 0) else {
        return fault(&format!("there is no relay {}", options.relay));
    };
    let server = match (&relay.relay.server, &options.server) {
        (Some(server), _) => server.text.clone(),
        (None, Some(server)) => match CString::new(server.as_str()) {
            Ok(server) => server,
            Err(_) => return fault("a NUL in --server"),
        },
        (None, None) => return fault("the relay has no server: --server says which one to try"),
    };
    println!("relay {}: {}", options.relay, server.to_string_lossy());
    try_it(relay, &server)
}

fn try_it(relay: Chosen, server: &CStr) -> Finding {
    match probe::probe(relay, server, &mut show) {
        Ok(()) => {
            println!("nothing is wrong with it");
            Finding::Nothing
        }
        Err(text) => fault(&text),
    }
}

fn show(found: Found) {
    match found {
        Found::Connected => println!("connected"),
        Found::Tls(text) => println!("TLS: {text}"),
        Found::Certificate(facts) => {
            println!("certificate: {}", facts.subject);
            println!("  issuer {}", facts.issuer);
            println!("  names {}", facts.names.join(", "));
            println!("  valid from {} to {}", facts.not_before, facts.not_after);
            if let Some(key) = facts.key {
                println!("  pin = [\"{}\"]", probe::shown_pin(&key));
            }
        }
        Found::Authenticated(mechanism) => println!("authenticated with {mechanism}"),
        Found::Offers(offers) => show_offers(&offers),
        Found::Disconnected => println!("disconnected"),
    }
}

fn show_offers(offers: &Extensions) {
    println!(
        "mechanisms: {}",
        if offers.auth.is_empty() { "none".to_owned() } else { offers.auth.join(" ") }
    );
    let known = [
        ("ENHANCEDSTATUSCODES", offers.enhanced_status_codes),
        ("PIPELINING", offers.pipelining),
        ("DSN", offers.dsn),
        ("STARTTLS", offers.starttls),
        ("SIZE", offers.size),
        ("CHUNKING", offers.chunking),
        ("BINARYMIME", offers.binary_mime),
        ("8BITMIME", offers.eight_bit_mime),
        ("DELIVERBY", offers.deliver_by.is_some()),
        ("ETRN", offers.etrn),
        ("SMTPUTF8", offers.smtp_utf8),
    ];
    let offered: Vec<&str> = known.iter().filter(|(_, is)| *is).map(|(name, _)| *name).collect();
    println!("extensions: {}", offered.join(" "));
    let limits = [("messages", offers.limits.transactions), ("recipients", offers.limits.recipients)];
    for (what, limit) in limits.into_iter().filter_map(|(what, limit)| Some((what, limit?))) {
        println!("limit: {limit} {what}");
    }
}
