// SPDX-License-Identifier: LGPL-2.1-or-later
//! Mailboxes as headers show them: a phrase, and an address that nobody looks into, since
//! programs put whole lists there (RFC 5322 §3.4).

use std::borrow::Cow;

use memchr::{memchr, memrchr};

use super::encoded_word;
use super::fold::folded;
use super::printed::Printed;
use crate::content::{CR, CRLF, LF};
use crate::error::Result;
use crate::room::{concat, room};

/// A mailbox that the application set, on a line that begins with so many octets.
pub(super) fn printed(phrase: Option<&[u8]>, mailbox: &[u8], empty: &str, column: usize) -> Result<Printed> {
    let mailbox = folded(mailbox)?;
    // In a list, what is before the first line end would be a line of blanks.
    let mailbox = mailbox.strip_prefix(CRLF).unwrap_or(&mailbox);
    let Some(phrase) = phrase else {
        return Printed::plain(&[if mailbox.is_empty() { empty.as_bytes() } else { mailbox }]);
    };
    // Some programs bring the brackets.
    let bare = match mailbox {
        [b'<', bare @ .., b'>'] => bare,
        bare => bare,
    };
    let phrase = folded(phrase)?;
    let encoded = encodable(&phrase).map(|_| {
        let words = words(&phrase, column, true)?;
        // The brackets, and a comma if there are more.
        let gap = gap(&words, column, bare, b"<>,".len());
        concat(&[&words, gap, b"<", bare, b">"])
    });
    let plain = concat(&[&words(&phrase, column, false)?, b" <", bare, b">"])?;
    Ok(Printed::new(plain, encoded.transpose()?))
}

/// A mailbox of the envelope as the application wrote it; without SMTPUTF8 with its phrase
/// encoded.
pub(super) fn of_envelope(given: &[u8], utf8: bool, column: usize) -> Cow<'_, [u8]> {
    let encoded = || {
        let (phrase, address) = split(given)?;
        encodable(phrase)?;
        let words = words(&unquoted(phrase), column, true).ok()?;
        Some([&words, gap(&words, column, address, b",".len()), address].concat())
    };
    match if utf8 || given.is_ascii() { None } else { encoded() } {
        Some(encoded) => Cow::Owned(encoded),
        None => Cow::Borrowed(given),
    }
}

/// What is between encoded words and an address, beside which so many octets stand: no line that has
/// encoded words is longer than 76 (RFC 2047 §2).
fn gap(words: &[u8], column: usize, address: &[u8], beside: usize) -> &'static [u8] {
    let line = memrchr(LF, words).map_or(column + words.len(), |end| words.len() - end - 1);
    let address = memchr(CR, address).unwrap_or(address.len());
    if line + 1 + address + beside > encoded_word::LINE_MAX {
        encoded_word::FOLD.as_bytes()
    } else {
        b" "
    }
}

/// Splits before the last `<` outside of quotes.
fn split(mailbox: &[u8]) -> Option<(&[u8], &[u8])> {
    let (mut quoted, mut escaped, mut bracket) = (false, false, None);
    for (at, octet) in mailbox.iter().enumerate() {
        match octet {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b'<' if !quoted => bracket = Some(at),
            _ => {}
        }
    }
    let (phrase, address) = mailbox.split_at_checked(bracket?)?;
    Some((phrase.trim_ascii(), address))
}

/// What a phrase means that has quoted strings.
fn unquoted(phrase: &[u8]) -> Vec<u8> {
    let (mut quoted, mut escaped) = (false, false);
    let means = |octet: &&u8| match **octet {
        _ if escaped => {
            escaped = false;
            true
        }
        b'\\' if quoted => {
            escaped = true;
            false
        }
        b'"' => {
            quoted = !quoted;
            false
        }
        _ => true,
    };
    phrase.iter().filter(means).copied().collect()
}

/// Text that can be an encoded word and need be one.
fn encodable(phrase: &[u8]) -> Option<&str> {
    std::str::from_utf8(phrase).ok().filter(|phrase| !phrase.is_ascii())
}

