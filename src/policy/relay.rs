// SPDX-License-Identifier: LGPL-2.1-or-later
//! A relay: how a session reaches its server, and what it demands there.

use std::ffi::CString;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::fault::Position;
use super::host::Endpoint;

/// Whether TLS is used. There is no "if offered": that is what an attacker takes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// Not at all.
    Off,
    /// STARTTLS (RFC 3207), or the session ends.
    StartTls,
    /// From the first byte on (RFC 8314).
    Implicit,
}

/// Who has the last word about a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verify {
    /// We; the program is told.
    #[default]
    Strict,
    /// The program, as it would without a policy.
    Program,
}

/// The least version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TlsVersion {
    /// 1.2.
    #[default]
    V1_2,
    /// 1.3.
    V1_3,
}

/// Whether a session goes on without authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// As the program set it up.
    AsProgram,
    /// It does not.
    Required,
    /// It tries, and goes on.
    Optional,
    /// It does not try.
    Never,
}

/// Where a secret comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    File(PathBuf),
    /// A file in the folder that systemd gives to a service.
    Credential(String),
    /// A Unix socket.
    Socket(PathBuf),
}

/// A client certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The certificate and those that lead to its authority.
    pub file: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Time limits; `None` = the program's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timeouts {
    /// For the connection.
    pub connect: Option<Duration>,
    /// For each reply but the one to the end of a text.
    pub reply: Option<Duration>,
    /// For the reply to the end of a text.
    pub end_of_data: Option<Duration>,
}

/// The protocol of a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyKind {
    /// SOCKS 5 (RFC 1928), which looks names up.
    Socks5,
    /// HTTP's CONNECT (RFC 9110 §9.3.6).
    Http,
}

/// Who connects in our place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// How it is spoken to.
    pub kind: ProxyKind,
    /// Where it is: a name or an address.
    pub host: String,
    pub port: u16,
    /// As whom.
    pub user: Option<String>,
    /// The password for it.
    pub secret: Option<SecretSource>,
}

/// A server that a relay names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayServer {
    /// As a program would set it.
    pub text: CString,
    /// Its parts.
    pub endpoint: Endpoint,
    /// It was written with `smtps://`.
    pub implicit_tls: bool,
}

/// A key as somebody wrote it, to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The key; with a dot if it is one of a table.
    pub key: &'static str,
    /// Its value, as it stands in the file.
    pub written: String,
    /// Where.
    pub position: Position,
    pub is_default: bool,
}

/// What the policy says of one relay. What it does not say is the program's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relay {
    /// What rules call it.
    pub name: String,
    /// Where it is written.
    pub position: Position,
    /// The server; `None` = the program's.
    pub server: Option<RelayServer>,
    /// Whether TLS is used; `None` = as the program wants it.
    pub tls: Option<Tls>,
    /// Who has the last word about a certificate.
    pub verify: Verify,
    /// The name to send and to look for in the certificate; `None` = the server's.
    pub tls_name: Option<CString>,
    /// The least version of TLS.
    pub tls_min: TlsVersion,
    /// Certificates of authorities.
    pub ca_file: Option<PathBuf>,
    /// A folder of such.
    pub ca_dir: Option<PathBuf>,
    /// SHA-256 of the public keys of which the server must have one.
    pub pins: Vec<[u8; 32]>,
    /// The certificate to show.
    pub certificate: Option<Certificate>,
    /// As whom; `None` = the program is asked.
    pub user: Option<String>,
    /// The password or token; `None` = the program is asked.
    pub secret: Option<SecretSource>,
    /// The only mechanisms; `None` = those that the program allows.
    pub mechanisms: Option<Vec<String>>,
    /// Whether the session goes on without authentication.
    pub auth: Auth,
    /// Our name for EHLO.
    pub hello: Option<CString>,
    /// Our address.
    pub source: Option<IpAddr>,
    /// Time limits.
    pub timeouts: Timeouts,
    /// Who connects in our place.
    pub proxy: Option<Proxy>,
    /// EHLO keywords that count as not offered, in capital letters.
    pub ignore: Vec<String>,
    /// All of this as it was written.
    pub settings: Vec<Setting>,
}
