// SPDX-License-Identifier: LGPL-2.1-or-later
//! What the two large providers' documentation says of their endpoints.

use crate::document::Section;
use crate::endpoint::Endpoint;
use crate::error::Result;

/// Who answers, if the administrator does not give each endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Provider {
    Microsoft,
    Google,
}

/// Where to ask.
#[derive(Debug, Default)]
pub(crate) struct Endpoints {
    pub(crate) token: Option<Endpoint>,
    /// RFC 8628 §3.1.
    pub(crate) device: Option<Endpoint>,
    /// RFC 6749 §3.1.
    pub(crate) authorization: Option<Endpoint>,
}

impl Provider {
    pub(crate) fn read(section: &Section<'_>) -> Result<Option<Self>> {
        let Some(provider) = section.string("provider")? else {
            return Ok(None);
        };
        match provider.value {
            "microsoft" => Ok(Some(Self::Microsoft)),
            "google" => Ok(Some(Self::Google)),
            _ => Err(provider.fault("provider: one of \"microsoft\", \"google\"")),
        }
    }

    fn endpoints(self, section: &Section<'_>) -> Result<Endpoints> {
        let tenant = section.string("tenant")?;
        match self {
            Self::Microsoft => {
                let tenant = tenant.ok_or_else(|| section.fault("microsoft needs the key \"tenant\""))?;
                let good = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'.';
                if !tenant.value.bytes().all(good) {
                    return Err(
                        tenant.fault("tenant: a domain, an identifier, \"organizations\" or \"consumers\"")
                    );
                }
                let base = format!("https://login.microsoftonline.com/{}/oauth2/v2.0", tenant.value);
                Ok(Endpoints {
                    token: Some(Endpoint::known(format!("{base}/token"))),
                    device: Some(Endpoint::known(format!("{base}/devicecode"))),
                    authorization: Some(Endpoint::known(format!("{base}/authorize"))),
                })
            }
            Self::Google => {
                if let Some(tenant) = tenant {
                    return Err(tenant.fault("google knows no tenant"));
                }
                // Google gives its mail's scope to no device, so that there is no endpoint for one.
                Ok(Endpoints {
                    token: Some(Endpoint::known("https://oauth2.googleapis.com/token".to_owned())),
                    device: None,
                    authorization: Some(Endpoint::known(
                        "https://accounts.google.com/o/oauth2/v2/auth".to_owned(),
                    )),
                })
            }
        }
    }
}

impl Endpoints {
    /// The provider's, and instead of them what the file gives.
    pub(crate) fn read(provider: Option<Provider>, section: &Section<'_>) -> Result<Self> {
        let known = match provider {
            Some(provider) => provider.endpoints(section)?,
            None if section.has("tenant") => {
                return Err(section.fault_at("tenant", "tenant: only with provider = \"microsoft\""));
            }
            None => Self::default(),
        };
        Ok(Self {
            token: Endpoint::read(section, "token-endpoint")?.or(known.token),
            device: Endpoint::read(section, "device-endpoint")?.or(known.device),
            authorization: Endpoint::read(section, "authorization-endpoint")?.or(known.authorization),
        })
    }
}
