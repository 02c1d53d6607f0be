// SPDX-License-Identifier: LGPL-2.1-or-later
//! The headers that have rules of their own, and how names are matched.
//!
//! Which headers a message must have is RFC 5322 §3.6. Trace headers (RFC 5321 §4.4), MIME
//! headers (RFC 2045) and resent blocks (RFC 5322 §3.6.6) are the business of whoever made
//! the message. Return-Path is added by the server that delivers (RFC 5321 §4.4),
//! Original-Recipient stands in disposition notifications (RFC 8098 §3.2.3), and
//! Resent-Reply-To no longer exists (RFC 5322 §4.5.6).

use super::value::Shape;
use crate::error::{Error, Result};

/// Longest name of a header: a line may have 998 octets (RFC 5322 §2.1.1).
pub(in crate::content) const NAME_MAX: usize = 998;

/// What is always true of a header.
#[derive(Debug)]
pub(super) struct Rule {
    /// The name as the library prints it.
    pub(super) name: &'static str,
    pub(super) policy: Policy,
    pub(super) shape: Shape,
}

/// Who may supply a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Policy {
    /// Each message has one: the library supplies what is missing.
    Required,
    /// The message or the application.
    Optional,
    /// The message only, as often as it likes.
    Preserved,
    /// Nobody.
    Prohibited,
}

/// The headers with rules of their own. Those that the library supplies come first, in the
/// order in which they are printed.
pub(super) static RULES: [Rule; 16] = [
    rule("Date", Policy::Required, Shape::Date),
    rule("From", Policy::Required, Shape::FROM),
    rule("Message-Id", Policy::Optional, Shape::MessageId),
    rule("Sender", Policy::Optional, Shape::SENDER),
    rule("To", Policy::Optional, Shape::TO),
    rule("Cc", Policy::Optional, Shape::ADDRESSES),
    rule("Bcc", Policy::Optional, Shape::ADDRESSES),
    rule("Reply-To", Policy::Optional, Shape::ADDRESSES),
    rule("Disposition-Notification-To", Policy::Optional, Shape::NOTIFICATION),
    rule("Received", Policy::Preserved, Shape::Text),
    rule("Content-", Policy::Preserved, Shape::Text),
    rule("MIME-", Policy::Preserved, Shape::Text),
    rule("Resent-", Policy::Preserved, Shape::Text),
    rule("Resent-Reply-To", Policy::Prohibited, Shape::Text),
    rule("Return-Path", Policy::Prohibited, Shape::Text),
    rule("Original-Recipient", Policy::Prohibited, Shape::Text),
];

/// The rule for all other headers.
static OTHER: Rule = rule("", Policy::Optional, Shape::Text);

const fn rule(name: &'static str, policy: Policy, shape: Shape) -> Rule {
    Rule { name, policy, shape }
}

impl Rule {
    /// The rule for a header that the application wants to set.
    pub(super) fn for_application(name: &[u8]) -> Result<&'static Self> {
        let good = |byte: &u8| byte.is_ascii_graphic() && *byte != b':';
        if name.is_empty() || name.len() > NAME_MAX || !name.iter().all(good) {
            return Err(Error::Invalid);
        }
        let named = |name: &[u8]| RULES.iter().find(|rule| same(rule.name.as_bytes(), name));
        let rule = find(name, named).unwrap_or(&OTHER);
        match rule.policy {
            Policy::Required | Policy::Optional => Ok(rule),
            Policy::Preserved | Policy::Prohibited => Err(Error::Invalid),
        }
    }

    /// Whether the library has a value for this header if nobody else has.
    pub(super) fn is_supplied(&self) -> bool {
        self.policy == Policy::Required || matches!(self.shape, Shape::MessageId)
    }

    /// Whether this is the rule of one header alone.
    pub(super) fn is_its_own(&self) -> bool {
        !self.name.is_empty()
    }
}

/// Whether two names mean the same header (RFC 5322 §1.2.2).
pub(super) fn same(one: &[u8], other: &[u8]) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// Looks for a name, then for the family it belongs to: a name that ends in its first hyphen
/// (`Content-`) stands for every header that starts with it.
pub(super) fn find<T>(name: &[u8], lookup: impl Fn(&[u8]) -> Option<T>) -> Option<T> {
    lookup(name).or_else(|| {
        let hyphen = name.iter().position(|&byte| byte == b'-')?;
        lookup(name.get(..=hyphen)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule_of(name: &str) -> Result<&'static str> {
        Rule::for_application(name.as_bytes()).map(|rule| rule.name)
    }

    #[test]
    fn names_do_not_depend_on_case() {
        assert_eq!(rule_of("message-ID"), Ok("Message-Id"));
        assert_eq!(rule_of("TO"), Ok("To"));
    }

    #[test]
    fn only_whole_names_match() {
        for name in
            ["D", "Dat", "Dates", "From-", "T", "Con", "Content", "Reply-", "Reply-To-", "Received-SPF"]
        {
            assert_eq!(rule_of(name), Ok(""), "{name}");
        }
    }

    #[test]
    fn nobody_sets_trace_mime_and_resent_headers() {
        let names = [
            "Return-Path",
            "original-recipient",
            "Resent-Reply-To",
            "Resent-From",
            "Content-",
            "Content-Type",
            "MIME-Version",
            "received",
        ];
        for name in names {
            assert_eq!(rule_of(name), Err(Error::Invalid), "{name}");
        }
    }

    #[test]
    fn names_that_are_none() {
        let long = "x".repeat(NAME_MAX + 1);
        for name in ["", "a b", "a:b", ":", "To ", "a\r\nb", "a\0b", "\u{e9}", long.as_str()] {
            assert_eq!(rule_of(name), Err(Error::Invalid), "{name}");
        }
        assert_eq!(rule_of(&"x".repeat(NAME_MAX)), Ok(""));
    }
}