/// A phrase as words (RFC 5322 §3.2.5): encoded words that the application made stay what they are
/// (RFC 2047 §5), what is between them is quoted; or encoded, if it is not ASCII and has to be.
fn words(phrase: &[u8], column: usize, encode: bool) -> Result<Vec<u8>> {
    // Each octet may be a quote.
    let printed = room(2 * phrase.len() + 2)?;
    let mut words = Words { column, encode, printed };
    let mut others = room(phrase.len() + 1)?;
    let mut any = false;
    for word in phrase.split(|octet| matches!(octet, b' ' | b'\t' | b'\r' | b'\n')) {
        if encoded_word::fits_phrase(word) {
            words.others(&mut others, true);
            words.word(word);
            any = true;
        } else {
            others.extend_from_slice(word);
            others.push(b' ');
        }
    }
    if any {
        words.others(&mut others, false);
    } else {
        words.quote_or_encode(phrase);
    }
    Ok(words.printed)
}

/// A phrase on its way.
struct Words {
    column: usize,
    encode: bool,
    printed: Vec<u8>,
}

impl Words {
    fn word(&mut self, word: &[u8]) {
        if !self.printed.is_empty() {
            self.printed.push(b' ');
        }
        self.printed.extend_from_slice(word);
    }

    /// What stands beside encoded words.
    fn others(&mut self, text: &mut Vec<u8>, is_followed: bool) {
        let atoms = |octet: &u8| octet.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~ ".contains(octet);
        let others = std::mem::take(text);
        let bare = others.trim_ascii();
        if bare.is_empty() {
        } else if bare.iter().all(atoms) {
            self.word(bare);
        } else if self.encode && encodable(bare).is_some() {
            // The blanks between encoded words are no part of the text (RFC 2047 §6.2).
            let before = if self.printed.is_empty() { &b""[..] } else { b" " };
            let after = if is_followed { &b" "[..] } else { b"" };
            self.word(b"");
            self.quote_or_encode(&[before, bare, after].concat());
        } else {
            self.word(b"");
            self.quote_or_encode(bare);
        }
    }

