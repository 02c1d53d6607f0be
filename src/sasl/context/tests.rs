// SPDX-License-Identifier: LGPL-2.1-or-later

use std::ffi::c_void;

use super::*;
use crate::sasl::{Attempts, BindingKind, ChannelBinding};

extern "C-unwind" fn never_called(
    _request: *const ClientRequest,
    _result: *mut *mut c_char,
    _fields: c_int,
    _arg: *mut c_void,
) -> c_int {
    0
}

/// A context whose application allows passwords.
fn context() -> Arc<Context> {
    let context = Context::new();
    context.set_interact(Some(Interact {
        function: never_called,
        arg: ptr::null_mut(),
    }));
    context.change_flags(flags::PLAIN, 0);
    context
}

fn asked(due: &Due) -> usize {
    match due {
        Due::Ask(fields) => fields.len(),
        _ => 0,
    }
}

fn response(due: Due) -> Option<Vec<u8>> {
    match due {
        Due::Respond(response) => response.map(|secret| secret.to_vec()),
        _ => panic!("no response"),
    }
}

fn has_failed(due: &Due) -> bool {
    matches!(due, Due::Failed)
}

fn name(context: &Context) -> &CStr {
    let selected = context.selected.borrow();
    match &*selected {
        Some(Selected::BuiltIn(known)) => known.name,
        _ => c"",
    }
}

fn offered(names: &[&str]) -> Vec<Box<str>> {
    names.iter().copied().map(Box::from).collect()
}

#[test]
fn nothing_is_selected_at_first() {
    let context = Context::new();
    assert!(!context.is_enabled());
    assert!(context.mechanism_name().is_null());
    assert_eq!(context.ssf(), None);
    assert!(has_failed(&context.begin(None)));
    assert!(has_failed(&context.begin(Some(b""))));
    assert!(has_failed(&context.answered(Some(&[b"u", b"p"]))));
    assert!(has_failed(&context.plugin_responded(None)));
    assert!(!context.succeeded());
}

#[test]
fn passwords_in_clear_need_leave() {
    let context = Context::new();
    for mechanism in ["PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"] {
        assert!(context.select(mechanism).is_err(), "{mechanism}");
        context.change_flags(flags::PLAIN, 0);
        assert!(context.select(mechanism).is_ok(), "{mechanism}");
        context.change_flags(0, flags::PLAIN);
    }
    // Cleared first, then set.
    context.change_flags(flags::PLAIN, flags::PLAIN);
    assert!(context.select("PLAIN").is_ok());
    // Bits that mean nothing.
    context.change_flags(0x70, 0x70);
    for mechanism in ["CRAM-MD5", "NTLM", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"] {
        assert!(context.select(mechanism).is_ok(), "{mechanism}");
    }
}

#[test]
fn external_needs_an_identity_not_a_flag() {
    let context = context();
    context.change_flags(flags::EXTERNAL, 0);
    assert!(context.select("EXTERNAL").is_err());
    context.set_external_id(Some(c"me@example.org"));
    context.change_flags(0, flags::EXTERNAL);
    context.select("external").unwrap();
    // Nobody is asked, so nobody has to be there.
    context.set_interact(None);
    assert_eq!(response(context.begin(None)).unwrap(), b"me@example.org");
    assert_eq!(response(context.begin(Some(b""))).unwrap(), b"me@example.org");
    context.set_external_id(Some(c""));
    assert_eq!(response(context.begin(None)).unwrap(), b"");
    assert!(context.succeeded());
    context.set_external_id(None);
    assert!(has_failed(&context.begin(None)));
    assert!(context.select("EXTERNAL").is_err());
}

#[test]
fn least_strength() {
    let context = context();
    context.set_min_ssf(1);
    assert!(context.select("PLAIN").is_err());
    context.set_min_ssf(-1);
    assert!(context.select("PLAIN").is_ok());
    assert_eq!(context.ssf(), Some(0));
}

