// SPDX-License-Identifier: LGPL-2.1-or-later
//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use lexopt::prelude::*;

pub(crate) const USAGE: &str = "\
usage: esmtp-policy check [--user USER] [FILE]
       esmtp-policy explain --program PROGRAM --server SERVER [--user USER] [--from PATH]... [FILE]
       esmtp-policy probe [--server SERVER] RELAY [FILE]
       esmtp-policy --help | --version
Without FILE: what $LIBESMTP_POLICY names, else the user's and the system's policy.toml.";

/// What is to be done.
pub(crate) enum Task {
    Help,
    Version,
    Check(Check),
    Explain(Explain),
    Probe(Probe),
}

/// Tries a relay.
pub(crate) struct Probe {
    pub(crate) relay: String,
    pub(crate) file: Option<PathBuf>,
    pub(crate) server: Option<String>,
}

/// Looks for mistakes.
pub(crate) struct Check {
    pub(crate) file: Option<PathBuf>,
    pub(crate) user: Option<String>,
}

/// Says which rule fits a session.
pub(crate) struct Explain {
    pub(crate) file: Option<PathBuf>,
    pub(crate) program: String,
    pub(crate) server: String,
    pub(crate) user: Option<String>,
    pub(crate) from: Vec<String>,
}

pub(crate) fn parse() -> Result<Task, lexopt::Error> {
    let mut parser = lexopt::Parser::from_env();
    match parser.next()? {
        Some(Value(word)) if word == "check" => check(parser).map(Task::Check),
        Some(Value(word)) if word == "explain" => explain(parser).map(Task::Explain),
        Some(Value(word)) if word == "probe" => probe(parser).map(Task::Probe),
        Some(Short('h') | Long("help")) => Ok(Task::Help),
        Some(Short('V') | Long("version")) => Ok(Task::Version),
        Some(other) => Err(other.unexpected()),
        None => Err("what is to be done?".into()),
    }
}

fn check(mut parser: lexopt::Parser) -> Result<Check, lexopt::Error> {
    let mut check = Check { file: None, user: None };
    while let Some(argument) = parser.next()? {
        match argument {
            Long("user") => check.user = Some(parser.value()?.string()?),
            Value(file) => set_file(&mut check.file, file)?,
            other => return Err(other.unexpected()),
        }
    }
    Ok(check)
}

fn explain(mut parser: lexopt::Parser) -> Result<Explain, lexopt::Error> {
    let (mut file, mut program, mut server, mut user) = (None, None, None, None);
    let mut from = Vec::new();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("program") => program = Some(parser.value()?.string()?),
            Long("server") => server = Some(parser.value()?.string()?),
            Long("user") => user = Some(parser.value()?.string()?),
            Long("from") => from.push(parser.value()?.string()?),
            Value(path) => set_file(&mut file, path)?,
            other => return Err(other.unexpected()),
        }
    }
    Ok(Explain {
        file,
        program: program.ok_or("--program is missing")?,
        server: server.ok_or("--server is missing")?,
        user,
        from,
    })
}

fn probe(mut parser: lexopt::Parser) -> Result<Probe, lexopt::Error> {
    let (mut relay, mut file, mut server) = (None, None, None);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("server") => server = Some(parser.value()?.string()?),
            Value(name) if relay.is_none() => relay = Some(name.string()?),
            Value(path) => set_file(&mut file, path)?,
            other => return Err(other.unexpected()),
        }
    }
    let relay = relay.ok_or("which relay?")?;
    Ok(Probe { relay, file, server })
}

fn set_file(place: &mut Option<PathBuf>, file: OsString) -> Result<(), lexopt::Error> {
    // The policy of a session is never a relative path; that of a trial may be.
    let path = std::path::absolute(PathBuf::from(file)).map_err(|error| error.to_string())?;
    if place.replace(path).is_some() {
        Err("one file at a time".into())
    } else {
        Ok(())
    }
}
