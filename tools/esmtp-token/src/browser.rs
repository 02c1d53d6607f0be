// SPDX-License-Identifier: LGPL-2.1-or-later
//! Authorization in a browser (RFC 6749 §4.1, RFC 7636, RFC 8252 §7.3). The browser is sent back to an
//! address of this machine. If it runs on another one, that page does not load, but its address has the
//! answer and can be pasted here.

use std::io::{BufRead, Read, Write, stdin};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::answer::Object;
use crate::assertion;
use crate::authorize::Task;
use crate::clock::Deadline;
use crate::endpoint::Endpoint;
use crate::error::{Error, Kind, Result, quoted};
use crate::grant;
use crate::print;
use crate::provider::Provider;
use crate::secret::Secret;

/// How long a person may take.
const LIFETIME: Duration = Duration::from_secs(15 * 60);
/// A browser opens connections that it may not use.
const VISIT: Duration = Duration::from_secs(2);
/// Microsoft's codes have more than a thousand octets.
const LONGEST_VISIT: u64 = 16 * 1024;
const LONGEST_LINE: u64 = 16 * 1024;

/// Shows the address, waits for the browser or for a pasted line, and trades the code for tokens.
pub(crate) fn ask(task: &Task<'_>, endpoint: &Endpoint) -> Result<Object> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| here(&error.to_string()))?;
    let port = listener.local_addr().map_err(|error| here(&error.to_string()))?.port();
    // Microsoft leaves the port open for the name alone, the RFC and Google prefer the number.
    let host = match task.entry.provider {
        Some(Provider::Microsoft) => "localhost",
        _ => "127.0.0.1",
    };
    let visit = Visit {
        redirect: format!("http://{host}:{port}"),
        state: assertion::random()?,
        // RFC 7636 §4.1: 43 characters at least.
        verifier: Secret::new(format!("{}{}", assertion::random()?, assertion::random()?)),
    };
    print(&format!("Open this address in a browser:\n\n{}\n\n", visit.address(task, endpoint)))?;
    print("If the last page does not load, paste its address here and press Return.\n")?;
    let code = wait(&listener, &visit, Deadline::after(LIFETIME))?;
    let form = || {
        let form = task.entry.form("authorization_code")?.with("redirect_uri", &visit.redirect);
        let form = form.with_secret("code", code.clone());
        Ok(form.with_secret("code_verifier", visit.verifier.clone()))
    };
    grant::ask(task.entry, &form, task.deadline())
}

fn here(what: &str) -> Error {
    Error::new(Kind::Network, format!("loopback: {what}"))
}

/// What the browser takes along and has to bring back.
struct Visit {
    redirect: String,
    state: String,
    verifier: Secret,
}

