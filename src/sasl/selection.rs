// SPDX-License-Identifier: LGPL-2.1-or-later
//! Which of the server's mechanisms are tried, and in which order.

use std::collections::VecDeque;

use super::channel::Channel;
use super::context::Context;
use super::mechanism::{BuiltIn, Group};
use super::policy::Policy;

/// The strongest first; within a group in the server's order. Over TLS nobody overhears a
/// password, and the server may store it better than a challenge-response mechanism lets it.
const OVER_TLS: &[&[&str]] = &[
    &["SCRAM-SHA-256-PLUS"],
    &["SCRAM-SHA-1-PLUS"],
    &["SCRAM-SHA-256"],
    &["SCRAM-SHA-1"],
    &["EXTERNAL"],
    &["PLAIN", "LOGIN"],
    &["CRAM-MD5"],
    &["NTLM"],
    &["XOAUTH2", "OAUTHBEARER"],
];

/// Without TLS the password itself comes last.
const IN_CLEAR: &[&[&str]] = &[
    &["SCRAM-SHA-256"],
    &["SCRAM-SHA-1"],
    &["EXTERNAL"],
    &["CRAM-MD5"],
    &["NTLM"],
    &["PLAIN", "LOGIN"],
];

/// A mechanism to try.
#[derive(Debug, Clone, Copy)]
struct Candidate<'a> {
    name: &'a str,
    group: Group,
}

/// The mechanisms to try: the one that the application prefers, those built in, then those
/// that only a plug-in can know.
fn order<'a>(
    offered: &[&'a str],
    policy: Policy,
    channel: &Channel,
    preferred: Option<&str>,
) -> Vec<Candidate<'a>> {
    let mut order: Vec<Candidate<'a>> = Vec::new();
    let mut push = |name: &'a str| {
        let known = BuiltIn::find(name);
        let usable =
            known.is_none_or(|known| policy.allows(known.flags, 0) && known.needs.are_met_by(channel));
        if usable && !order.iter().any(|earlier| earlier.name.eq_ignore_ascii_case(name)) {
            let group = known.map_or(Group::Challenge, |known| known.group);
            order.push(Candidate { name, group });
        }
    };
    let matching = |wanted: &str| {
        let found = offered.iter().find(|name| name.eq_ignore_ascii_case(wanted));
        found.copied()
    };
    preferred.and_then(matching).into_iter().for_each(&mut push);
    if preferred.is_some_and(is_token) {
        offered.iter().copied().filter(|name| is_token(name)).for_each(&mut push);
    }
    for group in if channel.secure { OVER_TLS } else { IN_CLEAR } {
        let in_group = |name: &&&str| group.iter().any(|member| member.eq_ignore_ascii_case(name));
        offered.iter().filter(in_group).copied().for_each(&mut push);
    }
    let unknown = |name: &&&str| BuiltIn::find(name).is_none();
    offered.iter().filter(unknown).copied().for_each(&mut push);
    order
}

/// One session's way through the mechanisms that its server offers.
#[derive(Debug)]
pub struct Attempts {
    left: VecDeque<(Box<str>, Group)>,
    /// Tokens that nobody has asked for: what the application supplies is a password as a rule,
    /// so they are for servers that offer nothing else.
    last_resort: VecDeque<(Box<str>, Group)>,
    /// The mechanism that was tried last.
    tried: Option<Group>,
    channel: Channel,
}

impl Attempts {
    /// What the context allows of the mechanisms that the server offers on this connection.
    #[must_use]
    pub fn new(context: &Context, offered: &[Box<str>], channel: Channel) -> Self {
        Self::among(context, offered, None, channel)
    }

    /// As [`Attempts::new`], with no other mechanisms than these.
    #[must_use]
    pub fn among(
        context: &Context,
        offered: &[Box<str>],
        only: Option<&[String]>,
        mut channel: Channel,
    ) -> Self {
        let is_wanted =
            |name: &&str| only.is_none_or(|only| only.iter().any(|one| one.eq_ignore_ascii_case(name)));
        let offered: Vec<&str> = offered.iter().map(AsRef::as_ref).filter(is_wanted).collect();
        channel.plus_offered = offered.iter().any(|name| is_scram_plus(name));
        let preferred = context.preferred();
        let named = |names: &[String]| names.iter().any(|name| is_token(name));
        let tokens_asked_for = preferred.as_deref().is_some_and(is_token) || only.is_some_and(named);
        let candidates = order(&offered, context.policy(), &channel, preferred.as_deref());
        let owned = candidates.into_iter().map(|one| (Box::from(one.name), one.group));
        let (left, last_resort) = owned.partition(|(_, group)| tokens_asked_for || *group != Group::Token);
        Self { left, last_resort, tried: None, channel }
    }

