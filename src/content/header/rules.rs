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
#[derive(Debug, Clone, Copy)]
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
pub(super) static RULES: [Rule; RULE_COUNT] = TABLE;

/// How many they are.
pub(super) const RULE_COUNT: usize = 16;

/// How many the library supplies.
pub(super) const SUPPLIED: usize = 3;

const TABLE: [Rule; RULE_COUNT] = [
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
pub(super) static OTHER: Rule = rule("", Policy::Optional, Shape::Text);

const fn rule(name: &'static str, policy: Policy, shape: Shape) -> Rule {
    Rule { name, policy, shape }
}

/// Which rules have a name of a length: a bit for each, so that most names are compared with none.
#[allow(clippy::indexing_slicing, reason = "the compiler does it")]
const BY_LENGTH: [u16; 28] = {
    let mut by_length = [0; 28];
    let mut at = 0;
    while at < TABLE.len() {
        by_length[TABLE[at].name.len()] |= 1 << at;
        at += 1;
    }
    by_length
};

/// The position of the rule of a name.
pub(super) fn position(name: &[u8]) -> Option<usize> {
    let mut candidates = BY_LENGTH.get(name.len()).copied().unwrap_or_default();
    while candidates != 0 {
        let at = candidates.trailing_zeros() as usize;
        if RULES.get(at).is_some_and(|rule| is_name(rule.name.as_bytes(), name)) {
            return Some(at);
        }
        candidates &= candidates - 1;
    }
    None
}

/// Whether names are the same. Most are written as they are known.
fn is_name(known: &[u8], name: &[u8]) -> bool {
    known == name || known.eq_ignore_ascii_case(name)
}

impl Rule {
    /// The rule for a header that the application wants to set, and its position if it is one of
    /// its own.
    pub(super) fn for_application(name: &[u8]) -> Result<(&'static Self, Option<usize>)> {
        let good = |byte: &u8| byte.is_ascii_graphic() && *byte != b':';
        if name.is_empty() || name.len() > NAME_MAX || !name.iter().all(good) {
            return Err(Error::Invalid);
        }
        let position = find(name, position);
        let rule = position.and_then(|at| RULES.get(at)).unwrap_or(&OTHER);
        match rule.policy {
            Policy::Required | Policy::Optional => Ok((rule, position)),
            Policy::Preserved | Policy::Prohibited => Err(Error::Invalid),
        }
    }

    /// Whether the library has a value for this header if nobody else has.
    pub(super) fn is_supplied(&self) -> bool {
        self.policy == Policy::Required || matches!(self.shape, Shape::MessageId)
    }
}

/// Looks for a name, then for the family it belongs to: a name that ends in its first hyphen
/// (`Content-`) stands for every header that starts with it.
#[inline]
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
        Rule::for_application(name.as_bytes()).map(|(rule, _)| rule.name)
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
