// SPDX-License-Identifier: LGPL-2.1-or-later
//! What this host calls itself when it talks to a server.

use std::ffi::{CStr, CString};
use std::net::IpAddr;

use super::full_name;
use crate::domain::is_domain;
use crate::host::node_name;

/// The name for EHLO: the node name, or the full name that the resolver gives for it, if the
/// node name has no dot (RFC 5321 §4.1.1.1 asks for a full name). `None`: neither is a domain,
/// and strict servers would refuse it.
#[must_use]
pub fn mail_name() -> Option<CString> {
    let node = node_name();
    let own = usable(&node);
    if own.as_ref().is_some_and(|name| name.as_bytes().contains(&b'.')) {
        return own;
    }
    let asked = if node.is_empty() { None } else { full_name::of(&node) };
    let full = asked.filter(|name| {
        let name = name.as_bytes();
        let is_local = name.get(..9).is_some_and(|start| start.eq_ignore_ascii_case(b"localhost"));
        name.contains(&b'.') && !is_local
    });
    full.as_deref().and_then(usable).or(own)
}

/// The name as a domain of SMTP, which has no dot at its end.
fn usable(name: &CStr) -> Option<CString> {
    let name = name.to_bytes();
    let name = name.strip_suffix(b".").unwrap_or(name);
    if is_domain(name) { CString::new(name).ok() } else { None }
}

/// An address in the form of RFC 5321 §4.1.3, for a host without a name (§4.1.4).
#[must_use]
pub fn address_literal(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => format!("[{address}]"),
        IpAddr::V6(address) => format!("[IPv6:{address}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_domain() {
        assert!(mail_name().is_none_or(|name| is_domain(name.as_bytes())));
    }

    #[test]
    fn names_that_servers_take() {
        assert_eq!(usable(c"host.example.org.").as_deref(), Some(c"host.example.org"));
        assert_eq!(usable(c"host").as_deref(), Some(c"host"));
        for name in [c"my_host", c"", c".", c"host..", c"h\xc3\xb6st"] {
            assert_eq!(usable(name), None);
        }
    }

    #[test]
    fn literals_of_addresses() {
        for (address, literal) in [
            ("127.0.0.1", "[127.0.0.1]"),
            ("::1", "[IPv6:::1]"),
            ("2001:db8::25", "[IPv6:2001:db8::25]"),
            ("::ffff:192.0.2.1", "[192.0.2.1]"),
        ] {
            assert_eq!(address_literal(address.parse().expect("address")), literal);
        }
    }
}
