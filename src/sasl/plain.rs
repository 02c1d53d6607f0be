// SPDX-License-Identifier: LGPL-2.1-or-later
//! PLAIN (RFC 4616): user and password in one message.

use super::channel::Channel;
use super::mechanism::Mechanism;
use super::request::Credentials;
use super::secret::Secret;
use crate::error::{Error, Result};

/// Nothing is left to do after the initial response, so nothing is kept.
pub(super) struct Plain;

impl Mechanism for Plain {
    fn start(&mut self, credentials: Credentials, _channel: &Channel) -> Result<Option<Secret>> {
        // Without an authorization identity: the server derives it from the user.
        let Credentials { user, passphrase, .. } = &credentials;
        Ok(Some(Secret::concat(&[b"\0", user, b"\0", passphrase])))
    }

    fn step(&mut self, _challenge: &[u8]) -> Result<Secret> {
        Err(Error::Client)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4616 §4, first example.
    #[test]
    fn user_and_password() {
        let credentials = Credentials {
            user: Secret::from(b"tim".as_slice()),
            passphrase: Secret::from(b"tanstaaftanstaaf".as_slice()),
            ..Credentials::empty()
        };
        let response = Plain.start(credentials, &Channel::default()).unwrap().unwrap();
        assert_eq!(&*response, b"\0tim\0tanstaaftanstaaf");
        assert!(Plain.step(b"").is_err());
    }
}
