// SPDX-License-Identifier: LGPL-2.1-or-later
//! The keys of a relay and of the defaults, from text to typed values.

use std::ffi::CString;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::fault::shown;
use super::host::{Endpoint, Host, Port};
use super::relay::{
    Auth, Certificate, Proxy, ProxyKind, RelayServer, SecretSource, Setting, Timeouts, Tls, TlsVersion,
    Verify,
};
use super::table::{Entry, Parsed, Value};

/// What was written for a relay, or as a default for all of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Keys {
    pub(super) server: Option<RelayServer>,
    pub(super) tls: Option<Tls>,
    pub(super) verify: Option<Verify>,
    pub(super) tls_name: Option<CString>,
    pub(super) tls_min: Option<TlsVersion>,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) ca_dir: Option<PathBuf>,
    pub(super) pins: Option<Vec<[u8; 32]>>,
    pub(super) certificate: Option<Certificate>,
    pub(super) user: Option<String>,
    pub(super) secret: Option<SecretSource>,
    pub(super) mechanisms: Option<Vec<String>>,
    pub(super) auth: Option<Auth>,
    pub(super) hello: Option<CString>,
    pub(super) source: Option<IpAddr>,
    pub(super) timeouts: Timeouts,
    pub(super) proxy: Option<Proxy>,
    pub(super) proxy_secret: Option<SecretSource>,
    pub(super) ignore: Option<Vec<String>>,
    pub(super) settings: Vec<Setting>,
}

