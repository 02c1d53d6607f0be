// SPDX-License-Identifier: LGPL-2.1-or-later
//! The layout of the three messages ([MS-NLMP] §2.2.1).

use super::response::Responses;
use super::utf16::utf16;
use crate::sasl::secret::Secret;

const SIGNATURE: &[u8; 8] = b"NTLMSSP\0";

/// Text in UTF-16.
const UNICODE: u32 = 0x0000_0001;
/// Text in a code page that both sides are supposed to agree on.
const OEM: u32 = 0x0000_0002;
/// The server shall say what it is; servers describe themselves for version 2 only then.
const REQUEST_TARGET: u32 = 0x0000_0004;
const NTLM: u32 = 0x0000_0200;
const ALWAYS_SIGN: u32 = 0x0000_8000;
/// The server has described itself.
const TARGET_INFO: u32 = 0x0080_0000;

/// All that we can do.
const OURS: u32 = UNICODE | OEM | REQUEST_TARGET | NTLM | ALWAYS_SIGN;

/// NEGOTIATE: what we can do, and an empty domain and workstation that lie at its end.
pub(super) const FIRST_MESSAGE: [u8; 32] =
    *b"NTLMSSP\0\x01\0\0\0\x07\x82\0\0\0\0\0\0\x20\0\0\0\0\0\0\0\x20\0\0\0";

/// CHALLENGE, the server's message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Challenge<'a> {
    /// What the server can do.
    pub(super) flags: u32,
    /// The server's nonce.
    pub(super) nonce: [u8; 8],
    /// What the server says of itself.
    pub(super) target_info: Option<&'a [u8]>,
}

impl<'a> Challenge<'a> {
    /// Reads the message; `None` if it is not one.
    pub(super) fn parse(message: &'a [u8]) -> Option<Self> {
        if number(message, 8)? != 2 || !message.starts_with(SIGNATURE) {
            return None;
        }
        let flags = number(message, 20)?;
        let nonce = *message.get(24..)?.first_chunk()?;
        let target_info = if flags & TARGET_INFO == 0 {
            None
        } else {
            let length: usize = u16::from_le_bytes(*message.get(40..)?.first_chunk()?).into();
            let start = usize::try_from(number(message, 44)?).ok()?;
            let info = message.get(start..start.checked_add(length)?)?;
            (!info.is_empty()).then_some(info)
        };
        Some(Self { flags, nonce, target_info })
    }
}

fn number(message: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*message.get(at..)?.first_chunk()?))
}

/// AUTHENTICATE, our answer.
pub(super) struct Authenticate<'a> {
    /// What the server can do.
    pub(super) flags: u32,
    /// The proofs.
    pub(super) responses: &'a Responses,
    /// The user's domain.
    pub(super) domain: &'a [u8],
    pub(super) user: &'a [u8],
}

impl Authenticate<'_> {
    /// The message; `None` if a part is too long for it.
    pub(super) fn encode(&self) -> Option<Secret> {
        const HEADER: usize = 64;
        let mut flags = self.flags & OURS;
        let text = |text: &[u8]| if flags & UNICODE == 0 { Secret::from(text) } else { utf16(text) };
        let (domain, user) = (text(self.domain), text(self.user));
        if flags & UNICODE != 0 {
            flags &= !OEM;
        }
        // Neither a workstation, which is nobody's business, nor a session key.
        let parts: [&[u8]; 6] = [&self.responses.lm, &self.responses.nt, &domain, &user, &[], &[]];
        let mut message = Vec::with_capacity(HEADER);
        message.extend_from_slice(SIGNATURE);
        message.extend_from_slice(&3_u32.to_le_bytes());
        let mut start = HEADER;
        for part in parts {
            let length = u16::try_from(part.len()).ok()?.to_le_bytes();
            message.extend_from_slice(&length);
            message.extend_from_slice(&length);
            message.extend_from_slice(&u32::try_from(start).ok()?.to_le_bytes());
            start += part.len();
        }
        message.extend_from_slice(&flags.to_le_bytes());
        let [lm, nt, domain, user, ..] = parts;
        Some(Secret::concat(&[&message, lm, nt, domain, user]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_message_tells_what_we_can_do() {
        assert_eq!(number(&FIRST_MESSAGE, 8), Some(1));
        assert_eq!(number(&FIRST_MESSAGE, 12), Some(OURS));
    }
}
