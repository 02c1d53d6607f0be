// SPDX-License-Identifier: LGPL-2.1-or-later
//! What an application sets up for authentication, and the exchange under way.

use std::ffi::{CStr, CString, c_char, c_int, c_uint};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::built_in::registered_name;
use super::channel::Channel;
use super::locked::Locked;
use super::mechanism::{BuiltIn, Mechanism};
use super::plugin::{self, Plugin, SecurityLayer};
use super::policy::Policy;
use super::request::{ClientRequest, Credentials, Interact, field, flags};
use super::secret::{Secret, wipe_stack};
use crate::error::{Error, Result};
use crate::fault::{self, Layer};

/// What must be done next in an exchange.
pub enum Due {
    /// Ask the application for these fields, in one call, then [`Context::answered`].
    Ask(&'static [ClientRequest]),
    /// Call the plug-in, then [`Context::plugin_responded`].
    Plugin(plugin::Call),
    /// Send this to the server; `None` = the mechanism has no initial response. The context
    /// keeps it until its next call.
    Respond(Option<Arc<Secret>>),
    /// The mechanism has failed: cancel the exchange.
    Failed,
    /// The server could not prove that it knows the password: cancel the exchange, and do
    /// not let it have the password by another mechanism.
    Distrusted,
}

/// A SASL context (`auth_context_t`). Only ever seen as `&Context`. Sessions of several threads may
/// have it, one of them in use at a time ([`super::Hold`]): two would find each other's exchange.
#[derive(Default)]
pub struct Context {
    interact: Locked<Option<Interact>>,
    given: Locked<Option<Given>>,
    allowed: Locked<c_uint>,
    min_ssf: Locked<c_int>,
    external_id: Locked<Option<CString>>,
    channel: Locked<Channel>,
    preferred: Locked<Option<Arc<str>>>,
    selected: Locked<Option<Selected>>,
    exchange: Locked<Exchange>,
    response: Locked<Option<Arc<Secret>>>,
    occupied: AtomicBool,
}

/// A mechanism that was chosen.
#[derive(Clone)]
enum Selected {
    BuiltIn(&'static BuiltIn),
    Plugin { name: Arc<CStr>, plugin: Arc<Plugin> },
}

/// Credentials that the application is not asked for.
#[derive(Default)]
pub struct Given {
    /// The name of the user; `None` = the application is asked.
    pub user: Option<Secret>,
    /// The password or access token; `None` = the application is asked.
    pub passphrase: Option<Secret>,
}

/// How far an exchange is.
#[derive(Default)]
enum Exchange {
    /// There is none.
    #[default]
    None,
    /// The application is asked for these credentials.
    Asking(&'static BuiltIn, &'static [ClientRequest]),
    /// The mechanism has begun.
    BuiltIn(Box<dyn Mechanism>),
    /// A plug-in is called, for the initial response or a later one.
    Plugin {
        instance: Arc<plugin::Instance>,
        initial: bool,
    },
}

impl Context {
    /// A context that allows no mechanism that needs leave.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// A context for one session that demands what another one does.
    #[must_use]
    pub fn like(other: Option<&Self>) -> Arc<Self> {
        let context = Self::default();
        if let Some(other) = other {
            context.interact.set(other.interact.get());
            context.allowed.set(other.allowed.get());
            context.min_ssf.set(other.min_ssf.get());
            context.external_id.replace(other.external_id.borrow().clone());
            context.preferred.replace(other.preferred.borrow().clone());
        }
        Arc::new(context)
    }

    /// Makes it a session's, unless it is another one's.
    pub(super) fn occupy(&self) -> bool {
        !self.occupied.swap(true, Ordering::Acquire)
    }

    /// It is nobody's again.
    pub(super) fn vacate(&self) {
        self.occupied.store(false, Ordering::Release);
    }

    /// Sets credentials that the application is not asked for.
    pub fn give(&self, given: Given) {
        self.given.replace(Some(given));
    }

    /// Whether there is something that the application is not asked for.
    #[must_use]
    pub fn has_given(&self) -> bool {
        self.given.borrow().is_some()
    }

    /// What is given for a field that a plug-in asks for; `None` = the application is asked.
    #[must_use]
    pub fn given_for(&self, flags: c_uint) -> Option<Secret> {
        let given = self.given.borrow();
        let Given { user, passphrase } = given.as_ref()?;
        let secret = match flags {
            flags if flags & field::PASS != 0 => passphrase.as_ref()?,
            flags if flags & field::USER != 0 => user.as_ref()?,
            _ => return None,
        };
        Some(Secret::from(&**secret))
    }

    /// Sets the callback that supplies credentials.
    pub fn set_interact(&self, interact: Option<Interact>) {
        self.interact.set(interact);
    }

    /// The callback that supplies credentials.
    #[must_use]
    pub fn interact(&self) -> Option<Interact> {
        self.interact.get()
    }

