// SPDX-License-Identifier: LGPL-2.1-or-later
//! Names of servers as rules compare them.

use std::net::{IpAddr, Ipv6Addr};

use super::fault::shown;
use crate::domain::to_a_labels;

/// A host in the one spelling that is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// A name in small letters and A-labels, without the dot at its end.
    Name(String),
    /// An address literal.
    Address(IpAddr),
}

impl Host {
    /// A name or an address without brackets; `None` if no server is called like that.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(address) = text.parse() {
            return Some(Self::Address(address));
        }
        let name = to_a_labels(text.strip_suffix('.').unwrap_or(text))?.to_ascii_lowercase();
        let odd = |byte: u8| !byte.is_ascii_graphic() || b"/@[]*\"\\".contains(&byte);
        (!name.is_empty() && !name.bytes().any(odd)).then_some(Self::Name(name))
    }

    /// Whether it is below a domain, at any depth.
    fn is_below(&self, domain: &str) -> bool {
        let Self::Name(name) = self else { return false };
        let labels = name.strip_suffix(domain).and_then(|labels| labels.strip_suffix('.'));
        labels.is_some_and(|labels| !labels.is_empty())
    }
}

/// A port by its number or by the name of its service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Port {
    Number(u16),
    /// The name, which the system knows.
    Service(String),
}

impl Port {
    fn parse(text: &str) -> Result<Self, String> {
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            let number = text.parse().ok().filter(|number| *number != 0);
            return number.map(Self::Number).ok_or_else(|| format!("{} is no port", shown(text)));
        }
        let named = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        // The services of mail are known without the system's list.
        match text {
            "smtp" => Ok(Self::Number(25)),
            "submission" => Ok(Self::Number(587)),
            "submissions" | "smtps" => Ok(Self::Number(465)),
            _ if named => Ok(Self::Service(text.to_owned())),
            _ => Err(format!("{} is no port", shown(text))),
        }
    }
}

/// `host`, `host:port`, `[address]:port` or an address alone, in its two parts.
fn divide(text: &str) -> Result<(&str, Option<&str>), String> {
    let none = || format!("{} is no server", shown(text));
    // A URL is something else.
    if text.contains('/') {
        return Err(none());
    }
    if let Some(rest) = text.strip_prefix('[') {
        let (host, after) = rest.split_once(']').ok_or_else(none)?;
        return match after.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if after.is_empty() => Ok((host, None)),
            None => Err(none()),
        };
    }
    let address = text.split('%').next().unwrap_or_default();
    if address.parse::<Ipv6Addr>().is_ok() {
        return Ok((text, None));
    }
    match text.split_once(':') {
        Some((host, port)) if !port.contains(':') => Ok((host, Some(port))),
        Some(_) => Err(none()),
        None => Ok((text, None)),
    }
}

/// A server that something connects to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub host: Host,
    /// The port, if one is named.
    pub port: Option<Port>,
}

impl Endpoint {
    /// `host[:port]`; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (host, port) = divide(text)?;
        Ok(Self {
            host: Host::parse(host).ok_or_else(|| format!("{} is no server", shown(text)))?,
            port: port.map(Port::parse).transpose()?,
        })
    }
}

/// Which hosts a rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Hosts {
    Any,
    Below(String),
    One(Host),
}

/// The servers that a rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Servers {
    hosts: Hosts,
    /// `None` = any port.
    pub port: Option<Port>,
}