    fn quote_or_encode(&mut self, text: &[u8]) {
        if let Some(text) = encodable(text).filter(|_| self.encode) {
            return self.printed.extend(encoded_word::encode_all(text, self.column));
        }
        self.printed.push(b'"');
        for &octet in text {
            if matches!(octet, b'"' | b'\\') {
                self.printed.push(b'\\');
            }
            self.printed.push(octet);
        }
        self.printed.push(b'"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(phrase: &str, mailbox: &str) -> (String, String) {
        let printed = printed(Some(phrase.as_bytes()), mailbox.as_bytes(), "", 4).unwrap();
        [false, true].map(|utf8| String::from_utf8(printed.wire(utf8).to_vec()).unwrap()).into()
    }

    fn with(phrase: &str) -> String {
        both(phrase, "a@b").0
    }

    fn shown(given: &str, utf8: bool) -> String {
        String::from_utf8(of_envelope(given.as_bytes(), utf8, 4).into_owned()).unwrap()
    }

    #[test]
    fn phrases_are_quoted() {
        assert_eq!(with("A B"), "\"A B\" <a@b>");
        assert_eq!(with(""), "\"\" <a@b>");
        assert_eq!(with(r#"a "b" \ c"#), r#""a \"b\" \\ c" <a@b>"#);
        assert_eq!(with("a\nb"), "\"a\r\n b\" <a@b>");
    }

    /// More would be asked for where that cannot fail.
    #[test]
    fn there_is_room_for_all_quotes() {
        let printed = words(b"\"\"\"\"", 4, false).unwrap();
        assert_eq!(printed, br#""\"\"\"\"""#);
        assert_eq!((printed.len(), printed.capacity()), (10, 10));
    }

    #[test]
    fn a_phrase_that_is_not_ascii_is_encoded_unless_the_transaction_is_utf8() {
        let (ascii, utf8) = both("J\u{f6}rg \"x\"", "a@b");
        assert_eq!(ascii, "=?utf-8?b?SsO2cmcgIngi?= <a@b>");
        assert_eq!(utf8, "\"J\u{f6}rg \\\"x\\\"\" <a@b>");
        let raw = printed(Some(b"J\xf6rg"), b"a@b", "", 4).unwrap();
        assert_eq!(raw.wire(false), b"\"J\xf6rg\" <a@b>");
    }

    /// With the header's name before them and a comma behind them.
    #[test]
    fn lines_with_encoded_words_are_short() {
        let mut folded = 0;
        for octets in 1..150 {
            let phrase = "\u{e9}".repeat(octets);
            for length in [1, 2, 3, 4, 5, 6, 7, 8, 40] {
                let address = &format!("a@{}", "b".repeat(length));
                let given = format!("{phrase} <{address}>");
                for mailbox in [both(&phrase, address).0, shown(&given, false)] {
                    let unfolded = mailbox.replace("\r\n", "");
                    assert!(unfolded.ends_with(&format!("?= <{address}>")), "{mailbox}");
                    let header = format!("To: {mailbox},");
                    let fits = |line: &str| line.len() <= 76 && !line.trim().is_empty();
                    assert!(header.split("\r\n").all(fits), "{header}");
                    // And no shorter than they have to be.
                    let joined = header.replace("\r\n <", " <");
                    assert!(joined == header || !joined.split("\r\n").all(fits), "{header}");
                    folded += usize::from(joined != header);
                }
            }
        }
        assert!(folded > 0);
    }

    #[test]
    fn encoded_words_are_not_quoted() {
        assert_eq!(with("=?utf-8?Q?J=C3=B6rg?="), "=?utf-8?Q?J=C3=B6rg?= <a@b>");
        assert_eq!(with("=?x?b?QQ==?=\r\n =?x?b?QQ==?= Smith"), "=?x?b?QQ==?= =?x?b?QQ==?= Smith <a@b>");
        assert_eq!(with("Dr. =?x?b?QQ==?= (Work)"), "\"Dr.\" =?x?b?QQ==?= \"(Work)\" <a@b>");
        assert_eq!(
            with("\u{e9} =?x?b?QQ==?= \u{e9}"),
            "=?utf-8?b?w6kg?= =?x?b?QQ==?= =?utf-8?b?IMOp?= <a@b>"
        );
        // Blanks beside them belong to what is encoded, not to what is quoted.
        let (ascii, utf8) = both("\u{e9} =?x?b?QQ==?= (Work)", "a@b");
        assert_eq!(ascii, "=?utf-8?b?w6kg?= =?x?b?QQ==?= \"(Work)\" <a@b>");
        assert_eq!(utf8, "\"\u{e9}\" =?x?b?QQ==?= \"(Work)\" <a@b>");
        // What would change the header is quoted as ever.
        assert_eq!(with("=?x?q?a,b?="), "\"=?x?q?a,b?=\" <a@b>");
    }

    #[test]
    fn one_pair_of_brackets_is_enough() {
        assert_eq!(with("A").replace('A', "B"), both("B", "<a@b>").0);
        assert_eq!(both("B", "<<a@b>>").0, "\"B\" <<a@b>>");
        let alone = printed(None, b"<a@b>", "", 4).unwrap();
        assert_eq!(alone.wire(false), b"<a@b>");
    }

    #[test]
    fn no_line_of_a_list_is_blank() {
        let alone = printed(None, b"\n a@b,\nc@d", "", 4).unwrap();
        assert_eq!(alone.wire(false), b" a@b,\r\n c@d");
    }

    #[test]
    fn what_the_envelope_has_is_shown_as_given() {
        for given in ["a@b", "", "A B <a@b>", "\"A\" <a@b> (c)", "\u{f6}@b", "J <\u{f6}@b>", "a@\u{f6}"] {
            assert_eq!(shown(given, false), given);
        }
        assert_eq!(shown("J\u{f6} <a@b>", false), "=?utf-8?b?SsO2?= <a@b>");
        assert_eq!(shown("J\u{f6} <a@b>", true), "J\u{f6} <a@b>");
        assert_eq!(shown("\"J\u{f6} \\\"<x>\" y <a@b>", false), "=?utf-8?b?SsO2ICI8eD4geQ==?= <a@b>");
        // Outside quotes a backslash is one.
        assert_eq!(shown("J\u{f6} \\ x <a@b>", false), "=?utf-8?b?SsO2IFwgeA==?= <a@b>");
        for address in ["<\"a<b\"@c>", "<\"a\\\"<b\"@c>", "<\"a\"@c> \"<\""] {
            assert_eq!(shown(&format!("J\u{f6} {address}"), false), format!("=?utf-8?b?SsO2?= {address}"));
        }
    }
}
