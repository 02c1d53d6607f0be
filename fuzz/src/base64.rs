// SPDX-License-Identifier: LGPL-2.1-or-later
//! Base64 in AUTH lines, compared with a decoder that works bit by bit.

use esmtp::sasl::{answer, decode_challenge, opening};

use super::Target;
use super::input::Input;

pub(crate) const BASE64: Target = Target {
    name: "base64",
    run: base64,
    seeds: &[b"VXNlcm5hbWU6", b"AA==", b"AB==", b"====", b"\0\xff"],
};

fn value(digit: u8) -> Option<u32> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    alphabet.iter().position(|&one| one == digit).and_then(|at| u32::try_from(at).ok())
}

/// RFC 4648 §4, with the padding and without bits that mean nothing (§3.5).
fn decode(text: &[u8]) -> Option<Vec<u8>> {
    if text.len() % 4 != 0 {
        return None;
    }
    let digits = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
    let (mut bits, mut held, mut out) = (0_u32, 0, Vec::new());
    for &digit in digits {
        bits = (bits << 6) | value(digit)?;
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from((bits >> held) & 0xff).ok()?);
            bits &= (1 << held) - 1;
        }
    }
    (bits == 0 && digits.len() % 4 != 1).then_some(out)
}

/// What has sizes around the bounds of a line, too.
fn base64(data: &[u8]) {
    check(data);
    let size = Input::new(data).size();
    let room = [0, 360, 9200][data.len() % 3];
    check(
        &data
            .iter()
            .copied()
            .cycle()
            .take(if data.is_empty() { 0 } else { room + size })
            .collect::<Vec<_>>(),
    );
}

/// The plainest encoder: RFC 4648 §4, bit by bit.
pub(crate) fn encode(data: &[u8]) -> Vec<u8> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bit = |at: usize| data.get(at / 8).map_or(0, |octet| (octet >> (7 - at % 8)) & 1);
    let digit = |at: usize| (0..6).fold(0, |digit, place| (digit << 1) | usize::from(bit(6 * at + place)));
    let used = (8 * data.len()).div_ceil(6);
    let mut text: Vec<u8> = (0..used).map(|at| alphabet[digit(at)]).collect();
    text.resize(text.len().next_multiple_of(4), b'=');
    text
}

fn check(data: &[u8]) {
    assert_eq!(decode_challenge(data), decode(data), "{data:?}");
    if let Some(line) = answer(data) {
        assert_eq!(line[..], encode(data)[..]);
        assert_eq!(decode(&line).as_deref(), Some(data));
        assert!(line.len() + 2 <= 12_288);
    }
    let opening = opening("PLAIN", Some(data));
    assert!(opening.line.len() + 2 <= 512);
    match opening.line.strip_prefix(b"AUTH PLAIN ") {
        Some(b"=") => assert!(data.is_empty()),
        Some(line) => assert_eq!(decode(line).as_deref(), Some(data)),
        None => assert!(opening.deferred),
    }
}
