// SPDX-License-Identifier: LGPL-2.1-or-later
//! The form of replies: what is one, and what is in it.

mod again;
mod bounds;
mod endings;

use super::*;

const PLAIN: ReplyForm = ReplyForm::Plain { enhanced: false };
const ENHANCED: ReplyForm = ReplyForm::Plain { enhanced: true };
const CHALLENGE: ReplyForm = ReplyForm::Challenge { enhanced: false };

type Outcome = Result<Option<Reply>, Error>;

/// What a status shows of a reply's text, without its end.
fn shown_by_a_status(reply: &Reply) -> Vec<u8> {
    let mut text = reply.status_text().into_owned();
    assert!(text.ends_with(b"\r\n"));
    text.truncate(text.len() - 2);
    text
}

fn parse(form: ReplyForm, bytes: &[u8]) -> Outcome {
    let mut whole = ReplyParser::default();
    whole.feed(bytes);
    let at_once = whole.next(form, |_| {});
    let mut parser = ReplyParser::default();
    for byte in bytes {
        parser.feed(&[*byte]);
        match parser.next(form, |_| {}) {
            Ok(None) => {}
            outcome => {
                assert_eq!(outcome, at_once, "byte by byte is the same");
                return outcome;
            }
        }
    }
    assert_eq!(at_once, Ok(None));
    at_once
}

fn whole(form: ReplyForm, bytes: &[u8]) -> Reply {
    parse(form, bytes).expect("valid").expect("complete")
}

fn text(form: ReplyForm, bytes: &[u8]) -> String {
    String::from_utf8_lossy(whole(form, bytes).text()).into_owned()
}

/// A line of so many octets without its end.
fn line(begin: &str, length: usize) -> Vec<u8> {
    let mut line = begin.as_bytes().to_vec();
    line.resize(length, b'x');
    line.extend_from_slice(CRLF);
    line
}

#[test]
fn lines_of_a_reply_are_joined() {
    assert_eq!(text(PLAIN, b"250-one\r\n250 two\r\n"), "one\r\ntwo\r\n");
    assert_eq!(text(PLAIN, b"250   blanks\n"), "blanks\r\n");
    assert_eq!(text(PLAIN, b"250\r\n"), "\r\n");
    assert_eq!(text(PLAIN, b"250 \r\n"), "\r\n");
    assert_eq!(text(PLAIN, b"250-\r\n250-\t x\r\n250\r\n"), "\r\nx\r\n\r\n");
}

#[test]
fn only_three_digits_of_four_classes_are_a_code() {
    for line in [
        "+250 x",
        "0250 x",
        "25 x",
        "2500 x",
        "150 x",
        "650 x",
        "25a x",
        " ",
        "250_x",
        "abc",
        "4294967546 x",
        " 250 x",
        "-250",
        "250\0 x",
        "250 a\0b",
    ] {
        let bytes = format!("{line}\r\n");
        assert_eq!(parse(PLAIN, bytes.as_bytes()), Err(Error::ResponseSyntax), "{line:?}");
    }
}

#[test]
fn all_lines_carry_the_same_code() {
    assert_eq!(parse(PLAIN, b"250-a\r\n251 b\r\n"), Err(Error::StatusMismatch));
}

#[test]
fn enhanced_codes_are_taken_off() {
    let reply = whole(ENHANCED, b"250-2.1.5 a\r\n250 2.1.5  b\r\n");
    let (class, subject, detail) = (2, 1, 5);
    assert_eq!(reply.enhanced(), Some(EnhancedCode { class, subject, detail }));
    assert_eq!(reply.text(), b"a\r\nb\r\n");
    assert!(!reply.lacks_enhanced());
    assert_eq!(text(ENHANCED, b"250-2.1.5 a\r\n250 b\r\n"), "a\r\nb\r\n");
    assert_eq!(text(ENHANCED, b"354 2.1.5 a\r\n"), "2.1.5 a\r\n");
    assert_eq!(text(PLAIN, b"250 2.1.5 a\r\n"), "2.1.5 a\r\n");
    assert_eq!(whole(ENHANCED, b"550 5.123.456\r\n").enhanced().map(|code| code.detail), Some(456));
}

#[test]
fn the_first_lines_enhanced_code_counts() {
    let reply = whole(ENHANCED, b"250-2.0.0 ok\r\n250-2.6.0 queued\r\n250 2.1.5 x\r\n");
    let (class, subject, detail) = (2, 0, 0);
    assert_eq!(reply.enhanced(), Some(EnhancedCode { class, subject, detail }));
    assert_eq!(reply.text(), b"ok\r\nqueued\r\nx\r\n");
    assert!(!reply.lacks_enhanced());
    let without = whole(ENHANCED, b"250-ok\r\n250 2.6.0 queued\r\n");
    assert_eq!((without.enhanced(), without.lacks_enhanced()), (None, true));
}

#[test]
fn a_broken_enhanced_code_counts_as_lacking() {
    for code in ["2.1", "2.1.", "2.1.1000", "3.1.1", "2.1.5x", "x", "", "2..5", ".1.1", "2.1.5.1", "2 .1.5"] {
        let reply = whole(ENHANCED, format!("250 {code}\r\n").as_bytes());
        assert!(reply.lacks_enhanced(), "{code:?}");
        assert_eq!(reply.enhanced(), None, "{code:?}");
    }
}

#[test]
fn every_line_is_tapped_and_the_rest_stays() {
    let mut parser = ReplyParser::default();
    parser.feed(b"\r\n250-a\r\n250 b\r\n354");
    let mut seen = Vec::new();
    let reply = parser.next(PLAIN, |line| seen.push(line.to_vec())).expect("valid");
    assert!(reply.is_some());
    assert_eq!(seen, [b"\r\n".to_vec(), b"250-a\r\n".to_vec(), b"250 b\r\n".to_vec()]);
    assert_eq!(parser.rest(), b"354");
    assert!(parser.has_leftover());
    // A wrong one, too, as it came.
    let mut wrong = ReplyParser::default();
    wrong.feed(b"250 a\0b\r\n250 c\r\n");
    let mut seen = Vec::new();
    let outcome = wrong.next(PLAIN, |line| seen.push(line.to_vec()));
    assert_eq!((outcome, seen.concat()), (Err(Error::ResponseSyntax), b"250 a\0b\r\n".to_vec()));
    assert_eq!(wrong.rest(), b"250 c\r\n");
}

#[test]
fn a_user_is_shown_codes_and_text() {
    assert_eq!(whole(PLAIN, b"421  busy \r\n").to_string(), "421 busy");
    assert_eq!(whole(ENHANCED, b"550 5.1.1 nobody\r\n").to_string(), "550 5.1.1 nobody");
    assert_eq!(whole(PLAIN, b"554-no\r\n554 never\r\n").to_string(), "554 no\r\nnever");
}
