// SPDX-License-Identifier: LGPL-2.1-or-later
//! A header's value as it is printed.

use crate::error::Result;
use crate::room::concat;

/// A value as it is printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Printed {
    given: Vec<u8>,
    /// Without SMTPUTF8, if that makes a difference (RFC 2047).
    encoded: Option<Vec<u8>>,
}

impl Printed {
    /// A value, and how it is printed without SMTPUTF8 if that is not the same.
    pub(super) fn new(given: Vec<u8>, encoded: Option<Vec<u8>>) -> Self {
        Self { given, encoded }
    }

    /// A value that is the same in both; its parts are put together.
    pub(super) fn plain(given: &[&[u8]]) -> Result<Self> {
        Ok(Self::new(concat(given)?, None))
    }

    /// How it goes out in a transaction with SMTPUTF8 or without.
    pub(super) fn wire(&self, utf8: bool) -> &[u8] {
        match &self.encoded {
            Some(encoded) if !utf8 => encoded,
            _ => &self.given,
        }
    }
}
