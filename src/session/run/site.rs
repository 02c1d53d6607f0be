// SPDX-License-Identifier: LGPL-2.1-or-later
//! The site's policy for a session that starts: which file, which rule, which relays.

use std::cell::OnceCell;
use std::ffi::CStr;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Run;
use super::route::Relays;
use crate::error::{Error, Result};
use crate::host;
use crate::net::{self, Server};
use crate::policy::{Circumstances, Decision, Fault, Host, Policy, Sender, Tls};
use crate::policy::{file, secret};
use crate::protocol::StartTls;
use crate::session::terms::check_demands;
use crate::session::{ReversePath, Session, site};

impl Run {
    /// The relays to go to.
    pub(super) fn consult_policy(&mut self, session: &Session) -> Result<Relays> {
        let policy = match current() {
            Ok(Some(policy)) => policy,
            Ok(None) => {
                self.note(|| "policy: none".to_owned());
                return Ok(Relays::Own);
            }
            Err(fault) => return Err(self.unusable_policy(&fault)),
        };
        let server = Rc::clone(&self.server);
        let start = Start::new(session, &server);
        let decision = policy.decide(&start).map_err(|fault| self.unusable_policy(&fault))?;
        match decision {
            Decision::AsProgram => {
                self.note(|| format!("policy: {}: no rule fits", files(&policy)));
                Ok(Relays::Own)
            }
            Decision::Refused { reason, rule } => {
                self.note(|| {
                    let (path, line) = (rule.path.display(), rule.position.line);
                    format!("policy: {path}: the rule in line {line} refuses: {reason}")
                });
                Err(Error::Client.because(reason))
            }
            Decision::Relays { relays, rule } => {
                self.note(|| {
                    let (path, line) = (rule.path.display(), rule.position.line);
                    let names: Vec<&str> = relays.iter().map(|one| one.relay.name.as_str()).collect();
                    format!("policy: {path}: the rule in line {line} leads to {}", names.join(", "))
                });
                let demanded = session.starttls.get() == StartTls::Required || start.implicit_tls;
                for chosen in &relays {
                    check_demands(chosen.relay.tls == Some(Tls::Off), demanded)?;
                }
                Ok(Relays::Chosen(relays.into()))
            }
        }
    }

    /// The program's own log has room for the last part of the path only; the system's log is
    /// told once for each state of a file.
    fn unusable_policy(&mut self, fault: &Fault) -> Error {
        self.note(|| format!("policy: {fault}"));
        if file::is_news(fault) {
            host::log_error(&fault.to_string());
        }
        match fault.errno() {
            // Of files that may not even be there.
            Some(errno @ (libc::EMFILE | libc::ENFILE | libc::ENOMEM)) => {
                Error::System(errno).because(fault.brief())
            }
            Some(errno) => Error::Client.caused_by(errno, fault.brief()),
            None => Error::Client.because(fault.brief()),
        }
    }
}

fn files(policy: &Policy) -> String {
    let names: Vec<String> = policy.parts().iter().map(|part| part.path.display().to_string()).collect();
    names.join(", ")
}

fn current() -> std::result::Result<Option<Policy>, Fault> {
    let policy = file::current(&site::places()?, &site::identity);
    if !matches!(policy, Ok(None)) {
        forget_in_the_end();
    }
    policy
}

/// What was read, and tokens above all, do not outlive the library.
fn forget_in_the_end() {
    extern "C" fn forget() {
        file::forget();
        secret::forget();
    }
    static REGISTERED: AtomicBool = AtomicBool::new(false);
    if !REGISTERED.swap(true, Ordering::Relaxed) {
        host::at_end(forget);
    }
}

/// A session as rules see it.
struct Start<'a> {
    session: &'a Session,
    host: Option<Host>,
    service: &'a CStr,
    port: OnceCell<Option<u16>>,
    implicit_tls: bool,
}

impl<'a> Start<'a> {
    fn new(session: &'a Session, server: &'a Server) -> Self {
        Self {
            session,
            host: server.host.to_str().ok().and_then(Host::parse),
            service: server.service(),
            port: OnceCell::new(),
            implicit_tls: server.implicit_tls,
        }
    }
}

impl Circumstances for Start<'_> {
    fn host(&self) -> Option<&Host> {
        self.host.as_ref()
    }

    fn port(&self) -> Option<u16> {
        *self.port.get_or_init(|| {
            let number = self.service.to_str().ok().and_then(|text| text.parse().ok());
            number.or_else(|| net::service_port(self.service))
        })
    }

    fn service(&self, name: &str) -> std::result::Result<u16, String> {
        let port = std::ffi::CString::new(name).ok().and_then(|name| net::service_port(&name));
        port.ok_or_else(|| format!("the service {name} is not known here"))
    }

    fn program(&self) -> std::result::Result<PathBuf, String> {
        host::program_path().ok_or_else(|| "what program this is cannot be found out".to_owned())
    }

    fn user(&self) -> u32 {
        host::process_user().effective
    }

    fn user_named(&self, name: &str) -> std::result::Result<Option<u32>, String> {
        host::user_named(name).map_err(|error| format!("user {name}: {error}"))
    }

    fn every_sender(&self, fits: &mut dyn FnMut(&Sender) -> bool) -> bool {
        let messages = self.session.messages.borrow();
        let mut any = false;
        for message in messages.iter().filter(|message| message.is_incomplete()) {
            let sender = match &*message.reverse_path().borrow() {
                ReversePath::Null => Sender::Null,
                ReversePath::Mailbox(mailbox) => Sender::of_path(mailbox.wire(true)),
                // It is refused here, not sent.
                _ => continue,
            };
            any = true;
            if !fits(&sender) {
                return false;
            }
        }
        any
    }
}
