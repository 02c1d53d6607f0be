// SPDX-License-Identifier: LGPL-2.1-or-later
//! Replies that come again, and the memory that is used again.

use super::*;

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
