// SPDX-License-Identifier: LGPL-2.1-or-later
//! What the connection ends in, and what is left in the parser.

use super::*;

fn last_words(form: ReplyForm, bytes: &[u8]) -> Option<(u16, String)> {
    let mut parser = ReplyParser::default();
    parser.feed(bytes);
    assert_eq!(parser.next(form, |_| {}), Ok(None));
    let mut tapped = Vec::new();
    let reply = parser.last_words(form, |line| tapped.extend_from_slice(line))?;
    assert!(bytes.ends_with(&tapped));
    assert_eq!(reply.cut_short(), Some(Error::Dropped));
    Some((reply.code().value(), String::from_utf8_lossy(&shown_by_a_status(&reply)).into_owned()))
}

#[test]
fn a_refusal_that_the_connection_ends_in_is_believed() {
    for (bytes, code, text) in [
        ("550 5.7.1 spam", 550, "5.7.1 spam"),
        ("550 ", 550, ""),
        ("421 4.3.2 bye\r", 421, "4.3.2 bye"),
        ("\r\n451 later", 451, "later"),
        ("550-first\r\n550 sec", 550, "first\r\nsec"),
        ("550-first\r\n550-", 550, "first\r\n"),
        // The code of the lines before it is the reply's.
        ("550-first\r\n", 550, "first"),
        ("550-first\r\n55", 550, "first"),
    ] {
        assert_eq!(last_words(PLAIN, bytes.as_bytes()), Some((code, text.to_owned())), "{bytes:?}");
    }
    let reply = last_words(ENHANCED, b"550 5.7.1 caf\xc3");
    assert_eq!(reply, Some((550, "caf".to_owned())));
}

#[test]
fn nothing_else_is_believed_before_its_end() {
    for bytes in [
        "",
        "5",
        "550",
        "550\r",
        "5500 x",
        "\r\n",
        "250 ok",
        "250-ok\r\n250 o",
        "354 go",
        "334 ",
        "550-a\r\n551 b",
        "550-a\r\n250 b",
        "650 x",
        "550\0x",
        "550 a\0",
    ] {
        assert_eq!(last_words(PLAIN, bytes.as_bytes()), None, "{bytes:?}");
    }
}

#[test]
fn what_is_discarded_is_gone() {
    let mut parser = ReplyParser::default();
    assert!(parser.is_empty());
    parser.feed(b"220 ready\r\n250-one\r\n25");
    assert!(!parser.is_empty() && parser.has_leftover());
    assert!(parser.next(PLAIN, |_| {}).expect("valid").is_some());
    assert_eq!(parser.next(PLAIN, |_| {}), Ok(None));
    assert!(!parser.is_empty(), "a reply has begun");
    parser.discard();
    assert!(parser.is_empty() && !parser.has_leftover());
    parser.feed(b"354 go on\r\n");
    let reply = parser.next(PLAIN, |_| {}).expect("valid").expect("whole");
    assert_eq!(reply.code().value(), 354);
    assert!(parser.is_empty());
    parser.feed(b"\r\n");
    assert!(!parser.is_empty() && !parser.has_leftover(), "an empty line is there, and says nothing");
}

#[test]
fn last_words_are_shown_as_they_came() {
    for (before, rest, refuses) in [
        ("", "550 no", true),
        ("550-no\r\n", "550", true),
        ("550-no\r\n", "", true),
        ("", "250 ok", false),
        ("", "", false),
    ] {
        let mut parser = ReplyParser::default();
        parser.feed(before.as_bytes());
        assert_eq!(parser.next(PLAIN, |_| {}), Ok(None));
        parser.feed(rest.as_bytes());
        let mut shown = Vec::new();
        let reply = parser.last_words(PLAIN, |line| shown.push(line.to_vec()));
        assert_eq!(reply.is_some(), refuses, "{before}{rest}");
        let expected: Vec<&[u8]> = [rest.as_bytes()].into_iter().filter(|rest| !rest.is_empty()).collect();
        assert_eq!(shown, expected);
        assert!(parser.rest().is_empty());
    }
}
