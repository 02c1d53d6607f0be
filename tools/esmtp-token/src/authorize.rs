// SPDX-License-Identifier: LGPL-2.1-or-later
//! The owner of a mailbox agrees once; what is left of it is a refresh token.

use std::io::{Read, stdin};
use std::path::Path;
use std::time::Duration;

use crate::answer::Object;
use crate::arguments::Arguments;
use crate::clock::Deadline;
use crate::entry::{Consent, Entry, Grant};
use crate::error::{Error, Kind, Result};
use crate::grant::keep;
use crate::name::Name;
use crate::secret::Secret;
use crate::settings::Settings;
use crate::state::Folder;
use crate::{browser, device, print, state_folder};

const LONGEST_IMPORT: u64 = 64 * 1024;

/// What both ways need.
pub(crate) struct Task<'a> {
    pub(crate) name: &'a Name,
    pub(crate) entry: &'a Entry,
    /// For one question.
    pub(crate) timeout: Duration,
}

impl Task<'_> {
    pub(crate) fn deadline(&self) -> Deadline {
        Deadline::after(self.timeout)
    }
}

/// Asks the owner of the mailbox, waits, and keeps the refresh token.
pub(crate) fn authorize(name: &Name, arguments: &Arguments) -> Result<()> {
    let settings = Settings::read(arguments.config.clone())?;
    let entry = settings.entry(name)?;
    let folder = state_folder(arguments, &settings);
    let task = Task { name, entry, timeout: settings.timeout };
    let consent = consent(entry)?;
    // Before anybody is asked for anything.
    try_state(&task, &folder)?;
    let object = match consent {
        Consent::Device(endpoint) => device::ask(&task, endpoint)?,
        Consent::Browser(endpoint) => browser::ask(&task, endpoint)?,
        Consent::Elsewhere => {
            let text = "there is neither a device-endpoint nor an authorization-endpoint; see \"import\"";
            return Err(Error::new(Kind::Configuration, text));
        }
    };
    store(&task, &folder, refresh_token(&object)?)
}

/// Keeps a refresh token that came from elsewhere.
pub(crate) fn import(name: &Name, arguments: &Arguments) -> Result<()> {
    let settings = Settings::read(arguments.config.clone())?;
    let entry = settings.entry(name)?;
    consent(entry)?;
    let wrong = |what: &str| Error::new(Kind::Usage, format!("standard input: {what}"));
    let mut text = String::new();
    let length = stdin().take(LONGEST_IMPORT + 1).read_to_string(&mut text);
    if length.map_err(|error| wrong(&error.to_string()))? as u64 > LONGEST_IMPORT {
        return Err(wrong("that is too long for a refresh token"));
    }
    let text = text.trim();
    // RFC 6749, appendix A.17.
    if text.is_empty() || !text.bytes().all(|octet| octet.is_ascii_graphic()) {
        return Err(wrong("one line with a refresh token is needed"));
    }
    let task = Task { name, entry, timeout: settings.timeout };
    store(&task, &state_folder(arguments, &settings), Secret::new(text))
}

fn consent(entry: &Entry) -> Result<&Consent> {
    match &entry.grant {
        Grant::RefreshToken(consent) => Ok(consent),
        _ => Err(Error::new(Kind::Configuration, "only grant = \"refresh-token\" needs somebody's consent")),
    }
}

fn refresh_token(object: &Object) -> Result<Secret> {
    object.refresh_token().ok_or_else(|| {
        let text = "the server sent no refresh token; Microsoft wants the scope offline_access for one";
        Error::new(Kind::Refused, text)
    })
}

fn try_state(task: &Task<'_>, folder: &Path) -> Result<()> {
    Folder::open_or_make(folder)?.lock(task.name, task.deadline())?.make_room().map(drop)
}

fn store(task: &Task<'_>, folder: &Path, refresh_token: Secret) -> Result<()> {
    let folder = Folder::open_or_make(folder)?;
    let locked = folder.lock(task.name, task.deadline())?;
    keep(locked.make_room()?, task.entry, refresh_token)?;
    print(&format!("{}: the refresh token is kept\n", task.name))
}
