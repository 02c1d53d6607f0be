// SPDX-License-Identifier: LGPL-2.1-or-later
//! Encoded words (RFC 2047): how a header that is ASCII carries text that is not.

use std::fmt::Write as _;

use email_encoding::headers::rfc2047;
use email_encoding::headers::writer::EmailWriter;

use crate::content::{CR, LF};

/// Longest line with an encoded word in it (RFC 2047 §2).
pub(super) const LINE_MAX: usize = 76;
/// Octets of an encoded word of one character, if that is one of the longest.
const WORD_OF_ONE: usize = "=?utf-8?b?8J+YgA==?=".len();
/// The end of a line within a header.
pub(super) const FOLD: &str = "\r\n ";

/// Splits off the encoded word that a text begins with. Line ends may stand in it, since
/// programs put base64 there that comes in lines.
pub(super) fn first(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let after = text.strip_prefix(b"=?")?;
    let (charset, after) = part(after)?;
    let (encoding, after) = part(after)?;
    let (_, after) = part(after)?;
    let after = after.strip_prefix(b"=")?;
    let known = matches!(encoding, [b'B' | b'b' | b'Q' | b'q']);
    if charset.is_empty() || !known {
        return None;
    }
    text.split_at_checked(text.len() - after.len())
}

/// Splits at a question mark, before which only what may be in an encoded word stands.
fn part(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let within = |octet: &u8| octet.is_ascii_graphic() && *octet != b'?' || matches!(*octet, CR | LF);
    let end = text.iter().position(|octet| !within(octet))?;
    match text.split_at_checked(end)? {
        (part, [b'?', after @ ..]) => Some((part, after)),
        _ => None,
    }
}

/// Whether a word is an encoded one and nothing else, without a character that means something in
/// the header of a mailbox (RFC 2047 §5 (3)).
pub(super) fn fits_phrase(word: &[u8]) -> bool {
    let harmless = |octet: &u8| octet.is_ascii_alphanumeric() || b"!*+-/=_?".contains(octet);
    first(word).is_some_and(|(_, after)| after.is_empty()) && word.iter().all(harmless)
}

/// Text for a header without structure: what is not ASCII is encoded, word by word, so that what
/// is stays readable. `column` is where it begins, behind the header's name.
pub(super) fn encode_text(text: &str, column: usize) -> Vec<u8> {
    let text = unfolded(text);
    let words: Vec<&str> = text.split(' ').collect();
    let mut encoded = String::with_capacity(2 * text.len() + FOLD.len());
    // Between a name and a word there is no blank at which the writer could end the line.
    let is_late = column + WORD_OF_ONE > LINE_MAX && words.first().is_some_and(|word| !word.is_ascii());
    let column = if is_late {
        encoded.push_str(FOLD);
        1
    } else {
        column
    };
    let mut writer = EmailWriter::new(&mut encoded, column, 0, true);
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if at > 0 {
            writer.space();
        }
        // Writing to a String cannot fail.
        if word.is_ascii() {
            let _ = writer.folding().write_str(word);
            at += 1;
        } else {
            let length = run_length(words.get(at..).unwrap_or_default());
            let _ = rfc2047::encode(&run(&words, at, at + length), &mut writer);
            at += length;
        }
    }
    drop(writer);
    encoded.into_bytes()
}

/// How many words are encoded together: blanks between two encoded words are no part of the text
/// (RFC 2047 §6.2).
fn run_length(words: &[&str]) -> usize {
    let run = words.iter().take_while(|word| word.is_empty() || !word.is_ascii());
    let blanks_at_end = |run: &[&str]| run.iter().rev().take_while(|word| word.is_empty()).count();
    let length = run.count();
    length - words.get(..length).map_or(0, blanks_at_end)
}

/// The text of such words; with the blanks beside it, where they stand between two encoded ones.
fn run(words: &[&str], start: usize, end: usize) -> String {
    let (before, after) = (words.get(..start).unwrap_or_default(), words.get(end..).unwrap_or_default());
    let run = words.get(start..end).unwrap_or_default().join(" ");
    [blanks_to_encoded(before.iter().rev()), run, blanks_to_encoded(after.iter())].concat()
}

/// The blanks up to the next word, if that is an encoded one.
fn blanks_to_encoded<'a>(words: impl Iterator<Item = &'a &'a str>) -> String {
    let mut blanks = String::new();
    for word in words {
        blanks.push(' ');
        match first(word.as_bytes()) {
            Some((_, [])) => return blanks,
            None if word.is_empty() => {}
            _ => break,
        }
    }
    String::new()
}

