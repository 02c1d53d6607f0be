// SPDX-License-Identifier: LGPL-2.1-or-later
//! SCRAM-SHA-1 and SCRAM-SHA-256 (RFC 5802, RFC 7677), with and without channel binding.
//!
//! The server proves that it knows the password's verifier; until then its success is not
//! believed.

mod hash;
mod message;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use stringprep::saslprep;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use self::hash::Digest;
pub(super) use self::hash::Hash;
use self::message::{ServerFinal, ServerFirst};
use super::channel::Channel;
use super::mechanism::{Mechanism, Needs};
use super::oauth::escaped_name;
use super::request::Credentials;
use super::secret::Secret;
use crate::error::{Error, Result};

/// Bytes of randomness in the client's nonce, as much as its proofs are strong.
const NONCE_SIZE: usize = 24;

/// One exchange.
pub(super) struct Scram {
    hash: Hash,
    bound: bool,
    state: State,
}

enum State {
    New,
    /// The client's first message is sent.
    First {
        passphrase: Secret,
        // The GS2 header and, with channel binding, the binding's data.
        binding_input: Vec<u8>,
        bare: Secret,
        nonce: Vec<u8>,
    },
    /// The client's proof is sent.
    Proved {
        server_signature: Digest,
    },
    /// The server has proved itself too.
    Finished,
    Failed,
    /// The server's proof was wrong, or its answer was to somebody else.
    Distrusted,
}

impl Scram {
    /// Without channel binding.
    pub(super) const fn new(hash: Hash) -> Self {
        Self { hash, bound: false, state: State::New }
    }

    /// With channel binding: `-PLUS`.
    pub(super) const fn with_binding(hash: Hash) -> Self {
        Self { hash, bound: true, state: State::New }
    }

    fn first(&mut self, credentials: &Credentials, channel: &Channel, nonce: Vec<u8>) -> Result<Secret> {
        let user = prepared(&credentials.user)?;
        if user.is_empty() {
            return Err(Error::Client);
        }
        let passphrase = prepared(&credentials.passphrase)?;
        let (header, data) = self.binding(channel)?;
        let bare = Secret::concat(&[b"n=", &escaped_name(&user), b",r=", &nonce]);
        let message = Secret::concat(&[header.as_bytes(), &bare]);
        self.state = State::First {
            passphrase,
            binding_input: [header.as_bytes(), data].concat(),
            bare,
            nonce,
        };
        Ok(message)
    }

    /// The GS2 header (RFC 5802 §6) and the data of the binding that it names.
    fn binding<'a>(&self, channel: &'a Channel) -> Result<(String, &'a [u8])> {
        let usable = channel.binding.as_ref().filter(|_| Needs::Binding.are_met_by(channel));
        match (self.bound, usable) {
            (true, Some(binding)) => Ok((format!("p={},,", binding.kind.name()), &binding.data)),
            (true, None) => Err(Error::Client),
            // We could bind, and believe that the server can not: if it can, somebody has
            // taken that out of its list, and it will notice.
            (false, Some(_)) if !channel.plus_offered => Ok(("y,,".to_owned(), &[])),
            (false, _) => Ok(("n,,".to_owned(), &[])),
        }
    }

    fn prove(&self, challenge: &[u8], first: &First<'_>) -> Result<(Secret, Digest)> {
        let ServerFirst { nonce, salt, iterations } = ServerFirst::parse(challenge, first.nonce)?;
        let hash = self.hash;
        let binding = STANDARD.encode(first.binding_input);
        let without_proof = Secret::concat(&[b"c=", binding.as_bytes(), b",r=", nonce]);
        let auth_message = Secret::concat(&[first.bare, b",", challenge, b",", &without_proof]);

        let salted_password = hash.salted_password(first.passphrase, &salt, iterations)?;
        let client_key = hash.hmac(&salted_password, b"Client Key")?;
        let stored_key = hash.digest(&client_key);
        let client_signature = hash.hmac(&stored_key, &auth_message)?;
        let proof: Zeroizing<Vec<u8>> =
            Zeroizing::new(client_key.iter().zip(client_signature.iter()).map(|(a, b)| a ^ b).collect());
        let server_key = hash.hmac(&salted_password, b"Server Key")?;
        let server_signature = hash.hmac(&server_key, &auth_message)?;

        let proof = Zeroizing::new(STANDARD.encode(&*proof));
        let message = Secret::concat(&[&without_proof, b",p=", proof.as_bytes()]);
        Ok((message, server_signature))
    }
}

/// What of the first message the second one needs.
struct First<'a> {
    passphrase: &'a [u8],
    binding_input: &'a [u8],
    bare: &'a [u8],
    nonce: &'a [u8],
}

impl Mechanism for Scram {
    fn start(&mut self, credentials: Credentials, channel: &Channel) -> Result<Option<Secret>> {
        let mut random = [0; NONCE_SIZE];
        getrandom::fill(&mut random).map_err(|_| Error::Client)?;
        let nonce = STANDARD.encode(random).into_bytes();
        self.first(&credentials, channel, nonce).map(Some)
    }

    fn step(&mut self, challenge: &[u8]) -> Result<Secret> {
        match std::mem::replace(&mut self.state, State::Failed) {
            State::First { passphrase, binding_input, bare, nonce } => {
                let first = First {
                    passphrase: &passphrase,
                    binding_input: &binding_input,
                    bare: &bare,
                    nonce: &nonce,
                };
                if message::is_foreign(challenge, &nonce) {
                    self.state = State::Distrusted;
                    return Err(Error::Client);
                }
                let (message, server_signature) = self.prove(challenge, &first)?;
                self.state = State::Proved { server_signature };
                Ok(message)
            }
            State::Proved { server_signature } => {
                // What comes without a proof may come from anybody, and proves nothing later.
                let (state, answer) = match ServerFinal::parse(challenge) {
                    Some(ServerFinal::Proof(signature)) if bool::from(signature.ct_eq(&server_signature)) => {
                        (State::Finished, Ok(Secret::empty()))
                    }
                    // The refusal itself is the reply that follows.
                    Some(ServerFinal::Refusal) => (State::Failed, Ok(Secret::empty())),
                    Some(ServerFinal::Proof(_)) | None => (State::Distrusted, Err(Error::Client)),
                };
                self.state = state;
                answer
            }
            State::New | State::Finished | State::Failed | State::Distrusted => Err(Error::Client),
        }
    }

    fn believes_success(&self) -> bool {
        matches!(self.state, State::Finished)
    }

    fn distrusts_server(&self) -> bool {
        matches!(self.state, State::Distrusted)
    }
}

/// User names and passwords are prepared with `SASLprep` (RFC 5802 §2.2, §5.1): text that it
/// refuses cannot be the server's either.
fn prepared(text: &[u8]) -> Result<Secret> {
    let text = std::str::from_utf8(text).map_err(|_| Error::Client)?;
    match saslprep(text).map_err(|_| Error::Client)? {
        std::borrow::Cow::Borrowed(same) => Ok(Secret::from(same.as_bytes())),
        std::borrow::Cow::Owned(prepared) => Ok(Secret::from(Zeroizing::new(prepared).as_bytes())),
    }
}

#[cfg(test)]
mod tests;
