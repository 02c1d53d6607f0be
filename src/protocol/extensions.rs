// SPDX-License-Identifier: LGPL-2.1-or-later
//! What the server's reply to EHLO offers (RFC 5321 §4.1.1.1).

use memchr::memchr;

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

/// The word that an extension is offered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keyword {
    Auth,
    BinaryMime,
    Chunking,
    DeliverBy,
    Dsn,
    EightBitMime,
    EnhancedStatusCodes,
    Etrn,
    Limits,
    Pipelining,
    Size,
    SmtpUtf8,
    StartTls,
    Xexch50,
    Xusr,
}

impl Keyword {
    /// Those that the library knows, in any case (RFC 5321 §2.4).
    fn parse(word: &[u8]) -> Option<Self> {
        let mut capitals = [0; b"ENHANCEDSTATUSCODES".len()];
        let capitals = capitals.get_mut(..word.len())?;
        capitals.copy_from_slice(word);
        capitals.make_ascii_uppercase();
        Some(match &*capitals {
            b"8BITMIME" => Self::EightBitMime,
            b"AUTH" => Self::Auth,
            b"BINARYMIME" => Self::BinaryMime,
            b"CHUNKING" => Self::Chunking,
            b"DELIVERBY" => Self::DeliverBy,
            b"DSN" => Self::Dsn,
            b"ENHANCEDSTATUSCODES" => Self::EnhancedStatusCodes,
            b"ETRN" => Self::Etrn,
            b"LIMITS" => Self::Limits,
            b"PIPELINING" => Self::Pipelining,
            b"SIZE" => Self::Size,
            b"SMTPUTF8" => Self::SmtpUtf8,
            b"STARTTLS" => Self::StartTls,
            b"XEXCH50" => Self::Xexch50,
            b"XUSR" => Self::Xusr,
            _ => return None,
        })
    }
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
        let mut rest = reply.text();
        let mut next = || {
            let (line, behind) = rest.split_at_checked(memchr(b'\n', rest)?)?;
            rest = behind.get(1..).unwrap_or_default();
            Some(line)
        };
        next();
        while let Some(line) = next() {
            extensions.add(line.trim_ascii());
        }
        extensions
    }

    /// Takes an extension out, by its keyword in capital letters, as if it had not been offered.
    pub fn ignore(&mut self, keyword: &str) {
        match Keyword::parse(keyword.as_bytes()) {
            Some(Keyword::EnhancedStatusCodes) => self.enhanced_status_codes = false,
            Some(Keyword::Pipelining) => self.pipelining = false,
            Some(Keyword::Dsn) => self.dsn = false,
            Some(Keyword::Size) => self.size = false,
            Some(Keyword::Chunking) => self.chunking = false,
            Some(Keyword::BinaryMime) => self.binary_mime = false,
            Some(Keyword::EightBitMime) => self.eight_bit_mime = false,
            Some(Keyword::DeliverBy) => self.deliver_by = None,
            Some(Keyword::Etrn) => self.etrn = false,
            Some(Keyword::Xusr) => self.xusr = false,
            Some(Keyword::Xexch50) => self.xexch50 = false,
            Some(Keyword::SmtpUtf8) => self.smtp_utf8 = false,
            Some(Keyword::Limits) => self.limits = Limits::default(),
            // What protects the session is not to be done without, and what the library does not use is
            // ignored anyway.
            Some(Keyword::StartTls | Keyword::Auth) | None => {}
        }
    }

    fn add(&mut self, line: &[u8]) {
        // The old form `AUTH=LOGIN` of servers before RFC 2554.
        let end = line.iter().position(|byte| byte.is_ascii_whitespace() || *byte == b'=');
        let (keyword, parameters) = line.split_at(end.unwrap_or(line.len()));
        match Keyword::parse(keyword) {
            Some(Keyword::Auth) => self.add_mechanisms(parameters),
            _ if parameters.starts_with(b"=") => {}
            Some(Keyword::EnhancedStatusCodes) => self.enhanced_status_codes = true,
            Some(Keyword::Pipelining) => self.pipelining = true,
            Some(Keyword::Dsn) => self.dsn = true,
            Some(Keyword::StartTls) => self.starttls = true,
            Some(Keyword::Size) => self.size = true,
            Some(Keyword::Chunking) => self.chunking = true,
            Some(Keyword::BinaryMime) => self.binary_mime = true,
            Some(Keyword::EightBitMime) => self.eight_bit_mime = true,
            Some(Keyword::DeliverBy) => self.deliver_by = Some(seconds(parameters)),
            Some(Keyword::Etrn) => self.etrn = true,
            Some(Keyword::Xusr) => self.xusr = true,
            Some(Keyword::Xexch50) => self.xexch50 = true,
            Some(Keyword::SmtpUtf8) => self.smtp_utf8 = true,
            Some(Keyword::Limits) => self.limits = limits(parameters),
            None => {}
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
        // Only mechanisms were ever offered like that.
        assert_eq!(offered(&["SIZE=1000", "PIPELINING="]), Extensions::default());
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