#[test]
fn a_failed_selection_changes_nothing() {
    let context = context();
    context.select("plain").unwrap();
    for unknown in ["NONE", "", "../PLAIN", "PLAIN\0", "A-NAME-OF-MORE-THAN-20-CHARACTERS", "\u{df}"] {
        assert!(context.select(unknown).is_err(), "{unknown}");
    }
    assert_eq!(name(&context), c"PLAIN");
}

#[test]
fn plain_from_question_to_answer() {
    let context = context();
    context.select("PLAIN").unwrap();
    for _ in 0..2 {
        assert_eq!(asked(&context.begin(None)), 2);
        let response = response(context.answered(Some(&[b"user", b"pass"])));
        assert_eq!(response.unwrap(), b"\0user\0pass");
        assert!(has_failed(&context.begin(Some(b""))));
    }
}

#[test]
fn a_response_stays_until_the_next_call() {
    let context = context();
    context.select("LOGIN").unwrap();
    context.begin(None);
    let Due::Respond(Some(user)) = context.answered(Some(&[b"user", b"pass"])) else {
        panic!("LOGIN has an initial response");
    };
    let weak = Arc::downgrade(&user);
    drop(user);
    assert_eq!(&**weak.upgrade().unwrap(), b"user");
    let _password = context.begin(Some(b"Password:"));
    assert!(weak.upgrade().is_none());
}

#[test]
fn no_answer_is_a_failure() {
    let context = context();
    context.select("NTLM").unwrap();
    for answers in [None, Some([b"a".as_slice(), b"b"].as_slice()), Some(&[])] {
        assert_eq!(asked(&context.begin(None)), 3);
        assert!(has_failed(&context.answered(answers)));
        assert!(has_failed(&context.answered(Some(&[b"d", b"u", b"p"]))), "asked once only");
    }
}

#[test]
fn nobody_to_ask() {
    let context = context();
    context.set_interact(None);
    context.select("PLAIN").unwrap();
    assert!(has_failed(&context.begin(None)));
}

/// A callback may do anything with the context before it answers.
#[test]
fn another_selection_while_the_application_is_asked() {
    let context = context();
    context.select("PLAIN").unwrap();
    context.begin(None);
    context.select("LOGIN").unwrap();
    assert!(has_failed(&context.answered(Some(&[b"user", b"pass"]))));
    context.begin(None);
    assert!(context.select("NONE").is_err());
    assert_eq!(response(context.answered(Some(&[b"user", b"pass"]))).unwrap(), b"user");
}

#[test]
fn a_challenge_before_the_start_fails() {
    let context = context();
    context.select("LOGIN").unwrap();
    assert!(has_failed(&context.begin(Some(b""))));
    context.begin(None);
    assert!(has_failed(&context.begin(Some(b""))));
    assert!(has_failed(&context.answered(Some(&[b"user", b"pass"]))));
}

#[test]
fn a_server_first_mechanism_has_no_initial_response() {
    let context = context();
    context.select("CRAM-MD5").unwrap();
    context.begin(None);
    assert!(response(context.answered(Some(&[b"tim", b"tanstaaftanstaaf"]))).is_none());
    let answer = response(context.begin(Some(b"<1896.697170952@postoffice.reston.mci.net>")));
    assert_eq!(answer.unwrap(), b"tim b913a602c7eda7a495b4e6e7334d3890");
    assert!(context.succeeded());
    assert!(has_failed(&context.begin(Some(b"<more>"))));
}

#[test]
fn success_without_proof_is_not_believed() {
    let context = context();
    context.select("SCRAM-SHA-256").unwrap();
    context.begin(None);
    context.answered(Some(&[b"user", b"pencil"]));
    assert!(!context.succeeded());
    assert!(has_failed(&context.begin(Some(b"v=AAAA"))));
}

