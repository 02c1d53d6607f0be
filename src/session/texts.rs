// SPDX-License-Identifier: LGPL-2.1-or-later
//! The texts of a session's statuses. C keeps pointers to them, so they never move; one that
//! replaces another lies where that one was, if there is room for it.

use std::cell::{Cell, RefCell};
use std::ffi::c_char;
use std::ptr;

use crate::error::Result;

/// Octets of the first block; each further one is twice as large, so many times.
const FIRST_BLOCK: usize = 256;
const DOUBLINGS: usize = 2;
/// What is written is rounded up to a multiple of it, so that a text a little longer has room, too.
const GRAIN: usize = 16;

/// The texts; programs write into them (they cut their line ends), nothing reads them here again.
#[derive(Default)]
pub(super) struct Texts {
    blocks: RefCell<Blocks>,
}

#[derive(Default)]
struct Blocks {
    // A block never grows, and so never moves.
    blocks: Vec<Box<[Cell<u8>]>>,
    // Octets of the last one that are taken; the others are full.
    taken: usize,
}

/// Where a text lies, or has lain: the block, where in it, and for how many octets there is room.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place {
    block: u32,
    start: u32,
    room: u32,
}

impl Texts {
    /// Writes a text, and a NUL behind it, in place of what lies at `place`, or elsewhere if there
    /// is no room. Gives where it begins; null if there is no memory for it.
    pub(super) fn write(&self, place: &Cell<Place>, text: &[u8]) -> *mut c_char {
        let mut blocks = self.blocks.borrow_mut();
        if index(place.get().room) <= text.len() {
            match blocks.another_place(place.get(), text.len()) {
                Ok(another) => place.set(another),
                Err(_) => return ptr::null_mut(),
            }
        }
        let octets = blocks.octets(place.get());
        if let Some((front, [end, ..])) = octets.split_at_checked(text.len()) {
            front.iter().zip(text).for_each(|(to, from)| to.set(*from));
            end.set(0);
        }
        octets.as_ptr().cast::<c_char>().cast_mut()
    }
}

impl Blocks {
    /// A place behind the others that has room for so many octets and a NUL.
    fn another_place(&mut self, former: Place, length: usize) -> Result<Place> {
        // A place that was too small is followed by one twice as large: texts that grow, however
        // slowly, leave no more behind than they need.
        let room = (length + 1).next_multiple_of(GRAIN).max(2 * index(former.room));
        if self.blocks.last().is_none_or(|last| last.len() - self.taken < room) {
            let size = (FIRST_BLOCK << self.blocks.len().min(DOUBLINGS)).max(room);
            let mut block = crate::room::room(size)?;
            crate::room::one_more(&mut self.blocks)?;
            block.resize(size, Cell::new(0));
            self.blocks.push(block.into_boxed_slice());
            self.taken = 0;
        }
        let start = self.taken;
        self.taken += room;
        Ok(Place {
            block: count(self.blocks.len() - 1),
            start: count(start),
            room: count(room),
        })
    }

    /// What lies at a place, and behind it.
    fn octets(&self, at: Place) -> &[Cell<u8>] {
        let block = self.blocks.get(index(at.block)).map_or(&[][..], |octets| octets);
        block.get(index(at.start)..).unwrap_or_default()
    }
}

fn index(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn count(octets: usize) -> u32 {
    u32::try_from(octets).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    // What C would read.
    fn read(texts: &Texts, place: &Cell<Place>, length: usize) -> Vec<u8> {
        texts.blocks.borrow().octets(place.get())[..length].iter().map(Cell::get).collect()
    }

    #[test]
    fn each_text_is_there_until_it_is_replaced() {
        let texts = Texts::default();
        let places: Vec<Cell<Place>> = (0..600).map(|_| Cell::default()).collect();
        let text =
            |round: usize, at: usize| vec![b'a' + u8::try_from(at % 26).expect("a letter"); round * at % 300];
        for round in [0, 1, 3, 2, 7, 5] {
            let pointers: Vec<_> = places
                .iter()
                .enumerate()
                .map(|(at, place)| texts.write(place, &text(round, at)))
                .collect();
            for (at, place) in places.iter().enumerate() {
                let expected = [&text(round, at)[..], b"\0"].concat();
                assert_eq!(read(&texts, place, expected.len()), expected, "{at} of {round}");
                assert!(!pointers[at].is_null());
            }
        }
    }

    #[test]
    fn a_text_stays_in_its_place_while_it_has_room() {
        let texts = Texts::default();
        let place = Cell::default();
        let first = texts.write(&place, b"0123456789");
        assert_eq!(texts.write(&place, b"0123456789abcde"), first);
        assert_ne!(texts.write(&place, b"0123456789abcdef"), first);
        for _ in 0..1000 {
            texts.write(&place, b"again and again");
        }
        assert_eq!(texts.blocks.borrow().blocks.len(), 1);
        for length in 0..4096 {
            texts.write(&place, &vec![b'x'; length]);
        }
        let octets: usize = texts.blocks.borrow().blocks.iter().map(|block| block.len()).sum();
        assert!(octets < 32_768, "{octets}");
        let long = [b'x'; 100_000];
        texts.write(&place, &long);
        assert_eq!(read(&texts, &place, long.len()), long);
    }
}
