// SPDX-License-Identifier: LGPL-2.1-or-later
//! `host[:service]` as the application sets it, perhaps with `smtp://` or `smtps://` before it.

use std::ffi::{CStr, CString};
use std::net::Ipv6Addr;
use std::rc::Rc;

use super::resolve::is_service;
use crate::domain::to_a_labels;
use crate::error::{Error, ResolveError, Result};

/// The submission port (RFC 6409).
const SUBMISSION: &CStr = c"587";
/// The port for submission with TLS from the first byte (RFC 8314 §7.3).
const SUBMISSIONS: &CStr = c"465";

/// Host and service, both as they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// A name or an address, without brackets.
    pub host: Rc<CStr>,
    /// A name or a number; `None` if there is none.
    pub service: Option<Rc<CStr>>,
    /// TLS from the first byte was asked for, whatever the port.
    pub implicit_tls: bool,
}

impl Server {
    /// Divides `host:service`, `[address]:service` and bare IPv6 addresses. An empty host is
    /// the loopback, an empty service is as good as none. `smtps://` asks for TLS from the first
    /// byte, `smtp://` for nothing.
    #[must_use]
    pub fn parse(text: &CStr) -> Self {
        let (implicit_tls, bytes) = without_scheme(text.to_bytes());
        let (host, service) = bracketed(bytes)
            .or_else(|| bare_address(bytes))
            .unwrap_or_else(|| divide(bytes, bytes.iter().position(|byte| *byte == b':')));
        let given = |part: &[u8]| Some(CString::new(part).ok().filter(|part| !part.is_empty())?.into());
        Self {
            host: given(host).unwrap_or_else(|| c"localhost".into()),
            service: given(service),
            implicit_tls,
        }
    }

    /// The service, submission if none was given.
    #[must_use]
    pub fn service(&self) -> &CStr {
        self.service_with(self.implicit_tls)
    }

    /// The service, whatever the text says of TLS from the first byte.
    #[must_use]
    pub fn service_with(&self, implicit_tls: bool) -> &CStr {
        let default = if implicit_tls { SUBMISSIONS } else { SUBMISSION };
        self.service.as_deref().unwrap_or(default)
    }

    /// The host as DNS, TLS and certificates know it: a name that is not ASCII in A-labels.
    pub fn ascii_host(&self) -> Result<Rc<CStr>> {
        if self.host.to_bytes().is_ascii() {
            return Ok(Rc::clone(&self.host));
        }
        let unknown = || {
            let host = self.host.to_string_lossy();
            Error::Resolve(ResolveError::NoName).because(format_args!("{host} has no form for DNS"))
        };
        let name = self.host.to_str().map_err(|_| unknown())?;
        let name = to_a_labels(name).ok_or_else(unknown)?;
        CString::new(name).map(Into::into).map_err(|_| unknown())
    }
}

/// Whether the scheme asks for TLS, and what comes behind it up to the slash with which a URL
/// may end.
fn without_scheme(text: &[u8]) -> (bool, &[u8]) {
    let behind = |scheme: &[u8]| {
        let (start, rest) = text.split_at_checked(scheme.len())?;
        let rest = rest.strip_suffix(b"/").unwrap_or(rest);
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    };
    match (behind(b"smtps://"), behind(b"smtp://")) {
        (Some(rest), _) => (true, rest),
        (None, Some(rest)) => (false, rest),
        (None, None) => (false, text),
    }
}

/// `[address]` with an optional `:service`.
fn bracketed(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = text.strip_prefix(b"[")?;
    let end = rest.iter().position(|byte| *byte == b']')?;
    let (host, after) = rest.split_at_checked(end)?;
    match after {
        [b']'] => Some((host, b"")),
        [b']', b':', service @ ..] => Some((host, service)),
        _ => None,
    }
}

