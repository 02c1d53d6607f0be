// SPDX-License-Identifier: LGPL-2.1-or-later
//! What a relay comes to by its own keys and those for all relays.

use super::fault::Position;
use super::keys::Keys;
use super::relay::{Auth, Proxy, Relay, Tls};

impl Relay {
    /// What a relay's keys and the defaults come to.
    pub(super) fn new(name: &str, position: Position, keys: Keys) -> Self {
        let names_credentials = keys.user.is_some() || keys.secret.is_some() || keys.mechanisms.is_some();
        let tls = match (&keys.server, keys.tls) {
            // Where the relay itself says smtps://, a default means the others.
            (Some(server), _) if server.implicit_tls => Some(Tls::Implicit),
            (_, tls) => tls,
        };
        Self {
            name: name.to_owned(),
            position,
            server: keys.server,
            tls,
            verify: keys.verify.unwrap_or_default(),
            tls_name: keys.tls_name,
            tls_min: keys.tls_min.unwrap_or_default(),
            ca_file: keys.ca_file,
            ca_dir: keys.ca_dir,
            pins: keys.pins.unwrap_or_default(),
            certificate: keys.certificate,
            user: keys.user,
            secret: keys.secret,
            mechanisms: keys.mechanisms,
            auth: match keys.auth {
                Some(auth) => auth,
                None if names_credentials => Auth::Required,
                None => Auth::AsProgram,
            },
            hello: keys.hello,
            source: keys.source,
            timeouts: keys.timeouts,
            proxy: keys.proxy.map(|proxy| Proxy { secret: keys.proxy_secret, ..proxy }),
            ignore: keys.ignore.unwrap_or_default(),
            settings: keys.settings,
        }
    }
}
