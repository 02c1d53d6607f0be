// SPDX-License-Identifier: LGPL-2.1-or-later
//! CRAM-MD5 (RFC 2195): a keyed digest of the server's challenge.

use std::fmt::Write as _;

use hmac::{Hmac, Mac};
use md5::Md5;

use super::channel::Channel;
use super::mechanism::Mechanism;
use super::request::Credentials;
use super::secret::Secret;
use crate::error::{Error, Result};

/// The credentials until the challenge is there.
#[derive(Default)]
pub(super) struct CramMd5 {
    credentials: Option<Credentials>,
}

impl Mechanism for CramMd5 {
    fn start(&mut self, credentials: Credentials, _channel: &Channel) -> Result<Option<Secret>> {
        self.credentials = Some(credentials);
        Ok(None)
    }

    fn step(&mut self, challenge: &[u8]) -> Result<Secret> {
        // A digest of nothing would be the same each time.
        if challenge.is_empty() {
            return Err(Error::Client);
        }
        let Credentials { user, passphrase, .. } = self.credentials.take().ok_or(Error::Client)?;
        let mut mac = Hmac::<Md5>::new_from_slice(&passphrase).map_err(|_| Error::Client)?;
        mac.update(challenge);
        let mut digest = String::with_capacity(32);
        for byte in mac.finalize().into_bytes() {
            write!(digest, "{byte:02x}").map_err(|_| Error::Client)?;
        }
        Ok(Secret::concat(&[&user, b" ", digest.as_bytes()]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(user: &[u8], passphrase: &[u8]) -> CramMd5 {
        let credentials = Credentials {
            user: Secret::from(user),
            passphrase: Secret::from(passphrase),
            ..Credentials::empty()
        };
        let mut mechanism = CramMd5::default();
        let first = mechanism.start(credentials, &Channel::default()).unwrap();
        assert!(first.is_none());
        mechanism
    }

    /// RFC 2195 §2.
    #[test]
    fn example_of_the_rfc() {
        let mut mechanism = started(b"tim", b"tanstaaftanstaaf");
        let response = mechanism.step(b"<1896.697170952@postoffice.reston.mci.net>").unwrap();
        assert_eq!(&*response, b"tim b913a602c7eda7a495b4e6e7334d3890");
        assert!(mechanism.step(b"<again>").is_err());
    }

    /// A key longer than a block of MD5 is hashed first (RFC 2104 §2; RFC 2202, case 6).
    #[test]
    fn long_password() {
        let mut mechanism = started(b"u", &[0xaa; 80]);
        let response = mechanism.step(b"Test Using Larger Than Block-Size Key - Hash Key First");
        assert_eq!(&*response.unwrap(), b"u 6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd");
    }

    #[test]
    fn refuses_an_empty_challenge() {
        assert!(started(b"tim", b"key").step(b"").is_err());
    }

    #[test]
    fn nothing_before_the_start() {
        assert!(CramMd5::default().step(b"<x>").is_err());
    }
}
