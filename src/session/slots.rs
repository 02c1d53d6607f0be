// SPDX-License-Identifier: LGPL-2.1-or-later
//! A list that only grows and whose members never move, so that C may keep pointers to them.
//!
//! The first member is part of the list itself: most messages have one recipient. The others lie
//! in blocks, each twice as large as the one before.

use std::cell::{Cell, OnceCell};
use std::ops::Range;
use std::slice;

use crate::error::{Error, Result};
use crate::room::room;

/// Members of the first block.
const FIRST_BLOCK: usize = 4;
/// Enough blocks for as many members as a `u32` counts.
const BLOCKS: usize = 30;

type Block<T> = OnceCell<Box<[OnceCell<T>]>>;

/// The list.
pub(super) struct Slots<T> {
    first: OnceCell<T>,
    blocks: OnceCell<Box<[Block<T>; BLOCKS]>>,
    count: Cell<usize>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self {
            first: OnceCell::new(),
            blocks: OnceCell::new(),
            count: Cell::new(0),
        }
    }
}

impl<T> Slots<T> {
    pub(super) fn len(&self) -> usize {
        self.count.get()
    }

    /// Adds a member; fails if there is no memory for it.
    #[inline]
    pub(super) fn push(&self, member: impl FnOnce() -> T) -> Result<&T> {
        let at = self.count.get();
        let slot = match self.slot(at) {
            Some(slot) => slot,
            None => self.another_block(at)?,
        };
        self.count.set(at + 1);
        Ok(slot.get_or_init(member))
    }

    /// The member at a position.
    pub(super) fn get(&self, at: usize) -> Option<&T> {
        self.slot(at)?.get()
    }

    /// The slot of a position, if there is a block that has it.
    fn slot(&self, at: usize) -> Option<&OnceCell<T>> {
        self.side_by_side(at).first()
    }

    /// Makes the block that a position is the first of, and gives its slot.
    #[cold]
    fn another_block(&self, at: usize) -> Result<&OnceCell<T>> {
        let (block, offset) = place(at.saturating_sub(1));
        let blocks = self.blocks.get_or_init(|| Box::new([const { OnceCell::new() }; BLOCKS]));
        let made = empty(FIRST_BLOCK << block)?;
        let slots = blocks.get(block).map(|cell| cell.get_or_init(|| made));
        slots.and_then(|slots| slots.get(offset)).ok_or(Error::Client)
    }

    /// Runs `f` on each member, in the order added. `f` must not call the application.
    pub(super) fn for_each(&self, f: impl FnMut(&T)) {
        self.for_each_of(0..self.len(), f);
    }

    /// Runs `f` on each member at these positions, in their order. `f` must not call the application.
    pub(super) fn for_each_of(&self, positions: Range<usize>, mut f: impl FnMut(&T)) {
        self.position(positions, |member| {
            f(member);
            false
        });
    }

    /// The first of these positions whose member is as wanted.
    pub(super) fn position(
        &self,
        positions: Range<usize>,
        mut wanted: impl FnMut(&T) -> bool,
    ) -> Option<usize> {
        let Range { start: mut from, end } = positions;
        while from < end {
            let slots = self.side_by_side(from);
            let slots = slots.get(..end - from).unwrap_or(slots);
            if slots.is_empty() {
                return None;
            }
            for slot in slots {
                if wanted(slot.get()?) {
                    return Some(from);
                }
                from += 1;
            }
        }
        None
    }

    /// The slot at a position, and those behind it in its block. None if there is no such block.
    fn side_by_side(&self, at: usize) -> &[OnceCell<T>] {
        let Some(behind) = at.checked_sub(1) else {
            return slice::from_ref(&self.first);
        };
        let (block, offset) = place(behind);
        let block = self.blocks.get().and_then(|blocks| blocks.get(block)?.get());
        block.and_then(|slots| slots.get(offset..)).unwrap_or_default()
    }
}

/// The block of a member behind the first, and its place there.
const fn place(behind: usize) -> (usize, usize) {
    let shifted = behind + FIRST_BLOCK;
    let bits = shifted.ilog2();
    ((bits - FIRST_BLOCK.ilog2()) as usize, shifted & !(1 << bits))
}

fn empty<T>(length: usize) -> Result<Box<[OnceCell<T>]>> {
    let mut slots = room(length)?;
    slots.resize_with(length, OnceCell::new);
    Ok(slots.into_boxed_slice())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_come_back_in_their_order_and_stay_where_they_are() {
        let slots = Slots::default();
        let mut places = Vec::new();
        assert_eq!(slots.len(), 0);
        assert!(slots.get(0).is_none());
        for number in 0..1000_usize {
            let member = slots.push(|| number).expect("memory");
            places.push(std::ptr::from_ref(member));
            assert_eq!(slots.len(), number + 1);
            assert!(slots.get(number + 1).is_none());
        }
        for (number, place) in places.iter().enumerate() {
            let member = slots.get(number).expect("it is there");
            assert_eq!((*member, std::ptr::from_ref(member)), (number, *place));
        }
        let mut all = Vec::new();
        slots.for_each(|member| all.push(*member));
        assert!(all.into_iter().eq(0..1000));
        for (from, end) in
            [(0, 0), (0, 1), (0, 5), (1, 5), (3, 6), (4, 14), (13, 13), (990, 1000), (998, 2000)]
        {
            let mut some = Vec::new();
            slots.for_each_of(from..end, |member| some.push(*member));
            assert!(some.into_iter().eq(from..end.min(1000)), "{from}..{end}");
        }
        assert_eq!(slots.position(0..1000, |member| *member >= 7), Some(7));
        assert_eq!(slots.position(0..7, |member| *member >= 7), None);
        assert_eq!(slots.position(8..1000, |member| member % 100 == 0), Some(100));
        assert_eq!(slots.position(0..2000, |member| *member > 1000), None);
    }

    #[test]
    fn blocks_meet_without_gap() {
        assert_eq!(place(0), (0, 0));
        assert_eq!(place(3), (0, 3));
        assert_eq!(place(4), (1, 0));
        assert_eq!(place(11), (1, 7));
        assert_eq!(place(12), (2, 0));
    }
}
