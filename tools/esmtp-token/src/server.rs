// SPDX-License-Identifier: LGPL-2.1-or-later
//! One question to a server by HTTPS: a form goes there, a bounded answer comes back, in bounded time.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use ureq::http::Uri;
use ureq::http::header::{DATE, HeaderMap, LOCATION, RETRY_AFTER};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};
use ureq::{Agent, Proxy, Timeout};

use crate::clock::{self, Deadline};
use crate::endpoint::Endpoint;
use crate::error::{Error, Kind, Result, quoted};
use crate::form::Form;
use crate::trust;

/// Tokens have a few KiB; what is larger is none.
const LARGEST_ANSWER: u64 = 256 * 1024;
const LARGEST_HEAD: usize = 32 * 1024;
const LARGEST_CA_FILE: u64 = 4 * 1024 * 1024;
/// For one address; there may be others that answer.
const CONNECT: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(400);

/// Who is asked, and by which authorities it is known.
pub(crate) struct Server {
    roots: RootCerts,
}

/// What came back: a status with a JSON object, most often.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    /// By how much our clock is behind the server's.
    pub(crate) behind: Option<i64>,
}

/// Why there is no answer.
enum Attempt {
    /// Another try may succeed; the server may have said when.
    Again(Error, Option<Duration>),
    Over(Error),
}

impl Server {
    pub(crate) fn new(ca_file: Option<&Path>) -> Result<Self> {
        let roots = match ca_file {
            None => RootCerts::PlatformVerifier,
            Some(path) => RootCerts::new_with_certs(&authorities(path)?),
        };
        Ok(Self { roots })
    }

    /// Asks until there is an answer other than "later", or no time is left. The form is made anew for
    /// each try, as a signed statement may be used once.
    pub(crate) fn ask(
        &self,
        endpoint: &Endpoint,
        form: &dyn Fn() -> Result<Form>,
        deadline: Deadline,
    ) -> Result<(Answer, Form)> {
        let mut pause = FIRST_PAUSE;
        loop {
            let asked = form()?;
            let (error, wanted) = match self.once(endpoint, &asked, deadline) {
                Ok(answer) => return Ok((answer, asked)),
                Err(Attempt::Over(error)) => return Err(error.about(endpoint)),
                Err(Attempt::Again(error, wanted)) => (error, wanted),
            };
            if !deadline.wait(wanted.unwrap_or_default().max(pause)) {
                return Err(error.about(endpoint));
            }
            pause *= 2;
        }
    }

    fn once(
        &self,
        endpoint: &Endpoint,
        form: &Form,
        deadline: Deadline,
    ) -> std::result::Result<Answer, Attempt> {
        if deadline.passed() {
            return Err(Attempt::Over(Error::new(Kind::Network, "no time was left to ask")));
        }
        let agent = self.agent(endpoint, deadline).map_err(Attempt::Over)?;
        let mut request = agent.post(endpoint.as_str()).header("accept", "application/json");
        if let Some(authorization) = form.authorization() {
            request = request.header("authorization", authorization.expose());
        }
        let mut response = request.send_form(form.pairs()).map_err(|error| failure(&error))?;
        let status = response.status().as_u16();
        if (300..400).contains(&status) {
            return Err(Attempt::Over(redirected(status, response.headers())));
        }
        if status == 429 || status >= 500 {
            let wanted = retry_after(response.headers());
            let later = wanted.map_or_else(String::new, |time| format!(" (again in {} s)", time.as_secs()));
            let error = Error::new(Kind::Network, format!("answers {status}{later}"));
            return Err(Attempt::Again(error, wanted));
        }
        let behind = header(response.headers(), DATE.as_str()).and_then(clock::behind);
        let body = response
            .body_mut()
            .with_config()
            .limit(LARGEST_ANSWER)
            .read_to_vec()
            .map_err(|error| failure(&error))?;
        Ok(Answer { status, body, behind })
    }

    fn agent(&self, endpoint: &Endpoint, deadline: Deadline) -> Result<Agent> {
        let tls = TlsConfig::builder()
            .provider(TlsProvider::NativeTls)
            .root_certs(self.roots.clone())
            .build();
        let config = Agent::config_builder()
            .https_only(true)
            .http_status_as_error(false)
            // A redirect would send the secrets to where the answer says.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(0)
            .max_response_header_size(LARGEST_HEAD)
            .timeout_global(Some(deadline.left()))
            .timeout_connect(Some(CONNECT.min(deadline.left())))
            .user_agent(concat!("esmtp-token/", env!("CARGO_PKG_VERSION")))
            .proxy(proxy(endpoint)?)
            .tls_config(tls)
            .build();
        Ok(config.new_agent())
    }
}

