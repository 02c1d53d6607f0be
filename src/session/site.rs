// SPDX-License-Identifier: LGPL-2.1-or-later
//! The site's policy for programs that look at it rather than send: where it is, and whether what
//! its relays need is to be had.

use std::path::Path;

use super::terms;
use crate::host::{self, ProcessUser};
use crate::net;
use crate::policy::file::{Identity, Places};
use crate::policy::secret::{self, Access};
use crate::policy::{Fault, Relay};

/// The system's folder, as it was built in.
const SYSTEM_FOLDER: &str = match option_env!("ESMTP_CONFIG_DIR") {
    Some(folder) => folder,
    None => "/etc/libesmtp",
};

/// Where the policy of this process is.
pub fn places() -> Result<Places, Fault> {
    Places::find(host::variable(c"LIBESMTP_POLICY"), net::user_folder(), Path::new(SYSTEM_FOLDER))
}

/// As whom this process runs.
#[must_use]
pub fn identity() -> Identity {
    let ProcessUser { effective, real, same_group } = host::process_user();
    Identity { effective, real, same_group }
}

/// A process of a user without further rights.
#[must_use]
pub const fn identity_of(user: u32) -> Identity {
    Identity {
        effective: user,
        real: user,
        same_group: true,
    }
}

/// Everything that a relay needs and cannot have, for a user.
#[must_use]
pub fn inspect(relay: &Relay, user: u32) -> Vec<Fault> {
    let access = Access { user, ..terms::access() };
    let mut faults: Vec<Fault> = terms::demands(relay, &access).err().into_iter().collect();
    let proxy = relay.proxy.as_ref().and_then(|proxy| proxy.secret.as_ref());
    let sources = relay.secret.iter().chain(proxy);
    faults.extend(sources.filter_map(|source| secret::fetch(source, &access).err()));
    faults
}
