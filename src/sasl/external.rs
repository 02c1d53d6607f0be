// SPDX-License-Identifier: LGPL-2.1-or-later
//! EXTERNAL (RFC 4422 appendix A): the server knows us from elsewhere, such as TLS.

use super::channel::Channel;
use super::mechanism::Mechanism;
use super::request::Credentials;
use super::secret::Secret;
use crate::error::{Error, Result};

/// The identity to act as; empty = the one that the server derives.
#[derive(Default)]
pub(super) struct External {
    identity: Option<Secret>,
}

impl Mechanism for External {
    /// The context puts the identity in the user's place.
    fn start(&mut self, credentials: Credentials, _channel: &Channel) -> Result<Option<Secret>> {
        let identity = self.identity.insert(credentials.user);
        Ok(Some(Secret::from(&**identity)))
    }

    /// A server that ignores initial responses asks, with an empty challenge or words of its own.
    fn step(&mut self, _challenge: &[u8]) -> Result<Secret> {
        let identity = self.identity.as_ref().ok_or(Error::Client)?;
        Ok(Secret::from(&**identity))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_identity_is_the_answer() {
        for identity in ["", "fred@example.com"] {
            let credentials = Credentials {
                user: Secret::from(identity.as_bytes()),
                ..Credentials::empty()
            };
            let mut external = External::default();
            let first = external.start(credentials, &Channel::default()).unwrap().unwrap();
            assert_eq!(&*first, identity.as_bytes());
            assert_eq!(&*external.step(b"").unwrap(), identity.as_bytes());
            assert_eq!(&*external.step(b"who?").unwrap(), identity.as_bytes());
        }
    }

    #[test]
    fn nothing_before_the_start() {
        assert!(External::default().step(b"").is_err());
    }
}