/// Encodes all of a text; `column` is where it begins.
pub(super) fn encode_all(text: &str, column: usize) -> Vec<u8> {
    let mut encoded = String::with_capacity(2 * text.len());
    let mut writer = EmailWriter::new(&mut encoded, column, 0, false);
    let _ = rfc2047::encode(&unfolded(text), &mut writer);
    drop(writer);
    encoded.into_bytes()
}

/// In one line. A tab is as good as a blank, but could be left alone on a line of its own.
fn unfolded(text: &str) -> String {
    text.replace("\r\n", "").replace('\t', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> String {
        String::from_utf8(encode_text(text, 9)).unwrap()
    }

    #[test]
    fn what_an_encoded_word_is() {
        let word = b"=?utf-8?Q?=41?= rest";
        assert_eq!(first(word), Some((&b"=?utf-8?Q?=41?="[..], &b" rest"[..])));
        assert_eq!(first(b"=?x?b?\r\n?=").unwrap().1, b"");
        for none in ["", "=?", "=?a?b?c", "=?a?b?c?", "=??b?c?=", "=?a?x?c?=", "=?a?b?c d?=", "a=?a?b?c?="] {
            assert_eq!(first(none.as_bytes()), None, "{none}");
        }
        assert!(fits_phrase(b"=?utf-8?Q?=41_b?="));
        assert!(!fits_phrase(b"=?utf-8?Q?a,b?="));
        assert!(!fits_phrase(b"=?utf-8?Q?a?=b"));
        assert!(!fits_phrase(b"=?utf-8?Q?a\r\n?="));
    }

    #[test]
    fn lines_end_at_blanks_where_the_next_word_does_not_fit() {
        let long = "x".repeat(70);
        assert_eq!(text(&format!("{long} \u{e9}")), format!("{long}\r\n =?utf-8?b?w6k=?="));
        assert_eq!(text(&format!(" {long} \u{e9}")), format!("\r\n {long}\r\n =?utf-8?b?w6k=?="));
        assert_eq!(text(&format!("\u{e9} {long}")), format!("=?utf-8?b?w6k=?=\r\n {long}"));
    }

    /// Whatever the length of the header's name.
    #[test]
    fn lines_with_encoded_words_are_short() {
        for column in 3..1000 {
            for given in ["\u{e9}", "\u{20ac}\u{1f600}", &"\u{e9}".repeat(60), "a \u{e9} b", " \u{e9}"] {
                let text = String::from_utf8(encode_text(given, column)).unwrap();
                let header = "x".repeat(column) + &text;
                let fits = |line: &str| line.len() <= 76 || !line.contains("=?");
                assert!(header.split("\r\n").all(fits), "{column}: {text}");
                assert!(header.split("\r\n").all(|line| !line.trim().is_empty()));
            }
        }
        let begins_late = |column| encode_text("\u{1f600}", column).starts_with(b"\r\n");
        assert_eq!([56, 57].map(begins_late), [false, true]);
    }

    #[test]
    fn words_that_are_ascii_stay() {
        assert_eq!(text("caf\u{e9} at eight"), "=?utf-8?b?Y2Fmw6k=?= at eight");
        assert_eq!(text("J\u{f6}rg <a@b>"), "=?utf-8?b?SsO2cmc=?= <a@b>");
        assert_eq!(text("a  \u{e9} \u{e8}  b "), "a  =?utf-8?b?w6kgw6g=?=  b ");
        assert_eq!(text("a\t\u{e9}\t"), "a =?utf-8?b?w6k=?= ");
        assert_eq!(text(" \u{e9}"), " =?utf-8?b?w6k=?=");
        assert_eq!(text("\u{e9} \r\n \u{e9}"), "=?utf-8?b?w6kgIMOp?=");
    }

    #[test]
    fn a_blank_between_encoded_words_is_encoded() {
        let given = "=?utf-8?Q?a?=";
        assert_eq!(text(&format!("{given} \u{e9}")), format!("{given} =?utf-8?b?IMOp?="));
        assert_eq!(text(&format!("\u{e9} {given}")), format!("=?utf-8?b?w6kg?= {given}"));
        assert_eq!(text(&format!("\u{e9}  {given}")), format!("=?utf-8?b?w6kgIA==?=  {given}"));
    }
}
