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

fn xtext(data: &[u8]) {
    let mut input = Input::new(data);
    let kind = input.block();
    let text = input.rest();
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

fn paths(data: &[u8]) {
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
