// SPDX-License-Identifier: LGPL-2.1-or-later
//! Names to addresses through the system's `getaddrinfo`: nsswitch, `/etc/hosts` and its
//! error codes are what programs rely on.

use std::ffi::{CStr, CString, c_int};
use std::io;
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::ptr;

use crate::error::{Error, ResolveError, Result};
use crate::host::resolver_code_message;

/// What a name stands for.
#[derive(Debug)]
pub struct Resolved {
    /// Where to connect to, in the system's order of preference, each once.
    pub addresses: Vec<SocketAddr>,
    /// The host's canonical name.
    pub canonical: Option<CString>,
}

/// The services of mail submission, which a system without `/etc/services` does not know.
const SERVICES: [(&CStr, &CStr); 4] =
    [(c"smtp", c"25"), (c"submission", c"587"), (c"submissions", c"465"), (c"smtps", c"465")];

/// The port of a service that is known without the system's list.
fn known_port(service: &CStr) -> Option<&'static CStr> {
    SERVICES.iter().find(|(name, _)| *name == service).map(|(_, port)| *port)
}

/// Looks up host and service.
pub fn resolve(host: &CStr, service: &CStr) -> Result<Resolved> {
    if let Some(address) = literal(host, service) {
        return Ok(Resolved {
            addresses: vec![address],
            canonical: Some(host.to_owned()),
        });
    }
    let look_up = |service| List::look_up(Some(host), Some(service), libc::AI_CANONNAME);
    let found = look_up(service).or_else(|error| match known_port(service) {
        Some(port) if error == Error::Resolve(ResolveError::Service) => look_up(port),
        _ => Err(error),
    });
    let list = found.map_err(|error| match error {
        Error::Resolve(ResolveError::Service) => error.because(service.to_string_lossy()),
        _ => error.because(host.to_string_lossy()),
    })?;
    let mut resolved = Resolved { addresses: Vec::new(), canonical: None };
    for entry in list.iter() {
        if resolved.canonical.is_none() {
            resolved.canonical = canonical(entry);
        }
        if let Some(address) = address(entry).filter(|one| !resolved.addresses.contains(one)) {
            resolved.addresses.push(address);
        }
    }
    if resolved.addresses.is_empty() {
        return Err(Error::Resolve(ResolveError::NoData).because(host.to_string_lossy()));
    }
    Ok(resolved)
}

/// An address and a number, which the system need not be asked about. It knows other forms, too.
fn literal(host: &CStr, service: &CStr) -> Option<SocketAddr> {
    let ip: IpAddr = host.to_str().ok()?.parse().ok()?;
    let digits = service.to_str().ok().filter(|text| text.bytes().all(|octet| octet.is_ascii_digit()))?;
    Some(SocketAddr::new(ip, digits.parse().ok()?))
}

/// The port of a service, by its name or number.
#[must_use]
pub fn service_port(service: &CStr) -> Option<u16> {
    resolve(c"127.0.0.1", service).ok()?.addresses.first().map(SocketAddr::port)
}

/// The canonical name of a host, if there is one.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(super) fn canonical_name(host: &CStr) -> Option<CString> {
    let list = List::look_up(Some(host), None, libc::AI_CANONNAME).ok()?;
    list.iter().find_map(canonical)
}

/// Whether the system knows a service by this name or number.
pub(super) fn is_service(service: &CStr) -> bool {
    known_port(service).is_some() || List::look_up(None, Some(service), 0).is_ok()
}

/// A result of `getaddrinfo`, freed with the value.
struct List(*mut libc::addrinfo);

impl List {
    fn look_up(host: Option<&CStr>, service: Option<&CStr>, flags: c_int) -> Result<Self> {
        // SAFETY: all zeroes is what addrinfo is to be for hints: no flags, any family, no pointers.
        let mut hints: libc::addrinfo = unsafe { mem::zeroed() };
        hints.ai_flags = flags;
        hints.ai_family = libc::AF_UNSPEC;
        hints.ai_socktype = libc::SOCK_STREAM;
        let host = host.map_or(ptr::null(), CStr::as_ptr);
        let service = service.map_or(ptr::null(), CStr::as_ptr);
        let mut list = ptr::null_mut();
        // SAFETY: the names are C strings or null, the hints are filled, the list is ours to set.
        let code = unsafe { libc::getaddrinfo(host, service, &raw const hints, &raw mut list) };
        if code == 0 { Ok(Self(list)) } else { Err(failure(code)) }
    }

    fn iter(&self) -> impl Iterator<Item = &libc::addrinfo> {
        // SAFETY: the list is getaddrinfo's; its entries live until freeaddrinfo, which runs
        // when `self` is dropped.
        let first = unsafe { self.0.as_ref() };
        std::iter::successors(first, |entry| {
            // SAFETY: as above: each entry points to the next or is the last.
            unsafe { entry.ai_next.as_ref() }
        })
    }
}

impl Drop for List {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: the list came from getaddrinfo and is freed once, here.
            unsafe { libc::freeaddrinfo(self.0) }
        }
    }
}

pub(super) fn canonical(entry: &libc::addrinfo) -> Option<CString> {
    if entry.ai_canonname.is_null() {
        return None;
    }
    // SAFETY: a canonical name that is there is a C string that lives as long as its entry.
    let name = unsafe { CStr::from_ptr(entry.ai_canonname) };
    (!name.is_empty()).then(|| name.to_owned())
}

