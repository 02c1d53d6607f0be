// SPDX-License-Identifier: LGPL-2.1-or-later
//! What an application puts into an envelope stays one parameter of one command.

use std::ffi::CString;

use esmtp::protocol::command::{Mail, Rcpt, write_etrn};
use esmtp::protocol::envelope::{EnvelopeId, EtrnOption, OriginalRecipient, domain};
use esmtp::protocol::mailbox::Mailbox;

use super::Target;
use super::input::Input;

pub(crate) const XTEXT: Target = Target {
    name: "xtext",
    run: xtext,
    seeds: &[b"\x06rfc822a+b=c@d", b"\x01x\x7f \xff+"],
};

pub(crate) const PATHS: Target = Target {
    name: "paths",
    run: paths,
    seeds: &[
        b"<a@b>",
        b" \"a b\\\"\"@c ",
        b"a@b> NOTIFY=NEVER",
        "ä@ö.example".as_bytes(),
        "a@ö.example".as_bytes(),
        b"a\r\nQUIT\r\n@b",
    ],
};

/// Undoes xtext (RFC 3461 §4).
fn decode(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        assert!((b'!'..=b'~').contains(&byte) && byte != b'=', "no xtext: {byte}");
        rest = after;
        if byte != b'+' {
            decoded.push(byte);
            continue;
        }
        let (digits, after) = rest.split_at(2);
        assert!(digits.iter().all(|digit| digit.is_ascii_digit() || (b'A'..=b'F').contains(digit)));
        let digits = std::str::from_utf8(digits).expect("ASCII");
        decoded.push(u8::from_str_radix(digits, 16).expect("two digits"));
        rest = after;
    }
    decoded
}

/// RFC 3461 §4, octet by octet.
pub(crate) fn plain_xtext(text: &[u8]) -> Vec<u8> {
    let mut encoded = String::new();
    for &octet in text {
        if octet.is_ascii_graphic() && octet != b'+' && octet != b'=' {
            encoded.push(char::from(octet));
        } else {
            encoded += &format!("+{octet:02X}");
        }
    }
    encoded.into_bytes()
}

/// Whether a value is taken that has so many octets when it is encoded, and what it becomes.
pub(crate) fn judge_xtext(text: &[u8], wire: Option<&[u8]>, most: usize) -> bool {
    let encoded = plain_xtext(text);
    let is_good = encoded.len() <= most && !text.iter().any(|octet| matches!(octet, b'\r' | b'\n' | 0));
    wire == is_good.then_some(&encoded[..])
}

fn xtext(data: &[u8]) {
    let mut input = Input::new(data);
    let kind = input.block();
    // Also longer ones, around the bounds of 100 and 500 octets.
    let long = input.size().min(600);
    let given = input.rest();
    let repeated: Vec<u8> =
        given.iter().copied().cycle().take(if given.is_empty() { 0 } else { long }).collect();
    for text in [given, &repeated] {
        check_xtext(kind, text);
    }
}

fn check_xtext(kind: &[u8], text: &[u8]) {
    let id = EnvelopeId::new(text);
    assert!(judge_xtext(text, id.as_ref().ok().map(EnvelopeId::wire), 100), "{text:?}");
    let original = OriginalRecipient::new(b"rfc822", text);
    let address = original.as_ref().ok().map(|original| &original.wire()[b"rfc822;".len()..]);
    assert!(judge_xtext(text, address, 500 - b"rfc822;".len()), "{text:?}");
    if let Ok(id) = EnvelopeId::new(text) {
        assert_eq!(decode(id.wire()), text);
        check_line(
            |out| {
                Mail {
                    envelope_id: Some(id.wire()),
                    ..Mail::default()
                }
                .write(out)
            },
            3,
        );
    }
    if let Ok(original) = OriginalRecipient::new(kind, text) {
        let wire = original.wire();
        let semicolon = wire.iter().position(|&byte| byte == b';').expect("type and address");
        assert_eq!(&wire[..semicolon], kind);
        assert_eq!(decode(&wire[semicolon + 1..]), text);
        check_line(|out| Rcpt { original: Some(wire), ..Rcpt::default() }.write(out), 3);
    }
}

/// What is written is one line; gives it without its end.
fn check_end(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut line = Vec::new();
    write(&mut line);
    let inner = line.strip_suffix(b"\r\n").expect("a line ends in CRLF");
    assert!(!inner.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)), "{inner:?}");
    inner.to_vec()
}

/// The line has one end and so many words.
fn check_line(write: impl FnOnce(&mut Vec<u8>), words: usize) {
    let inner = check_end(write);
    let mut quoted = false;
    let mut escaped = false;
    let blanks = inner.iter().filter(|&&byte| {
        quoted ^= byte == b'"' && !escaped;
        escaped = quoted && byte == b'\\' && !escaped;
        byte == b' ' && !quoted
    });
    assert_eq!(blanks.count() + 1, words, "{inner:?}");
}

/// What becomes of a path that is plain but for one octet within it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Odd {
    Refused,
    Unusable,
    /// It goes out as it is.
    Passes,
}

/// RFC 5321 §4.1.2 allows a blank or a bracket in quotes only, a control character nowhere. 1,000
/// octets are the most.
pub(crate) fn odd(octet: u8, length: usize) -> Odd {
    match octet {
        b'\r' | b'\n' => Odd::Refused,
        _ if length > 1000 => Odd::Unusable,
        0..=b' ' | b'<' | b'>' | 0x7f => Odd::Unusable,
        _ => Odd::Passes,
    }
}

/// A path with one octet that may be odd, at any place of a word.
pub(crate) fn path_with(input: &mut Input<'_>) -> (Vec<u8>, u8) {
    let (before, octet, after) = (1 + input.size().min(1100), input.byte().max(1), 1 + input.size().min(40));
    let path = [vec![b'a'; before], vec![octet], vec![b'b'; after]].concat();
    (path, octet)
}

pub(crate) fn judge_path(path: &[u8], octet: u8) -> Odd {
    let Ok(text) = CString::new(path) else {
        return Odd::Refused;
    };
    match Mailbox::new(&text) {
        Err(_) => Odd::Refused,
        Ok(mailbox) if !mailbox.is_usable() => Odd::Unusable,
        Ok(mailbox) => {
            assert_eq!(mailbox.wire(true), path, "{octet}");
            Odd::Passes
        }
    }
}

fn paths(data: &[u8]) {
    let (path, octet) = path_with(&mut Input::new(data));
    assert_eq!(judge_path(&path, octet), odd(octet, path.len()), "{octet} in {path:?}");
    let Ok(text) = CString::new(data) else { return };
    if let Ok(mailbox) = Mailbox::new(&text) {
        assert_eq!(mailbox.given(), text.as_c_str());
        for utf8 in [false, true] {
            let path = mailbox.wire(utf8);
            assert!(utf8 || mailbox.needs_utf8() || path.is_ascii());
            check_line(|out| Mail { reverse_path: path, ..Mail::default() }.write(out), 2);
            check_line(|out| Rcpt { mailbox: path, ..Rcpt::default() }.write(out), 2);
        }
    }
    if let Ok(domain) = domain(&text) {
        // It is the last word of its command, so a blank in it adds nothing but nonsense.
        check_end(|out| write_etrn(EtrnOption::Host, domain.as_bytes(), out));
    }
}
