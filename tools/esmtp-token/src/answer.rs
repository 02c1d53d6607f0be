// SPDX-License-Identifier: LGPL-2.1-or-later
//! What a token endpoint answers (RFC 6749 §5), taken for what it is: a text from outside.

use serde_json::{Map, Value};

use crate::error::{Error, Kind, Result, quoted};
use crate::form::Form;
use crate::secret::Secret;
use crate::server::Answer;

/// The longest that a program's library takes for a secret.
const LONGEST_TOKEN: usize = 16 * 1024;
/// Nobody needs to keep a token for longer; a server that says so is wrong.
const LONGEST_VALIDITY: u64 = 24 * 60 * 60;
/// From here on a wrong clock explains that a statement is refused.
const CLOCK_IS_WRONG: u64 = 60;

/// A refusal, or an object whose members are looked at one by one.
#[derive(Debug)]
pub(crate) enum Reply {
    Granted(Object),
    Refused(Refusal),
}

/// RFC 6749 §5.2.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) code: String,
    pub(crate) error: Error,
}

/// The members of the answer.
#[derive(Debug)]
pub(crate) struct Object(Map<String, Value>);

/// What a program needs to log in.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) value: Secret,
    /// For how many seconds from the question on; not if the server does not say.
    pub(crate) seconds: Option<u64>,
}

impl Reply {
    /// Sorts an answer. `form` is what was asked, so that none of its secrets gets into a message.
    pub(crate) fn of(answer: &Answer, form: &Form) -> Result<Self> {
        let Ok(Value::Object(object)) = serde_json::from_slice(&answer.body) else {
            return Err(not_oauth(answer));
        };
        // Some refuse with 200.
        let refused = object.contains_key("error") && !object.contains_key("access_token");
        if answer.status == 200 && !refused {
            return Ok(Self::Granted(Object(object)));
        }
        let text = |key: &str| object.get(key).and_then(Value::as_str).map(|text| quoted(&form.redact(text)));
        let Some(code) = text("error") else {
            return Err(not_oauth(answer));
        };
        let description = text("error_description").map_or_else(String::new, |text| format!(": {text}"));
        let mut error = Error::new(Kind::Refused, format!("answers {} {code}{description}", answer.status));
        if let Some(behind) = answer.behind.filter(|behind| behind.unsigned_abs() > CLOCK_IS_WRONG) {
            let direction = if behind > 0 { "behind" } else { "ahead of" };
            let seconds = behind.unsigned_abs();
            error = error.hint(&format!("the clock here is {seconds} s {direction} the server's"));
        }
        Ok(Self::Refused(Refusal { code, error }))
    }
}

/// Whatever it is, it is not shown: it may be anybody's.
fn not_oauth(answer: &Answer) -> Error {
    let start = String::from_utf8_lossy(answer.body.get(..64).unwrap_or(&answer.body))
        .trim_start()
        .to_lowercase();
    let what = match start.chars().next() {
        None => "nothing",
        Some('<') => "HTML or XML",
        Some('{') => "JSON that is broken or without \"error\"",
        Some(_) => "something else",
    };
    let text = format!(
        "answers {} with {what}, where OAuth's JSON was expected ({} octets)",
        answer.status,
        answer.body.len()
    );
    Error::new(Kind::Network, text)
}

