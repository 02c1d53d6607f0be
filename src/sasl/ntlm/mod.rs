// SPDX-License-Identifier: LGPL-2.1-or-later
//! NTLM ([MS-NLMP]) as SMTP servers of Microsoft's offer it: three messages, of which the
//! server's is the second. Nothing is signed or sealed afterwards.

mod message;
mod response;
mod utf16;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use self::message::{Authenticate, Challenge, FIRST_MESSAGE};
use self::response::Responses;
use super::channel::Channel;
use super::mechanism::Mechanism;
use super::request::Credentials;
use super::secret::Secret;
use crate::error::{Error, Result};

/// The credentials until the challenge is there.
#[derive(Default)]
pub(super) struct Ntlm {
    credentials: Option<Credentials>,
}

impl Mechanism for Ntlm {
    fn start(&mut self, credentials: Credentials, _channel: &Channel) -> Result<Option<Secret>> {
        self.credentials = Some(credentials);
        Ok(Some(Secret::from(FIRST_MESSAGE.as_slice())))
    }

    fn step(&mut self, challenge: &[u8]) -> Result<Secret> {
        let Credentials { domain, user, passphrase } = self.credentials.take().ok_or(Error::Client)?;
        let challenge = Challenge::parse(challenge).ok_or(Error::Client)?;
        // A server that knows version 2 describes itself, and that goes into the proof.
        let responses = match challenge.target_info {
            Some(info) => {
                let mut nonce = [0; 8];
                getrandom::fill(&mut nonce).map_err(|_| Error::Client)?;
                Responses::version_2(&domain, &user, &passphrase, challenge.nonce, info, now(), nonce)?
            }
            None => Responses::version_1(&passphrase, challenge.nonce)?,
        };
        let answer = Authenticate {
            flags: challenge.flags,
            responses: &responses,
            domain: &domain,
            user: &user,
        };
        answer.encode().ok_or(Error::Client)
    }
}

/// The time in Microsoft's count: units of 100 ns since 1601.
fn now() -> u64 {
    since_1601(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

fn since_1601(since_1970: Duration) -> u64 {
    const SECONDS_FROM_1601_TO_1970: u64 = 11_644_473_600;
    let units = SECONDS_FROM_1601_TO_1970.saturating_add(since_1970.as_secs()).saturating_mul(10_000_000);
    units.saturating_add(u64::from(since_1970.subsec_nanos() / 100))
}

#[cfg(test)]
mod tests;
