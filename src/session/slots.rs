// SPDX-License-Identifier: LGPL-2.1-or-later
//! A list that only grows and whose members never move, so that C may keep pointers to them.
//!
//! The first member is part of the list itself: most messages have one recipient. The others lie
//! in blocks, each twice as large as the one before.

use std::cell::{Cell, OnceCell};

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
    pub(super) fn push(&self, member: T) -> Result<&T> {
        let at = self.count.get();
        let slot = match at.checked_sub(1) {
            None => &self.first,
            Some(behind) => self.slot_for(behind)?,
        };
        self.count.set(at + 1);
        Ok(slot.get_or_init(|| member))
    }

    /// The slot of a member behind the first, its block made if it is the first one there.
    fn slot_for(&self, behind: usize) -> Result<&OnceCell<T>> {
        let (block, offset) = place(behind);
        let blocks = self.blocks.get_or_init(|| Box::new([const { OnceCell::new() }; BLOCKS]));
        let block_cell = blocks.get(block).ok_or(Error::Client)?;
        let slots = match block_cell.get() {
            Some(slots) => slots,
            None => {
                let made = empty(FIRST_BLOCK << block)?;
                block_cell.get_or_init(|| made)
            }
        };
        slots.get(offset).ok_or(Error::Client)
    }

    /// The member at a position.
    pub(super) fn get(&self, at: usize) -> Option<&T> {
        let Some(behind) = at.checked_sub(1) else {
            return self.first.get();
        };
        let (block, offset) = place(behind);
        self.blocks.get()?.get(block)?.get()?.get(offset)?.get()
    }

    /// Each member, in the order added.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        let blocks = self.blocks.get().into_iter().flat_map(|blocks| blocks.iter());
        let behind = blocks.filter_map(OnceCell::get).flat_map(|block| block.iter());
        self.first.get().into_iter().chain(behind.filter_map(OnceCell::get))
    }

    /// The first position at or after `from` whose member is as wanted.
    pub(super) fn position(&self, from: usize, wanted: impl Fn(&T) -> bool) -> Option<usize> {
        (from..self.len()).find(|at| self.get(*at).is_some_and(&wanted))
    }
}

/// The block of a member behind the first, and its place there.
const fn place(behind: usize) -> (usize, usize) {
    let shifted = behind + FIRST_BLOCK;
    let block = shifted.ilog2() as usize - FIRST_BLOCK.ilog2() as usize;
    (block, shifted - (FIRST_BLOCK << block))
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
            let member = slots.push(number).expect("memory");
            places.push(std::ptr::from_ref(member));
            assert_eq!(slots.len(), number + 1);
            assert!(slots.get(number + 1).is_none());
        }
        for (number, place) in places.iter().enumerate() {
            let member = slots.get(number).expect("it is there");
            assert_eq!((*member, std::ptr::from_ref(member)), (number, *place));
        }
        assert!(slots.iter().copied().eq(0..1000));
        assert_eq!(slots.position(0, |member| *member >= 7), Some(7));
        assert_eq!(slots.position(8, |member| member % 100 == 0), Some(100));
        assert_eq!(slots.position(0, |member| *member > 1000), None);
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
