// SPDX-License-Identifier: LGPL-2.1-or-later

use super::*;

fn wire(path: &CStr) -> Option<Vec<u8>> {
    let mailbox = Mailbox::new(path).ok().filter(Mailbox::is_usable)?;
    Some(mailbox.wire(false).to_vec())
}

fn text(path: &CStr) -> Option<String> {
    wire(path).map(|path| String::from_utf8(path).expect("text"))
}

#[test]
fn brackets_and_blanks_around_are_left_out() {
    assert_eq!(text(c"a@example.org").as_deref(), Some("a@example.org"));
    assert_eq!(text(c" \t<a@b> ").as_deref(), Some("a@b"));
    assert_eq!(text(c"<>").as_deref(), Some(""));
    assert_eq!(text(c"").as_deref(), Some(""));
    assert_eq!(text(c"  ").as_deref(), Some(""));
    assert_eq!(text(c"<<a@b>>").as_deref(), Some("a@b"));
    assert_eq!(text(c"<a@b"), None);
    assert_eq!(text(c"a@b>"), None);
    assert_eq!(text(c"< a@b>"), None);
}

#[test]
fn a_name_in_front_is_left_out() {
    for given in [
        c"Admin <a@example.org>",
        c"\"Last, First\" <a@example.org>",
        c"Last, First <a@example.org>",
        c"\"<x@y>\" <a@example.org>",
        c"\"quote \\\" <x@y>\" <a@example.org>",
        c"a@example.org <a@example.org>",
        c"Admin<a@example.org>",
        c"Admin (<x@y>) <a@example.org> (night, shift)",
        c"Admin <a@example.org>\r\n",
        c"a <x@y> b <a@example.org>",
        // Outside quotes and comments a backslash is one.
        c"C:\\\"dir\" <a@example.org>",
    ] {
        assert_eq!(text(given).as_deref(), Some("a@example.org"), "{given:?}");
    }
    assert_eq!(text(c"Nobody <>").as_deref(), Some(""));
    assert_eq!(text(c"Admin <\"a b\"@c>").as_deref(), Some("\"a b\"@c"));
}

#[test]
fn comments_are_left_out() {
    for given in [
        c"a@example.org (Admin)",
        c"(Admin) a@example.org",
        c"(a (nested \\) one)) a@example.org(x)(y)",
        c"<a@example.org (x)>",
        c"a (x) @ (y) example.org",
        // A quote within a comment quotes nothing.
        c"a@example.org (3\" of rain)",
    ] {
        assert_eq!(text(given).as_deref(), Some("a@example.org"), "{given:?}");
    }
    assert_eq!(text(c"\"a(x)\"@b").as_deref(), Some("\"a(x)\"@b"));
    for given in [
        c"a(x)b@c",
        c"a(x) b@c",
        c"(x)",
        c"a@b (x) c",
        // Not closed, so no comment and no quotes.
        c"<a@b> (x",
        c"<a@b> \"x",
    ] {
        assert_eq!(text(given), None, "{given:?}");
    }
    // Not closed, so no comment.
    assert_eq!(text(c"a(b@c").as_deref(), Some("a(b@c"));
}

#[test]
fn several_mailboxes_are_none() {
    for given in [c"A <a@b>, C <c@d>", c"a@b, C <c@d>", c"a@b, c@d", c"<a@b>,<c@d>"] {
        assert_eq!(text(given), None, "{given:?}");
    }
    assert_eq!(text(c"<@x,@y:a@b>").as_deref(), Some("@x,@y:a@b"));
}

#[test]
fn one_line_end_behind_it_is_left_out_and_refused_within() {
    for given in [c"a@b\r\n", c"a@b\n", c"a@b\r", c" a@b \n ", c"<a@b>\n"] {
        assert_eq!(text(given).as_deref(), Some("a@b"), "{given:?}");
    }
    assert_eq!(Mailbox::new(c"A <a@b>\r\n").expect("valid").shown(), b"A <a@b>");
    assert_eq!(Mailbox::new(c" a@b ").expect("valid").shown(), b" a@b ");
    for given in [c"a@b\n\n", c"\na@b", c"a@b\r\nDATA", c"\"a\nb\"@c", c"A\n <a@b>", c"\n\n"] {
        assert_eq!(Mailbox::new(given).map(|_| ()), Err(Error::Invalid), "{given:?}");
    }
    assert_eq!(text(c"\n").as_deref(), Some(""));
}

