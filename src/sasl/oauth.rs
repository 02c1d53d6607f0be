// SPDX-License-Identifier: LGPL-2.1-or-later
//! OAuth 2.0 access tokens: OAUTHBEARER (RFC 7628) and its unregistered elder XOAUTH2.
//!
//! Who overhears a token can use it, so both work over TLS only.

use super::channel::Channel;
use super::mechanism::{Mechanism, Needs};
use super::request::Credentials;
use super::secret::Secret;
use crate::error::{Error, Result};

/// `user=USER ^A auth=Bearer TOKEN ^A ^A`.
#[derive(Default)]
pub(super) struct XOAuth2 {
    token_sent: bool,
}

impl Mechanism for XOAuth2 {
    fn start(&mut self, credentials: Credentials, channel: &Channel) -> Result<Option<Secret>> {
        let Credentials { user, passphrase, .. } = checked(credentials, channel)?;
        self.token_sent = true;
        Ok(Some(Secret::concat(&[b"user=", &user, b"\x01auth=Bearer ", &passphrase, b"\x01\x01"])))
    }

    /// A challenge tells why the token is refused; the refusal itself comes after an empty
    /// answer.
    fn step(&mut self, _challenge: &[u8]) -> Result<Secret> {
        once(&mut self.token_sent)?;
        Ok(Secret::empty())
    }
}

/// The message of RFC 7628 §3.1 with its GS2 header.
#[derive(Default)]
pub(super) struct OAuthBearer {
    token_sent: bool,
}

impl Mechanism for OAuthBearer {
    fn start(&mut self, credentials: Credentials, channel: &Channel) -> Result<Option<Secret>> {
        let Credentials { user, passphrase, .. } = checked(credentials, channel)?;
        self.token_sent = true;
        Ok(Some(Secret::concat(&[
            b"n,a=",
            &escaped_name(&user),
            b",\x01host=",
            channel.host.as_bytes(),
            b"\x01port=",
            channel.port.to_string().as_bytes(),
            b"\x01auth=Bearer ",
            &passphrase,
            b"\x01\x01",
        ])))
    }

    /// RFC 7628 §3.2.3: an error message is acknowledged with one ^A.
    fn step(&mut self, _challenge: &[u8]) -> Result<Secret> {
        once(&mut self.token_sent)?;
        Ok(Secret::from(b"\x01".as_slice()))
    }
}

/// At most one error follows a token.
fn once(token_sent: &mut bool) -> Result<()> {
    if std::mem::take(token_sent) { Ok(()) } else { Err(Error::Client) }
}

/// Fails without TLS, or with text that would break out of its field.
fn checked(credentials: Credentials, channel: &Channel) -> Result<Credentials> {
    let Credentials { user, passphrase, .. } = &credentials;
    let clean = |text: &[u8]| !text.iter().any(u8::is_ascii_control);
    let usable = Needs::Secrecy.are_met_by(channel)
        && [user, passphrase, channel.host.as_bytes()].into_iter().all(clean)
        && !passphrase.is_empty();
    if usable { Ok(credentials) } else { Err(Error::Client) }
}

/// A name in a GS2 header: comma and equals sign have a meaning there (RFC 5801 §4).
pub(super) fn escaped_name(name: &[u8]) -> Secret {
    let parts: Vec<&[u8]> = name
        .chunks(1)
        .map(|byte| match byte {
            b"," => b"=2C",
            b"=" => b"=3D",
            other => other,
        })
        .collect();
    Secret::concat(&parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &[u8] = b"vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==";

    fn credentials(user: &[u8], token: &[u8]) -> Credentials {
        Credentials {
            user: Secret::from(user),
            passphrase: Secret::from(token),
            ..Credentials::empty()
        }
    }

    fn tls() -> Channel {
        Channel {
            secure: true,
            host: "server.example.com".to_owned(),
            port: 143,
            ..Channel::default()
        }
    }

    /// RFC 7628 §4.1 and, for the error, §4.3.
    #[test]
    fn bearer_example_of_the_rfc() {
        let mut mechanism = OAuthBearer::default();
        let first = mechanism.start(credentials(b"user@example.com", TOKEN), &tls());
        assert_eq!(
            &*first.unwrap().unwrap(),
            b"n,a=user@example.com,\x01host=server.example.com\x01port=143\x01\
              auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01"
        );
        let error = br#"{"status":"invalid_token","scope":"example_scope"}"#;
        assert_eq!(&*mechanism.step(error).unwrap(), b"\x01");
        assert!(mechanism.step(error).is_err());
    }

    #[test]
    fn user_is_escaped_in_the_gs2_header() {
        let first = OAuthBearer::default().start(credentials(b"a,b=c", b"t"), &tls());
        assert!(first.unwrap().unwrap().starts_with(b"n,a=a=2Cb=3Dc,\x01host="));
    }

    #[test]
    fn xoauth2() {
        let mut mechanism = XOAuth2::default();
        let first = mechanism.start(credentials(b"someuser@example.com", b"ya29.vF9dft4q"), &tls());
        assert_eq!(
            &*first.unwrap().unwrap(),
            b"user=someuser@example.com\x01auth=Bearer ya29.vF9dft4q\x01\x01"
        );
        assert_eq!(&*mechanism.step(br#"{"status":"401"}"#).unwrap(), b"");
        assert!(mechanism.step(b"").is_err());
    }

    #[test]
    fn no_token_in_clear_text() {
        let clear = Channel { secure: false, ..tls() };
        assert!(XOAuth2::default().start(credentials(b"u", b"t"), &clear).is_err());
        assert!(OAuthBearer::default().start(credentials(b"u", b"t"), &clear).is_err());
    }

    #[test]
    fn no_text_that_breaks_out_of_its_field() {
        for (user, token) in [(b"u\x01auth=".as_slice(), b"t".as_slice()), (b"u", b"t\x01"), (b"u", b"")] {
            assert!(XOAuth2::default().start(credentials(user, token), &tls()).is_err());
            assert!(OAuthBearer::default().start(credentials(user, token), &tls()).is_err());
        }
    }

    #[test]
    fn nothing_before_the_start() {
        assert!(XOAuth2::default().step(b"").is_err());
        assert!(OAuthBearer::default().step(b"").is_err());
    }
}