impl Visit {
    fn address(&self, task: &Task<'_>, endpoint: &Endpoint) -> String {
        let entry = task.entry;
        let challenge = URL_SAFE_NO_PAD.encode(openssl::sha::sha256(self.verifier.expose().as_bytes()));
        let mut pairs = vec![
            ("response_type", "code"),
            ("client_id", entry.client_id()),
            ("redirect_uri", &self.redirect),
            ("state", &self.state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        if let Some(scope) = &entry.scope {
            pairs.push(("scope", scope));
        }
        if entry.provider == Some(Provider::Google) {
            // Without both there is a refresh token the first time only.
            pairs.extend([("access_type", "offline"), ("prompt", "consent")]);
        }
        pairs.extend(entry.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        let query: Vec<String> = pairs
            .into_iter()
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        let separator = if endpoint.as_str().contains('?') { '&' } else { '?' };
        format!("{endpoint}{separator}{}", query.join("&"))
    }

    /// The code in an address that the browser was sent to; nothing if it is not an answer to us.
    fn answer(&self, address: &str) -> Option<Result<Secret>> {
        let (_, query) = address.split_once('?')?;
        let query = query.split('#').next().unwrap_or_default();
        let value = |wanted: &str| {
            query
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .find(|(name, _)| *name == wanted)
                .map(|(_, value)| {
                    let value = value.replace('+', " ");
                    percent_decode_str(&value).decode_utf8_lossy().into_owned()
                })
        };
        if value("state")? != self.state {
            return None;
        }
        if let Some(error) = value("error") {
            let description =
                value("error_description").map_or_else(String::new, |text| format!(": {}", quoted(&text)));
            return Some(Err(Error::new(Kind::Refused, format!("{}{description}", quoted(&error)))));
        }
        value("code").filter(|code| !code.is_empty()).map(|code| Ok(Secret::new(code)))
    }
}

fn wait(listener: &TcpListener, visit: &Visit, end: Deadline) -> Result<Secret> {
    let input = stdin();
    let mut typing = true;
    while !end.passed() {
        let mut waiting = vec![PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
        if typing {
            waiting.push(PollFd::new(input.as_fd(), PollFlags::POLLIN));
        }
        let longest = PollTimeout::try_from(end.left()).unwrap_or(PollTimeout::MAX);
        match poll(&mut waiting, longest) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(here(error.desc())),
        }
        let ready: Vec<bool> = waiting.iter().map(|fd| fd.any().unwrap_or(false)).collect();
        let answer = match ready.as_slice() {
            [true, ..] => listener.accept().ok().and_then(|(stream, _)| received(stream, visit)),
            [false, true] => {
                let mut line = String::new();
                let length = input.lock().take(LONGEST_LINE).read_line(&mut line).unwrap_or(0);
                typing = length > 0;
                let answer = visit.answer(line.trim());
                if answer.is_none() && !line.trim().is_empty() {
                    print("That is not the address of the last page.\n")?;
                }
                answer
            }
            _ => None,
        };
        if let Some(answer) = answer {
            return answer;
        }
    }
    Err(Error::new(Kind::Refused, "nobody agreed in time"))
}

/// One request of a browser; only its first line matters.
fn received(mut stream: TcpStream, visit: &Visit) -> Option<Result<Secret>> {
    stream.set_read_timeout(Some(VISIT)).ok()?;
    stream.set_write_timeout(Some(VISIT)).ok()?;
    let mut line = String::new();
    std::io::BufReader::new((&stream).take(LONGEST_VISIT)).read_line(&mut line).ok()?;
    let target = line.strip_prefix("GET ").and_then(|rest| rest.split(' ').next()).unwrap_or_default();
    let answer = visit.answer(target);
    let (status, text) = match &answer {
        None => ("404 Not Found", "This is not what esmtp-token waits for."),
        Some(Ok(_)) => ("200 OK", "Thank you. This page may be closed; the rest is in the terminal."),
        Some(Err(_)) => ("200 OK", "It was refused; the reason is in the terminal."),
    };
    // The browser may be gone; the answer counts.
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
        text.len()
    );
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visit() -> Visit {
        Visit {
            redirect: String::new(),
            state: "s1".to_owned(),
            verifier: Secret::new("v"),
        }
    }

    #[test]
    fn only_an_answer_to_our_question_counts() {
        let code = |address: &str| {
            visit()
                .answer(address)
                .map(|code| code.map(|code| code.expose().to_owned()).map_err(|error| error.to_string()))
        };
        assert_eq!(code("/?code=4%2F0A+b&state=s1"), Some(Ok("4/0A b".to_owned())));
        assert_eq!(code("http://127.0.0.1:7/?state=s1&code=x&scope=y#z"), Some(Ok("x".to_owned())));
        assert_eq!(
            code("/?state=s1&error=access_denied&error_description=No%0Away"),
            Some(Err("access_denied: No way".to_owned()))
        );
        for other in
            ["", "/", "/favicon.ico", "/?code=x", "/?code=x&state=s2", "/?state=s1", "/?state=s1&code="]
        {
            assert_eq!(code(other), None, "{other}");
        }
    }
}