#[test]
fn nothing_can_be_added_to_a_path() {
    for path in [c"a@b> SIZE=1", c"a b@c", c"a\x01@b", c"a\x7f@b", c"a\t@b", c"<a@b SIZE=1>"] {
        assert!(wire(path).is_none(), "{path:?}");
        assert!(Mailbox::new(path).is_ok(), "{path:?}");
    }
}

#[test]
fn a_quoted_local_part_may_hold_blanks_and_brackets() {
    assert!(wire(c"\"a b\"@c").is_some());
    assert!(wire(c"\"<a>\"@c").is_some());
    assert!(wire(c"\"a\\\" b\"@c").is_some());
    assert!(wire(c"\"a\"@c d").is_none());
    assert!(wire(c"\"a b@c").is_none());
    assert!(wire(c"x\"a b\"@c").is_none());
}

#[test]
fn a_path_has_a_greatest_length() {
    let path = |length| CString::new(vec![b'a'; length]).expect("no NUL");
    assert!(wire(&path(1000)).is_some());
    assert!(wire(&path(1001)).is_none());
    let bracketed = |length| CString::new(format!("<{}>", "a".repeat(length))).expect("no NUL");
    assert!(wire(&bracketed(1000)).is_some());
    assert!(wire(&bracketed(1001)).is_none());
    let named = CString::new(format!("{} <a@b>", "N".repeat(70_000))).expect("no NUL");
    assert_eq!(text(&named).as_deref(), Some("a@b"));
}

#[test]
fn a_domain_goes_out_in_a_labels_unless_the_local_part_needs_more() {
    let mailbox = |path: &str| Mailbox::new(&CString::new(path).expect("no NUL")).expect("valid");
    for given in [
        "<a@b\u{fc}cher.example>",
        "J\u{fc}rg <a@b\u{fc}cher.example>",
        "a@b\u{fc}cher.example (x)",
    ] {
        let domain = mailbox(given);
        assert!(!domain.needs_utf8());
        assert_eq!(domain.wire(false), b"a@xn--bcher-kva.example");
        assert_eq!(domain.wire(true), "a@b\u{fc}cher.example".as_bytes());
    }
    let local = mailbox("\u{e9}@b\u{fc}cher.example");
    assert!(local.needs_utf8());
    assert_eq!(local.wire(true), "\u{e9}@b\u{fc}cher.example".as_bytes());
    assert!(mailbox("a@\u{2028}.example").needs_utf8());
    assert!(!mailbox("J\u{fc}rg <a@example.org>").needs_utf8());
    assert!(Mailbox::new(c"\xff@example.org").expect("valid").needs_utf8());
}

#[test]
fn short_and_long_ones_are_the_same() {
    for length in 0..=SHORT_MAX * 2 {
        for text in [
            "a".repeat(length),
            format!("<{}>", "a".repeat(length)),
            format!("{}\u{e9}", "a".repeat(length)),
        ] {
            let given = CString::new(text.clone()).expect("no NUL");
            let mailbox = Mailbox::new(&given).expect("valid");
            assert_eq!(mailbox.given(), given.as_c_str());
            assert_eq!(mailbox.shown(), text.as_bytes());
            let path = text.trim_start_matches('<').trim_end_matches('>');
            assert_eq!(mailbox.wire(true), path.as_bytes(), "{text}");
            assert_eq!(mailbox.needs_utf8(), !path.is_ascii());
            assert!(mailbox.is_usable());
            let is_path = text == path && text.is_ascii();
            assert_eq!(matches!(mailbox.0, Kind::Short { .. }), is_path && length <= SHORT_MAX, "{text}");
        }
    }
    assert!(size_of::<Mailbox>() <= 40);
}