/// The first of the usual variables that is set, unless NO_PROXY names the host.
fn proxy(endpoint: &Endpoint) -> Result<Option<Proxy>> {
    for variable in ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        let Some(value) = std::env::var_os(variable).filter(|value| !value.is_empty()) else {
            continue;
        };
        // Its value may hold a password.
        let wrong = || Error::new(Kind::Configuration, format!("{variable} is not the address of a proxy"));
        let proxy = value.to_str().and_then(|value| Proxy::new(value).ok()).ok_or_else(wrong)?;
        let address: Uri = endpoint.as_str().parse().map_err(|_| wrong())?;
        let left_out = Proxy::try_from_env().is_some_and(|proxy| proxy.is_no_proxy(&address));
        return Ok((!left_out).then_some(proxy));
    }
    Ok(None)
}

fn authorities(path: &Path) -> Result<Vec<Certificate<'static>>> {
    let pem = trust::read_public(path, LARGEST_CA_FILE)?;
    let found: std::result::Result<Vec<PemItem<'_>>, _> = parse_pem(pem.as_bytes()).collect();
    let found = found.unwrap_or_default().into_iter().filter_map(|item| match item {
        PemItem::Certificate(certificate) => Some(certificate),
        _ => None,
    });
    let found: Vec<_> = found.collect();
    if found.is_empty() {
        return Err(Error::new(Kind::Configuration, "no certificate in PEM").about(path.display()));
    }
    Ok(found)
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn redirected(status: u16, headers: &HeaderMap) -> Error {
    // Without its query, in which a server may have put what it was asked.
    let target = header(headers, LOCATION.as_str()).unwrap_or("nowhere");
    let target = target.split(['?', '#']).next().unwrap_or_default();
    let text = format!("answers {status} and points to {}, which is not followed", quoted(target));
    Error::new(Kind::Network, text)
}

/// RFC 9110 §10.2.3: seconds or a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = header(headers, RETRY_AFTER.as_str())?.trim();
    if let Ok(seconds) = value.parse::<u32>() {
        return Some(Duration::from_secs(u64::from(seconds)));
    }
    let seconds = clock::behind(value)?;
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or_default()))
}

/// Only what was never sent is tried again: a server that changes refresh tokens would take a second
/// question with the same one for a thief's (RFC 9700 §4.14.2).
fn failure(error: &ureq::Error) -> Attempt {
    let again = match error {
        ureq::Error::Io(error) => {
            matches!(
                error.kind(),
                ErrorKind::ConnectionRefused | ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable
            )
        }
        ureq::Error::HostNotFound | ureq::Error::Timeout(Timeout::Connect | Timeout::Resolve) => true,
        _ => false,
    };
    let text = match error {
        ureq::Error::Io(error) => error.to_string(),
        ureq::Error::Timeout(_) => "no answer in time".to_owned(),
        ureq::Error::BodyExceedsLimit(limit) => format!("the answer has more than {limit} octets"),
        ureq::Error::NativeTls(error) => format!("TLS: {error}"),
        other => other.to_string(),
    };
    let error = Error::new(Kind::Network, quoted(&text));
    if again { Attempt::Again(error, None) } else { Attempt::Over(error) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    fn asked(value: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, value.parse().unwrap());
        retry_after(&headers)
    }

    #[test]
    fn a_server_says_when_to_come_again() {
        assert_eq!(asked("7"), Some(Duration::from_secs(7)));
        assert_eq!(asked("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        let later = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(100));
        assert!(asked(&later).is_some_and(|time| (90..=100).contains(&time.as_secs())));
        for bad in ["-1", "soon", "99999999999999999999", ""] {
            assert_eq!(asked(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_redirect_is_told_without_its_query() {
        let mut headers = HeaderMap::new();
        headers.insert(LOCATION, "https://other.example/a?refresh_token=x".parse().unwrap());
        let text = redirected(307, &headers).to_string();
        assert_eq!(text, "answers 307 and points to https://other.example/a, which is not followed");
    }
}