#[test]
fn a_session_tries_one_after_the_other() {
    let context = context();
    let names = offered(&["PLAIN", "NO-SUCH-PLUGIN", "EXTERNAL", "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS"]);
    let channel = || Channel {
        secure: true,
        binding: Some(ChannelBinding {
            kind: BindingKind::TlsServerEndPoint,
            data: vec![1; 32],
        }),
        ..Channel::default()
    };
    for _session in 0..2 {
        let mut attempts = Attempts::new(&context, &names, channel());
        let expected = [
            ("SCRAM-SHA-1-PLUS", "p=tls-server-end-point,,n=u,r="),
            ("SCRAM-SHA-1", "n,,n=u,r="),
            ("PLAIN", "\0u\0p"),
        ];
        for (mechanism, start) in expected {
            assert_eq!(attempts.next(&context).unwrap().as_ref(), mechanism);
            assert_eq!(asked(&context.begin(None)), 2);
            let first = response(context.answered(Some(&[b"u", b"p"]))).unwrap();
            assert!(first.starts_with(start.as_bytes()), "{mechanism}");
            context.failed();
        }
        assert!(attempts.next(&context).is_none());
        // What a session tried is nothing that the application prefers.
        assert!(context.preferred().is_none());
    }
    context.select("plain").unwrap();
    let mut attempts = Attempts::new(&context, &names, channel());
    assert_eq!(attempts.next(&context).unwrap().as_ref(), "PLAIN");
    assert_eq!(attempts.next(&context).unwrap().as_ref(), "SCRAM-SHA-1-PLUS");
}

/// What one connection was like is no fact of the next one.
#[test]
fn tokens_stay_off_connections_without_tls() {
    let context = context();
    let names = offered(&["XOAUTH2"]);
    let secure = Channel { secure: true, ..Channel::default() };
    let mut attempts = Attempts::new(&context, &names, secure);
    assert!(attempts.next(&context).is_some());
    context.begin(None);
    assert!(response(context.answered(Some(&[b"u", b"token"]))).is_some());
    assert!(context.succeeded());
    context.begin(None);
    assert!(has_failed(&context.answered(Some(&[b"u", b"token"]))));
    assert!(Attempts::new(&context, &names, Channel::default()).next(&context).is_none());
}

/// What a policy gives is not asked for.
#[test]
fn given_credentials() {
    let given = |user: Option<&[u8]>, passphrase: Option<&[u8]>| Given {
        user: user.map(Secret::from),
        passphrase: passphrase.map(Secret::from),
    };
    let context = Context::like(None);
    assert!(!context.is_enabled());
    context.give(given(Some(b"me"), Some(b"key")));
    assert!(context.is_enabled());
    context.change_flags(flags::PLAIN, 0);
    context.select("PLAIN").unwrap();
    assert_eq!(response(context.begin(None)).as_deref(), Some(&b"\0me\0key"[..]));
    // Others than before, for the same mechanism.
    context.give(given(Some(b"me"), Some(b"fresh")));
    assert_eq!(response(context.begin(None)).as_deref(), Some(&b"\0me\0fresh"[..]));
}

/// A plug-in asks field by field: the passphrase for what is secret, the user for a name, nothing for the rest.
#[test]
fn a_field_of_a_plug_in_gets_what_is_given() {
    use crate::sasl::request::field;
    let context = Context::like(None);
    let given_for = |flags| context.given_for(flags).map(|secret| secret.to_vec());
    assert!(!context.has_given());
    assert_eq!((given_for(field::USER), given_for(field::PASS)), (None, None));
    context.give(Given {
        user: Some(Secret::from(&b"me"[..])),
        passphrase: Some(Secret::from(&b"key"[..])),
    });
    assert!(context.has_given());
    for (flags, expected) in [
        (field::USER, Some(&b"me"[..])),
        (field::USER | field::CLEARTEXT, Some(b"me")),
        (field::USER | field::REALM, Some(b"me")),
        (field::PASS, Some(b"key")),
        (field::PASS | field::CLEARTEXT, Some(b"key")),
        (field::PASS | field::USER, Some(b"key")),
        (field::REALM, None),
        (field::CLEARTEXT, None),
        (0, None),
    ] {
        assert_eq!(given_for(flags).as_deref(), expected, "{flags}");
    }
    context.give(Given { user: None, passphrase: None });
    assert!(context.has_given());
    assert_eq!((given_for(field::USER), given_for(field::PASS)), (None, None));
}

