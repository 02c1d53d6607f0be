// SPDX-License-Identifier: LGPL-2.1-or-later
//! Values that an application sets for a header: whatever they are, the header is one header, and a
//! reader who undoes folds and encoded words (RFC 2047) reads what was set.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use esmtp::content::header::{Headers, Value};
use esmtp::content::{Body, End, Facts, Framing, Options, Output, Text};

use super::Target;
use super::body::difference;
use super::headers::facts;
use super::input::Input;

pub(crate) const VALUES: Target = Target {
    name: "values",
    run: values,
    seeds: &[
        b"\x00\x03\x00\x04\x00\x00\x05\x02\x01",
        b"\x01\x06\x00\x04\x00\x06\x01\x07\x00\x06\x02",
        b"\x00\x01\x0a\x01\x00\x01\x0a\x03\x03\x01\x0b",
    ],
};

const ENDS: [&str; 4] = ["\r\n", "\n", "\r", "\r\n\r\n"];

/// A value made of words, blanks, line ends and encoded words.
pub(crate) fn value(input: &mut Input<'_>) -> Vec<u8> {
    const LETTERS: [&str; 4] = ["\u{e9}", "\u{20ac}", "\u{1f600}", "x\u{df}"];
    let mut value = Vec::new();
    while !input.is_empty() && value.len() < 4000 {
        let piece = match input.below(9) {
            0 => " ".repeat(1 + input.below(3)),
            1 => "w".repeat(input.size().min(200)),
            2 => "\t".to_owned(),
            3 => LETTERS[input.below(LETTERS.len())].repeat(1 + input.below(60)),
            4 => ENDS[input.below(ENDS.len())].to_owned(),
            5 => ["=?", "?=", "=?utf-8?q?", "=?utf-8?b?"][input.below(4)].to_owned(),
            6 => {
                let word = "=?utf-8?b?dGV4dA==?=".to_owned();
                let at = input.below(word.len());
                // Cut by a line end, or not.
                if input.flag() { word[..at].to_owned() + "\n" + &word[at..] } else { word }
            }
            7 => ["<a@b>", "Bcc: x", ".", ","][input.below(4)].to_owned(),
            _ => {
                let length = input.below(6);
                value.extend((0..length).map(|_| input.byte()));
                continue;
            }
        };
        value.extend_from_slice(piece.as_bytes());
    }
    value
}

/// What a value means: one line, in which each line end is a blank, or nothing where a blank
/// follows, where nothing follows, and within an encoded word. `None`: it has a NUL.
pub(crate) fn meaning(value: &[u8]) -> Option<Vec<u8>> {
    if value.contains(&0) {
        return None;
    }
    let mut lines = vec![Vec::new()];
    let mut at = 0;
    while at < value.len() {
        let word = encoded_word(&value[at..]);
        let length = match &value[at..] {
            _ if word > 0 => word,
            [b'\r', b'\n', ..] => 2,
            _ => 1,
        };
        if word == 0 && matches!(value[at], b'\r' | b'\n') {
            lines.push(Vec::new());
        } else if let Some(line) = lines.last_mut() {
            line.extend(value[at..at + length].iter().filter(|octet| !matches!(**octet, b'\r' | b'\n')));
        }
        at += length;
    }
    let is_blank = |octet: &u8| matches!(octet, b' ' | b'\t');
    let mut meaning = lines.remove(0);
    for line in lines.iter().filter(|line| !line.iter().all(is_blank)) {
        if !line.first().is_some_and(is_blank) {
            meaning.push(b' ');
        }
        meaning.extend_from_slice(line);
    }
    Some(meaning)
}

/// The length of the encoded word that a text begins with, or 0.
fn encoded_word(text: &[u8]) -> usize {
    let parts: Vec<&[u8]> = text.splitn(5, |&octet| octet == b'?').collect();
    let [b"=", charset, encoding, content, rest] = parts[..] else {
        return 0;
    };
    let good =
        |part: &[u8]| part.iter().all(|octet| octet.is_ascii_graphic() || matches!(octet, b'\r' | b'\n'));
    let known = matches!(encoding, b"b" | b"B" | b"q" | b"Q");
    let ends = rest.starts_with(b"=");
    let is_one = !charset.is_empty() && good(charset) && known && good(content) && ends;
    if is_one { text.len() - rest.len() + 1 } else { 0 }
}

