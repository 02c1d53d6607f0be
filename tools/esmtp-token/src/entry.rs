// SPDX-License-Identifier: LGPL-2.1-or-later
//! One table of `token.toml`: how tokens are got under this name.

use std::path::PathBuf;

use crate::assertion;
use crate::document::Section;
use crate::endpoint::Endpoint;
use crate::error::Result;
use crate::provider::{Endpoints, Provider};
use crate::secret::Source;
use crate::server::Server;

/// Everything a run needs, except for what is in other files.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) provider: Option<Provider>,
    pub(crate) token: Endpoint,
    pub(crate) grant: Grant,
    pub(crate) client: Client,
    pub(crate) scope: Option<String>,
    /// For whom is what is signed: the token endpoint, if it is not given.
    pub(crate) audience: Option<String>,
    /// What else the server wants to be told.
    pub(crate) parameters: Vec<(String, String)>,
    pub(crate) ca_file: Option<PathBuf>,
}

/// What a token is got for.
#[derive(Debug)]
pub(crate) enum Grant {
    /// The program's own rights (RFC 6749 §4.4).
    ClientCredentials,
    /// A mailbox whose owner agreed once (RFC 6749 §6).
    RefreshToken(Consent),
    /// Somebody who signs (RFC 7523 §2.1).
    JwtBearer(Signer),
}

/// How the owner of a mailbox agrees.
#[derive(Debug)]
pub(crate) enum Consent {
    /// With a code on any device (RFC 8628).
    Device(Endpoint),
    /// In a browser that comes back with a code (RFC 8252).
    Browser(Endpoint),
    /// There is no endpoint for it: the refresh token comes from elsewhere.
    Elsewhere,
}

/// Who asks.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) id: Option<String>,
    pub(crate) proof: Proof,
}

/// How the client shows that it is the one (RFC 6749 §2.3).
#[derive(Debug)]
pub(crate) enum Proof {
    None,
    Post(Source),
    Basic(Source),
    /// A signed statement (RFC 7523 §2.2).
    Key(Key),
}

/// A private key and what tells the server which it is.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) key: Source,
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) id: Option<String>,
    pub(crate) algorithm: Algorithm,
}

/// RFC 7518 §3.3, §3.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Rs256,
    Ps256,
}

/// Who signs for a mailbox.
#[derive(Debug)]
pub(crate) struct Signer {
    pub(crate) identity: Identity,
    pub(crate) subject: Option<String>,
}

#[derive(Debug)]
pub(crate) enum Identity {
    /// Google's JSON file, which has the name and the key.
    ServiceAccount(Source),
    Issuer {
        name: String,
        key: Key,
    },
}

const KEYS: [&str; 21] = [
    "provider",
    "grant",
    "tenant",
    "token-endpoint",
    "device-endpoint",
    "authorization-endpoint",
    "authorize",
    "client-id",
    "client-secret",
    "client-auth",
    "key",
    "certificate",
    "key-id",
    "algorithm",
    "service-account",
    "issuer",
    "subject",
    "audience",
    "scope",
    "parameters",
    "ca-file",
];

/// The grant's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    ClientCredentials,
    RefreshToken,
    JwtBearer,
}

impl Entry {
    pub(crate) fn read(section: &Section<'_>) -> Result<Self> {
        section.only(&KEYS)?;
        let way = Way::read(section)?;
        let provider = Provider::read(section)?;
        let endpoints = Endpoints::read(provider, section)?;
        let token = endpoints
            .token
            .clone()
            .ok_or_else(|| section.fault("one of the keys \"provider\" and \"token-endpoint\" is missing"))?;
        let usual = provider.and_then(|provider| way.usual_scope(provider));
        let scope = section.words("scope")?.or_else(|| usual.map(str::to_owned));
        let (grant, proof) = way.grant(section, provider, endpoints)?;
        let id = section.string("client-id")?.map(|id| id.value.to_owned());
        if id.is_none() && !matches!((way, &proof), (Way::JwtBearer, Proof::None)) {
            return Err(section.fault("the key \"client-id\" is missing"));
        }
        if section.has("audience") && way != Way::JwtBearer && !matches!(proof, Proof::Key(_)) {
            return Err(section.fault_at("audience", "audience: nothing is signed here"));
        }
        Ok(Self {
            provider,
            token,
            grant,
            client: Client { id, proof },
            scope,
            audience: section.string("audience")?.map(|name| name.value.to_owned()),
            parameters: parameters(section)?,
            ca_file: section.path("ca-file")?,
        })
    }
}

