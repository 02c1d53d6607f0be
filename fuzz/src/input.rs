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

    /// A size at which the library does something else, or one beside it, or a multiple.
    pub(crate) fn size(&mut self) -> usize {
        const SMALL: [usize; 12] = [0, 1, 2, 16, 32, 64, 78, 128, 255, 256, 512, 1000];
        const LARGE: [usize; 4] = [2048, 4096, 16_384, 65_536];
        // Large ones cost time, and small ones add up to them.
        let size = match self.below(32) {
            large @ 0..4 => LARGE[large],
            small => SMALL[small % SMALL.len()],
        };
        match self.below(16) {
            0 => size + 1,
            1 => size.saturating_sub(1),
            2 => size + 2,
            3 => size.saturating_sub(2),
            4 => 2 * size,
            5 => 2 * size + 1,
            6 => (2 * size).saturating_sub(1),
            7 => 3 * size,
            8 => usize::from(self.byte()),
            _ => size,
        }
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

    /// Cuts a text at short distances that depend on these bytes.
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
