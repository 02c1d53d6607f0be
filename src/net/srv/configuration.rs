// SPDX-License-Identifier: LGPL-2.1-or-later
//! Which name servers to ask and how, as the system does (resolv.conf(5)).

use std::ffi::CString;
use std::fs::File;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6};
use std::time::Duration;

use hickory_resolver::config::{
    NameServerConfig, NameServerConfigGroup, ResolverOpts, ServerOrderingStrategy,
};
use hickory_resolver::proto::xfer::Protocol;
use resolv_conf::{Config, ScopedIp};

const FILE: &str = "/etc/resolv.conf";
/// The file is a few lines; one that is longer is not read further.
const FILE_MAX: u64 = 64 * 1024;
const PORT: u16 = 53;
// glibc's own bounds.
const SERVERS_MAX: usize = 3;
const SECONDS_MAX: u32 = 30;
const ATTEMPTS_MAX: u32 = 5;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Configuration {
    /// In the order in which they are asked.
    pub(super) servers: Vec<SocketAddr>,
    /// How long each is waited for.
    pub(super) patience: Duration,
    /// How often all of them are asked.
    pub(super) attempts: u32,
    /// Whether the servers are told that long answers may come over UDP (RFC 6891).
    pub(super) edns: bool,
}

impl Configuration {
    pub(super) fn of_system() -> Self {
        let mut text = Vec::new();
        // glibc takes a file that it cannot read for an empty one.
        if let Ok(file) = File::open(FILE) {
            let _ = file.take(FILE_MAX).read_to_end(&mut text);
        }
        Self::parse(&text)
    }

    /// Lines that make no sense are skipped; without a name server, this host is asked.
    fn parse(text: &[u8]) -> Self {
        let (config, _) = Config::parse_with_errors(text);
        let mut servers: Vec<_> = config.nameservers.iter().take(SERVERS_MAX).filter_map(address).collect();
        if servers.is_empty() {
            servers.push((Ipv4Addr::LOCALHOST, PORT).into());
        }
        Self {
            servers,
            patience: Duration::from_secs(config.timeout.clamp(1, SECONDS_MAX).into()),
            attempts: config.attempts.clamp(1, ATTEMPTS_MAX),
            edns: config.edns0,
        }
    }

    pub(super) fn name_servers(&self) -> NameServerConfigGroup {
        let both = |server: &SocketAddr| {
            [Protocol::Udp, Protocol::Tcp].map(|protocol| NameServerConfig::new(*server, protocol))
        };
        self.servers.iter().flat_map(both).collect::<Vec<_>>().into()
    }

    pub(super) fn options(&self) -> ResolverOpts {
        let mut options = ResolverOpts::default();
        options.timeout = self.patience;
        // One after the other: the second may know less than the first, as with the server of
        // a private network and a public one.
        options.num_concurrent_reqs = 1;
        options.server_ordering_strategy = ServerOrderingStrategy::UserProvidedOrder;
        options
    }

    pub(super) fn retries(&self) -> usize {
        usize::try_from(self.attempts.saturating_sub(1)).unwrap_or_default()
    }
}

fn address(server: &ScopedIp) -> Option<SocketAddr> {
    match server {
        ScopedIp::V6(address, Some(zone)) => {
            Some(SocketAddrV6::new(*address, PORT, 0, interface(zone)?).into())
        }
        other => Some((IpAddr::from(other), PORT).into()),
    }
}

/// The number of the interface that a zone (`%eth0`, `%2`) names.
fn interface(zone: &str) -> Option<u32> {
    if let Ok(number) = zone.parse() {
        return Some(number);
    }
    let name = CString::new(zone).ok()?;
    // SAFETY: the name is a C string for the time of the call.
    let number = unsafe { libc::if_nametoindex(name.as_ptr()) };
    (number != 0).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(text: &str) -> Vec<String> {
        let configuration = Configuration::parse(text.as_bytes());
        configuration.servers.iter().map(SocketAddr::to_string).collect()
    }

    #[test]
    fn servers_are_asked_in_the_order_of_the_file() {
        let text = "nameserver 192.0.2.2\nsearch example.org\nnameserver 192.0.2.1\nnameserver 2001:db8::1\n";
        assert_eq!(servers(text), ["192.0.2.2:53", "192.0.2.1:53", "[2001:db8::1]:53"]);
        assert_eq!(servers(&text.replace("2001", "192.0.2.3\nnameserver 2001")).len(), SERVERS_MAX);
    }

    #[test]
    fn zones_are_names_or_numbers() {
        let text = "nameserver fe80::1%7\nnameserver fe80::2%lo\nnameserver fe80::3%no-such-interface\n";
        assert_eq!(servers(text), ["[fe80::1%7]:53", "[fe80::2%1]:53"]);
    }

    #[test]
    fn nothing_usable_means_this_host() {
        assert_eq!(servers(""), ["127.0.0.1:53"]);
        assert_eq!(servers("nameserver nonsense\n"), ["127.0.0.1:53"]);
    }

    #[test]
    fn a_bad_line_does_not_spoil_the_others() {
        let text =
            "options of-tomorrow timeout:2 attempts:x\nfuture yes\n\u{fc}\nnameserver 192.0.2.1 # here\n";
        let configuration = Configuration::parse(text.as_bytes());
        assert_eq!(configuration.servers, ["192.0.2.1:53".parse().expect("address")]);
        assert_eq!(configuration.patience, Duration::from_secs(2));
        assert_eq!(configuration.attempts, 2);
    }

    #[test]
    fn options_have_the_bounds_of_the_system() {
        let parse = |text: &str| Configuration::parse(text.as_bytes());
        let usual = parse("");
        assert_eq!((usual.patience.as_secs(), usual.attempts, usual.edns), (5, 2, false));
        let least = parse("options timeout:0 attempts:0 edns0");
        assert_eq!((least.patience.as_secs(), least.attempts, least.edns), (1, 1, true));
        let most = parse("options timeout:4000000000 attempts:4000000000");
        assert_eq!((most.patience.as_secs(), most.attempts), (30, 5));
    }
}
