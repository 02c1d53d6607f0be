// SPDX-License-Identifier: LGPL-2.1-or-later
//! What the site's policy says of the relay in use: everything that it needs from files and sockets
//! is at hand before a connection is made.

use std::cell::{Cell, RefCell};
use std::ffi::CStr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::Session;
use crate::error::{Error, Result};
use crate::host;
use crate::net::{ProxyAccess, ProxyProtocol, TlsDemands};
use crate::policy::secret::{self, Access, Origin, Secret};
use crate::policy::{Auth, Chosen, Fault, ProxyKind, Relay, TlsVersion, Verify};
use crate::protocol::Extensions;
use crate::sasl;

/// A relay that can be used now.
pub(crate) struct Terms {
    chosen: Chosen,
    tls: Rc<TlsDemands>,
    proxy: Option<ProxyAccess>,
    access: Access,
    secret: RefCell<Option<Secret>>,
    /// A token that was refused was fetched anew; that is done once.
    renewed: Cell<bool>,
    context: Option<Arc<sasl::Context>>,
}

impl Terms {
    /// Fetches what the relay needs. A fault is one of the relay, not of the policy.
    pub(super) fn prepare(chosen: Chosen, session: &Session) -> std::result::Result<Self, Fault> {
        let relay = &*chosen.relay;
        let access = access();
        let tls = demands(relay, &access)?;
        let proxy = match &relay.proxy {
            Some(proxy) => {
                let password = proxy.secret.as_ref().map(|source| secret::fetch(source, &access));
                let password = password.transpose()?.map(|secret| Zeroizing::new(secret.bytes().to_vec()));
                Some(ProxyAccess {
                    protocol: match proxy.kind {
                        ProxyKind::Socks5 => ProxyProtocol::Socks5,
                        ProxyKind::Http => ProxyProtocol::Http,
                    },
                    credentials: proxy.user.clone().zip(password),
                })
            }
            None => None,
        };
        let source = relay.secret.as_ref().filter(|_| relay.auth != Auth::Never);
        let secret = source.map(|source| secret::fetch(source, &access)).transpose()?;
        let context = context(relay, secret.as_ref(), session);
        Ok(Self {
            tls: Rc::new(tls),
            proxy,
            access,
            secret: RefCell::new(secret),
            renewed: Cell::new(false),
            context,
            chosen,
        })
    }

    pub(super) fn relay(&self) -> &Relay {
        &self.chosen.relay
    }

    /// What is demanded of TLS.
    pub(super) const fn tls(&self) -> &Rc<TlsDemands> {
        &self.tls
    }

    /// Who connects in our place.
    pub(super) const fn proxy(&self) -> Option<&ProxyAccess> {
        self.proxy.as_ref()
    }

    /// The verdict on a certificate is ours.
    pub(super) fn is_strict(&self) -> bool {
        self.relay().verify == Verify::Strict
    }

    /// Who answers for the user: the policy, or nobody if there is to be no AUTH. `None` = the
    /// program.
    pub(super) fn sasl(&self) -> Option<Option<&Arc<sasl::Context>>> {
        match (self.relay().auth, &self.context) {
            (Auth::Never, _) => Some(None),
            (_, Some(context)) => Some(Some(context)),
            (_, None) => None,
        }
    }

    /// A password of the policy's is about to be used.
    pub(super) fn has_secret(&self) -> bool {
        self.secret.borrow().is_some()
    }

    /// The session must not go on without authentication.
    pub(super) fn requires_auth(&self) -> bool {
        self.relay().auth == Auth::Required
    }

    /// After a 535: a fresh token in place of the one that was refused, if one is to be had, once.
    pub(super) fn renew_secret(&self) -> bool {
        let refused = self.secret.borrow().as_ref().is_some_and(Secret::refused);
        let (Some(source), Some(context)) = (&self.relay().secret, &self.context) else {
            return false;
        };
        if !refused || self.renewed.replace(true) {
            return false;
        }
        let Ok(fresh) = secret::fetch(source, &self.access) else {
            return false;
        };
        let is_news = self.secret.borrow().as_ref().is_none_or(|old| old.bytes() != fresh.bytes());
        if is_news {
            context.give(given(self.relay(), Some(&fresh)));
            self.secret.replace(Some(fresh));
        }
        is_news
    }

