// SPDX-License-Identifier: LGPL-2.1-or-later
//! Device authorization (RFC 8628): an address and a code to enter there, on any machine.

use std::io::{IsTerminal, Write, stderr};
use std::time::Duration;

use crate::answer::{Object, Reply};
use crate::authorize::Task;
use crate::clock::Deadline;
use crate::endpoint::Endpoint;
use crate::error::{Error, Kind, Result, quoted};
use crate::form::Form;
use crate::grant;
use crate::print;
use crate::secret::Secret;
use crate::server::Server;

/// RFC 8628 §3.2: if the server does not say.
const INTERVAL: u64 = 5;
const LONGEST_INTERVAL: u64 = 60;
/// §3.5: the server asks for more time between questions.
const SLOWER: u64 = 5;
/// The lifetime of a code, if the server does not say, and at most.
const LIFETIME: u64 = 15 * 60;
const LONGEST_LIFETIME: u64 = 60 * 60;

/// Shows where to agree, and waits for it.
pub(crate) fn ask(task: &Task<'_>, endpoint: &Endpoint) -> Result<Object> {
    let begun = begin(task, endpoint)?;
    let needed = |key: &str| {
        let missing = || Error::new(Kind::Network, format!("answers without {key}")).about(endpoint);
        begun.text(key).ok_or_else(missing)
    };
    let code = Secret::new(needed("device_code")?);
    // Google's name for it is older than the RFC.
    let address = begun.text("verification_url").map_or_else(|| needed("verification_uri"), Ok)?;
    print(&format!("Open {} and enter the code {}\n", quoted(address), quoted(needed("user_code")?)))?;
    if let Some(complete) = begun.text("verification_uri_complete") {
        print(&format!("or open {}\n", quoted(complete)))?;
    }
    let lifetime = begun.seconds("expires_in").unwrap_or(LIFETIME).min(LONGEST_LIFETIME);
    let interval = begun.seconds("interval").unwrap_or(INTERVAL).clamp(1, LONGEST_INTERVAL);
    let waiting = Progress::new();
    let object = wait(task, &code, Deadline::after(Duration::from_secs(lifetime)), interval, &waiting);
    waiting.end();
    object
}

/// RFC 8628 §3.1.
fn begin(task: &Task<'_>, endpoint: &Endpoint) -> Result<Object> {
    let entry = task.entry;
    let form = || {
        let form = Form::new().with_parameters(entry).with_client(&entry.client, entry.token.as_str())?;
        Ok(form.with_scope(entry))
    };
    let (answer, asked) = Server::new(entry.ca_file.as_deref())?.ask(endpoint, &form, task.deadline())?;
    match Reply::of(&answer, &asked).map_err(|error| error.about(endpoint))? {
        Reply::Granted(object) => Ok(object),
        Reply::Refused(refusal) => Err(refusal.error.about(endpoint)),
    }
}

/// RFC 8628 §3.4, §3.5.
fn wait(
    task: &Task<'_>,
    code: &Secret,
    end: Deadline,
    mut interval: u64,
    waiting: &Progress,
) -> Result<Object> {
    let form = || {
        let form = task.entry.form("urn:ietf:params:oauth:grant-type:device_code")?;
        Ok(form.with_secret("device_code", code.clone()))
    };
    loop {
        waiting.show(end.left());
        if !end.wait(Duration::from_secs(interval)) {
            return Err(Error::new(Kind::Refused, "nobody agreed while the code was valid"));
        }
        match grant::reply(task.entry, &form, task.deadline()) {
            Ok(Reply::Granted(object)) => return Ok(object),
            Ok(Reply::Refused(refusal)) => match refusal.code.as_str() {
                "authorization_pending" => {}
                "slow_down" => interval = (interval + SLOWER).min(LONGEST_INTERVAL),
                _ => return Err(refusal.error),
            },
            // The network may come back before the code's time is over.
            Err(error) if error.kind == Kind::Network => interval = (interval * 2).min(LONGEST_INTERVAL),
            Err(error) => return Err(error),
        }
    }
}

/// A line that is written again and again, where somebody looks at it.
struct Progress {
    terminal: bool,
}

impl Progress {
    fn new() -> Self {
        Self { terminal: stderr().is_terminal() }
    }

    fn show(&self, left: Duration) {
        if self.terminal {
            let seconds = left.as_secs();
            let _ = write!(stderr(), "\rwaiting, {}:{:02} left ", seconds / 60, seconds % 60);
        }
    }

    fn end(&self) {
        if self.terminal {
            let _ = writeln!(stderr());
        }
    }
}