impl Way {
    fn read(section: &Section<'_>) -> Result<Self> {
        let way = section.string("grant")?.ok_or_else(|| section.fault("the key \"grant\" is missing"))?;
        match way.value {
            "client-credentials" => Ok(Self::ClientCredentials),
            "refresh-token" => Ok(Self::RefreshToken),
            "jwt-bearer" => Ok(Self::JwtBearer),
            _ => Err(way.fault("grant: one of \"client-credentials\", \"refresh-token\", \"jwt-bearer\"")),
        }
    }

    /// What lets a program submit mail.
    fn usual_scope(self, provider: Provider) -> Option<&'static str> {
        match (provider, self) {
            (Provider::Microsoft, Self::ClientCredentials) => Some("https://outlook.office365.com/.default"),
            (Provider::Microsoft, Self::RefreshToken) => {
                Some("https://outlook.office.com/SMTP.Send offline_access")
            }
            (Provider::Microsoft, Self::JwtBearer) => None,
            (Provider::Google, _) => Some("https://mail.google.com/"),
        }
    }

    /// The keys that only some grants have.
    fn grant(
        self,
        section: &Section<'_>,
        provider: Option<Provider>,
        endpoints: Endpoints,
    ) -> Result<(Grant, Proof)> {
        match self {
            Self::ClientCredentials => {
                unfit(section, &["service-account", "issuer", "subject", "authorize"])?;
                match Proof::read(section)? {
                    Proof::None => {
                        let text = "client-credentials needs one of \"client-secret\" and \"key\"";
                        Err(section.fault(text))
                    }
                    proof => Ok((Grant::ClientCredentials, proof)),
                }
            }
            Self::RefreshToken => {
                unfit(section, &["service-account", "issuer", "subject"])?;
                Ok((Grant::RefreshToken(Consent::read(section, endpoints)?), Proof::read(section)?))
            }
            Self::JwtBearer => {
                unfit(section, &["authorize", "client-auth"])?;
                if provider == Some(Provider::Google) && !section.has("subject") {
                    let text = "google needs the key \"subject\": a service account has no mailbox";
                    return Err(section.fault(text));
                }
                let proof = section.secret("client-secret")?.map_or(Proof::None, Proof::Post);
                Ok((Grant::JwtBearer(Signer::read(section)?), proof))
            }
        }
    }
}

impl Entry {
    /// Looks at the files that the entry names.
    pub(crate) fn check(&self) -> Result<()> {
        self.form("check")?;
        if let Grant::JwtBearer(signer) = &self.grant {
            assertion::of_signer(signer, self.scope.as_deref(), self.token.as_str())?;
        }
        Server::new(self.ca_file.as_deref()).map(drop)
    }
}

/// A key without effect would be a mistake that nobody is told of.
fn unfit(section: &Section<'_>, keys: &[&str]) -> Result<()> {
    match keys.iter().find(|key| section.has(key)) {
        None => Ok(()),
        Some(key) => Err(section.fault_at(key, &format!("{key}: has no meaning with this grant"))),
    }
}

/// What this program says itself is not for the file to say.
fn parameters(section: &Section<'_>) -> Result<Vec<(String, String)>> {
    const OURS: [&str; 14] = [
        "grant_type",
        "client_id",
        "client_secret",
        "client_assertion",
        "client_assertion_type",
        "refresh_token",
        "assertion",
        "scope",
        "code",
        "device_code",
        "redirect_uri",
        "code_verifier",
        "code_challenge",
        "state",
    ];
    let parameters = section.strings("parameters")?;
    match parameters.iter().find(|(name, _)| OURS.contains(&name.as_str())) {
        None => Ok(parameters),
        Some((name, _)) => {
            Err(section.fault_at("parameters", &format!("parameters: {name} is set by other keys")))
        }
    }
}

impl Consent {
    fn read(section: &Section<'_>, endpoints: Endpoints) -> Result<Self> {
        let Some(wanted) = section.string("authorize")? else {
            return Ok(match (endpoints.device, endpoints.authorization) {
                (Some(device), _) => Self::Device(device),
                (None, Some(authorization)) => Self::Browser(authorization),
                (None, None) => Self::Elsewhere,
            });
        };
        match wanted.value {
            "device" => endpoints
                .device
                .map(Self::Device)
                .ok_or_else(|| wanted.fault("authorize: there is no device-endpoint")),
            "browser" => endpoints
                .authorization
                .map(Self::Browser)
                .ok_or_else(|| wanted.fault("authorize: there is no authorization-endpoint")),
            _ => Err(wanted.fault("authorize: one of \"device\", \"browser\"")),
        }
    }
}