    /// Puts a mechanism first that was tried before.
    pub fn again(&mut self, name: Box<str>) {
        let group = self.tried.unwrap_or(Group::Challenge);
        self.left.push_front((name, group));
    }

    /// Selects the next mechanism in the context, and names it; `None`: none is left.
    /// Plug-ins that are not there are passed over.
    pub fn next(&mut self, context: &Context) -> Option<Box<str>> {
        loop {
            let nothing_else = matches!(self.tried, None | Some(Group::Token));
            let last = |attempts: &mut Self| attempts.last_resort.pop_front().filter(|_| nothing_else);
            let (name, group) = self.left.pop_front().or_else(|| last(self))?;
            if context.attempt(&name).is_ok() {
                context.set_channel(self.channel.clone());
                self.tried = Some(group);
                return Some(name);
            }
        }
    }

    /// The server does not believe who it is that tried the last mechanism. Servers count such
    /// refusals, and lock users out.
    pub fn credentials_refused(&mut self) {
        let Some(tried) = self.tried else { return };
        let secure = self.channel.secure;
        let still_useful = |group: Group| match (tried, group) {
            // No password was tried, or none is needed.
            (Group::External, _) | (_, Group::External) => true,
            // The server may know the password, but nothing to compare the proof with.
            (Group::Challenge, Group::Plain) => secure,
            _ => false,
        };
        self.left.retain(|(_, group)| still_useful(*group));
        self.last_resort.retain(|(_, group)| still_useful(*group));
    }
}

fn is_token(name: &str) -> bool {
    BuiltIn::find(name).is_some_and(|known| known.group == Group::Token)
}

fn is_scram_plus(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    name.starts_with("SCRAM-") && name.ends_with("-PLUS")
}

#[cfg(test)]
mod tests {
    use super::super::channel::{BindingKind, ChannelBinding};
    use super::super::flags;
    use std::ffi::{c_int, c_uint};

    use super::*;

    const ALL: &str = "GSSAPI NTLM LOGIN OAUTHBEARER CRAM-MD5 PLAIN SCRAM-SHA-1 XOAUTH2 SCRAM-SHA-256 \
                       EXTERNAL SCRAM-SHA-1-PLUS SCRAM-SHA-256-PLUS KERBEROS_V4";

    fn tls() -> Channel {
        Channel { secure: true, ..Channel::default() }
    }

    fn bound() -> Channel {
        let data = b"data".to_vec();
        let kind = BindingKind::TlsUnique;
        Channel {
            binding: Some(ChannelBinding { kind, data }),
            ..tls()
        }
    }

    fn ordered(offered: &str, allowed: c_uint, min_ssf: c_int, channel: &Channel) -> String {
        let offered: Vec<&str> = offered.split_whitespace().collect();
        names(&order(&offered, Policy { allowed, min_ssf }, channel, None))
    }

