// SPDX-License-Identifier: LGPL-2.1-or-later
//! How long a reply may be, and how much of it a status shows.

use super::*;

fn cut_short(outcome: &Outcome) -> Option<(u16, Error)> {
    let reply = outcome.as_ref().ok()?.as_ref()?;
    Some((reply.code().value(), reply.cut_short()?))
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
