// SPDX-License-Identifier: LGPL-2.1-or-later
//! What the server's reply to EHLO offers (RFC 5321 §4.1.1.1).

use super::envelope::DeliverBy;
use super::reply::Reply;

/// The extensions that the library knows, as the last EHLO offered them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extensions {
    /// RFC 2034.
    pub enhanced_status_codes: bool,
    /// RFC 2920.
    pub pipelining: bool,
    /// RFC 3461.
    pub dsn: bool,
    /// RFC 3207.
    pub starttls: bool,
    /// RFC 1870.
    pub size: bool,
    /// RFC 3030.
    pub chunking: bool,
    /// RFC 3030.
    pub binary_mime: bool,
    /// RFC 6152.
    pub eight_bit_mime: bool,
    /// RFC 2852, with the least time in seconds that the server takes, 0 if it names none.
    pub deliver_by: Option<i64>,
    /// RFC 1985.
    pub etrn: bool,
    /// Sendmail's XUSR: the client is a submitter.
    pub xusr: bool,
    /// Exchange's XEXCH50, which tells of its trouble with the last chunk.
    pub xexch50: bool,
    /// RFC 6531.
    pub smtp_utf8: bool,
    /// RFC 9422.
    pub limits: Limits,
    /// RFC 4954: mechanisms in the server's order, in upper case.
    pub auth: Vec<Box<str>>,
}

/// What the server takes at most (RFC 9422 §4). A message or recipient beyond that is refused.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// MAILMAX: transactions in a connection.
    pub transactions: Option<usize>,
    /// RCPTMAX: recipients in a transaction.
    pub recipients: Option<usize>,
}

/// Most mechanisms that are remembered; a server offers a dozen at most.
const MECHANISMS_MAX: usize = 64;

impl Extensions {
    /// Reads the lines after the first, which is the server's name.
    #[must_use]
    pub fn parse(reply: &Reply) -> Self {
        let mut extensions = Self::default();
        let text = reply.text();
        for line in text.split(|byte| *byte == b'\n').skip(1) {
            extensions.add(line.trim_ascii());
        }
        extensions
    }

    /// Takes an extension out, by its keyword in capital letters, as if it had not been offered.
    pub fn ignore(&mut self, keyword: &str) {
        match keyword {
            "ENHANCEDSTATUSCODES" => self.enhanced_status_codes = false,
            "PIPELINING" => self.pipelining = false,
            "DSN" => self.dsn = false,
            "SIZE" => self.size = false,
            "CHUNKING" => self.chunking = false,
            "BINARYMIME" => self.binary_mime = false,
            "8BITMIME" => self.eight_bit_mime = false,
            "DELIVERBY" => self.deliver_by = None,
            "ETRN" => self.etrn = false,
            "XUSR" => self.xusr = false,
            "XEXCH50" => self.xexch50 = false,
            "SMTPUTF8" => self.smtp_utf8 = false,
            "LIMITS" => self.limits = Limits::default(),
            // What the library does not use is ignored anyway.
            _ => {}
        }
    }

    fn add(&mut self, line: &[u8]) {
        // The old form `AUTH=LOGIN` of servers before RFC 2554.
        let end = line.iter().position(|byte| byte.is_ascii_whitespace() || *byte == b'=');
        let (keyword, parameters) = line.split_at(end.unwrap_or(line.len()));
        let is = |name: &str| keyword.eq_ignore_ascii_case(name.as_bytes());
        if is("AUTH") {
            return self.add_mechanisms(parameters);
        }
        if parameters.starts_with(b"=") {
            return;
        }
        if is("ENHANCEDSTATUSCODES") {
            self.enhanced_status_codes = true;
        } else if is("PIPELINING") {
            self.pipelining = true;
        } else if is("DSN") {
            self.dsn = true;
        } else if is("STARTTLS") {
            self.starttls = true;
        } else if is("SIZE") {
            self.size = true;
        } else if is("CHUNKING") {
            self.chunking = true;
        } else if is("BINARYMIME") {
            self.binary_mime = true;
        } else if is("8BITMIME") {
            self.eight_bit_mime = true;
        } else if is("DELIVERBY") {
            self.deliver_by = Some(seconds(parameters));
        } else if is("ETRN") {
            self.etrn = true;
        } else if is("XUSR") {
            self.xusr = true;
        } else if is("XEXCH50") {
            self.xexch50 = true;
        } else if is("SMTPUTF8") {
            self.smtp_utf8 = true;
        } else if is("LIMITS") {
            self.limits = limits(parameters);
        }
    }

    fn add_mechanisms(&mut self, parameters: &[u8]) {
        let parameters = parameters.strip_prefix(b"=").unwrap_or(parameters);
        for name in parameters.split(u8::is_ascii_whitespace) {
            let Ok(name) = std::str::from_utf8(name) else {
                continue;
            };
            let name = name.to_ascii_uppercase().into_boxed_str();
            // RFC 4422 §3.1; anything else must not be looked for anywhere.
            let valid = (1..=20).contains(&name.len())
                && name.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_'));
            if valid && self.auth.len() < MECHANISMS_MAX && !self.auth.contains(&name) {
                self.auth.push(name);
            }
        }
    }
}