impl Keys {
    /// The keys of `[defaults]`.
    pub(super) fn of_defaults(entries: &[Entry<'_>]) -> Parsed<Self> {
        let mut keys = Self::default();
        for entry in entries {
            if entry.key == "server" {
                return Err(entry.mistake("a server is a relay's own"));
            }
            keys.set(entry, true)?;
        }
        Ok(keys)
    }

    /// The keys of a relay, over the defaults.
    pub(super) fn of_relay(entries: &[Entry<'_>], defaults: &Self) -> Parsed<Self> {
        let mut keys = defaults.clone();
        let mut tls_entry = None;
        for entry in entries {
            keys.set(entry, false)?;
            if entry.key == "tls" {
                tls_entry = Some(entry);
            }
        }
        let implicit = keys.server.as_ref().is_some_and(|server| server.implicit_tls);
        if let Some(entry) = tls_entry.filter(|_| implicit && keys.tls != Some(Tls::Implicit)) {
            return Err(entry
                .value
                .mistake("the server is written with smtps://, which is tls = \"implicit\""));
        }
        keys.check_proxy(entries)?;
        Ok(keys)
    }

    /// A name for the proxy and a password for it come together.
    fn check_proxy(&self, entries: &[Entry<'_>]) -> Parsed<()> {
        let entry = |key: &str| entries.iter().find(|entry| entry.key == key);
        let named = self.proxy.as_ref().is_some_and(|proxy| proxy.user.is_some());
        match (named, &self.proxy_secret) {
            (true, None) => {
                entry("proxy").map_or(Ok(()), |entry| Err(entry.value.mistake("a user without proxy-secret")))
            }
            (false, Some(_)) => entry("proxy-secret").map_or(Ok(()), |entry| {
                Err(entry.mistake("proxy-secret without a user in the URL of the proxy"))
            }),
            (true, Some(_)) | (false, None) => Ok(()),
        }
    }

    fn set(&mut self, entry: &Entry<'_>, is_default: bool) -> Parsed<()> {
        let value = entry.value;
        let key = match entry.key {
            "server" => {
                self.server = Some(server(value)?);
                "server"
            }
            "tls" => {
                let words = [("off", Tls::Off), ("starttls", Tls::StartTls), ("implicit", Tls::Implicit)];
                self.tls = Some(value.word(&words)?);
                "tls"
            }
            "verify" => {
                let words = [("strict", Verify::Strict), ("program", Verify::Program)];
                self.verify = Some(value.word(&words)?);
                "verify"
            }
            "tls-name" => {
                self.tls_name = Some(tls_name(value)?);
                "tls-name"
            }
            "tls-min" => {
                let words = [("1.2", TlsVersion::V1_2), ("1.3", TlsVersion::V1_3)];
                self.tls_min = Some(value.word(&words)?);
                "tls-min"
            }
            "ca-file" => {
                self.ca_file = Some(path(value)?);
                "ca-file"
            }
            "ca-dir" => {
                self.ca_dir = Some(path(value)?);
                "ca-dir"
            }
            "pin" => {
                self.pins = Some(value.nonempty_list()?.into_iter().map(pin).collect::<Parsed<_>>()?);
                "pin"
            }
            "certificate" => {
                self.certificate = Some(certificate(value)?);
                "certificate"
            }
            "user" => {
                self.user = Some(value.string()?.to_owned());
                "user"
            }
            "secret" => {
                self.secret = Some(secret(value)?);
                "secret"
            }
            "mechanisms" => {
                let names = value.nonempty_list()?.into_iter().map(mechanism);
                self.mechanisms = Some(names.collect::<Parsed<_>>()?);
                "mechanisms"
            }
            "auth" => {
                let words =
                    [("required", Auth::Required), ("optional", Auth::Optional), ("never", Auth::Never)];
                self.auth = Some(value.word(&words)?);
                "auth"
            }
            "hello" => {
                self.hello = Some(hello(value)?);
                "hello"
            }
            "source" => {
                self.source = Some(source(value)?);
                "source"
            }
            "timeout" => return self.set_timeouts(value, is_default),
            "proxy" => {
                self.proxy = Some(proxy(value)?);
                "proxy"
            }
            "proxy-secret" => {
                self.proxy_secret = Some(secret(value)?);
                "proxy-secret"
            }
            "ignore" => {
                self.ignore = Some(value.list()?.into_iter().map(keyword).collect::<Parsed<_>>()?);
                "ignore"
            }
            _ => return Err(entry.unknown()),
        };
        self.note(key, entry, is_default);
        Ok(())
    }

    /// Each of them by itself: a relay that changes one keeps the others of the defaults.
    fn set_timeouts(&mut self, value: Value<'_>, is_default: bool) -> Parsed<()> {
        for entry in value.table()? {
            let (key, place) = match entry.key {
                "connect" => ("timeout.connect", &mut self.timeouts.connect),
                "reply" => ("timeout.reply", &mut self.timeouts.reply),
                "end-of-data" => ("timeout.end-of-data", &mut self.timeouts.end_of_data),
                _ => return Err(entry.unknown()),
            };
            *place = Some(duration(entry.value)?);
            self.note(key, &entry, is_default);
        }
        Ok(())
    }

    fn note(&mut self, key: &'static str, entry: &Entry<'_>, is_default: bool) {
        self.settings.retain(|earlier| earlier.key != key);
        self.settings.push(Setting {
            key,
            written: entry.value.written().to_owned(),
            position: entry.position,
            is_default,
        });
    }
}

fn server(value: Value<'_>) -> Parsed<RelayServer> {
    let text = value.string()?;
    let behind = |scheme: &str| {
        let (start, rest) = text.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then(|| rest.strip_suffix('/').unwrap_or(rest))
    };
    let implicit = behind("smtps://");
    let rest = implicit.or_else(|| behind("smtp://")).unwrap_or(text);
    let endpoint = Endpoint::parse(rest).map_err(|text| value.mistake(text))?;
    Ok(RelayServer {
        text: c_string(text, value)?,
        endpoint,
        implicit_tls: implicit.is_some(),
    })
}

/// A string without control characters has no NUL.
fn c_string(text: &str, value: Value<'_>) -> Parsed<CString> {
    CString::new(text).map_err(|_| value.mistake("a NUL in a string"))
}

fn tls_name(value: Value<'_>) -> Parsed<CString> {
    let text = value.string()?;
    match Host::parse(text) {
        Some(Host::Name(name)) => c_string(&name, value),
        Some(Host::Address(address)) => c_string(&address.to_string(), value),
        None => Err(value.mistake(format!("{} is no host name", shown(text)))),
    }
}

/// A relative path would depend on where the program happens to run.
fn path(value: Value<'_>) -> Parsed<PathBuf> {
    let text = value.string()?;
    if text.starts_with('/') {
        Ok(PathBuf::from(text))
    } else {
        Err(value.mistake(format!("{} is no absolute path", shown(text))))
    }
}

fn pin(value: Value<'_>) -> Parsed<[u8; 32]> {
    let text = value.string()?;
    let Some(encoded) = text.strip_prefix("sha256:") else {
        return Err(value.mistake(format!("{} does not begin with \"sha256:\"", shown(text))));
    };
    let Ok(octets) = BASE64_STANDARD.decode(encoded) else {
        return Err(value.mistake(format!("{} is not base64", shown(encoded))));
    };
    let length = octets.len();
    let pin = <[u8; 32]>::try_from(octets);
    pin.map_err(|_| value.mistake(format!("a pin has 32 octets, this one {length}")))
}

fn certificate(value: Value<'_>) -> Parsed<Certificate> {
    let (mut file, mut key) = (None, None);
    for entry in value.table()? {
        match entry.key {
            "file" => file = Some(path(entry.value)?),
            "key" => key = Some(path(entry.value)?),
            _ => return Err(entry.unknown()),
        }
    }
    match (file, key) {
        (Some(file), Some(key)) => Ok(Certificate { file, key }),
        (None, _) => Err(value.mistake("certificate without file")),
        (_, None) => Err(value.mistake("certificate without key")),
    }
}

fn secret(value: Value<'_>) -> Parsed<SecretSource> {
    const ONE_OF: &str = "a secret is one of { file }, { credential }, { socket }";
    let mut source = None;
    for entry in value.table()? {
        let this = match entry.key {
            "file" => SecretSource::File(path(entry.value)?),
            "credential" => SecretSource::Credential(credential(entry.value)?),
            "socket" => SecretSource::Socket(path(entry.value)?),
            _ => return Err(entry.unknown()),
        };
        if source.replace(this).is_some() {
            return Err(entry.mistake(ONE_OF));
        }
    }
    source.ok_or_else(|| value.mistake(ONE_OF))
}

fn credential(value: Value<'_>) -> Parsed<String> {
    let text = value.string()?;
    if text.contains('/') || matches!(text, "." | "..") {
        return Err(value.mistake(format!("{} is no name of a credential", shown(text))));
    }
    Ok(text.to_owned())
}

/// RFC 4422 §3.1.
fn mechanism(value: Value<'_>) -> Parsed<String> {
    const NAME_MAX: usize = 20;
    let text = value.string()?;
    let known = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    if text.len() > NAME_MAX || !text.bytes().all(known) {
        let text = format!("{} is no name of a mechanism: capitals, digits, - and _", shown(text));
        return Err(value.mistake(text));
    }
    Ok(text.to_owned())
}

/// A domain or an address literal (RFC 5321 §4.1.1.1).
fn hello(value: Value<'_>) -> Parsed<CString> {
    const DOMAIN_MAX: usize = 255;
    let text = value.string()?;
    if text.len() > DOMAIN_MAX || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(value.mistake(format!("{} is no name for EHLO", shown(text))));
    }
    c_string(text, value)
}

fn source(value: Value<'_>) -> Parsed<IpAddr> {
    let text = value.string()?;
    text.parse().map_err(|_| value.mistake(format!("{} is no IP address", shown(text))))
}

fn duration(value: Value<'_>) -> Parsed<Duration> {
    /// Whoever waits longer than a day does not wait for a reply.
    const MAX: u64 = 86_400;
    let text = value.string()?;
    let none =
        || value.mistake(format!("{} is no time from 1 s to a day, such as \"10s\" or \"2m\"", shown(text)));
    let (digits, unit) = match (text.strip_suffix('s'), text.strip_suffix('m'), text.strip_suffix('h')) {
        (Some(digits), ..) => (digits, 1),
        (_, Some(digits), _) => (digits, 60),
        (_, _, Some(digits)) => (digits, 3600),
        _ => return Err(none()),
    };
    let digits = Some(digits).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let count: Option<u64> = digits.and_then(|digits| digits.parse().ok());
    let seconds = count.and_then(|count| count.checked_mul(unit));
    seconds
        .filter(|seconds| (1..=MAX).contains(seconds))
        .map(Duration::from_secs)
        .ok_or_else(none)
}

fn proxy(value: Value<'_>) -> Parsed<Proxy> {
    let text = value.string()?;
    let none = |text: String| value.mistake(text);
    let (kind, rest) = match (text.strip_prefix("socks5h://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (ProxyKind::Socks5, rest),
        (_, Some(rest)) => (ProxyKind::Http, rest),
        _ => return Err(none(format!("{} is neither socks5h:// nor http://", shown(text)))),
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (user, rest) = match rest.rsplit_once('@') {
        Some((user, _)) if user.contains(':') => {
            return Err(none("no password in the file: proxy-secret says where it is".to_owned()));
        }
        Some(("", _)) => return Err(none("an empty user name".to_owned())),
        Some((user, rest)) => (
            Some(percent_decoded(user).ok_or_else(|| none(format!("{} is no user", shown(user))))?),
            rest,
        ),
        None => (None, rest),
    };
    let endpoint = Endpoint::parse(rest).map_err(none)?;
    let Some(Port::Number(port)) = endpoint.port else {
        return Err(value.mistake("a proxy needs the number of its port"));
    };
    let host = match endpoint.host {
        Host::Name(name) => name,
        Host::Address(address) => address.to_string(),
    };
    Ok(Proxy { kind, host, port, user, secret: None })
}

/// RFC 3986 §2.1; `None` if it is not UTF-8 or a `%` stands alone.
fn percent_decoded(text: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        (octets, rest) = match (first, after) {
            (b'%', [high, low, after @ ..]) => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let value = digit(*high)? * 16 + digit(*low)?;
                octets.push(u8::try_from(value).ok()?);
                (octets, after)
            }
            (b'%', _) => return None,
            (byte, after) => {
                octets.push(*byte);
                (octets, after)
            }
        };
    }
    let text = String::from_utf8(octets).ok()?;
    (!text.chars().any(char::is_control)).then_some(text)
}

/// An EHLO keyword (RFC 5321 §4.1.1.1), in capitals.
fn keyword(value: Value<'_>) -> Parsed<String> {
    let text = value.string()?;
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if text.starts_with('-') || !text.bytes().all(known) {
        return Err(value.mistake(format!("{} is no EHLO keyword", shown(text))));
    }
    let text = text.to_ascii_uppercase();
    if matches!(text.as_str(), "STARTTLS" | "AUTH") {
        return Err(value.mistake(format!("{text} cannot be ignored: there are tls and auth")));
    }
    Ok(text)
}