impl Servers {
    /// `host`, `*.domain` or `*`, with or without `:port`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (host, port) = divide(text)?;
        let none = || format!("{} is no server", shown(text));
        let hosts = match (host, host.strip_prefix("*.")) {
            ("*", _) => Hosts::Any,
            (_, Some(domain)) => match Host::parse(domain) {
                Some(Host::Name(domain)) => Hosts::Below(domain),
                Some(Host::Address(_)) | None => return Err(none()),
            },
            (host, None) => Hosts::One(Host::parse(host).ok_or_else(none)?),
        };
        Ok(Self {
            hosts,
            port: port.map(Port::parse).transpose()?,
        })
    }

    /// Whether every server is among them.
    #[must_use]
    pub fn are_all(&self) -> bool {
        self.hosts == Hosts::Any && self.port.is_none()
    }

    /// Whether a host is among them, whatever its port. One that has no spelling is among all
    /// hosts only.
    #[must_use]
    pub fn include(&self, host: Option<&Host>) -> bool {
        match &self.hosts {
            Hosts::Any => true,
            Hosts::Below(domain) => host.is_some_and(|host| host.is_below(domain)),
            Hosts::One(one) => host == Some(one),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, host: &str) -> bool {
        Servers::parse(pattern).unwrap().include(Host::parse(host).as_ref())
    }

    #[test]
    fn hosts_are_compared_in_one_spelling() {
        for (pattern, host) in [
            ("mail.example.org", "mail.example.org"),
            ("Mail.Example.ORG.", "mAIL.example.org"),
            ("mail.example.org", "mail.example.org."),
            ("b\u{fc}cher.example", "XN--BCHER-KVA.example"),
            ("xn--bcher-kva.example", "B\u{dc}CHER.example"),
            ("[::1]", "::1"),
            ("::1", "0:0:0:0:0:0:0:1"),
            ("[::1]:25", "::1"),
            ("127.0.0.1", "127.0.0.1"),
            ("*", "anything"),
            ("*:25", "::1"),
            ("*.example.org", "a.example.org"),
            ("*.example.org", "a.b.EXAMPLE.org."),
            ("*.b\u{fc}cher.example", "mail.xn--bcher-kva.example"),
            ("_submission._tcp.example.org", "_Submission._tcp.example.org"),
        ] {
            assert!(fits(pattern, host), "{pattern} {host}");
        }
        for (pattern, host) in [
            ("mail.example.org", "mail.example.com"),
            ("mail.example.org", "mail.example.org.example.org"),
            ("*.example.org", "example.org"),
            ("*.example.org", ".example.org"),
            ("*.example.org", "badexample.org"),
            ("::1", "127.0.0.1"),
        ] {
            assert!(!fits(pattern, host), "{pattern} {host}");
        }
    }

    #[test]
    fn ports_by_number_and_service() {
        let port = |text| Servers::parse(text).map(|servers| servers.port);
        assert_eq!(port("a"), Ok(None));
        assert_eq!(port("a:25"), Ok(Some(Port::Number(25))));
        assert_eq!(port("[::1]:smtps"), Ok(Some(Port::Number(465))));
        assert_eq!(port("*:submission"), Ok(Some(Port::Number(587))));
        assert_eq!(port("*:gopher"), Ok(Some(Port::Service("gopher".to_owned()))));
        assert_eq!(port("*:65536"), Err("\"65536\" is no port".to_owned()));
        assert_eq!(port("*:0"), Err("\"0\" is no port".to_owned()));
        assert_eq!(port("*:"), Err("\"\" is no port".to_owned()));
        assert_eq!(port("*:a b"), Err("\"a b\" is no port".to_owned()));
    }

    #[test]
    fn what_is_no_server() {
        for text in [
            "",
            ":25",
            "a*.example",
            "*.",
            "*.*",
            "a@b",
            "smtps://a",
            "a b",
            "[::1",
            "[::1]25",
            "a:b:c",
        ] {
            assert_eq!(Servers::parse(text), Err(format!("\"{text}\" is no server")), "{text}");
        }
        assert!(Servers::parse("*.127.0.0.1").is_err());
        assert!(Endpoint::parse("*").is_err());
    }

    #[test]
    fn everything_is_the_star_alone() {
        assert!(Servers::parse("*").unwrap().are_all());
        assert!(!Servers::parse("*:25").unwrap().are_all());
        assert!(!Servers::parse("*.org").unwrap().are_all());
    }
}