/// What a reader shows of a line.
fn decode(line: &[u8]) -> Vec<u8> {
    let mut shown: Vec<u8> = Vec::new();
    let mut blanks = Vec::new();
    let mut after_word = false;
    for word in line.split_inclusive(|&octet| octet == b' ') {
        let bare = word.strip_suffix(b" ").unwrap_or(word);
        if !bare.is_empty() {
            let is_word = encoded_word(bare) == bare.len();
            // Blanks between encoded words mean nothing. What words of others say does not matter.
            if !(is_word && after_word) {
                shown.append(&mut blanks);
            }
            blanks.clear();
            let ours = bare.strip_prefix(b"=?utf-8?b?").and_then(|word| word.strip_suffix(b"?="));
            let decoded = ours.filter(|_| is_word).and_then(|digits| STANDARD.decode(digits).ok());
            shown.extend(decoded.as_deref().unwrap_or(bare));
            after_word = is_word;
        }
        blanks.extend_from_slice(&word[bare.len()..]);
    }
    shown.append(&mut blanks);
    shown
}

/// The header as it goes out, without its end.
fn send(value: &[u8], utf8: bool) -> Option<Vec<u8>> {
    let mut headers = Headers::default();
    headers.set(b"X", Value::Text(Some(value))).ok()?;
    let facts = Facts { recipients: &|_| {}, utf8, ..facts() };
    let options = Options {
        framing: Framing::Dots,
        body: Body::Lines,
        count: false,
        show_headers: false,
    };
    let mut text = Text::new(headers.plan(&facts), options);
    let mut out = Output::default();
    text.push(b"Date: d\r\nFrom: f\r\nMessage-Id: m\r\n\r\n", &mut out);
    assert_eq!(text.end(&mut out), End::Message);
    let wire = out.wire.strip_prefix(b"Date: d\r\nFrom: f\r\nMessage-Id: m\r\nX: ").expect("it is added");
    Some(wire.strip_suffix(b"\r\n\r\n.\r\n").expect("the end follows").to_vec())
}

/// Whether a printed value means what was set; says what is wrong.
pub(crate) fn judge(value: &[u8], printed: &[u8], utf8: bool) -> Result<(), String> {
    let Some(expected) = meaning(value) else {
        return Err("a NUL went out".to_owned());
    };
    let text = String::from_utf8_lossy(printed).into_owned();
    let mut unfolded = Vec::new();
    for (at, line) in printed.split(|&octet| octet == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        unfolded.extend_from_slice(line);
        if line.contains(&b'\r') || at > 0 && !matches!(line, [b' ' | b'\t', ..]) {
            return Err(format!("another header: {text:?}"));
        }
        if at > 0 && line.iter().all(|octet| matches!(octet, b' ' | b'\t')) {
            return Err(format!("an empty line: {text:?}"));
        }
    }
    if printed.first() == Some(&b'\n') || printed.windows(2).any(|two| two[1] == b'\n' && two[0] != b'\r') {
        return Err(format!("an LF alone: {text:?}"));
    }
    let encodes = !utf8 && !expected.is_ascii() && std::str::from_utf8(&expected).is_ok();
    if encodes != (printed.is_ascii() && !expected.is_ascii()) {
        return Err(format!("encoded or not: {text:?}"));
    }
    let (read, expected) = if encodes {
        // A tab may become a blank.
        let blank = |octet: &u8| if *octet == b'\t' { b' ' } else { *octet };
        let expected: Vec<u8> = expected.iter().map(blank).collect();
        (decode(&unfolded), decode(&expected))
    } else {
        (unfolded, expected)
    };
    if read == expected { Ok(()) } else { Err(difference(&read, &expected)) }
}

fn values(data: &[u8]) {
    let mut input = Input::new(data);
    let utf8 = input.flag();
    let value = value(&mut input);
    match send(&value, utf8) {
        Some(printed) => judge(&value, &printed, utf8).expect("the value is what was set"),
        None => assert!(value.contains(&0), "refused: {value:?}"),
    }
}
