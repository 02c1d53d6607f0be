// SPDX-License-Identifier: LGPL-2.1-or-later
//! Gets an OAuth access token and prints it with its expiry, for who reads a policy's secret from a socket.
//!
//! ```text
//! arguments, settings   what to do, and for whom     entry, provider, document, name, trust, secret
//! grant                 each way to a token          form, assertion, answer, server, state
//! authorize             the owner of a mailbox agrees, by a code or in a browser
//! ```

mod answer;
mod arguments;
mod assertion;
mod authorize;
mod browser;
mod clock;
mod device;
mod document;
mod endpoint;
mod entry;
mod error;
mod form;
mod grant;
mod name;
mod provider;
#[cfg(test)]
mod scratch;
mod secret;
mod server;
mod settings;
mod state;
mod trust;
mod undisturbed;

use std::io::{Write, stderr, stdout};
use std::panic::catch_unwind;
use std::path::PathBuf;
use std::process::ExitCode;

use arguments::{Arguments, Task, USAGE};
use clock::Deadline;
use error::{Error, Kind, Result};
use grant::Granted;
use name::Name;
use settings::Settings;

const STATE: &str = "/var/lib/esmtp-token";

fn main() -> ExitCode {
    // A service's log wants a line, not a backtrace.
    std::panic::set_hook(Box::new(|fault| {
        let text = fault.to_string();
        complain(&Error::new(Kind::Fault, format!("stopped by a fault: {text}")));
    }));
    match catch_unwind(run) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            complain(&error);
            ExitCode::from(error.kind as u8)
        }
        Err(_) => ExitCode::from(Kind::Fault as u8),
    }
}

fn complain(error: &Error) {
    // Where nobody listens, the exit status still tells.
    let _ = writeln!(stderr(), "esmtp-token: {error}");
}

fn run() -> Result<()> {
    let arguments = Arguments::parse(std::env::args_os().skip(1))?;
    match &arguments.task {
        Task::Help => print(USAGE),
        Task::Version => print(concat!("esmtp-token ", env!("CARGO_PKG_VERSION"), "\n")),
        Task::Print(name) => serve(name, &arguments),
        Task::PrintForSocket => serve(&Name::of_socket()?, &arguments),
        Task::Check => check(&Settings::read(arguments.config)?),
        Task::Authorize(name) => authorize::authorize(name, &arguments).map_err(|error| error.about(name)),
        Task::Import(name) => authorize::import(name, &arguments).map_err(|error| error.about(name)),
    }
}

/// Prints a token. A refresh token that could not be kept does not stop the mail that waits for this one.
fn serve(name: &Name, arguments: &Arguments) -> Result<()> {
    let granted = || {
        let settings = Settings::read(arguments.config.clone())?;
        let entry = settings.entry(name)?;
        grant::token(name, entry, &state_folder(arguments, &settings), Deadline::after(settings.timeout))
    };
    let Granted { token, expires, also } = granted().map_err(|error| error.about(name))?;
    let expires = expires.map_or_else(String::new, |time| format!("expires={time}\n"));
    print(&format!("{}\n{expires}", token.expose())).map_err(|error| error.about(name))?;
    also.map_or(Ok(()), |error| Err(error.about(name)))
}

/// Whether everything that the file names is there and fits.
fn check(settings: &Settings) -> Result<()> {
    for (name, entry) in &settings.entries {
        entry.check().map_err(|error| error.about(name))?;
    }
    print(&format!("{}: {} names, no mistakes\n", settings.path.display(), settings.entries.len()))
}

/// Where refresh tokens are: as said on the command line, in the file, by systemd, or the usual place.
fn state_folder(arguments: &Arguments, settings: &Settings) -> PathBuf {
    let from_systemd =
        || std::env::var_os("STATE_DIRECTORY").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let named = arguments.state.clone().or_else(|| settings.state.clone());
    named.or_else(from_systemd).unwrap_or_else(|| PathBuf::from(STATE))
}

fn print(text: &str) -> Result<()> {
    let mut output = stdout();
    let written = output.write_all(text.as_bytes()).and_then(|()| output.flush());
    written.map_err(|error| Error::new(Kind::Output, format!("standard output: {error}")))
}