    /// What is the program's, for the trace.
    pub(super) fn describe_rest(&self) -> String {
        let relay = self.relay();
        let keys = [
            ("server", relay.server.is_none()),
            ("tls", relay.tls.is_none()),
            ("user", relay.user.is_none()),
            ("secret", relay.secret.is_none()),
            ("hello", relay.hello.is_none()),
        ];
        let rest: Vec<&str> = keys.iter().filter(|(_, is)| *is).map(|(key, _)| *key).collect();
        if rest.is_empty() { "nothing".to_owned() } else { rest.join(", ") }
    }

    /// For the trace.
    pub(super) fn describe_secret(&self) -> Option<String> {
        let secret = self.secret.borrow();
        let secret = secret.as_ref()?;
        let length = secret.bytes().len();
        Some(match secret.origin() {
            Origin::File(path) => format!("a secret of {length} octets from {}", path.display()),
            Origin::Socket(path, age) => {
                let (path, age) = (path.display(), age.as_secs());
                format!("a secret of {length} octets from {path}, {age} s old")
            }
        })
    }

    /// Takes out of an offer what the policy does not want to be used.
    pub(super) fn prune(&self, offered: &mut Extensions) {
        for keyword in &self.relay().ignore {
            offered.ignore(keyword);
        }
    }

    /// The time limit for replies.
    pub(super) fn reply_limit(&self) -> Option<Duration> {
        self.relay().timeouts.reply
    }

    /// The time limit for the reply to the end of a text.
    pub(super) fn end_of_data_limit(&self) -> Option<Duration> {
        self.relay().timeouts.end_of_data
    }

    /// Our name for EHLO.
    pub(super) fn hello(&self) -> Option<&CStr> {
        self.relay().hello.as_deref()
    }
}

/// A fault as the program sees it.
pub(super) fn as_error(fault: &Fault) -> Error {
    match fault.errno() {
        // Nobody listens where a secret is to be had, or nobody answers.
        Some(errno @ (libc::ECONNREFUSED | libc::ETIMEDOUT)) => Error::System(errno).because(fault.brief()),
        Some(errno) => Error::Client.caused_by(errno, fault.brief()),
        None => Error::Client.because(fault.brief()),
    }
}

pub(super) fn access() -> Access {
    Access {
        user: host::process_user().effective,
        credentials: host::variable(c"CREDENTIALS_DIRECTORY").map(Into::into),
        peer: host::peer_user,
    }
}

pub(super) fn demands(relay: &Relay, access: &Access) -> std::result::Result<TlsDemands, Fault> {
    let authorities = match &relay.ca_file {
        Some(path) => {
            let pem = secret::read_public(path)?;
            if !TlsDemands::has_authorities(&pem) {
                return Err(Fault::of(path, "no certificate in it"));
            }
            Some(pem)
        }
        None => None,
    };
    if let Some(folder) = &relay.ca_dir {
        secret::check_public(folder)?;
        if !folder.is_dir() {
            return Err(Fault::of(folder, "is no folder"));
        }
    }
    let certificate = match &relay.certificate {
        Some(certificate) => {
            let key = secret::read_key(&certificate.key, access.user)?;
            let chain = secret::read_public(&certificate.file)?;
            if let Some(fault) = TlsDemands::certificate_fault(&chain, &key) {
                return Err(Fault::of(&certificate.file, fault));
            }
            Some((chain, key))
        }
        None => None,
    };
    Ok(TlsDemands {
        name: relay.tls_name.clone(),
        version_1_3: relay.tls_min == TlsVersion::V1_3,
        authorities,
        authority_folder: relay.ca_dir.clone(),
        pins: relay.pins.clone(),
        certificate,
        strict: relay.verify == Verify::Strict,
    })
}

/// A context of our own where the policy says something of credentials or mechanisms.
fn context(relay: &Relay, secret: Option<&Secret>, session: &Session) -> Option<Arc<sasl::Context>> {
    if relay.user.is_none() && secret.is_none() && relay.mechanisms.is_none() || relay.auth == Auth::Never {
        return None;
    }
    let program = session.auth_context();
    let context = sasl::Context::like(program.as_deref());
    context.give(given(relay, secret));
    Some(context)
}

fn given(relay: &Relay, secret: Option<&Secret>) -> sasl::Given {
    sasl::Given {
        user: relay.user.as_ref().map(|user| sasl::Secret::from(user.as_bytes())),
        passphrase: secret.map(|secret| sasl::Secret::from(secret.bytes())),
    }
}

/// What the policy says against what the program demands.
pub(super) fn check_demands(tls_is_off: bool, program_demands_tls: bool) -> Result<()> {
    if tls_is_off && program_demands_tls {
        return Err(Error::Client.because("the policy has tls = \"off\", the program demands TLS"));
    }
    Ok(())
}