impl Proof {
    fn read(section: &Section<'_>) -> Result<Self> {
        let way = section.string("client-auth")?;
        match (section.secret("client-secret")?, Key::read(section)?) {
            (Some(_), Some(_)) => {
                Err(section.fault_at("key", "key: only one of \"client-secret\" and \"key\""))
            }
            (None, Some(key)) => match way {
                None => Ok(Self::Key(key)),
                Some(way) => Err(way.fault("client-auth: only with \"client-secret\"")),
            },
            (Some(secret), None) => match way {
                None => Ok(Self::Post(secret)),
                Some(way) => match way.value {
                    "post" => Ok(Self::Post(secret)),
                    "basic" => Ok(Self::Basic(secret)),
                    _ => Err(way.fault("client-auth: one of \"post\", \"basic\"")),
                },
            },
            (None, None) => match way {
                None => Ok(Self::None),
                Some(way) => Err(way.fault("client-auth: only with \"client-secret\"")),
            },
        }
    }
}

impl Key {
    fn read(section: &Section<'_>) -> Result<Option<Self>> {
        let Some(key) = section.secret("key")? else {
            for lonely in ["certificate", "key-id", "algorithm"] {
                if section.has(lonely) {
                    return Err(section.fault_at(lonely, &format!("{lonely}: only with \"key\"")));
                }
            }
            return Ok(None);
        };
        let certificate = section.path("certificate")?;
        let algorithm = match section.string("algorithm")? {
            None if certificate.is_some() => Algorithm::Ps256,
            None => Algorithm::Rs256,
            Some(name) => match name.value {
                "RS256" => Algorithm::Rs256,
                "PS256" => Algorithm::Ps256,
                _ => return Err(name.fault("algorithm: one of \"RS256\", \"PS256\"")),
            },
        };
        let id = section.string("key-id")?.map(|id| id.value.to_owned());
        Ok(Some(Self { key, certificate, id, algorithm }))
    }
}

