// SPDX-License-Identifier: LGPL-2.1-or-later
//! The table of the mechanisms that need no plug-in.

use super::cram_md5::CramMd5;
use super::external::External;
use super::login::Login;
use super::mechanism::{BuiltIn, Group, Needs};
use super::ntlm::Ntlm;
use super::oauth::{OAuthBearer, XOAuth2};
use super::plain::Plain;
use super::request::{self, flags};
use super::scram::{Hash, Scram};

impl BuiltIn {
    /// The mechanism of a name, in any case.
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        BUILT_IN.iter().find(|known| known.name.to_bytes().eq_ignore_ascii_case(name.as_bytes()))
    }
}

/// The name of a mechanism by which programs may know it: the one plug-in of the reference whose
/// file is not called as the mechanism is selected by the name of its file.
pub(super) fn registered_name(name: &str) -> &str {
    if name.eq_ignore_ascii_case("CRAMMD5") { "CRAM-MD5" } else { name }
}

/// Whether the answer of a mechanism may be asked for by a server that did not understand it as a
/// part of the command.
#[must_use]
pub fn may_be_asked_for(mechanism: &str) -> bool {
    BuiltIn::find(mechanism).is_some_and(BuiltIn::may_be_asked_for)
}

/// Whether a mechanism answers without looking at what the server asks with.
#[must_use]
pub fn ignores_prompts(mechanism: &str) -> bool {
    BuiltIn::find(mechanism).is_some_and(BuiltIn::ignores_prompts)
}

const BUILT_IN: &[BuiltIn] = &[
    BuiltIn {
        name: c"PLAIN",
        flags: flags::PLAIN,
        needs: Needs::Nothing,
        group: Group::Plain,
        fields: request::PLAIN,
        new: || Box::new(Plain),
    },
    BuiltIn {
        name: c"LOGIN",
        flags: flags::PLAIN,
        needs: Needs::Nothing,
        group: Group::Plain,
        fields: request::LOGIN,
        new: || Box::new(Login::default()),
    },
    BuiltIn {
        name: c"CRAM-MD5",
        flags: 0,
        needs: Needs::Nothing,
        group: Group::Challenge,
        fields: request::CHALLENGE_RESPONSE,
        new: || Box::new(CramMd5::default()),
    },
    BuiltIn {
        name: c"NTLM",
        flags: 0,
        needs: Needs::Nothing,
        group: Group::Challenge,
        fields: request::NTLM,
        new: || Box::new(Ntlm::default()),
    },
    BuiltIn {
        name: c"EXTERNAL",
        flags: flags::EXTERNAL,
        needs: Needs::Nothing,
        group: Group::External,
        fields: &[],
        new: || Box::new(External::default()),
    },
    BuiltIn {
        name: c"SCRAM-SHA-1",
        flags: 0,
        needs: Needs::Nothing,
        group: Group::Challenge,
        fields: request::CHALLENGE_RESPONSE,
        new: || Box::new(Scram::new(Hash::Sha1)),
    },
    BuiltIn {
        name: c"SCRAM-SHA-256",
        flags: 0,
        needs: Needs::Nothing,
        group: Group::Challenge,
        fields: request::CHALLENGE_RESPONSE,
        new: || Box::new(Scram::new(Hash::Sha256)),
    },
    BuiltIn {
        name: c"SCRAM-SHA-1-PLUS",
        flags: 0,
        needs: Needs::Binding,
        group: Group::Challenge,
        fields: request::CHALLENGE_RESPONSE,
        new: || Box::new(Scram::with_binding(Hash::Sha1)),
    },
    BuiltIn {
        name: c"SCRAM-SHA-256-PLUS",
        flags: 0,
        needs: Needs::Binding,
        group: Group::Challenge,
        fields: request::CHALLENGE_RESPONSE,
        new: || Box::new(Scram::with_binding(Hash::Sha256)),
    },
    BuiltIn {
        name: c"XOAUTH2",
        flags: flags::PLAIN,
        needs: Needs::Secrecy,
        group: Group::Token,
        fields: request::OAUTH,
        new: || Box::new(XOAuth2::default()),
    },
    BuiltIn {
        name: c"OAUTHBEARER",
        flags: flags::PLAIN,
        needs: Needs::Secrecy,
        group: Group::Token,
        fields: request::OAUTH,
        new: || Box::new(OAuthBearer::default()),
    },
];

#[cfg(test)]
mod tests {
    use std::ffi::{CStr, c_uint};

    use super::*;
    use crate::sasl::plugin::tests::text;

    /// What programs are asked, word for word.
    #[test]
    fn fields_of_each_mechanism() {
        type Field = (&'static CStr, c_uint, &'static CStr, c_uint);
        const USER: Field = (c"user", 9, c"User Name", 0);
        const HIDDEN: Field = (c"passphrase", 4, c"Pass Phrase", 0);
        let table: &[(&str, c_uint, &[Field])] = &[
            ("PLAIN", 2, &[(c"user", 9, c"User Name", 255), (c"passphrase", 12, c"Pass Phrase", 255)]),
            ("LOGIN", 2, &[USER, (c"passphrase", 12, c"Password", 0)]),
            ("CRAM-MD5", 0, &[USER, HIDDEN]),
            ("NTLM", 0, &[(c"domain", 10, c"Domain", 0), USER, HIDDEN]),
            ("EXTERNAL", 4, &[]),
            ("SCRAM-SHA-1", 0, &[USER, HIDDEN]),
            ("SCRAM-SHA-256", 0, &[USER, HIDDEN]),
            ("SCRAM-SHA-1-PLUS", 0, &[USER, HIDDEN]),
            ("SCRAM-SHA-256-PLUS", 0, &[USER, HIDDEN]),
            ("XOAUTH2", 2, &[USER, (c"passphrase", 12, c"Access Token", 0)]),
            ("OAUTHBEARER", 2, &[USER, (c"passphrase", 12, c"Access Token", 0)]),
        ];
        assert_eq!(table.len(), BUILT_IN.len());
        for (name, flags, fields) in table {
            let known = BuiltIn::find(name).unwrap();
            assert_eq!(known.flags, *flags, "{name}");
            assert_eq!(known.fields.len(), fields.len(), "{name}");
            for (asked, expected) in known.fields.iter().zip(*fields) {
                assert_eq!(text(asked.name), expected.0, "{name}");
                assert_eq!(asked.flags, expected.1, "{name}");
                assert_eq!(text(asked.prompt), expected.2, "{name}");
                assert_eq!(asked.size, expected.3, "{name}");
            }
        }
    }

    #[test]
    fn the_name_of_a_plug_in_file() {
        assert_eq!(registered_name("CramMD5"), "CRAM-MD5");
        assert_eq!(registered_name("cram-md5"), "cram-md5");
        assert_eq!(registered_name("CRAMMD"), "CRAMMD");
        assert!(BuiltIn::find("CRAMMD5").is_none(), "no server offers it");
    }

    #[test]
    fn prompts_that_say_nothing() {
        for (name, ignored) in [("PLAIN", true), ("login", true), ("EXTERNAL", true), ("CRAM-MD5", false)] {
            assert_eq!(ignores_prompts(name), ignored, "{name}");
        }
        assert!(!ignores_prompts("GSSAPI"));
        assert!(may_be_asked_for("plain") && !may_be_asked_for("LOGIN") && !may_be_asked_for("GSSAPI"));
    }

    #[test]
    fn names_are_found_in_any_case() {
        assert!(BuiltIn::find("Cram-Md5").is_some());
        assert!(BuiltIn::find("CRAM-MD").is_none());
        assert!(BuiltIn::find("").is_none());
    }
}