impl Object {
    /// A text that is not empty.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// A number of seconds. Some servers write it as a text or with a fraction; what makes no sense is as
    /// good as nothing.
    pub(crate) fn seconds(&self, key: &str) -> Option<u64> {
        let number = match self.0.get(key)? {
            Value::Number(number) => number.as_f64()?,
            Value::String(text) => text.trim().parse().ok()?,
            _ => return None,
        };
        // Not a number, and less than a second, are no time to live.
        if number.is_nan() || number < 1.0 {
            return None;
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        // Bounded on both sides, so nothing is lost but the fraction.
        Some(number.min(1e9) as u64)
    }

    /// A refresh token, if there is a new one.
    pub(crate) fn refresh_token(&self) -> Option<Secret> {
        self.text("refresh_token").map(Secret::new)
    }

    /// The access token, in a form that fits into one line and into an AUTH exchange (RFC 6750 §2.1).
    pub(crate) fn token(&self) -> Result<Token> {
        let wrong = |what: &str| Err(Error::new(Kind::Network, format!("answers with {what}")));
        let Some(value) = self.text("access_token") else {
            return wrong("no access token");
        };
        if value.len() > LONGEST_TOKEN {
            return wrong(&format!(
                "an access token of {} octets; at most {LONGEST_TOKEN} can be used",
                value.len()
            ));
        }
        if !value.bytes().all(|octet| octet.is_ascii_graphic()) {
            return wrong("an access token with characters that none may have");
        }
        // RFC 6749 §7.1: a client must not use a type that it does not know.
        let kind = self.0.get("token_type").unwrap_or(&Value::Null);
        let bearer = kind.is_null() || kind.as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("bearer"));
        if !bearer {
            return wrong("a token that is not of the type \"Bearer\"");
        }
        let seconds = self.seconds("expires_in").map(|seconds| seconds.min(LONGEST_VALIDITY));
        Ok(Token { value: Secret::new(value), seconds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn reply(status: u16, body: &str) -> Result<Reply> {
        let form = Form::new().with_secret("refresh_token", Secret::new("old-token"));
        Reply::of(
            &Answer {
                status,
                body: body.as_bytes().to_vec(),
                behind: None,
            },
            &form,
        )
    }

    fn object(value: Value) -> Object {
        match value {
            Value::Object(object) => Object(object),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn validity_is_a_positive_number_or_unknown() {
        for (value, seconds) in [
            (json!(3599), Some(3599)),
            (json!("3599"), Some(3599)),
            (json!(3599.9), Some(3599)),
            (json!(1e300), Some(LONGEST_VALIDITY)),
            (json!(u64::MAX), Some(LONGEST_VALIDITY)),
            (json!("inf"), Some(LONGEST_VALIDITY)),
            (json!(0), None),
            (json!(-1), None),
            (json!("nan"), None),
            (json!("soon"), None),
            (json!(""), None),
            (json!(null), None),
            (json!([1]), None),
            (json!(true), None),
        ] {
            let answer = object(json!({"access_token": "t", "token_type": "Bearer", "expires_in": value}));
            assert_eq!(answer.token().unwrap().seconds, seconds, "{value}");
        }
        assert_eq!(object(json!({"access_token": "t"})).token().unwrap().seconds, None);
    }

    #[test]
    fn a_token_fits_into_a_line() {
        for good in ["t".to_owned(), "a-._~+/=".to_owned(), "x".repeat(LONGEST_TOKEN)] {
            assert!(object(json!({"access_token": good, "token_type": "bearer"})).token().is_ok());
        }
        for bad in ["", "a\r\nb", "a\nexpires=1", "a\0", "a b", "é", "a\u{1}", &"x".repeat(LONGEST_TOKEN + 1)]
        {
            let text = object(json!({"access_token": bad})).token().unwrap_err().to_string();
            assert!(!text.contains("a\u{fffd}") && text.len() < 200, "{text}");
        }
        for kind in [json!("mac"), json!(1), json!("")] {
            assert!(object(json!({"access_token": "t", "token_type": kind})).token().is_err());
        }
    }

    #[test]
    fn a_refusal_is_told_without_secrets() {
        let body =
            r#"{"error": "invalid_grant", "error_description": "AADSTS700082:\r\n old-token expired"}"#;
        let Reply::Refused(refusal) = reply(400, body).unwrap() else {
            panic!()
        };
        assert_eq!(refusal.code, "invalid_grant");
        assert_eq!(refusal.error.to_string(), "answers 400 invalid_grant: AADSTS700082: *** expired");
        assert_eq!(refusal.error.kind, Kind::Refused);
    }

    #[test]
    fn what_is_no_oauth_is_told_and_not_shown() {
        for (status, body, part) in [
            (200, "<!DOCTYPE html><title>Log in</title>", "HTML"),
            (404, "<html>", "HTML"),
            (200, "", "nothing"),
            (200, "{\"access_token\": \"secr", "broken"),
            (400, "{}", "without \"error\""),
            (400, "{\"error\": {\"code\": 1}}", "without \"error\""),
            (200, "[1]", "something else"),
            (200, "\u{0}\u{1}", "something else"),
        ] {
            let error = reply(status, body).unwrap_err();
            assert_eq!(error.kind, Kind::Network);
            let text = error.to_string();
            assert!(text.contains(part) && !text.contains("secr"), "{body}: {text}");
        }
        let deep = "[".repeat(200_000);
        assert!(reply(200, &deep).is_err());
    }
}
