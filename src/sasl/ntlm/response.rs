// SPDX-License-Identifier: LGPL-2.1-or-later
//! The proofs that we know the password ([MS-NLMP] §3.3).

use des::Des;
use des::cipher::{BlockEncrypt as _, KeyInit as _};
use hmac::{Hmac, Mac};
use md4::{Digest as _, Md4};
use md5::Md5;
use zeroize::Zeroizing;

use super::utf16::{utf16, utf16_mapped};
use crate::error::{Error, Result};
use crate::sasl::secret::Secret;

/// One proof for LAN Manager, one for Windows NT; servers look at what they understand.
pub(super) struct Responses {
    /// `LmChallengeResponse`.
    pub(super) lm: Secret,
    /// `NtChallengeResponse`.
    pub(super) nt: Secret,
}

impl Responses {
    /// The server's nonce encrypted under hashes of the password (§3.3.1).
    pub(super) fn version_1(passphrase: &[u8], nonce: [u8; 8]) -> Result<Self> {
        Ok(Self {
            lm: encrypted(&*lm_hash(passphrase)?, nonce)?,
            nt: encrypted(&nt_hash(passphrase), nonce)?,
        })
    }

    /// A keyed digest of both nonces, the time and what the server says of itself (§3.3.2).
    pub(super) fn version_2(
        domain: &[u8],
        user: &[u8],
        passphrase: &[u8],
        nonce: [u8; 8],
        target_info: &[u8],
        now: u64,
        client_nonce: [u8; 8],
    ) -> Result<Self> {
        let timestamp = server_time(target_info).ok_or(Error::Client)?;
        let key = hmac_md5(&*nt_hash(passphrase), &[&utf16_mapped(user, uppercase), &utf16(domain)])?;
        let time = timestamp.unwrap_or_else(|| now.to_le_bytes());
        let about: [&[u8]; 6] =
            [b"\x01\x01\0\0\0\0\0\0", &time, &client_nonce, b"\0\0\0\0", target_info, b"\0\0\0\0"];
        let about = Secret::concat(&about);
        let proof = hmac_md5(&*key, &[&nonce, &about])?;
        // A server that tells the time knows better than to look at the weaker response.
        let lm = if timestamp.is_some() {
            Secret::from([0; 24].as_slice())
        } else {
            Secret::concat(&[&*hmac_md5(&*key, &[&nonce, &client_nonce])?, &client_nonce])
        };
        Ok(Self {
            lm,
            nt: Secret::concat(&[&*proof, &about]),
        })
    }
}

/// The time among what the server says of itself (§2.2.2.1: pairs of identifier, length and
/// value), if it is there; the outer `None`: that is not well-formed.
fn server_time(mut target_info: &[u8]) -> Option<Option<[u8; 8]>> {
    const END: u16 = 0;
    const TIMESTAMP: u16 = 7;
    let mut timestamp = None;
    loop {
        let ([id, id_high, length, length_high], rest) = target_info.split_first_chunk()?;
        let length = u16::from_le_bytes([*length, *length_high]);
        let (value, rest) = rest.split_at_checked(length.into())?;
        match u16::from_le_bytes([*id, *id_high]) {
            END => return Some(timestamp),
            TIMESTAMP => timestamp = Some(value.try_into().ok()?),
            _ => {}
        }
        target_info = rest;
    }
}

/// `LMOWFv1`: the first 14 bytes in capitals, as two DES keys for a fixed text.
fn lm_hash(passphrase: &[u8]) -> Result<Zeroizing<[u8; 16]>> {
    const TEXT: [u8; 8] = *b"KGS!@#$%";
    let mut keys = Zeroizing::new([0; 14]);
    for (key, byte) in keys.iter_mut().zip(passphrase) {
        *key = byte.to_ascii_uppercase();
    }
    let mut hash = Zeroizing::new([0; 16]);
    for (part, key) in hash.chunks_exact_mut(8).zip(keys.chunks_exact(7)) {
        part.copy_from_slice(&des(key, TEXT)?);
    }
    Ok(hash)
}

/// `NTOWFv1`.
fn nt_hash(passphrase: &[u8]) -> Zeroizing<[u8; 16]> {
    Zeroizing::new(Md4::digest(&*utf16(passphrase)).into())
}

/// `DESL`: the hash and five zero bytes as three DES keys for the nonce.
fn encrypted(hash: &[u8; 16], nonce: [u8; 8]) -> Result<Secret> {
    let mut keys = Zeroizing::new([0; 21]);
    for (key, byte) in keys.iter_mut().zip(hash) {
        *key = *byte;
    }
    let mut response = [0; 24];
    for (part, key) in response.chunks_exact_mut(8).zip(keys.chunks_exact(7)) {
        part.copy_from_slice(&des(key, nonce)?);
    }
    Ok(Secret::from(response.as_slice()))
}

/// DES with a key of 56 bits; the eight parity bits that the cipher does not look at are 0.
fn des(key: &[u8], block: [u8; 8]) -> Result<[u8; 8]> {
    let bits = key.iter().fold(0_u64, |bits, byte| (bits << 8) | u64::from(*byte));
    let mut spread = Zeroizing::new([0; 8]);
    for (byte, shift) in spread.iter_mut().zip((0..8_u32).rev()) {
        let [seven_bits, ..] = ((bits >> (7 * shift)) << 1).to_le_bytes();
        *byte = seven_bits;
    }
    let cipher = Des::new_from_slice(&*spread).map_err(|_| Error::Client)?;
    let mut block = block.into();
    cipher.encrypt_block(&mut block);
    Ok(block.into())
}

fn hmac_md5(key: &[u8], parts: &[&[u8]]) -> Result<Zeroizing<[u8; 16]>> {
    let mut mac = <Hmac<Md5> as Mac>::new_from_slice(key).map_err(|_| Error::Client)?;
    for part in parts {
        mac.update(part);
    }
    Ok(Zeroizing::new(mac.finalize().into_bytes().into()))
}

/// Windows maps each character to one, so a letter without a single capital stays.
fn uppercase(letter: char) -> char {
    let mut capitals = letter.to_uppercase();
    match (capitals.next(), capitals.next()) {
        (Some(capital), None) => capital,
        _ => letter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hashes of an empty password are well known.
    #[test]
    fn hashes_of_nothing() {
        assert_eq!(u128::from_be_bytes(*lm_hash(b"").unwrap()), 0xaad3_b435_b514_04ee_aad3_b435_b514_04ee);
        assert_eq!(u128::from_be_bytes(*nt_hash(b"")), 0x31d6_cfe0_d16a_e931_b73c_59d7_e0c0_89c0);
    }

    /// [MS-NLMP] §4.2.2.1.
    #[test]
    fn hashes_of_a_password() {
        let lm = u128::from_be_bytes(*lm_hash(b"Password").unwrap());
        assert_eq!(lm, 0xe52c_ac67_419a_9a22_4a3b_108f_3fa6_cb6d);
        let nt = u128::from_be_bytes(*nt_hash(b"Password"));
        assert_eq!(nt, 0xa4f4_9c40_6510_bdca_b682_4ee7_c30f_d852);
    }
}