fn address(entry: &libc::addrinfo) -> Option<SocketAddr> {
    let length = usize::try_from(entry.ai_addrlen).ok()?;
    if entry.ai_addr.is_null() {
        return None;
    }
    if entry.ai_family == libc::AF_INET && length >= size_of::<libc::sockaddr_in>() {
        // SAFETY: family and length say that this is a sockaddr_in; read_unaligned needs no more.
        let inet = unsafe { ptr::read_unaligned(entry.ai_addr.cast::<libc::sockaddr_in>()) };
        let ip = Ipv4Addr::from(u32::from_be(inet.sin_addr.s_addr));
        let port = u16::from_be(inet.sin_port);
        return Some(SocketAddrV4::new(ip, port).into());
    }
    if entry.ai_family == libc::AF_INET6 && length >= size_of::<libc::sockaddr_in6>() {
        // SAFETY: family and length say that this is a sockaddr_in6; read_unaligned needs no more.
        let inet = unsafe { ptr::read_unaligned(entry.ai_addr.cast::<libc::sockaddr_in6>()) };
        let ip = Ipv6Addr::from(inet.sin6_addr.s6_addr);
        let port = u16::from_be(inet.sin6_port);
        return Some(SocketAddrV6::new(ip, port, inet.sin6_flowinfo, inet.sin6_scope_id).into());
    }
    None
}

// glibc hides these two behind `_GNU_SOURCE`, so the crate lacks them.
const EAI_NODATA: c_int = -5;
const EAI_ADDRFAMILY: c_int = -9;

/// `getaddrinfo`'s codes and what they mean here.
const FAILURES: [(c_int, ResolveError); 10] = [
    (EAI_ADDRFAMILY, ResolveError::AddressFamily),
    (EAI_NODATA, ResolveError::NoData),
    (libc::EAI_FAIL, ResolveError::Fail),
    (libc::EAI_AGAIN, ResolveError::Again),
    (libc::EAI_MEMORY, ResolveError::Memory),
    (libc::EAI_FAMILY, ResolveError::Family),
    (libc::EAI_BADFLAGS, ResolveError::BadFlags),
    (libc::EAI_NONAME, ResolveError::NoName),
    (libc::EAI_SERVICE, ResolveError::Service),
    (libc::EAI_SOCKTYPE, ResolveError::SocketType),
];

fn failure(code: c_int) -> Error {
    if code == libc::EAI_SYSTEM {
        return io::Error::last_os_error().into();
    }
    let known = FAILURES.iter().find(|(number, _)| *number == code);
    Error::Resolve(known.map_or(ResolveError::Fail, |(_, meaning)| *meaning))
}

/// The system's text for a number of ours (`SMTP_ERR_EAI_*`).
#[must_use]
pub fn resolver_message(error: c_int) -> CString {
    let is_it = |(_, meaning): &&(c_int, ResolveError)| Error::Resolve(*meaning).code() == error;
    let code = FAILURES.iter().find(is_it).map_or(libc::EAI_FAIL, |(number, _)| *number);
    resolver_code_message(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the system makes of them.
    fn asked(host: &CStr, service: &CStr) -> Option<(SocketAddr, Option<CString>)> {
        let list = List::look_up(Some(host), Some(service), libc::AI_CANONNAME).ok()?;
        let entry = list.iter().next()?;
        Some((address(entry)?, canonical(entry)))
    }

    #[test]
    fn an_address_and_a_number_are_what_the_system_makes_of_them() {
        let hosts = [
            c"127.0.0.1",
            c"0.0.0.0",
            c"255.255.255.255",
            c"::1",
            c"::ffff:127.0.0.1",
            c"2001:DB8::25",
            c"fe80::1",
        ];
        for host in hosts {
            for service in [c"2525", c"0", c"0025", c"65535"] {
                let found = literal(host, service).expect("an address and a number");
                assert_eq!(
                    Some((found, Some(host.to_owned()))),
                    asked(host, service),
                    "{host:?} {service:?}"
                );
                let resolved = resolve(host, service).expect("numeric");
                assert_eq!((resolved.addresses, resolved.canonical.as_deref()), (vec![found], Some(host)));
            }
        }
        // Other forms of an address or a number are for the system, and so is what is none.
        for (host, service) in [
            (c"127.1", c"25"),
            (c"127.0.0.01", c"25"),
            (c"0x7f000001", c"25"),
            (c"::1%lo", c"25"),
            (c"[::1]", c"25"),
            (c" ::1", c"25"),
            (c"localhost", c"25"),
            (c"127.0.0.1", c""),
            (c"127.0.0.1", c"+25"),
            (c"127.0.0.1", c" 25"),
            (c"127.0.0.1", c"65536"),
            (c"127.0.0.1", c"smtp"),
        ] {
            assert_eq!(literal(host, service), None, "{host:?} {service:?}");
        }
    }

    #[test]
    fn an_unknown_service_is_told_apart() {
        let error = resolve(c"127.0.0.1", c"no-such-service").expect_err("unknown");
        assert_eq!(error, Error::Resolve(ResolveError::Service));
        assert!(is_service(c"25"));
        assert!(!is_service(c"no-such-service"));
        assert_eq!(service_port(c"smtp"), Some(25));
        assert_eq!(service_port(c"2525"), Some(2525));
        assert_eq!(service_port(c"no-such-service"), None);
    }

    /// Whether or not the system knows them.
    #[test]
    fn services_of_mail() {
        for (service, port) in [(c"smtp", 25), (c"submission", 587), (c"submissions", 465)] {
            let resolved = resolve(c"127.0.0.1", service).expect("known");
            assert_eq!(resolved.addresses, [([127, 0, 0, 1], port).into()], "{service:?}");
            assert!(is_service(service));
        }
        assert_eq!(known_port(c"smtps"), Some(c"465"));
        assert_eq!(known_port(c"smtp "), None);
        assert_eq!(known_port(c""), None);
    }
}
