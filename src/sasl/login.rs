// SPDX-License-Identifier: LGPL-2.1-or-later
//! LOGIN: user and password in a message each, in the clear. Obsolete, never registered in
//! an RFC, and for some servers all there is.

use super::channel::Channel;
use super::mechanism::Mechanism;
use super::request::Credentials;
use super::secret::Secret;
use crate::error::{Error, Result};

/// The password until it is asked for.
#[derive(Default)]
pub(super) struct Login {
    passphrase: Option<Secret>,
}

impl Mechanism for Login {
    fn start(&mut self, credentials: Credentials, _channel: &Channel) -> Result<Option<Secret>> {
        self.passphrase = Some(credentials.passphrase);
        Ok(Some(credentials.user))
    }

    /// What the prompt says does not matter: servers word it as they like.
    fn step(&mut self, _challenge: &[u8]) -> Result<Secret> {
        self.passphrase.take().ok_or(Error::Client)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_then_password_then_nothing() {
        let credentials = Credentials {
            user: Secret::from(b"user".as_slice()),
            passphrase: Secret::from(b"pass".as_slice()),
            ..Credentials::empty()
        };
        let mut login = Login::default();
        let first = login.start(credentials, &Channel::default()).unwrap().unwrap();
        assert_eq!(&*first, b"user");
        assert_eq!(&*login.step(b"Password:").unwrap(), b"pass");
        assert!(login.step(b"x").is_err());
    }

    #[test]
    fn nothing_before_the_start() {
        assert!(Login::default().step(b"Password:").is_err());
    }
}