impl Signer {
    fn read(section: &Section<'_>) -> Result<Self> {
        let issuer = section.string("issuer")?.map(|name| name.value.to_owned());
        let identity = match (section.secret("service-account")?, Key::read(section)?, issuer) {
            (Some(account), None, None) => Identity::ServiceAccount(account),
            (None, Some(key), Some(name)) => Identity::Issuer { name, key },
            _ => {
                let text = "jwt-bearer needs either \"service-account\" or both \"issuer\" and \"key\"";
                return Err(section.fault(text));
            }
        };
        let subject = section.string("subject")?.map(|name| name.value.to_owned());
        Ok(Self { identity, subject })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::parse;

    const SECRET: &str = "client-secret = 's'";
    const KEY: &str = "key = { file = '/k' }";
    const OWN: &str = "token-endpoint = 'https://id.example/token'";

    fn entry(lines: &[&str]) -> Result<Entry> {
        let settings = parse(&format!("version = 1\n[x]\n{}\n", lines.join("\n")))?;
        Ok(settings.entries.into_values().next().unwrap())
    }

    fn fault(lines: &[&str]) -> String {
        entry(lines).map(|entry| panic!("{lines:?}: {entry:?}")).unwrap_err().to_string()
    }

    #[test]
    fn presets() {
        let microsoft = ["provider = 'microsoft'", "tenant = 'contoso.example'", "client-id = 'c'"];
        let exchange = entry(&[&microsoft[..], &["grant = 'client-credentials'", SECRET]].concat()).unwrap();
        assert_eq!(
            exchange.token.as_str(),
            "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token"
        );
        assert_eq!(exchange.scope.as_deref(), Some("https://outlook.office365.com/.default"));
        let outlook = entry(&[&microsoft[..], &["grant = 'refresh-token'"]].concat()).unwrap();
        assert_eq!(outlook.scope.as_deref(), Some("https://outlook.office.com/SMTP.Send offline_access"));
        let Grant::RefreshToken(Consent::Device(device)) = outlook.grant else {
            panic!()
        };
        assert!(device.as_str().ends_with("/contoso.example/oauth2/v2.0/devicecode"));
        let google = ["provider = 'google'", "client-id = 'c'", "grant = 'refresh-token'", SECRET];
        let gmail = entry(&google).unwrap();
        assert_eq!(gmail.token.as_str(), "https://oauth2.googleapis.com/token");
        assert!(matches!(gmail.grant, Grant::RefreshToken(Consent::Browser(_))));
        let other = entry(&[&google[..], &["scope = ['a', 'b']", OWN]].concat()).unwrap();
        assert_eq!((other.token.as_str(), other.scope.as_deref()), ("https://id.example/token", Some("a b")));
    }

    #[test]
    fn certificates_want_the_newer_signature() {
        let lines = ["grant = 'client-credentials'", "client-id = 'c'", OWN, KEY];
        for (more, algorithm) in [
            (&[][..], Algorithm::Rs256),
            (&["certificate = '/c'"], Algorithm::Ps256),
            (&["certificate = '/c'", "algorithm = 'RS256'"], Algorithm::Rs256),
        ] {
            let entry = entry(&[&lines[..], more].concat()).unwrap();
            let Proof::Key(key) = entry.client.proof else {
                panic!()
            };
            assert_eq!(key.algorithm, algorithm);
        }
    }

    #[test]
    fn keys_that_do_not_go_together() {
        let credentials = ["grant = 'client-credentials'", "client-id = 'c'", OWN];
        let refresh = ["grant = 'refresh-token'", "client-id = 'c'", OWN];
        let bearer = ["grant = 'jwt-bearer'", OWN];
        for (base, more, text) in [
            (&credentials[..], &[][..], "2:1: client-credentials needs one of"),
            (&credentials, &[SECRET, KEY], "7:1: key: only one of"),
            (&credentials, &[KEY, "client-auth = 'basic'"], "7:15: client-auth: only with"),
            (&credentials, &[SECRET, "client-auth = 'header'"], "7:15: client-auth: one of"),
            (&credentials, &[SECRET, "certificate = '/c'"], "7:1: certificate: only with"),
            (&credentials, &[SECRET, "audience = 'a'"], "7:1: audience: nothing is signed"),
            (&credentials, &[SECRET, "subject = 'a'"], "7:1: subject: has no meaning"),
            (&credentials, &[SECRET, "tenant = 'a'"], "7:1: tenant: only with provider"),
            (&credentials, &[SECRET, "scope = [1]"], "7:9: scope: expected a string or a list"),
            (&credentials, &[SECRET, "scope = []"], "7:9: scope: expected a string or a list"),
            (&credentials, &[SECRET, "parameters = { a = 1 }"], "7:20: a: expected a string"),
            (&credentials, &[SECRET, "parameters = { scope = 'a' }"], "7:1: parameters: scope is set"),
            (&credentials, &[SECRET, "ca-file = 'a'"], "7:11: ca-file: the path must be absolute"),
            (&credentials, &["client-secret = ''"], "6:17: client-secret: must not be empty"),
            (&credentials, &["client-secret = {}"], "6:17: client-secret: one of"),
            (
                &credentials,
                &["client-secret = { file = '/a', credential = 'b' }"],
                "6:17: client-secret: one of",
            ),
            (
                &credentials,
                &["client-secret = { credential = '../b' }"],
                "6:32: a credential has a name",
            ),
            (&credentials, &["client-secret = { env = 'b' }"], "6:19: unknown key \"env\""),
            (&refresh, &["authorize = 'device'"], "6:13: authorize: there is no device-endpoint"),
            (
                &refresh,
                &["authorize = 'browser'"],
                "6:13: authorize: there is no authorization-endpoint",
            ),
            (&refresh, &["authorize = 'phone'"], "6:13: authorize: one of"),
            (&refresh, &["device-endpoint = 'http://id.example/'"], "6:19: device-endpoint: must begin"),
            (&refresh, &["service-account = 'a'"], "6:1: service-account: has no meaning"),
            (&bearer, &[], "2:1: jwt-bearer needs either"),
            (&bearer, &[KEY], "2:1: jwt-bearer needs either"),
            (&bearer, &[KEY, "issuer = 'i'", "service-account = 'a'"], "2:1: jwt-bearer needs either"),
            (&bearer, &["service-account = 'a'", SECRET], "2:1: the key \"client-id\" is missing"),
            (
                &bearer,
                &["service-account = 'a'", "provider = 'google'"],
                "2:1: google needs the key \"subject\"",
            ),
            (&bearer, &["provider = 'microsoft'"], "2:1: microsoft needs the key \"tenant\""),
            (&bearer, &["provider = 'microsoft'", "tenant = 'a/b'"], "6:10: tenant: a domain"),
            (&bearer, &["provider = 'google'", "tenant = 'a'"], "6:10: google knows no tenant"),
            (&bearer, &["provider = 'yahoo'"], "5:12: provider: one of"),
        ] {
            let found = fault(&[base, more].concat());
            assert!(found.starts_with(&format!("token.toml:{text}")), "{more:?}: {found}");
        }
    }
}
