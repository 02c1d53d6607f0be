// SPDX-License-Identifier: LGPL-2.1-or-later
//! The name that a server's certificate must have.

use std::ffi::{CStr, CString};
use std::net::IpAddr;

/// Whom the certificate must name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ServerName {
    /// A host name, without the dot at its end.
    Host(CString),
    /// An address literal.
    Address(IpAddr),
    /// Something that no certificate can name: an address in one of the old notations
    /// (`127.1`), or nothing.
    Other,
}

impl ServerName {
    /// The name or address that is meant.
    pub(super) fn new(host: &CStr) -> Self {
        let name = host.to_bytes();
        let name = name.strip_suffix(b".").unwrap_or(name);
        // A zone (`fe80::1%eth0`) is no part of the address.
        let address = name.split(|byte| *byte == b'%').next().unwrap_or_default();
        if let Some(address) = std::str::from_utf8(address).ok().and_then(|text| text.parse().ok()) {
            return Self::Address(address);
        }
        let last = name.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
        // No top-level domain is a number (RFC 3696 §2). OpenSSL takes a dot in front for
        // "any name below".
        if last.iter().all(u8::is_ascii_digit) || name.starts_with(b".") {
            return Self::Other;
        }
        CString::new(name).map_or(Self::Other, Self::Host)
    }

    /// What the server is told (RFC 6066 §3: host names only).
    pub(super) fn indication(&self) -> Option<&str> {
        /// The longest name that the extension carries in OpenSSL.
        const NAME_MAX: usize = 255;
        match self {
            Self::Host(name) => name.to_str().ok().filter(|name| name.is_ascii() && name.len() <= NAME_MAX),
            Self::Address(_) | Self::Other => None,
        }
    }
}
