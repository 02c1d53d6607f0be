// SPDX-License-Identifier: LGPL-2.1-or-later
//! Getting a token, each grant in its own words.

use std::path::Path;

use crate::answer::{Object, Reply, Token};
use crate::assertion;
use crate::clock::{self, Deadline};
use crate::entry::{Entry, Grant, Signer};
use crate::error::{Error, Kind, Result};
use crate::form::Form;
use crate::name::Name;
use crate::secret::Secret;
use crate::server::Server;
use crate::state::{Folder, Room, Stored};
use crate::undisturbed::Undisturbed;

/// A token, until when it is good, and what went wrong beside it.
pub(crate) struct Granted {
    pub(crate) token: Secret,
    pub(crate) expires: Option<u64>,
    pub(crate) also: Option<Error>,
}

/// Gets a token as the entry says.
pub(crate) fn token(name: &Name, entry: &Entry, state: &Path, deadline: Deadline) -> Result<Granted> {
    // The validity counts from somewhere between question and answer: the earlier moment is safe.
    let asked = clock::now()?;
    let (token, also) = match &entry.grant {
        Grant::ClientCredentials => (client_credentials(entry, deadline)?, None),
        Grant::JwtBearer(signer) => (jwt_bearer(entry, signer, deadline)?, None),
        Grant::RefreshToken(_) => refresh(name, entry, state, deadline)?,
    };
    let expires = token.seconds.map(|seconds| asked.saturating_add(seconds));
    Ok(Granted { token: token.value, expires, also })
}

/// Asks the token endpoint and gives its answer if it says yes.
pub(crate) fn ask(entry: &Entry, form: &dyn Fn() -> Result<Form>, deadline: Deadline) -> Result<Object> {
    match reply(entry, form, deadline)? {
        Reply::Granted(object) => Ok(object),
        Reply::Refused(refusal) => Err(refusal.error),
    }
}

/// The same, for those to whom it matters what exactly it says.
pub(crate) fn reply(entry: &Entry, form: &dyn Fn() -> Result<Form>, deadline: Deadline) -> Result<Reply> {
    let server = Server::new(entry.ca_file.as_deref())?;
    let (answer, asked) = server.ask(&entry.token, form, deadline)?;
    match Reply::of(&answer, &asked).map_err(|error| error.about(&entry.token))? {
        Reply::Refused(mut refusal) => {
            refusal.error = refusal.error.about(&entry.token);
            Ok(Reply::Refused(refusal))
        }
        granted @ Reply::Granted(_) => Ok(granted),
    }
}

impl Entry {
    /// For whom a signed statement is.
    fn audience(&self) -> &str {
        self.audience.as_deref().unwrap_or(self.token.as_str())
    }

    /// A question with who asks, and with what the file adds.
    pub(crate) fn form(&self, grant: &str) -> Result<Form> {
        Form::new()
            .with("grant_type", grant)
            .with_parameters(self)
            .with_client(&self.client, self.audience())
    }

    fn access(&self, object: &Object) -> Result<Token> {
        object.token().map_err(|error| error.about(&self.token))
    }
}

/// RFC 6749 §4.4.
fn client_credentials(entry: &Entry, deadline: Deadline) -> Result<Token> {
    let form = || Ok(entry.form("client_credentials")?.with_scope(entry));
    entry.access(&ask(entry, &form, deadline)?)
}

/// RFC 7523 §2.1.
fn jwt_bearer(entry: &Entry, signer: &Signer, deadline: Deadline) -> Result<Token> {
    let form = || {
        let statement = assertion::of_signer(signer, entry.scope.as_deref(), entry.audience())?;
        let form = entry.form("urn:ietf:params:oauth:grant-type:jwt-bearer")?.with_scope(entry);
        Ok(form.with_secret("assertion", statement))
    };
    entry.access(&ask(entry, &form, deadline)?)
}

/// RFC 6749 §6. From here on the old refresh token may be worth nothing any more.
fn refresh(name: &Name, entry: &Entry, state: &Path, deadline: Deadline) -> Result<(Token, Option<Error>)> {
    let folder = Folder::open(state)?;
    let locked = folder.lock(name, deadline)?;
    let stored = locked.read()?.ok_or_else(|| {
        Error::new(Kind::State, format!("no refresh token is kept: run \"esmtp-token authorize {name}\""))
    })?;
    let authorize = format!("run \"esmtp-token authorize {name}\" again");
    if stored.client != entry.client_id() || stored.endpoint != entry.token.as_str() {
        let text = format!("the refresh token is of another client or server ({})", stored.endpoint);
        return Err(Error::new(Kind::State, text).hint(&authorize));
    }
    let room = locked.make_room()?;
    let form = || {
        let form = entry.form("refresh_token")?.with_scope(entry);
        Ok(form.with_secret("refresh_token", stored.refresh_token.clone()))
    };
    // Before the question: a mistake in a file is no reason to ask.
    form()?;
    let undisturbed = Undisturbed::begin();
    let object = match reply(entry, &form, deadline)? {
        Reply::Granted(object) => object,
        Reply::Refused(refusal) if refusal.code == "invalid_grant" => {
            return Err(refusal.error.hint(&authorize));
        }
        Reply::Refused(refusal) => return Err(refusal.error),
    };
    let also = match object.refresh_token() {
        Some(new) if new != stored.refresh_token => keep(room, entry, new).err(),
        _ => None,
    };
    drop(undisturbed);
    // Kept before it is looked at whether the rest of the answer is any good.
    match entry.access(&object) {
        Ok(token) => Ok((token, also)),
        Err(error) => Err(also.unwrap_or(error)),
    }
}

/// Keeps a refresh token for the next run.
pub(crate) fn keep(room: Room<'_>, entry: &Entry, refresh_token: Secret) -> Result<()> {
    room.store(&Stored {
        refresh_token,
        client: entry.client_id().to_owned(),
        endpoint: entry.token.as_str().to_owned(),
    })
}

impl Entry {
    pub(crate) fn client_id(&self) -> &str {
        self.client.id.as_deref().unwrap_or_default()
    }
}