/// Two or more colons without brackets: an address with a service behind it if both make
/// sense, else an address alone.
fn bare_address(text: &[u8]) -> Option<(&[u8], &[u8])> {
    if text.iter().filter(|byte| **byte == b':').count() < 2 {
        return None;
    }
    let (host, service) = divide(text, text.iter().rposition(|byte| *byte == b':'));
    let known = CString::new(service).is_ok_and(|service| !service.is_empty() && is_service(&service));
    if is_ipv6(host) && known {
        return Some((host, service));
    }
    is_ipv6(text).then_some((text, b""))
}

fn is_ipv6(text: &[u8]) -> bool {
    // A zone (`%eth0`) is the system's to judge.
    let address = text.split(|byte| *byte == b'%').next().unwrap_or_default();
    std::str::from_utf8(address).is_ok_and(|address| address.parse::<Ipv6Addr>().is_ok())
}

fn divide(text: &[u8], colon: Option<usize>) -> (&[u8], &[u8]) {
    let at = colon.unwrap_or(text.len());
    let service = text.get(at + 1..).unwrap_or_default();
    (text.get(..at).unwrap_or_default(), service)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &CStr) -> (String, String) {
        let server = Server::parse(text);
        let string = |text: &CStr| text.to_str().expect("text").to_owned();
        (string(&server.host), string(server.service()))
    }

    #[test]
    fn forms_of_a_server() {
        for (text, host, service) in [
            (c"mx.example.org", "mx.example.org", "587"),
            (c"mx.example.org:25", "mx.example.org", "25"),
            (c"mx.example.org:smtp", "mx.example.org", "smtp"),
            (c"", "localhost", "587"),
            (c":25", "localhost", "25"),
            (c"host:", "host", "587"),
            (c"[::1]", "::1", "587"),
            (c"[::1]:25", "::1", "25"),
            (c"[::1]:", "::1", "587"),
            (c"::1", "::1", "587"),
            (c"fe80::1%lo", "fe80::1%lo", "587"),
            (c"::1:25", "::1", "25"),
            (c"2001:db8::1:no-such-service", "2001", "db8::1:no-such-service"),
            (c"a:b:c", "a", "b:c"),
            (c"smtps", "smtps", "587"),
            (c"smtp:25", "smtp", "25"),
            (c"smtps:/x", "smtps", "/x"),
        ] {
            assert_eq!(parsed(text), (host.to_owned(), service.to_owned()), "{text:?}");
            assert!(!Server::parse(text).implicit_tls, "{text:?}");
        }
    }

    #[test]
    fn schemes() {
        for (text, host, service, implicit_tls) in [
            (c"smtp://mx.example.org", "mx.example.org", "587", false),
            (c"smtp://mx.example.org:25", "mx.example.org", "25", false),
            (c"SMTP://[::1]:2525/", "::1", "2525", false),
            (c"smtps://mx.example.org", "mx.example.org", "465", true),
            (c"smtps://mx.example.org:", "mx.example.org", "465", true),
            (c"smtps://mx.example.org:2465", "mx.example.org", "2465", true),
            (c"Smtps://[::1]:994/", "::1", "994", true),
            (c"smtps://::1", "::1", "465", true),
            (c"smtps://mx.example.org:submission", "mx.example.org", "submission", true),
            (c"smtps://_submission._tcp.example.org", "_submission._tcp.example.org", "465", true),
            (c"smtps://", "localhost", "465", true),
            (c"smtp:///", "localhost", "587", false),
        ] {
            assert_eq!(parsed(text), (host.to_owned(), service.to_owned()), "{text:?}");
            assert_eq!(Server::parse(text).implicit_tls, implicit_tls, "{text:?}");
        }
    }

    #[test]
    fn hosts_for_dns() {
        let host = |text: &CStr| Server::parse(text).ascii_host();
        assert_eq!(host(c"mx.example.org:25").as_deref(), Ok(c"mx.example.org"));
        assert_eq!(host(c"smtps://[::1]").as_deref(), Ok(c"::1"));
        assert_eq!(host(c"b\u{fc}cher.example").as_deref(), Ok(c"xn--bcher-kva.example"));
        for unknown in [c"\u{2028}.example", c"b\xfccher.example"] {
            assert_eq!(host(unknown), Err(Error::Resolve(ResolveError::NoName)), "{unknown:?}");
        }
    }
}
