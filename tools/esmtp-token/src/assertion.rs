// SPDX-License-Identifier: LGPL-2.1-or-later
//! Signed statements (RFC 7519, RFC 7523): of a client about itself, of somebody about a mailbox.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openssl::hash::MessageDigest;
use openssl::pkey::{Id, PKey, Private};
use openssl::rsa::Padding;
use openssl::sign::{RsaPssSaltlen, Signer as Signing};
use openssl::x509::X509;
use serde_json::{Map, Value, json};

use crate::clock;
use crate::entry::{Algorithm, Identity, Key, Signer};
use crate::error::{Error, Kind, Result};
use crate::secret::Secret;
use crate::trust;

const LARGEST_CERTIFICATE: u64 = 64 * 1024;
/// A client's statement is used at once.
const CLIENT_SECONDS: u64 = 300;
/// Google asks for an hour at most and gives a token that is valid as long.
const BEARER_SECONDS: u64 = 3600;

/// A client's statement about itself (RFC 7523 §2.2, OpenID Connect Core §9).
pub(crate) fn of_client(key: &Key, id: &str, audience: &str) -> Result<Secret> {
    let claims = claims(id, Some(id), audience, CLIENT_SECONDS)?;
    Signature::of(key)?.sign(claims)
}

/// A statement about a mailbox (RFC 7523 §2.1).
pub(crate) fn of_signer(signer: &Signer, scope: Option<&str>, audience: &str) -> Result<Secret> {
    let (issuer, signature) = match &signer.identity {
        Identity::Issuer { name, key } => (name.clone(), Signature::of(key)?),
        Identity::ServiceAccount(file) => service_account(&file.read()?)?,
    };
    let mut claims = claims(&issuer, signer.subject.as_deref(), audience, BEARER_SECONDS)?;
    if let Some(scope) = scope {
        claims.insert("scope".to_owned(), json!(scope));
    }
    signature.sign(claims)
}

fn claims(issuer: &str, subject: Option<&str>, audience: &str, seconds: u64) -> Result<Map<String, Value>> {
    let now = clock::now()?;
    let mut claims = Map::new();
    claims.insert("iss".to_owned(), json!(issuer));
    if let Some(subject) = subject {
        claims.insert("sub".to_owned(), json!(subject));
    }
    claims.insert("aud".to_owned(), json!(audience));
    claims.insert("iat".to_owned(), json!(now));
    claims.insert("nbf".to_owned(), json!(now));
    claims.insert("exp".to_owned(), json!(now.saturating_add(seconds)));
    claims.insert("jti".to_owned(), json!(random()?));
    Ok(claims)
}

/// 128 bits that nobody guesses, in letters that fit everywhere.
pub(crate) fn random() -> Result<String> {
    let mut octets = [0; 16];
    openssl::rand::rand_bytes(&mut octets).map_err(|error| wrong("no random octets", &error))?;
    Ok(URL_SAFE_NO_PAD.encode(octets))
}

/// A key, and what the statement's head says of it.
struct Signature {
    key: PKey<Private>,
    algorithm: Algorithm,
    head: Map<String, Value>,
}

impl Signature {
    fn of(key: &Key) -> Result<Self> {
        let mut head = Map::new();
        if let Some(id) = &key.id {
            head.insert("kid".to_owned(), json!(id));
        }
        let private = private_key(&key.key.read()?)?;
        if let Some(path) = &key.certificate {
            let certificate = certificate(path, &private).map_err(|error| error.about(path.display()))?;
            // RFC 7515 §4.1.7 and §4.1.8: by which of a client's keys it is signed.
            let (name, digest) = match key.algorithm {
                Algorithm::Ps256 => ("x5t#S256", MessageDigest::sha256()),
                Algorithm::Rs256 => ("x5t", MessageDigest::sha1()),
            };
            let digest = certificate.digest(digest).map_err(|error| wrong("no digest", &error))?;
            head.insert(name.to_owned(), json!(URL_SAFE_NO_PAD.encode(digest)));
        }
        Ok(Self {
            key: private,
            algorithm: key.algorithm,
            head,
        })
    }

    fn sign(mut self, claims: Map<String, Value>) -> Result<Secret> {
        let name = match self.algorithm {
            Algorithm::Rs256 => "RS256",
            Algorithm::Ps256 => "PS256",
        };
        self.head.insert("alg".to_owned(), json!(name));
        self.head.insert("typ".to_owned(), json!("JWT"));
        let part = |value: Map<String, Value>| URL_SAFE_NO_PAD.encode(Value::Object(value).to_string());
        let signed = format!("{}.{}", part(self.head), part(claims));
        let signature = signature(&self.key, self.algorithm, signed.as_bytes())
            .map_err(|error| wrong("cannot sign with the key", &error))?;
        Ok(Secret::new(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))))
    }
}

fn signature(
    key: &PKey<Private>,
    algorithm: Algorithm,
    text: &[u8],
) -> std::result::Result<Vec<u8>, openssl::error::ErrorStack> {
    let mut signing = Signing::new(MessageDigest::sha256(), key)?;
    if algorithm == Algorithm::Ps256 {
        // RFC 7518 §3.5: the salt is as long as the hash.
        signing.set_rsa_padding(Padding::PKCS1_PSS)?;
        signing.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)?;
        signing.set_rsa_mgf1_md(MessageDigest::sha256())?;
    }
    signing.sign_oneshot_to_vec(text)
}

