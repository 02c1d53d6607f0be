// SPDX-License-Identifier: LGPL-2.1-or-later
//! Servers that a domain names in its SRV records (RFC 2782, RFC 6186, RFC 8314).
//!
//! All else goes through the system's resolver, which knows no such records. The crate that
//! asks for them runs for the time of one look-up, on the thread that wants it. A library built
//! without the feature `srv` knows the names of services and finds nothing for them.

#[cfg(feature = "srv")]
mod configuration;
#[cfg(feature = "srv")]
mod float;
#[cfg(feature = "srv")]
mod look_up;
#[cfg(feature = "srv")]
mod order;
#[cfg(feature = "srv")]
mod query;
#[cfg(feature = "srv")]
mod sockets;

use crate::domain::to_a_labels;
use crate::error::Result;

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
    #[cfg(feature = "srv")]
    pub fn look_up(&self) -> Result<Vec<Target>> {
        look_up::look_up(self)
    }

    /// Finds nothing: this library was built without it.
    #[cfg(not(feature = "srv"))]
    pub fn look_up(&self) -> Result<Vec<Target>> {
        let error = crate::error::Error::Resolve(crate::error::ResolveError::NoName);
        Err(error.because("this library was built without SRV look-ups"))
    }
}

#[cfg(test)]
#[cfg(feature = "srv")]
mod tests;

#[cfg(test)]
mod name_tests {
    use super::*;

    #[test]
    fn names_of_services() {
        for (name, domain, implicit_tls) in [
            ("_submission._tcp.example.org", "example.org", false),
            ("_submissions._tcp.example.org", "example.org", true),
            ("_Submission._TCP.Example.ORG.", "Example.ORG", false),
            ("_submission._tcp.b\u{fc}cher.example", "xn--bcher-kva.example", false),
            ("_submission._tcp.org", "org", false),
        ] {
            let service = SubmissionService { domain: domain.to_owned(), implicit_tls };
            assert_eq!(SubmissionService::parse(name), Some(service), "{name}");
        }
        for name in [
            "mail.example.org",
            "submission._tcp.example.org",
            "_submission.tcp.example.org",
            "_submission._udp.example.org",
            "_smtp._tcp.example.org",
            "_submission._tcp",
            "_submission._tcp.",
            "_submission._tcp..",
            "x._submission._tcp.example.org",
            "127.0.0.1",
            "::1",
            "",
        ] {
            assert_eq!(SubmissionService::parse(name), None, "{name}");
        }
    }

    #[cfg(not(feature = "srv"))]
    #[test]
    fn nothing_is_found_without_the_feature() {
        use crate::error::{Error, ResolveError, last_reason, set_last};
        let service = SubmissionService::parse("_submission._tcp.example.org").expect("a service");
        let nothing = Error::Resolve(ResolveError::NoName);
        assert_eq!(service.look_up(), Err(nothing));
        set_last(nothing);
        assert!(last_reason().text().contains("without SRV"));
    }
}