    fn names(candidates: &[Candidate<'_>]) -> String {
        let names: Vec<&str> = candidates.iter().map(|one| one.name).collect();
        names.join(" ")
    }

    #[test]
    fn the_strongest_first() {
        let table = [
            (
                flags::PLAIN | flags::EXTERNAL,
                bound(),
                "SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-1 EXTERNAL LOGIN PLAIN \
                 CRAM-MD5 NTLM OAUTHBEARER XOAUTH2 GSSAPI KERBEROS_V4",
            ),
            (
                flags::PLAIN,
                tls(),
                "SCRAM-SHA-256 SCRAM-SHA-1 LOGIN PLAIN CRAM-MD5 NTLM OAUTHBEARER XOAUTH2 GSSAPI \
                 KERBEROS_V4",
            ),
            (0, tls(), "SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5 NTLM GSSAPI KERBEROS_V4"),
            (
                flags::PLAIN | flags::EXTERNAL,
                Channel::default(),
                "SCRAM-SHA-256 SCRAM-SHA-1 EXTERNAL CRAM-MD5 NTLM LOGIN PLAIN GSSAPI KERBEROS_V4",
            ),
            (0, Channel::default(), "SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5 NTLM GSSAPI KERBEROS_V4"),
        ];
        for (allowed, channel, expected) in table {
            assert_eq!(ordered(ALL, allowed, 0, &channel), expected);
        }
    }

    #[test]
    fn a_binding_is_of_use_over_tls_only() {
        let odd = Channel { secure: false, ..bound() };
        assert_eq!(ordered("SCRAM-SHA-1-PLUS", 0, 0, &odd), "");
    }

    #[test]
    fn the_servers_order_within_a_group() {
        assert_eq!(ordered("PLAIN LOGIN", flags::PLAIN, 0, &tls()), "PLAIN LOGIN");
        assert_eq!(ordered("LOGIN PLAIN", flags::PLAIN, 0, &tls()), "LOGIN PLAIN");
        assert_eq!(ordered("XOAUTH2 OAUTHBEARER", flags::PLAIN, 0, &tls()), "XOAUTH2 OAUTHBEARER");
    }

    #[test]
    fn each_mechanism_once() {
        assert_eq!(ordered("GSSAPI CRAM-MD5 cram-md5 GSSAPI", 0, 0, &tls()), "CRAM-MD5 GSSAPI");
        assert_eq!(ordered("", flags::PLAIN, 0, &tls()), "");
    }

    /// Only a plug-in can have a security layer.
    #[test]
    fn least_strength() {
        assert_eq!(ordered(ALL, flags::PLAIN, 1, &bound()), "GSSAPI KERBEROS_V4");
        assert_eq!(ordered("PLAIN", flags::PLAIN, -1, &tls()), "PLAIN");
    }

    #[test]
    fn the_preferred_one_first_if_it_is_offered_and_usable() {
        let policy = Policy { allowed: flags::PLAIN, min_ssf: 0 };
        let offered = ["SCRAM-SHA-256", "CRAM-MD5", "PLAIN", "XOAUTH2", "GSSAPI"];
        let table = [
            ("CRAM-MD5", true, "CRAM-MD5 SCRAM-SHA-256 PLAIN XOAUTH2 GSSAPI"),
            ("plain", false, "PLAIN SCRAM-SHA-256 CRAM-MD5 GSSAPI"),
            ("GSSAPI", false, "GSSAPI SCRAM-SHA-256 CRAM-MD5 PLAIN"),
            ("XOAUTH2", false, "SCRAM-SHA-256 CRAM-MD5 PLAIN GSSAPI"),
            ("XOAUTH2", true, "XOAUTH2 SCRAM-SHA-256 PLAIN CRAM-MD5 GSSAPI"),
            ("OAUTHBEARER", true, "XOAUTH2 SCRAM-SHA-256 PLAIN CRAM-MD5 GSSAPI"),
            ("LOGIN", false, "SCRAM-SHA-256 CRAM-MD5 PLAIN GSSAPI"),
        ];
        for (preferred, secure, expected) in table {
            let channel = Channel { secure, ..Channel::default() };
            assert_eq!(names(&order(&offered, policy, &channel, Some(preferred))), expected);
        }
    }

    /// What a server refuses.
    #[derive(PartialEq)]
    enum What {
        Mechanism,
        Credentials,
    }

    /// What is tried if the server refuses each mechanism as it is said.
    fn tried(offered: &str, secure: bool, selected: Option<&str>, refusal: fn(&str) -> What) -> String {
        let context = Context::new();
        context.change_flags(flags::PLAIN, 0);
        context.set_external_id(Some(c"me"));
        if let Some(name) = selected {
            context.select(name).unwrap();
        }
        let offered: Vec<Box<str>> = offered.split_whitespace().map(Box::from).collect();
        let mut attempts = Attempts::new(&context, &offered, Channel { secure, ..Channel::default() });
        let mut tried = Vec::new();
        while let Some(name) = attempts.next(&context) {
            if refusal(&name) == What::Credentials {
                attempts.credentials_refused();
            }
            tried.push(name.into_string());
        }
        tried.join(" ")
    }

    const MANY: &str = "PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256 SCRAM-SHA-1 NTLM XOAUTH2 OAUTHBEARER";

    #[test]
    fn a_wrong_password_is_not_tried_again_and_again() {
        let wrong = |_: &str| What::Credentials;
        for (offered, secure, expected) in [
            (MANY, true, "SCRAM-SHA-256 PLAIN"),
            (MANY, false, "SCRAM-SHA-256"),
            ("LOGIN PLAIN", true, "LOGIN"),
            ("LOGIN PLAIN", false, "LOGIN"),
            ("CRAM-MD5 NTLM", true, "CRAM-MD5"),
            ("CRAM-MD5 LOGIN", true, "LOGIN"),
            ("CRAM-MD5 LOGIN", false, "CRAM-MD5"),
            ("XOAUTH2 OAUTHBEARER", true, "XOAUTH2"),
            ("XOAUTH2 OAUTHBEARER", false, ""),
            ("EXTERNAL SCRAM-SHA-1 PLAIN", true, "SCRAM-SHA-1 EXTERNAL PLAIN"),
            ("EXTERNAL PLAIN LOGIN", true, "EXTERNAL PLAIN"),
            ("EXTERNAL CRAM-MD5 PLAIN", false, "EXTERNAL CRAM-MD5"),
        ] {
            assert_eq!(tried(offered, secure, None, wrong), expected, "{offered}");
        }
    }

    #[test]
    fn a_mechanism_that_is_not_wanted_leaves_the_others() {
        let unwanted = |_: &str| What::Mechanism;
        assert_eq!(tried(MANY, true, None, unwanted), "SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN CRAM-MD5 NTLM");
        assert_eq!(tried(MANY, false, None, unwanted), "SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5 NTLM PLAIN LOGIN");
        assert_eq!(tried("XOAUTH2 OAUTHBEARER", true, None, unwanted), "XOAUTH2 OAUTHBEARER");
        let all_but_plain = |name: &str| if name == "PLAIN" { What::Mechanism } else { What::Credentials };
        assert_eq!(tried(MANY, true, None, all_but_plain), "SCRAM-SHA-256 PLAIN LOGIN");
    }

    #[test]
    fn tokens_are_for_those_who_ask_and_for_servers_that_take_nothing_else() {
        let wrong = |_: &str| What::Credentials;
        let unwanted = |_: &str| What::Mechanism;
        for (offered, selected, expected) in [
            ("XOAUTH2 PLAIN", None, "PLAIN"),
            ("XOAUTH2 NO-SUCH-PLUG-IN", None, "XOAUTH2"),
            ("XOAUTH2 PLAIN", Some("XOAUTH2"), "XOAUTH2"),
            ("XOAUTH2 PLAIN", Some("OAUTHBEARER"), "XOAUTH2"),
            ("XOAUTH2 PLAIN", Some("LOGIN"), "PLAIN"),
        ] {
            assert_eq!(tried(offered, true, selected, wrong), expected, "{offered} {selected:?}");
        }
        let both = tried("PLAIN XOAUTH2 OAUTHBEARER", true, Some("OAUTHBEARER"), unwanted);
        assert_eq!(both, "OAUTHBEARER XOAUTH2 PLAIN");
    }

    /// As with a password that was asked for anew.
    #[test]
    fn one_that_was_tried_may_come_again() {
        let context = Context::new();
        context.change_flags(flags::PLAIN, 0);
        let offered = ["LOGIN", "PLAIN"].map(Box::from);
        let mut attempts = Attempts::new(&context, &offered, tls());
        assert_eq!(attempts.next(&context).as_deref(), Some("LOGIN"));
        attempts.again("LOGIN".into());
        assert_eq!(attempts.next(&context).as_deref(), Some("LOGIN"));
        assert_eq!(attempts.next(&context).as_deref(), Some("PLAIN"));
        // It is one of its kind still.
        attempts.again("PLAIN".into());
        attempts.credentials_refused();
        assert_eq!(attempts.next(&context), None);
    }

    #[test]
    fn names_of_scram_with_channel_binding() {
        for (name, is) in [
            ("SCRAM-SHA-1-PLUS", true),
            ("scram-sha-512-plus", true),
            ("SCRAM-SHA-1", false),
            ("GS2-KRB5-PLUS", false),
        ] {
            assert_eq!(is_scram_plus(name), is, "{name}");
        }
    }
}
