// SPDX-License-Identifier: LGPL-2.1-or-later
//! Bytes that do not stay in memory after their use.

use std::ffi::c_char;
use std::fmt;
use std::ops::Deref;

use zeroize::{Zeroize as _, Zeroizing};

/// More than the frames of any digest take, without optimisation too.
const STACK_WIPED: usize = 6144;

/// Bytes that are overwritten when they are dropped.
///
/// A NUL follows them that is not counted: C programs take a response for a string.
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// The parts one after the other. The size is known beforehand, so that no copy is left
    /// behind by a buffer that grew.
    #[must_use]
    pub fn concat(parts: &[&[u8]]) -> Self {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let mut bytes = Zeroizing::new(Vec::with_capacity(length.saturating_add(1)));
        for part in parts {
            bytes.extend_from_slice(part);
        }
        bytes.push(0);
        Self(bytes)
    }

    /// No bytes.
    #[must_use]
    pub fn empty() -> Self {
        Self::concat(&[])
    }

    /// Where the bytes and the NUL after them are.
    #[must_use]
    pub fn as_c_ptr(&self) -> *const c_char {
        self.0.as_ptr().cast()
    }
}

impl Deref for Secret {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0.split_last().map_or(&[], |(_nul, bytes)| bytes)
    }
}

impl From<&[u8]> for Secret {
    fn from(bytes: &[u8]) -> Self {
        Self::concat(&[bytes])
    }
}

/// Overwrites the stack below the caller, where digests leave parts of what they went over.
#[inline(never)]
pub(super) fn wipe_stack() {
    let mut below = [0_u8; STACK_WIPED];
    below.zeroize();
}

/// Logs must not show a secret.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nul_follows_that_is_not_counted() {
        let secret = Secret::concat(&[b"pass", b"", b"word"]);
        assert_eq!(&*secret, b"password");
        assert_eq!(secret.0.as_slice(), b"password\0");
        assert_eq!(secret.0.capacity(), 9);
        assert_eq!(&*Secret::empty(), b"");
    }

    #[test]
    fn debug_output_hides_the_bytes() {
        assert_eq!(format!("{:?}", Secret::from(b"hunter2".as_slice())), "Secret(7 bytes)");
    }
}
