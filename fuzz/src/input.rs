// SPDX-License-Identifier: LGPL-2.1-or-later
//! Takes decisions and texts from bytes.

/// Bytes that are used up from the front; when there are none, every number is 0.
pub(crate) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// A number below the bound, which is 256 at most.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()) % bound
    }

    /// The next bytes, up to 255 of them.
    pub(crate) fn block(&mut self) -> &'a [u8] {
        let length = usize::from(self.byte()).min(self.0.len());
        let (block, rest) = self.0.split_at(length);
        self.0 = rest;
        block
    }

    /// All that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    /// Cuts a text at places that depend on these bytes.
    pub(crate) fn cut<'t>(&mut self, text: &'t [u8]) -> Vec<&'t [u8]> {
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let length = 1 + usize::from(self.byte()) % 9;
            let length = if self.is_empty() { rest.len() } else { length.min(rest.len()) };
            let (part, after) = rest.split_at(length);
            parts.push(part);
            rest = after;
        }
        parts
    }
}