#[test]
fn one_half_of_the_credentials_is_asked_for() {
    let of = |user: bool| Given {
        user: user.then(|| Secret::from(&b"me"[..])),
        passphrase: (!user).then(|| Secret::from(&b"key"[..])),
    };
    for user in [true, false] {
        let context = Context::like(Some(&context()));
        context.give(of(user));
        context.select("PLAIN").unwrap();
        assert_eq!(asked(&context.begin(None)), 1);
        let answer: &[u8] = if user { b"theirs" } else { b"they" };
        let due = context.answered(Some(&[answer]));
        let expected: &[u8] = if user { b"\0me\0theirs" } else { b"\0they\0key" };
        assert_eq!(response(due).as_deref(), Some(expected));
        // A domain is asked for with the user, or not at all.
        context.select("NTLM").unwrap();
        assert_eq!(asked(&context.begin(None)), if user { 1 } else { 2 });
    }
}

#[test]
fn a_context_like_another_demands_the_same() {
    let program = context();
    program.set_min_ssf(1);
    assert!(Context::like(Some(&program)).select("PLAIN").is_err());
    assert!(Context::like(None).select("PLAIN").is_err());
}

#[test]
fn what_is_set_comes_back() {
    let context = context();
    let interact = context.interact().expect("it was set");
    assert_eq!(interact.arg, ptr::null_mut());
    assert!(context.replace_external_id(Some(c"first".to_owned())).is_none());
    assert_eq!(context.replace_external_id(None).as_deref(), Some(c"first"));
    assert!(context.replace_external_id(None).is_none());
}

#[test]
fn what_is_allowed_twice_is_allowed() {
    let context = context();
    context.change_flags(flags::PLAIN | flags::ANONYMOUS, 0);
    context.change_flags(flags::PLAIN | flags::ANONYMOUS, 0);
    assert_eq!(context.policy().allowed, flags::PLAIN | flags::ANONYMOUS);
    context.change_flags(flags::EXTERNAL, 0);
    context.set_external_id(Some(c"me"));
    assert_eq!(context.policy().allowed, flags::PLAIN | flags::ANONYMOUS | flags::EXTERNAL);
}

#[test]
fn a_server_that_is_another_is_not_believed() {
    let context = context();
    context.select("SCRAM-SHA-256").unwrap();
    assert_eq!(asked(&context.begin(None)), 2);
    assert!(response(context.answered(Some(&[b"user", b"pencil"]))).is_some());
    // A nonce that is not ours.
    let challenge = b"r=foreign,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    assert!(matches!(context.begin(Some(challenge)), Due::Distrusted));
    // Success without a proof.
    assert_eq!(asked(&context.begin(None)), 2);
    assert!(response(context.answered(Some(&[b"user", b"pencil"]))).is_some());
    assert!(!context.succeeded());
}

#[test]
fn an_exchange_that_is_over_is_forgotten() {
    let context = context();
    context.select("PLAIN").unwrap();
    for over in [|context: &Context| assert!(context.succeeded()), Context::failed] {
        assert_eq!(asked(&context.begin(None)), 2);
        assert!(response(context.answered(Some(&[b"user", b"secret"]))).is_some());
        over(&context);
        assert!(context.response.borrow().is_none());
        assert!(has_failed(&context.begin(Some(b""))), "nothing is under way");
    }
}
