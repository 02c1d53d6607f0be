// SPDX-License-Identifier: LGPL-2.1-or-later
//! The hash functions of SCRAM and what is made of them (RFC 5802 §2.2).

use hmac::{Hmac, Mac};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// What a hash function gives; keys are among it, so it is wiped.
pub(super) type Digest = Zeroizing<Vec<u8>>;

/// The hash function of a mechanism.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Hash {
    /// RFC 5802.
    Sha1,
    /// RFC 7677.
    Sha256,
}

impl Hash {
    /// `H(text)`.
    pub(super) fn digest(self, text: &[u8]) -> Digest {
        Zeroizing::new(match self {
            Self::Sha1 => Sha1::digest(text).to_vec(),
            Self::Sha256 => Sha256::digest(text).to_vec(),
        })
    }

    /// `HMAC(key, text)`.
    pub(super) fn hmac(self, key: &[u8], text: &[u8]) -> Result<Digest> {
        fn with<M: Mac + hmac::digest::KeyInit>(key: &[u8], text: &[u8]) -> Result<Digest> {
            // HMAC takes keys of any length.
            let mac = <M as Mac>::new_from_slice(key).map_err(|_| Error::Client)?;
            Ok(Zeroizing::new(mac.chain_update(text).finalize().into_bytes().to_vec()))
        }
        match self {
            Self::Sha1 => with::<Hmac<Sha1>>(key, text),
            Self::Sha256 => with::<Hmac<Sha256>>(key, text),
        }
    }

    /// `Hi(password, salt, iterations)`, which is PBKDF2.
    pub(super) fn salted_password(self, password: &[u8], salt: &[u8], iterations: u32) -> Result<Digest> {
        match self {
            Self::Sha1 => {
                let mut key = Zeroizing::new(vec![0; 20]);
                pbkdf2::pbkdf2::<Hmac<Sha1>>(password, salt, iterations, &mut key)
                    .map_err(|_| Error::Client)?;
                Ok(key)
            }
            Self::Sha256 => {
                let mut key = Zeroizing::new(vec![0; 32]);
                pbkdf2::pbkdf2::<Hmac<Sha256>>(password, salt, iterations, &mut key)
                    .map_err(|_| Error::Client)?;
                Ok(key)
            }
        }
    }
}
