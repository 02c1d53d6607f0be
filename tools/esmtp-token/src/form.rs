// SPDX-License-Identifier: LGPL-2.1-or-later
//! What is asked (`application/x-www-form-urlencoded`), and which parts of it are secret.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::assertion;
use crate::entry::{Client, Entry, Proof};
use crate::error::{Error, Kind, Result};
use crate::secret::{self, Secret};

/// One question. None of it is shown.
#[derive(Default)]
pub(crate) struct Form {
    open: Vec<(String, String)>,
    secret: Vec<(String, Secret)>,
    authorization: Option<Secret>,
}

impl Form {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.open.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn with_secret(mut self, name: &str, value: Secret) -> Self {
        self.secret.push((name.to_owned(), value));
        self
    }

    pub(crate) fn with_scope(self, entry: &Entry) -> Self {
        match &entry.scope {
            None => self,
            Some(scope) => self.with("scope", scope),
        }
    }

    /// What the file says beside the standards.
    pub(crate) fn with_parameters(mut self, entry: &Entry) -> Self {
        self.open.extend(entry.parameters.iter().cloned());
        self
    }

    /// Who asks (RFC 6749 §2.3).
    pub(crate) fn with_client(mut self, client: &Client, audience: &str) -> Result<Self> {
        let id = client.id.as_deref();
        if let (Proof::Basic(source), Some(id)) = (&client.proof, id) {
            let secret = source.read()?;
            self.authorization = Some(basic(id, &secret));
            // Only in case that the server says it again.
            self.authorization_secret(secret);
            return Ok(self);
        }
        if let Some(id) = id {
            self = self.with("client_id", id);
        }
        match &client.proof {
            Proof::None | Proof::Basic(_) => Ok(self),
            Proof::Post(source) => Ok(self.with_secret("client_secret", source.read()?)),
            Proof::Key(key) => {
                let id = id.ok_or_else(|| Error::new(Kind::Configuration, "a key needs a client-id"))?;
                let statement = assertion::of_client(key, id, audience)?;
                let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
                Ok(self.with("client_assertion_type", kind).with_secret("client_assertion", statement))
            }
        }
    }

    fn authorization_secret(&mut self, secret: Secret) {
        self.secret.push((String::new(), secret));
    }

    /// Names and values, as they are sent.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let open = self.open.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let secret = self.secret.iter().map(|(name, value)| (name.as_str(), value.expose()));
        open.chain(secret).filter(|(name, _)| !name.is_empty())
    }

    pub(crate) fn authorization(&self) -> Option<&Secret> {
        self.authorization.as_ref()
    }

    /// A text of the server's, without what was secret in the question.
    pub(crate) fn redact(&self, text: &str) -> String {
        let secrets = self.secret.iter().map(|(_, value)| value).chain(&self.authorization);
        secret::redact(text, secrets.map(Secret::expose))
    }
}

/// RFC 6749 §2.3.1: both halves are encoded as in a form before they are joined.
fn basic(id: &str, secret: &Secret) -> Secret {
    let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let both = format!("{}:{}", encode(id), encode(secret.expose()));
    Secret::new(format!("Basic {}", STANDARD.encode(both)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Source;

    fn client(proof: Proof) -> Client {
        Client { id: Some("a:b".to_owned()), proof }
    }

    #[test]
    fn basic_keeps_the_halves_apart() {
        let form = Form::new()
            .with_client(&client(Proof::Basic(Source::Here(Secret::new("x y")))), "")
            .unwrap();
        assert_eq!(
            form.authorization().unwrap().expose(),
            format!("Basic {}", STANDARD.encode("a%3Ab:x%20y"))
        );
        assert_eq!(form.pairs().count(), 0);
        assert_eq!(form.redact("no x y, nor x%20y"), "no ***, nor ***");
    }

    #[test]
    fn a_secret_goes_into_the_form_and_not_into_a_message() {
        let form = Form::new()
            .with_client(&client(Proof::Post(Source::Here(Secret::new("s3")))), "")
            .unwrap();
        assert_eq!(form.pairs().collect::<Vec<_>>(), [("client_id", "a:b"), ("client_secret", "s3")]);
        assert_eq!(form.redact("a:b said s3"), "a:b said ***");
    }
}
