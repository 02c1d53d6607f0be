// SPDX-License-Identifier: LGPL-2.1-or-later
//! Text as NTLM has it.

use crate::sasl::secret::Secret;

/// Text in UTF-16, little-endian. What is not UTF-8 is taken for Latin-1.
pub(super) fn utf16(text: &[u8]) -> Secret {
    utf16_mapped(text, |character| character)
}

/// The same with each character mapped to another one.
pub(super) fn utf16_mapped(text: &[u8], map: fn(char) -> char) -> Secret {
    // No character takes more bytes than four, nor more than twice those that it came from.
    let mut bytes = zeroize::Zeroizing::new(Vec::with_capacity(text.len().saturating_mul(4)));
    let mut push = |character: char| {
        for unit in map(character).encode_utf16(&mut [0; 2]) {
            bytes.extend_from_slice(&unit.to_le_bytes());
        }
    };
    match std::str::from_utf8(text) {
        Ok(text) => text.chars().for_each(&mut push),
        Err(_) => text.iter().copied().map(char::from).for_each(&mut push),
    }
    Secret::from(bytes.as_slice())
}
