// SPDX-License-Identifier: LGPL-2.1-or-later
//! Whether a path is plain, found out eight octets at a time: there may be a hundred thousand
//! recipients, and nearly every address is.

const ONES: u64 = u64::from_ne_bytes([1; 8]);
const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);

/// Whether each octet is printable ASCII and means nothing but itself: neither a blank nor what
/// quotes, comments and brackets are made of.
pub(super) fn is_plain(text: &[u8]) -> bool {
    let Some(last) = text.last_chunk() else {
        // Shorter than a word.
        return text.iter().all(|octet| strange(ONES * u64::from(*octet)) == 0);
    };
    let word = |octets: &[u8]| <[u8; 8]>::try_from(octets).map_or(0, u64::from_ne_bytes);
    // The last word may overlap the one before.
    let odd = strange(u64::from_ne_bytes(*last));
    text.chunks_exact(8).fold(odd, |odd, octets| odd | strange(word(octets))) == 0
}

/// The same of a short text of some length with NULs behind it. Its octets are looked at sixteen at a
/// time: first whether they are such as nearly every address is made of, which is asked faster.
#[inline]
pub(super) fn is_plain_short(text: &[u8; 48], length: usize) -> bool {
    let (front, rest) = text.split_at(32);
    let rest = if length > front.len() { rest } else { &[] };
    all(front, is_usual_octet) && all(rest, is_usual_octet) || all(text, is_plain_octet)
}

#[inline]
fn all(octets: &[u8], plain: impl Fn(u8) -> bool) -> bool {
    octets.iter().fold(0, |odd, octet| odd | u8::from(!plain(*octet))) == 0
}

/// From `+` on, but for angle brackets, which differ in one bit. A NUL can only stand behind the text.
const fn is_usual_octet(octet: u8) -> bool {
    (octet.wrapping_sub(b'+') <= b'~' - b'+') & (octet & !2 != b'<') | (octet == 0)
}

/// Of a NUL as well.
const fn is_plain_octet(octet: u8) -> bool {
    let printable = octet.wrapping_sub(0x21) <= 0x5d;
    // Parentheses differ in one bit, too.
    let other = octet & !2 != b'<' && octet & !1 != b'(' && octet != b'"';
    (printable & other) | (octet == 0)
}

/// The high bit of each octet that is not plain.
const fn strange(word: u64) -> u64 {
    // Seven bits an octet: the sums below carry nothing over.
    let low = word & !HIGH;
    let printable = (low + 0x5f * ONES) & !(low + ONES);
    // `<` and `>` differ in one bit, and so do the parentheses.
    let bracket = (low & !(2 * ONES)) ^ (b'<' as u64 * ONES);
    let parenthesis = (low & !ONES) ^ (b'(' as u64 * ONES);
    let quote = low ^ (b'"' as u64 * ONES);
    // Here the high bit is clear only where the difference is nothing.
    let other = (bracket + 0x7f * ONES) & (parenthesis + 0x7f * ONES) & (quote + 0x7f * ONES);
    (word | !(printable & other)) & HIGH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_octet_at_each_place() {
        for octet in 0..=u8::MAX {
            let plain = octet.is_ascii_graphic() && !b"<>\"()".contains(&octet);
            for length in 1..=37 {
                for at in 0..length {
                    let mut text = vec![b'a'; length];
                    if let Some(place) = text.get_mut(at) {
                        *place = octet;
                    }
                    assert_eq!(is_plain(&text), plain, "{octet:#x} at {at} of {length}");
                    let mut short = [0; 48];
                    short[..length].copy_from_slice(&text);
                    assert_eq!(
                        is_plain_short(&short, length),
                        plain || octet == 0,
                        "{octet:#x} at {at} of {length}"
                    );
                }
            }
        }
        assert!(is_plain(b""));
    }
}
