// SPDX-License-Identifier: LGPL-2.1-or-later
//! What is made ready before the server is asked to start TLS.

use std::ffi::CStr;
use std::rc::Rc;

use foreign_types::ForeignType as _;
use openssl::error::ErrorStack;
use openssl::ssl::Ssl;

use super::client_certificate::ClientCertificate;
use super::config_dir::{ConfigDir, NotAcceptable, Private};
use super::context::{Origin, TlsContext};
use super::demands::TlsDemands;
use super::error_queue::{said, with_clean_queue};
use super::resumption::Resumable;
use super::server_name::ServerName;
use super::trust::Trust;
use super::{shared, sys};
use crate::error::Error;

/// Why TLS cannot be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// The file with the client certificate is not acceptable.
    ClientCertificate,
    /// The CA list is not acceptable.
    CaList,
    /// OpenSSL refuses, or memory is short.
    Failure(Error),
}

impl From<ErrorStack> for Obstacle {
    fn from(errors: ErrorStack) -> Self {
        Self::Failure(Error::Client.because(said(&errors)))
    }
}

/// TLS for one connection, ready for the handshake.
pub struct TlsSetup {
    pub(super) ssl: Ssl,
    pub(super) host: ServerName,
    pub(super) trust: Trust,
    /// Earlier sessions may be used again.
    pub(super) resumable: Option<Resumable>,
    pub(super) demands: Option<Rc<TlsDemands>>,
    /// What the application's context calls good is looked at once more.
    pub(super) verify_anew: bool,
    lacks_key: bool,
}

impl TlsSetup {
    /// Makes TLS ready for the server that the application calls `host`, and the resolver
    /// `canonical`; in the application's context, or one of ours.
    ///
    /// The certificate must be `host`'s. The canonical name comes from DNS, which anybody may
    /// have answered (RFC 9525 §6.1.1), and does no more than choose a client certificate.
    pub fn prepare(
        context: Option<&TlsContext>,
        host: &CStr,
        canonical: Option<&CStr>,
    ) -> Result<Self, Obstacle> {
        Self::prepare_in(ConfigDir::of_user().as_ref(), context, host, canonical)
    }

    /// As [`TlsSetup::prepare`], with what a site policy demands of this server.
    pub fn prepare_with(
        demands: &Rc<TlsDemands>,
        context: Option<&TlsContext>,
        host: &CStr,
        canonical: Option<&CStr>,
    ) -> Result<Self, Obstacle> {
        let directory = ConfigDir::of_user();
        Self::prepare_for(directory.as_ref(), Some(demands), context, host, canonical)
    }

    /// As [`TlsSetup::prepare`], with the user's files in this directory.
    pub(super) fn prepare_in(
        directory: Option<&ConfigDir>,
        context: Option<&TlsContext>,
        host: &CStr,
        canonical: Option<&CStr>,
    ) -> Result<Self, Obstacle> {
        Self::prepare_for(directory, None, context, host, canonical)
    }

    fn prepare_for(
        directory: Option<&ConfigDir>,
        demands: Option<&Rc<TlsDemands>>,
        context: Option<&TlsContext>,
        host: &CStr,
        canonical: Option<&CStr>,
    ) -> Result<Self, Obstacle> {
        let build = |context: &TlsContext| {
            with_clean_queue(|| Self::build(directory, demands, context, host, canonical))
        };
        match context {
            Some(context) => build(context),
            None => build(&shared::context(directory).map_err(Obstacle::Failure)?),
        }
    }

    fn build(
        directory: Option<&ConfigDir>,
        demands: Option<&Rc<TlsDemands>>,
        context: &TlsContext,
        host: &CStr,
        canonical: Option<&CStr>,
    ) -> Result<Self, Obstacle> {
        let certificate = match demands.and_then(|demands| demands.certificate.as_ref()) {
            Some((certificates, key)) => Some((None, usable_certificate(certificates, key, context)?)),
            None => user_certificate(directory, context, host, canonical)?,
        };
        let trust = match context.origin() {
            _ if demands.is_some_and(|demands| demands.replace_authorities()) => Trust::Loaded,
            Origin::Library(Trust::Unusable(reason)) => {
                reason.renew();
                return Err(Obstacle::CaList);
            }
            Origin::Library(trust) => trust.clone(),
            Origin::Application => Trust::Loaded,
        };
        let mut ssl = new_ssl(context)?;
        let named = demands.and_then(|demands| demands.name.as_deref());
        let host = ServerName::new(named.unwrap_or(host));
        if let Some(name) = host.indication() {
            ssl.set_hostname(name)?;
        }
        if let Some(demands) = demands {
            demands.apply(&mut ssl)?;
        }
        let mut lacks_key = false;
        let mut client = None;
        if let Some((pem, certificate)) = certificate {
            lacks_key = !certificate.has_key();
            if lacks_key {
                refuse(pem.as_ref(), "has no key that fits and can be read");
            } else {
                client = certificate.fingerprint();
                if client.is_none() || !certificate.apply(&mut ssl) {
                    return Err(refuse(pem.as_ref(), "holds a certificate that OpenSSL does not take"));
                }
            }
        }
        // A session that was found in order is so by what the context trusts and allows.
        let is_usual = demands.is_none_or(|demands| demands.agree_with_context());
        let sessions = context.sessions().filter(|_| is_usual).cloned();
        let is_foreign = matches!(context.origin(), Origin::Application);
        Ok(Self {
            ssl,
            host,
            trust,
            resumable: sessions.map(|sessions| Resumable { sessions, client }),
            demands: demands.cloned(),
            verify_anew: is_foreign && demands.is_some_and(|demands| demands.strict),
            lacks_key,
        })
    }