/// `NAME=NUMBER` for each limit; unknown ones, and what is none, are ignored.
fn limits(parameters: &[u8]) -> Limits {
    let mut limits = Limits::default();
    for limit in parameters.split(u8::is_ascii_whitespace) {
        let Some(equals) = limit.iter().position(|byte| *byte == b'=') else {
            continue;
        };
        let (name, value) = limit.split_at(equals);
        let number = value.get(1..).and_then(limit_number);
        if name.eq_ignore_ascii_case(b"MAILMAX") {
            limits.transactions = number;
        } else if name.eq_ignore_ascii_case(b"RCPTMAX") {
            limits.recipients = number;
        }
    }
    limits
}

/// One to six digits, the first of which is not 0 (RFC 9422 §3).
fn limit_number(digits: &[u8]) -> Option<usize> {
    if !matches!(digits, [b'1'..=b'9', rest @ ..] if rest.len() < 6 && rest.iter().all(u8::is_ascii_digit)) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The least time of DELIVERBY; one that is no number counts as none.
fn seconds(parameters: &[u8]) -> i64 {
    std::str::from_utf8(parameters.trim_ascii())
        .ok()
        .and_then(|text| text.parse().ok())
        .filter(|seconds| (1..=DeliverBy::SECONDS_MAX).contains(seconds))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::super::reply::{ReplyForm, ReplyParser};
    use super::*;

    fn offered(lines: &[&str]) -> Extensions {
        let mut parser = ReplyParser::default();
        parser.feed(b"250-mx.example.org\r\n");
        for line in lines {
            parser.feed(format!("250-{line}\r\n").as_bytes());
        }
        parser.feed(b"250 HELP\r\n");
        let reply = parser.next(ReplyForm::Ehlo, |_| {}).expect("valid").expect("whole");
        Extensions::parse(&reply)
    }

    #[test]
    fn keywords_in_any_case_unknown_ones_ignored() {
        let extensions = offered(&["pipelining", "Size 1000", "X-UNKNOWN \u{e9}", "8bitMIME", "", "DSNX"]);
        assert!(extensions.pipelining && extensions.size && extensions.eight_bit_mime);
        assert!(!extensions.dsn);
    }

    #[test]
    fn mechanisms_are_collected_from_both_forms() {
        let extensions = offered(&["AUTH PLAIN login", "AUTH=LOGIN CRAM-MD5", "AUTH ../x \u{e9}"]);
        let names: Vec<&str> = extensions.auth.iter().map(AsRef::as_ref).collect();
        assert_eq!(names, ["PLAIN", "LOGIN", "CRAM-MD5"]);
    }

    /// What a server offers is remembered up to a bound.
    #[test]
    fn so_many_mechanisms_are_remembered() {
        let offer = |count: usize| {
            let names: Vec<String> = (0..count).map(|one| format!("X-{one}")).collect();
            offered(&[&format!("AUTH {}", names.join(" "))]).auth
        };
        for (count, remembered) in [(63, 63), (64, 64), (65, 64), (1000, 64)] {
            assert_eq!(offer(count).len(), remembered);
        }
    }

    #[test]
    fn what_is_ignored_was_not_offered() {
        let lines = [
            "ENHANCEDSTATUSCODES",
            "PIPELINING",
            "DSN",
            "SIZE",
            "CHUNKING",
            "BINARYMIME",
            "8BITMIME",
            "DELIVERBY",
            "ETRN",
            "XUSR",
            "XEXCH50",
            "SMTPUTF8",
        ];
        let mut all = offered(&lines);
        for keyword in lines {
            let mut without = all.clone();
            without.ignore(keyword);
            let others: Vec<&str> = lines.iter().copied().filter(|line| *line != keyword).collect();
            assert_eq!(without, offered(&others), "{keyword}");
        }
        lines.into_iter().for_each(|keyword| all.ignore(keyword));
        let mut limited = offered(&["LIMITS RCPTMAX=5"]);
        assert_ne!(limited, offered(&[]));
        limited.ignore("LIMITS");
        assert_eq!(limited, offered(&[]));
        assert_eq!(all, offered(&[]));
    }

    #[test]
    fn the_least_time_of_deliverby() {
        assert_eq!(offered(&["DELIVERBY 120"]).deliver_by, Some(120));
        assert_eq!(offered(&["DELIVERBY"]).deliver_by, Some(0));
        assert_eq!(offered(&["DELIVERBY -5"]).deliver_by, Some(0));
        assert_eq!(offered(&[]).deliver_by, None);
    }

    #[test]
    fn limits_of_the_server() {
        let limits = |text: &str| {
            let Limits { transactions, recipients } = offered(&[text]).limits;
            (transactions, recipients)
        };
        assert_eq!(limits("LIMITS RCPTMAX=100 MAILMAX=1"), (Some(1), Some(100)));
        assert_eq!(limits("limits RcptDomainMax=5 rcptmax=999999"), (None, Some(999_999)));
        for none in [
            "",
            "=1",
            " RCPTMAX",
            " RCPTMAX=",
            " RCPTMAX=0",
            " RCPTMAX=01",
            " RCPTMAX=1000000",
            " RCPTMAX=-1",
        ] {
            assert_eq!(limits(&format!("LIMITS{none}")), (None, None), "{none}");
        }
        assert_eq!(limits("LIMITSX RCPTMAX=1"), (None, None));
    }

    #[test]
    fn the_first_line_offers_nothing() {
        let mut parser = ReplyParser::default();
        parser.feed(b"250 PIPELINING\r\n");
        let reply = parser.next(ReplyForm::Ehlo, |_| {}).expect("valid").expect("whole");
        assert_eq!(Extensions::parse(&reply), Extensions::default());
    }
}