    /// Whether credentials are there, or somebody to ask for them.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.interact.get().is_some() || self.given.borrow().is_some()
    }

    /// Forbids the kinds of mechanisms in `clear`, then allows those in `set`: [`flags`].
    /// EXTERNAL is a matter of [`Self::set_external_id`]; other bits mean nothing.
    pub fn change_flags(&self, set: c_uint, clear: c_uint) {
        const CHANGEABLE: c_uint = flags::ANONYMOUS | flags::PLAIN;
        self.allowed.set(self.allowed.get() & !clear | set & CHANGEABLE);
    }

    /// Sets the least strength of the security layer.
    pub fn set_min_ssf(&self, min: c_int) {
        self.min_ssf.set(min);
    }

    /// Allows EXTERNAL with this identity, or forbids it; gives the one of before.
    pub fn replace_external_id(&self, identity: Option<CString>) -> Option<CString> {
        self.external_id.replace(identity)
    }

    /// Allows EXTERNAL with this identity, or forbids it.
    pub fn set_external_id(&self, identity: Option<&CStr>) {
        self.external_id.replace(identity.map(CStr::to_owned));
    }

    /// Tells what the connection is like. It holds until the next exchange is over.
    pub(super) fn set_channel(&self, channel: Channel) {
        self.channel.replace(channel);
    }

    /// Selects a mechanism, in place of the one before, and prefers it in sessions. It must
    /// be known and allowed, else nothing changes.
    pub fn select(&self, name: &str) -> Result<()> {
        let name = registered_name(name);
        self.attempt(name)?;
        self.preferred.replace(Some(Arc::from(name)));
        Ok(())
    }

    /// Selects a mechanism for one exchange.
    pub(super) fn attempt(&self, name: &str) -> Result<()> {
        let selected = if let Some(known) = BuiltIn::find(name) {
            self.check(known.flags, 0)?;
            Selected::BuiltIn(known)
        } else {
            let plugin = Plugin::find(name)?;
            self.check(plugin.flags(), plugin.ssf())?;
            let name = CString::new(name.to_ascii_uppercase()).map_err(|_| Error::Invalid)?;
            Selected::Plugin { name: name.into(), plugin }
        };
        self.forget();
        self.selected.replace(Some(selected));
        Ok(())
    }

    fn check(&self, flags: c_uint, ssf: c_int) -> Result<()> {
        if self.policy().allows(flags, ssf) { Ok(()) } else { Err(Error::Invalid) }
    }

    pub(super) fn policy(&self) -> Policy {
        let external = if self.external_id.borrow().is_some() { flags::EXTERNAL } else { 0 };
        Policy {
            allowed: self.allowed.get() | external,
            min_ssf: self.min_ssf.get(),
        }
    }

    pub(super) fn preferred(&self) -> Option<Arc<str>> {
        self.preferred.borrow().clone()
    }

    /// The selected mechanism's name, good until another one is selected; null: there is none.
    #[must_use]
    pub fn mechanism_name(&self) -> *const c_char {
        match &*self.selected.borrow() {
            Some(Selected::BuiltIn(known)) => known.name.as_ptr(),
            Some(Selected::Plugin { name, .. }) => name.as_ptr(),
            None => ptr::null(),
        }
    }

    /// The strength of the selected mechanism's security layer.
    #[must_use]
    pub fn ssf(&self) -> Option<c_int> {
        self.selected.borrow().as_ref().map(|selected| match selected {
            Selected::BuiltIn(_) => 0,
            Selected::Plugin { plugin, .. } => plugin.ssf(),
        })
    }

    /// The selected mechanism's security layer, if it has one and its exchange has begun.
    #[must_use]
    pub fn security_layer(&self) -> Option<SecurityLayer> {
        match &*self.exchange.borrow() {
            Exchange::Plugin { instance, .. } => instance.security_layer(),
            _ => None,
        }
    }

    /// Begins the selected mechanism's exchange afresh, or goes on with a challenge.
    pub fn begin(&self, challenge: Option<&[u8]>) -> Due {
        fault::point(Layer::Sasl);
        self.response.take();
        let Some(challenge) = challenge else {
            self.forget();
            return self.start();
        };
        match self.exchange.take() {
            Exchange::BuiltIn(mut mechanism) => {
                let response = mechanism.step(challenge);
                wipe_stack();
                match response {
                    Ok(response) => self.respond(mechanism, Some(response)),
                    Err(_) if mechanism.distrusts_server() => Due::Distrusted,
                    Err(_) => Due::Failed,
                }
            }
            Exchange::Plugin { instance, .. } => self.call(instance, Some(challenge)),
            Exchange::None | Exchange::Asking(..) => Due::Failed,
        }
    }