    /// There is a client certificate, but its key is missing, locked or another's. The
    /// handshake would go on without the certificate.
    #[must_use]
    pub fn lacks_key(&self) -> bool {
        self.lacks_key
    }
}

/// The certificate that a policy names: it has a key, or it is not acceptable.
fn usable_certificate(
    certificates: &[u8],
    key: &[u8],
    context: &TlsContext,
) -> Result<ClientCertificate, Obstacle> {
    let read = ClientCertificate::from_parts(certificates, key, context.password_source());
    read.filter(ClientCertificate::has_key).ok_or(Obstacle::ClientCertificate)
}

/// The certificate in the user's files, and the file.
fn user_certificate(
    directory: Option<&ConfigDir>,
    context: &TlsContext,
    host: &CStr,
    canonical: Option<&CStr>,
) -> Result<Option<(Option<Private>, ClientCertificate)>, Obstacle> {
    let pem = directory.map_or(Ok(None), |directory| client_pem(directory, context, host, canonical));
    let pem = pem.map_err(|NotAcceptable| Obstacle::ClientCertificate)?;
    let certificate = pem.map(|pem| {
        let read = ClientCertificate::from_pem(pem.bytes(), context.password_source());
        let read = read.ok_or_else(|| refuse(Some(&pem), "holds no certificate"))?;
        Ok((Some(pem), read))
    });
    certificate.transpose()
}

/// A certificate is of no use; which file and why is laid down for the error.
fn refuse(pem: Option<&Private>, why: &str) -> Obstacle {
    if let Some(pem) = pem {
        let NotAcceptable = NotAcceptable::because(pem.path(), why);
    }
    Obstacle::ClientCertificate
}

/// The file for this server with any context, the one for all servers only with ours.
fn client_pem(
    directory: &ConfigDir,
    context: &TlsContext,
    host: &CStr,
    canonical: Option<&CStr>,
) -> Result<Option<Private>, NotAcceptable> {
    match directory.server_pem([Some(host), canonical])? {
        None if matches!(context.origin(), Origin::Library(_)) => directory.client_pem(),
        found => Ok(found),
    }
}

/// A new connection object. `Ssl::new` would register a destructor of ours with OpenSSL for
/// the life of the process, and `dlclose` would leave it dangling.
fn new_ssl(context: &TlsContext) -> Result<Ssl, Obstacle> {
    const MODE: std::ffi::c_long = openssl_sys::SSL_MODE_ENABLE_PARTIAL_WRITE
        | openssl_sys::SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
        | openssl_sys::SSL_MODE_AUTO_RETRY;
    // SAFETY: the context is live, and the new object takes its own reference.
    let ssl = unsafe { openssl_sys::SSL_new(context.as_ptr()) };
    if ssl.is_null() {
        return Err(Obstacle::from(ErrorStack::get()));
    }
    // SAFETY: the object is new, and freed when the value is dropped.
    let ssl = unsafe { Ssl::from_ptr(ssl) };
    // What waits to be written may move when more is queued behind it.
    // SAFETY: the object is live; the command takes a number and no pointer.
    unsafe {
        openssl_sys::SSL_ctrl(ssl.as_ptr(), openssl_sys::SSL_CTRL_MODE, MODE, std::ptr::null_mut());
    }
    // A record in one read, not header and content in two.
    // SAFETY: the object is live.
    unsafe { sys::SSL_set_read_ahead(ssl.as_ptr(), 1) };
    // Whom we talk to is decided once.
    // SAFETY: the object is live.
    unsafe { sys::SSL_set_options(ssl.as_ptr(), openssl_sys::SSL_OP_NO_RENEGOTIATION) };
    Ok(ssl)
}