fn private_key(pem: &Secret) -> Result<PKey<Private>> {
    // With a callback, so that OpenSSL asks no terminal for a pass phrase.
    let key = PKey::private_key_from_pem_callback(pem.expose().as_bytes(), |_| Ok(0))
        .map_err(|error| wrong("the private key is no PEM text without pass phrase", &error))?;
    // RFC 7518 §3.3.
    if key.id() != Id::RSA || key.bits() < 2048 {
        return Err(Error::new(Kind::Configuration, "the private key must be RSA with 2048 bits or more"));
    }
    Ok(key)
}

fn certificate(path: &Path, key: &PKey<Private>) -> Result<X509> {
    let pem = trust::read_public(path, LARGEST_CERTIFICATE)?;
    let certificate =
        X509::from_pem(pem.as_bytes()).map_err(|error| wrong("no certificate in PEM", &error))?;
    let fits = certificate.public_key().is_ok_and(|public| public.public_eq(key));
    if !fits {
        return Err(Error::new(Kind::Configuration, "the certificate is not that of the key"));
    }
    Ok(certificate)
}

/// The JSON file that Google's console makes for a service account's key.
fn service_account(file: &Secret) -> Result<(String, Signature)> {
    let wrong = |what: &str| Error::new(Kind::Configuration, format!("service-account: {what}"));
    let account: Value = serde_json::from_str(file.expose()).map_err(|_| wrong("is not JSON"))?;
    let text = |key: &str| {
        let text = account.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        text.ok_or_else(|| wrong(&format!("lacks {key:?}")))
    };
    if text("type")? != "service_account" {
        return Err(wrong("is not the key file of a service account"));
    }
    let key =
        private_key(&Secret::new(text("private_key")?)).map_err(|error| error.about("service-account"))?;
    let mut head = Map::new();
    head.insert("kid".to_owned(), json!(text("private_key_id")?));
    Ok((text("client_email")?.to_owned(), Signature { key, algorithm: Algorithm::Rs256, head }))
}

/// OpenSSL's reason, without what it says of its own source.
fn wrong(what: &str, error: &openssl::error::ErrorStack) -> Error {
    let reason = error
        .errors()
        .first()
        .and_then(openssl::error::Error::reason)
        .unwrap_or("no reason given");
    Error::new(Kind::Configuration, format!("{what} ({reason})"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Source;
    use openssl::rsa::Rsa;
    use openssl::sign::Verifier;

    fn key() -> PKey<Private> {
        PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap()
    }

    fn pem(key: &PKey<Private>) -> String {
        String::from_utf8(key.private_key_to_pem_pkcs8().unwrap()).unwrap()
    }

    fn parts(statement: &Secret) -> (Value, Value) {
        let mut parts = statement.expose().split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap());
        let mut part = || serde_json::from_slice(&parts.next().unwrap()).unwrap();
        (part(), part())
    }

    fn verify(statement: &Secret, key: &PKey<Private>, algorithm: Algorithm) -> bool {
        let (signed, signature) = statement.expose().rsplit_once('.').unwrap();
        let mut verifier = Verifier::new(MessageDigest::sha256(), key).unwrap();
        if algorithm == Algorithm::Ps256 {
            verifier.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
            verifier.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH).unwrap();
        }
        verifier
            .verify_oneshot(&URL_SAFE_NO_PAD.decode(signature).unwrap(), signed.as_bytes())
            .unwrap()
    }

    #[test]
    fn a_client_speaks_of_itself() {
        for algorithm in [Algorithm::Rs256, Algorithm::Ps256] {
            let private = key();
            let source = Source::Here(Secret::new(pem(&private)));
            let key = Key {
                key: source,
                certificate: None,
                id: Some("k1".to_owned()),
                algorithm,
            };
            let statement = of_client(&key, "client", "https://id.example/token").unwrap();
            assert!(verify(&statement, &private, algorithm));
            let (head, claims) = parts(&statement);
            assert_eq!(head["kid"], "k1");
            assert_eq!((&claims["iss"], &claims["sub"]), (&json!("client"), &json!("client")));
            assert_eq!(claims["aud"], "https://id.example/token");
            assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), CLIENT_SECONDS);
            let again = of_client(&key, "client", "https://id.example/token").unwrap();
            assert_ne!(parts(&again).1["jti"], claims["jti"]);
        }
    }

    #[test]
    fn a_service_account_speaks_for_a_mailbox() {
        let private = key();
        let file = json!({"type": "service_account", "client_email": "a@p.example", "private_key": pem(&private), "private_key_id": "7"});
        let signer = Signer {
            identity: Identity::ServiceAccount(Source::Here(Secret::new(file.to_string()))),
            subject: Some("alerts@example.org".to_owned()),
        };
        let statement = of_signer(&signer, Some("s"), "https://id.example/token").unwrap();
        assert!(verify(&statement, &private, Algorithm::Rs256));
        let (head, claims) = parts(&statement);
        assert_eq!((&head["alg"], &head["kid"]), (&json!("RS256"), &json!("7")));
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!("a@p.example"), &json!("alerts@example.org")));
        assert_eq!(claims["scope"], "s");
    }

    #[test]
    fn other_keys_are_refused_without_a_question() {
        let weak = PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap();
        assert!(private_key(&Secret::new(pem(&weak))).is_err());
        let locked = key()
            .private_key_to_pem_pkcs8_passphrase(openssl::symm::Cipher::aes_128_cbc(), b"x")
            .unwrap();
        assert!(private_key(&Secret::new(String::from_utf8(locked).unwrap())).is_err());
        assert!(
            private_key(&Secret::new("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"))
                .is_err()
        );
        for bad in ["", "[]", "{\"type\":\"authorized_user\"}", "{\"type\":\"service_account\"}"] {
            assert!(service_account(&Secret::new(bad)).is_err(), "{bad}");
        }
    }
}