    fn start(&self) -> Due {
        let selected = self.selected.borrow().clone();
        match selected {
            Some(Selected::BuiltIn(known)) if known.fields.is_empty() => self.start_external(known),
            // Without a callback there is nobody to ask.
            Some(_) if !self.is_enabled() => Due::Failed,
            Some(Selected::BuiltIn(known)) => {
                let asked = self.fields_to_ask(known.fields);
                if asked.is_empty() {
                    let credentials = self.complete(Credentials::empty());
                    return self.start_with(known, credentials);
                }
                self.exchange.replace(Exchange::Asking(known, asked));
                Due::Ask(asked)
            }
            // A plug-in asks itself, by a callback.
            Some(Selected::Plugin { plugin, .. }) => match plugin::Instance::new(plugin) {
                Ok(instance) => self.call(Arc::new(instance), None),
                Err(_) => Due::Failed,
            },
            None => Due::Failed,
        }
    }

    /// Those of a mechanism's fields that are not given: the user stands before the password, a
    /// domain before both.
    fn fields_to_ask(&self, fields: &'static [ClientRequest]) -> &'static [ClientRequest] {
        let given = self.given.borrow();
        let Some(Given { user, passphrase }) = &*given else {
            return fields;
        };
        let password_at = fields.len().saturating_sub(1);
        match (user, passphrase) {
            (None, None) => fields,
            (Some(_), Some(_)) => &[],
            (Some(_), None) => fields.get(password_at..).unwrap_or_default(),
            (None, Some(_)) => fields.get(..password_at).unwrap_or_default(),
        }
    }

    /// Puts what is given in the place of what is not.
    fn complete(&self, mut credentials: Credentials) -> Credentials {
        if let Some(Given { user, passphrase }) = &*self.given.borrow() {
            if let Some(user) = user {
                credentials.user = Secret::from(&**user);
            }
            if let Some(passphrase) = passphrase {
                credentials.passphrase = Secret::from(&**passphrase);
            }
        }
        credentials
    }

    fn start_external(&self, known: &BuiltIn) -> Due {
        let mut credentials = Credentials::empty();
        match &*self.external_id.borrow() {
            Some(identity) => credentials.user = Secret::from(identity.to_bytes()),
            None => return Due::Failed,
        }
        let credentials = self.complete(credentials);
        self.start_with(known, credentials)
    }

    /// What the application answered to each field; `None` = it had no answer.
    pub fn answered(&self, answers: Option<&[&[u8]]>) -> Due {
        let Exchange::Asking(known, asked) = self.exchange.take() else {
            return Due::Failed;
        };
        let credentials = answers.and_then(|answers| Credentials::new(asked, answers));
        credentials.map_or(Due::Failed, |credentials| self.start_with(known, self.complete(credentials)))
    }

    fn start_with(&self, known: &BuiltIn, credentials: Credentials) -> Due {
        let mut mechanism = (known.new)();
        let initial = mechanism.start(credentials, &self.channel.borrow());
        wipe_stack();
        initial.map_or(Due::Failed, |response| self.respond(mechanism, response))
    }

    fn respond(&self, mechanism: Box<dyn Mechanism>, response: Option<Secret>) -> Due {
        self.exchange.replace(Exchange::BuiltIn(mechanism));
        self.keep(response)
    }

    fn call(&self, instance: Arc<plugin::Instance>, challenge: Option<&[u8]>) -> Due {
        let call = plugin::Call::new(Arc::clone(&instance), challenge);
        self.exchange.replace(Exchange::Plugin { instance, initial: challenge.is_none() });
        Due::Plugin(call)
    }

    /// What the plug-in gave. Nothing is a failure, except that there need not be an initial
    /// response.
    pub fn plugin_responded(&self, response: Option<Secret>) -> Due {
        let initial = match &*self.exchange.borrow() {
            Exchange::Plugin { initial, .. } => *initial,
            _ => return Due::Failed,
        };
        if response.is_none() && !initial {
            self.forget();
            return Due::Failed;
        }
        self.keep(response)
    }

    fn keep(&self, response: Option<Secret>) -> Due {
        let response = response.map(Arc::new);
        self.response.replace(response.clone());
        Due::Respond(response)
    }

    /// The server reports success. `false`: it should have proved that it knows us too, and
    /// has not, so nothing that it says can be believed. A security layer stays.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        let believed = match &*self.exchange.borrow() {
            Exchange::BuiltIn(mechanism) => mechanism.believes_success(),
            Exchange::Plugin { .. } => true,
            Exchange::None | Exchange::Asking(..) => false,
        };
        if !believed || self.security_layer().is_none() {
            self.forget();
        }
        self.channel.take();
        believed
    }

    /// The exchange has failed, or the connection is gone: nothing of it is kept.
    pub fn failed(&self) {
        self.forget();
        self.channel.take();
    }

    /// Wipes the exchange. Plug-ins are called for that, so no borrow lasts until then.
    fn forget(&self) {
        self.response.take();
        let exchange = self.exchange.take();
        drop(exchange);
    }
}

#[cfg(test)]
mod tests;
