// SPDX-License-Identifier: LGPL-2.1-or-later
//! Whether a certificate is the server's own (RFC 9525). OpenSSL compares the names.

use std::ffi::{CString, c_uint};
use std::net::IpAddr;
use std::{ptr, slice};

use foreign_types::ForeignTypeRef as _;
use openssl::nid::Nid;
use openssl::x509::{GeneralNameRef, X509Ref};
use openssl_sys::ASN1_STRING;

use super::server_name::ServerName;

/// `*.example.org` is a wildcard, `mx*.example.org` is none.
const FLAGS: c_uint = openssl_sys::X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;

/// The outcome of the comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// The certificate names the server.
    Matches,
    /// It names another.
    Mismatch {
        /// The last of its DNS names, else its commonName, else nothing. A NUL within, which
        /// would hide what follows it, is shown as `?`.
        name_found: CString,
    },
}

/// Compares the certificate with the name that the application has set.
pub(super) fn check(certificate: &X509Ref, host: &ServerName) -> Identity {
    let matches = match host {
        ServerName::Host(name) => is_host(certificate, name),
        ServerName::Address(IpAddr::V4(address)) => is_address(certificate, &address.octets()),
        ServerName::Address(IpAddr::V6(address)) => is_address(certificate, &address.octets()),
        ServerName::Other => false,
    };
    if matches {
        return Identity::Matches;
    }
    let name = dns_names(certificate).pop().or_else(|| common_name(certificate));
    Identity::Mismatch {
        name_found: visible(name.unwrap_or_default()),
    }
}

/// DNS names, and the commonName only if there is none: OpenSSL's default.
fn is_host(certificate: &X509Ref, name: &CString) -> bool {
    // SAFETY: the certificate is live; the name is live and as long as is said.
    let result = unsafe {
        openssl_sys::X509_check_host(
            certificate.as_ptr(),
            name.as_ptr(),
            name.as_bytes().len(),
            FLAGS,
            ptr::null_mut(),
        )
    };
    result == 1
}

/// IP address entries and nothing else.
fn is_address(certificate: &X509Ref, address: &[u8]) -> bool {
    // SAFETY: the certificate is live; the address is live and as long as is said.
    let result =
        unsafe { openssl_sys::X509_check_ip(certificate.as_ptr(), address.as_ptr(), address.len(), FLAGS) };
    result == 1
}

/// The DNS entries of subjectAltName.
fn dns_names(certificate: &X509Ref) -> Vec<Vec<u8>> {
    let names = certificate.subject_alt_names();
    names.iter().flatten().filter_map(dns_name).collect()
}

fn dns_name(name: &GeneralNameRef) -> Option<Vec<u8>> {
    // SAFETY: the entry is live, and OpenSSL's structure is as declared.
    let entry = unsafe { &*name.as_ptr() };
    if entry.type_ != openssl_sys::GEN_DNS {
        return None;
    }
    let string: *const ASN1_STRING = entry.d.cast();
    // SAFETY: a DNS entry holds an IA5String.
    let start = unsafe { openssl_sys::ASN1_STRING_get0_data(string) };
    // SAFETY: as above.
    let length = unsafe { openssl_sys::ASN1_STRING_length(string) };
    match usize::try_from(length) {
        // SAFETY: the string holds that many bytes there, and lives as long as the entry.
        Ok(length @ 1..) => Some(unsafe { slice::from_raw_parts(start, length) }.to_vec()),
        _ => Some(Vec::new()),
    }
}

/// The last commonName of the subject, the most specific one.
pub(super) fn common_name(certificate: &X509Ref) -> Option<Vec<u8>> {
    let entry = certificate.subject_name().entries_by_nid(Nid::COMMONNAME).last()?;
    entry.data().to_string().ok().map(String::into_bytes)
}

fn visible(mut name: Vec<u8>) -> CString {
    for byte in name.iter_mut().filter(|byte| **byte == 0) {
        *byte = b'?';
    }
    CString::new(name).unwrap_or_default()
}

#[cfg(test)]
mod tests;
