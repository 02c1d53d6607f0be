// SPDX-License-Identifier: LGPL-2.1-or-later
//! The form of replies: what is one, both sides of each bound, and how a reply may end.

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

fn cut_short(outcome: &Outcome) -> Option<(u16, Error)> {
    let reply = outcome.as_ref().ok()?.as_ref()?;
    Some((reply.code().value(), reply.cut_short()?))
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
fn a_line_has_a_bound() {
    for form in [PLAIN, ENHANCED, CHALLENGE, ReplyForm::Ehlo] {
        for length in [513, 1024, 1300, 12_287, 12_288] {
            assert_eq!(whole(form, &line("250 ", length)).text().len(), length - 4 + 2);
        }
        for length in [12_289, 12_290, 20_000] {
            assert_eq!(parse(form, &line("250 ", length)), Err(Error::UnterminatedResponse));
            assert_eq!(parse(form, &line("334 ", length)), Err(Error::UnterminatedResponse));
            assert_eq!(parse(form, &line("", length)), Err(Error::UnterminatedResponse));
        }
    }
}

#[test]
fn a_reply_has_a_bound() {
    // Sixteen lines of 4,096 octets are the most, however they end.
    let full = line("250-", 4096);
    let with_last = |last: &[u8]| [full.repeat(15).as_slice(), last].concat();
    assert!(parse(PLAIN, &with_last(&line("250 ", 4096))).is_ok());
    assert!(parse(PLAIN, &with_last(&[b"250 ".as_slice(), &[b'x'; 4092], b"\n"].concat())).is_ok());
    assert_eq!(parse(PLAIN, &with_last(&line("250 ", 4097))), Err(Error::UnterminatedResponse));
    assert_eq!(parse(PLAIN, &b"250-\r\n".repeat(20_000)), Err(Error::UnterminatedResponse));
}

#[test]
fn a_reply_to_ehlo_has_so_many_lines() {
    let lines = |count: usize, last: &[u8]| [b"250-X\r\n".repeat(count - 1).as_slice(), last].concat();
    assert!(parse(ReplyForm::Ehlo, &lines(1000, b"250 X\r\n")).is_ok());
    let over = lines(1001, b"250 X\r\n");
    assert_eq!(parse(ReplyForm::Ehlo, &over), Err(Error::UnterminatedResponse));
    // The one too many is over the bound, whatever it says.
    for (count, wrong) in [(1000, Error::ResponseSyntax), (1001, Error::UnterminatedResponse)] {
        assert_eq!(parse(ReplyForm::Ehlo, &lines(count, b"\r\n")), Err(wrong), "{count}");
    }
    assert!(parse(PLAIN, &over).is_ok());
}

/// What the server decided is not lost by what else it said.
#[test]
fn a_refusal_over_its_bound_is_a_refusal() {
    let over = |code: u16| {
        let many = format!("{code}-more\r\n").repeat(1001);
        [
            (PLAIN, line(&format!("{code} "), 12_289)),
            (CHALLENGE, line(&format!("{code}-"), 20_000)),
            (PLAIN, format!("{code}-{}\r\n", "x".repeat(1000)).repeat(66).into_bytes()),
            (PLAIN, [format!("{code}-a\r\n").into_bytes(), line("", 13_000)].concat()),
            (ReplyForm::Ehlo, many.into_bytes()),
        ]
    };
    for (form, bytes) in over(554).into_iter().chain(over(421)) {
        let outcome = parse(form, &bytes);
        let (code, why) = cut_short(&outcome).expect("a refusal");
        assert!(bytes.starts_with(code.to_string().as_bytes()));
        assert_eq!(why, Error::UnterminatedResponse);
    }
    for (form, bytes) in over(250).into_iter().chain(over(334)) {
        assert_eq!(parse(form, &bytes), Err(Error::UnterminatedResponse));
    }
    let enhanced = whole(ENHANCED, &line("554 5.7.1 spam ", 13_000));
    assert_eq!(enhanced.enhanced().map(|code| code.detail), Some(1));
    assert!(shown_by_a_status(&enhanced).starts_with(b"spam xxx"));
}

#[test]
fn nothing_is_read_behind_a_reply_over_its_bound() {
    for code in ["250 ", "550 "] {
        let mut parser = ReplyParser::default();
        parser.feed(&line(code, 13_000));
        parser.feed(b"250 ok\r\n");
        let _ = parser.next(PLAIN, |_| {});
        assert_eq!(parser.next(PLAIN, |_| {}), Err(Error::UnterminatedResponse));
        assert_eq!(parser.next(PLAIN, |_| {}), Err(Error::UnterminatedResponse), "nor if nothing follows");
        assert_eq!(parser.last_words(PLAIN, |_| {}), None);
    }
}

#[test]
fn empty_lines_before_a_reply_are_skipped() {
    assert_eq!(text(PLAIN, b"\r\n250 ok\r\n"), "ok\r\n");
    assert_eq!(text(PLAIN, b"\n\n250 ok\r\n"), "ok\r\n");
    let after = |count: usize| [b"\r\n".repeat(count).as_slice(), b"550 no\r\n"].concat();
    assert_eq!(text(PLAIN, &after(8)), "no\r\n");
    assert_eq!(parse(PLAIN, &after(9)), Err(Error::UnterminatedResponse));
    // Within a reply, and with a blank in it, a line is malformed.
    assert_eq!(parse(PLAIN, b"250-a\r\n\r\n250 b\r\n"), Err(Error::ResponseSyntax));
    assert_eq!(parse(PLAIN, b" \r\n250 b\r\n"), Err(Error::ResponseSyntax));
    assert_eq!(parse(PLAIN, b"\r\r\n250 b\r\n"), Err(Error::ResponseSyntax));
}

/// They are counted for each reply.
#[test]
fn empty_lines_do_not_add_up() {
    let mut parser = ReplyParser::default();
    for _ in 0..3 {
        parser.feed(&[b"\r\n".repeat(8).as_slice(), b"250 ok\r\n"].concat());
        assert!(parser.next(PLAIN, |_| {}).is_ok_and(|reply| reply.is_some()));
    }
}

#[test]
fn an_empty_line_is_no_word_of_the_servers() {
    let has_leftover = |bytes: &[u8]| {
        let mut parser = ReplyParser::default();
        parser.feed(bytes);
        let before = parser.has_leftover();
        if let Ok(None) = parser.next(PLAIN, |_| {}) {
            assert_eq!(parser.has_leftover(), before);
        }
        before
    };
    assert!(!has_leftover(b""));
    assert!(!has_leftover(b"\r\n"));
    assert!(!has_leftover(b"\n\r\n\r"));
    assert!(!has_leftover(&b"\r\n".repeat(8)));
    assert!(has_leftover(&b"\r\n".repeat(9)));
    assert!(has_leftover(b"\r\n2"));
    assert!(has_leftover(b"\rx"));
    assert!(has_leftover(b" "));
    assert!(has_leftover(b"250-a\r\n"));
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
fn a_status_shows_so_much_of_the_text() {
    let shown = |text: &[u8]| {
        let reply = whole(PLAIN, &[b"550 ", text, CRLF].concat());
        let shown = shown_by_a_status(&reply);
        assert!(text.starts_with(&shown));
        shown.len()
    };
    // With its CRLF a text has at most 4,096 octets.
    assert_eq!(shown(b""), 0);
    assert_eq!(shown(&[b'x'; 4093]), 4093);
    assert_eq!(shown(&[b'x'; 4094]), 4094);
    assert_eq!(shown(&[b'x'; 4095]), 4094);
    assert_eq!(shown(&[b'x'; 12_000]), 4094);
    for character in ["\u{e9}", "\u{20ac}", "\u{1f600}"] {
        for shift in 0..4 {
            let text = ["x".repeat(4088 + shift), character.repeat(10)].concat();
            let size = shown(text.as_bytes());
            assert!(text.is_char_boundary(size), "{character} {shift}");
            assert!((4091..=4094).contains(&size));
        }
    }
    // What is no UTF-8 is cut all the same.
    assert_eq!(shown(&[0x80; 5000]), 4094);
    assert_eq!(shown(&[0xe9; 5000]), 4093);
}

#[test]
fn a_status_text_is_not_cut_in_a_line_end() {
    for length in 4080..4100 {
        let bytes = [line("550-", length), line("550 ", 300)].concat();
        let reply = whole(PLAIN, &bytes);
        let shown = shown_by_a_status(&reply);
        assert!(shown.len() <= 4094);
        assert!(!shown.ends_with(b"\r") && !shown.ends_with(b"\n"), "{length}");
    }
}

#[test]
fn the_same_line_is_the_same_reply() {
    let lines: [&[u8]; 6] = [
        b"250 2.1.5 ok",
        b"250 2.1.5 ok",
        b"250-2.1.5 ok",
        b"250 2.1.5 ok",
        b"550 5.1.1 no",
        b"250 ok",
    ];
    for first in lines {
        for second in lines {
            for forms in [[PLAIN, PLAIN], [ENHANCED, ENHANCED], [PLAIN, ENHANCED], [ENHANCED, CHALLENGE]] {
                for taken in [false, true] {
                    let mut parser = ReplyParser::default();
                    parser.feed(&[first, b"\r\n", second, b"\r\n"].concat());
                    let mut outcomes = Vec::new();
                    for form in forms {
                        let read = parser.read(form, |_| {});
                        let reply = if taken { parser.take() } else { parser.reply().clone() };
                        outcomes.push(read.map(|complete| complete.then_some(reply)));
                    }
                    let fresh = |line: &[u8], form| {
                        let mut parser = ReplyParser::default();
                        parser.feed(&[line, b"\r\n"].concat());
                        parser.next(form, |_| {})
                    };
                    if !first.starts_with(b"250-") {
                        assert_eq!(outcomes, [fresh(first, forms[0]), fresh(second, forms[1])]);
                    }
                }
            }
        }
    }
}

#[test]
fn a_line_that_comes_again_keeps_the_bounds() {
    let mut parser = ReplyParser::default();
    parser.feed(b"250 ok\r\n");
    for _ in 0..3 {
        assert_eq!(parser.read(PLAIN, |_| {}), Ok(true));
        parser.feed(&b"\r\n".repeat(8));
        parser.feed(b"250 ok\r\n");
    }
    assert_eq!(parser.read(PLAIN, |_| {}), Ok(true));
    parser.feed(&[&b"\r\n".repeat(9)[..], b"250 ok\r\n"].concat());
    assert_eq!(parser.read(PLAIN, |_| {}), Err(Error::UnterminatedResponse));

    let long = format!("550 {}\r\n", "x".repeat(13_000));
    let mut parser = ReplyParser::default();
    parser.feed(long.repeat(2).as_bytes());
    assert_eq!(parser.read(PLAIN, |_| {}), Ok(true));
    assert_eq!(parser.reply().cut_short(), Some(Error::UnterminatedResponse));
    assert_eq!(parser.read(PLAIN, |_| {}), Err(Error::UnterminatedResponse));
}

#[test]
fn a_user_is_shown_codes_and_text() {
    assert_eq!(whole(PLAIN, b"421  busy \r\n").to_string(), "421 busy");
    assert_eq!(whole(ENHANCED, b"550 5.1.1 nobody\r\n").to_string(), "550 5.1.1 nobody");
    assert_eq!(whole(PLAIN, b"554-no\r\n554 never\r\n").to_string(), "554 no\r\nnever");
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

/// What comes again is a reply, not a line.
#[test]
fn the_last_line_of_a_reply_that_comes_again_is_another_reply() {
    let mut parser = ReplyParser::default();
    parser.feed(b"250-a\r\n250 b\r\n250 b\r\n250 b\r\n250-a\r\n250 b\r\n");
    for text in ["a\r\nb\r\n", "b\r\n", "b\r\n", "a\r\nb\r\n"] {
        assert_eq!(parser.read(PLAIN, |_| {}), Ok(true));
        assert_eq!(parser.reply().text(), text.as_bytes());
    }
    parser.feed(b"250-a\r\n250 b\r\n250 b\r\n");
    assert_eq!(parser.read(PLAIN, |_| {}), Ok(true));
    assert_eq!(parser.read_repeated(PLAIN, 9, |_| {}), 0);
}

#[test]
fn replies_that_repeat_the_last_one_are_counted() {
    let mut parser = ReplyParser::default();
    parser.feed(b"250 ok\r\n250 ok\r\n250 ok\r\n250 ok\n250 ok\r\n250 o");
    let mut seen = Vec::new();
    assert_eq!(parser.read(PLAIN, |_| {}), Ok(true));
    assert_eq!(parser.read_repeated(PLAIN, 0, |_| {}), 0);
    assert_eq!(parser.read_repeated(ENHANCED, 9, |_| {}), 0, "read in another way it may be another");
    assert_eq!(parser.read_repeated(PLAIN, 1, |line| seen.push(line.to_vec())), 1);
    assert_eq!(parser.read_repeated(PLAIN, 9, |line| seen.push(line.to_vec())), 1, "its end is another");
    assert_eq!(seen, [b"250 ok\r\n", b"250 ok\r\n"]);
    for _ in 0..2 {
        assert_eq!(parser.next(PLAIN, |_| {}), Ok(Some(whole(PLAIN, b"250 ok\r\n"))));
        assert_eq!(parser.read_repeated(PLAIN, 9, |_| {}), 0, "the last one was taken");
    }
    assert_eq!(parser.read(PLAIN, |_| {}), Ok(false));
    parser.feed(b"k\r\n250-ok\r\n250 ok\r\n250-ok\r\n250 ok\r\n");
    assert_eq!(parser.read(PLAIN, |_| {}), Ok(true));
    assert_eq!(parser.read(PLAIN, |_| {}), Ok(true));
    assert_eq!(parser.read_repeated(PLAIN, 9, |_| {}), 0, "it has several lines");
    assert_eq!(parser.reply().text(), b"ok\r\nok\r\n");
}

#[test]
fn the_memory_of_a_reply_is_used_again() {
    let mut parser = ReplyParser::default();
    // So long that its memory is no other reply's by chance.
    parser.feed(&line("250 ", 1000));
    parser.feed(b"354 short\r\n550 other\r\n");
    let first = parser.next(PLAIN, |_| {}).expect("valid").expect("complete");
    let memory = first.text().as_ptr();
    parser.give_back(first);
    let second = parser.next(PLAIN, |_| {}).expect("valid").expect("complete");
    assert_eq!((second.text(), second.text().as_ptr()), (&b"short\r\n"[..], memory));
    // What is being read is not disturbed.
    assert_eq!(parser.read(PLAIN, |_| {}), Ok(true));
    parser.give_back(second);
    assert_eq!(parser.take(), whole(PLAIN, b"550 other\r\n"));
    parser.feed(b"550-a\r\n");
    assert_eq!(parser.read(PLAIN, |_| {}), Ok(false));
    parser.give_back(whole(PLAIN, b"250 ok\r\n"));
    parser.feed(b"550 b\r\n");
    assert_eq!(parser.next(PLAIN, |_| {}), Ok(Some(whole(PLAIN, b"550-a\r\n550 b\r\n"))));
}
