// SPDX-License-Identifier: LGPL-2.1-or-later
//! Says which rule fits a session, which relays it leads to, and where each of their keys comes
//! from.

use std::cell::OnceCell;
use std::ffi::CString;
use std::path::PathBuf;

use esmtp::host;
use esmtp::net::{self, Server};
use esmtp::policy::{Chosen, Circumstances, Decision, Host, Sender};

use crate::Finding;
use crate::check::{fault, policy, user_id};
use crate::options::Explain;

/// What a relay does where nothing is said: the key, and that.
const UNSAID: [(&str, &str); 19] = [
    ("server", "the program's"),
    ("tls", "as the program wants it"),
    ("verify", "strict"),
    ("tls-name", "the server's name"),
    ("tls-min", "1.2"),
    ("ca-file", "the user's or the system's"),
    ("ca-dir", "the user's or the system's"),
    ("pin", "none"),
    ("certificate", "the user's"),
    ("user", "the program's"),
    ("secret", "the program's"),
    ("mechanisms", "those that the program allows"),
    ("auth", "as the program wants it; required if user, secret or mechanisms is set"),
    ("hello", "the program's, or the name of this host"),
    ("source", "the system's choice"),
    ("timeout.connect", "the program's"),
    ("timeout.reply", "the program's"),
    ("timeout.end-of-data", "the program's"),
    ("proxy", "none"),
];

pub(crate) fn run(options: &Explain) -> Finding {
    let session = match Session::new(options) {
        Ok(session) => session,
        Err(text) => return fault(&text),
    };
    let policy = match policy(options.file.clone(), session.user) {
        Ok(Some(policy)) => policy,
        Ok(None) => {
            println!("there is no policy: the session is as the program set it up");
            return Finding::Nothing;
        }
        Err(text) => return fault(&text),
    };
    match policy.decide(&session) {
        Err(one) => return fault(&one.to_string()),
        Ok(Decision::AsProgram) => println!("no rule fits: the session is as the program set it up"),
        Ok(Decision::Refused { reason, rule }) => {
            println!("{}:{}: refused: {reason}", rule.path.display(), rule.position.line);
        }
        Ok(Decision::Relays { relays, rule }) => {
            let names: Vec<&str> = relays.iter().map(|one| one.relay.name.as_str()).collect();
            println!("{}:{}: relays {}", rule.path.display(), rule.position.line, names.join(", "));
            relays.iter().for_each(show);
        }
    }
    Finding::Nothing
}

fn show(chosen: &Chosen) {
    let Chosen { path, relay } = chosen;
    println!("\nrelay {} ({}:{})", relay.name, path.display(), relay.position.line);
    for (key, unsaid) in UNSAID {
        match relay.settings.iter().find(|setting| setting.key == key) {
            Some(setting) => {
                let from = if setting.is_default { ", default" } else { "" };
                let written = setting.written.split_whitespace().collect::<Vec<_>>().join(" ");
                println!("  {key:19} {written}  (line {}{from})", setting.position.line);
            }
            None => println!("  {key:19} -  ({unsaid})"),
        }
    }
    for setting in relay.settings.iter().filter(|one| !UNSAID.iter().any(|(key, _)| *key == one.key)) {
        println!("  {:19} {}  (line {})", setting.key, setting.written, setting.position.line);
    }
}

/// The session that is asked about.
struct Session {
    host: Option<Host>,
    service: CString,
    port: OnceCell<Option<u16>>,
    program: PathBuf,
    user: u32,
    senders: Vec<Sender>,
}

impl Session {
    fn new(options: &Explain) -> Result<Self, String> {
        let text = CString::new(options.server.as_str()).map_err(|_| "a NUL in --server")?;
        let server = Server::parse(&text);
        let bare = |path: &String| {
            let path = path.strip_prefix('<').and_then(|path| path.strip_suffix('>')).unwrap_or(path);
            Sender::of_path(path.as_bytes())
        };
        Ok(Self {
            host: server.host.to_str().ok().and_then(Host::parse),
            service: server.service().to_owned(),
            port: OnceCell::new(),
            program: PathBuf::from(&options.program),
            user: user_id(options.user.as_deref())?,
            senders: options.from.iter().map(bare).collect(),
        })
    }
}

impl Circumstances for Session {
    fn host(&self) -> Option<&Host> {
        self.host.as_ref()
    }

    fn port(&self) -> Option<u16> {
        *self.port.get_or_init(|| net::service_port(&self.service))
    }

    fn service(&self, name: &str) -> Result<u16, String> {
        let port = CString::new(name).ok().and_then(|name| net::service_port(&name));
        port.ok_or_else(|| format!("the service {name} is not known here"))
    }

    fn program(&self) -> Result<PathBuf, String> {
        Ok(self.program.clone())
    }

    fn user(&self) -> u32 {
        self.user
    }

    fn user_named(&self, name: &str) -> Result<Option<u32>, String> {
        host::user_named(name).map_err(|error| format!("user {name}: {error}"))
    }

    fn every_sender(&self, fits: &mut dyn FnMut(&Sender) -> bool) -> bool {
        !self.senders.is_empty() && self.senders.iter().all(fits)
    }
}
