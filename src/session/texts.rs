// SPDX-License-Identifier: LGPL-2.1-or-later
//! The texts of a session's statuses. C keeps pointers to them, so they never move; one that
//! replaces another lies where that one was, if there is room for it.

use std::cell::{Cell, RefCell};
use std::ffi::c_char;

/// Octets of the first block; each further one is twice as large, so many times.
const FIRST_BLOCK: usize = 256;
const DOUBLINGS: usize = 6;
/// What is written is rounded up to a multiple of it, so that a text a little longer has room, too.
const GRAIN: usize = 16;

/// The texts; programs write into them (they cut their line ends), nothing reads them here again.
#[derive(Default)]
pub(super) struct Texts {
    blocks: RefCell<Vec<Block>>,
}

struct Block {
    octets: Vec<Cell<u8>>,
    used: usize,
}

/// Where a text lies, or has lain: the block, where in it, and for how many octets there is room.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place {
    block: u32,
    start: u32,
    room: u32,
}

impl Texts {
    /// Writes a text and what ends it in place of what lies at `place`, or elsewhere if there is
    /// no room. Gives where it begins.
    pub(super) fn write(&self, place: &Cell<Place>, text: &[u8], end: &[u8]) -> *mut c_char {
        let length = text.len() + end.len();
        let mut blocks = self.blocks.borrow_mut();
        if index(place.get().room) < length {
            place.set(new_place(&mut blocks, length));
        }
        let Place { block, start, .. } = place.get();
        let block = blocks.get(index(block)).map_or(&[][..], |block| &block.octets);
        let octets = block.get(index(start)..).unwrap_or_default();
        let (front, rest) = octets.split_at_checked(text.len()).unwrap_or_default();
        fill(front, text);
        fill(rest, end);
        octets.as_ptr().cast::<c_char>().cast_mut()
    }
}

fn fill(octets: &[Cell<u8>], text: &[u8]) {
    octets.iter().zip(text).for_each(|(octet, new)| octet.set(*new));
}

/// Room for so many octets behind what is there.
fn new_place(blocks: &mut Vec<Block>, length: usize) -> Place {
    let room = length.next_multiple_of(GRAIN);
    if blocks.last().is_none_or(|last| last.octets.len() - last.used < room) {
        let size = (FIRST_BLOCK << blocks.len().min(DOUBLINGS)).max(room);
        blocks.push(Block {
            octets: vec![Cell::new(0); size],
            used: 0,
        });
    }
    let block = count(blocks.len() - 1);
    blocks.last_mut().map_or_else(Place::default, |last| {
        let start = count(last.used);
        last.used += room;
        Place { block, start, room: count(room) }
    })
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
        let Place { block, start, .. } = place.get();
        let blocks = texts.blocks.borrow();
        blocks[index(block)].octets[index(start)..][..length].iter().map(Cell::get).collect()
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
                .map(|(at, place)| texts.write(place, &text(round, at), b"\r\n\0"))
                .collect();
            for (at, place) in places.iter().enumerate() {
                let expected = [&text(round, at)[..], b"\r\n\0"].concat();
                assert_eq!(read(&texts, place, expected.len()), expected, "{at} of {round}");
                assert!(!pointers[at].is_null());
            }
        }
    }

    #[test]
    fn a_text_stays_in_its_place_while_it_has_room() {
        let texts = Texts::default();
        let place = Cell::default();
        let first = texts.write(&place, b"0123456789", b"\0");
        assert_eq!(texts.write(&place, b"0123456789abcde", b"\0"), first);
        assert_ne!(texts.write(&place, b"0123456789abcdef", b"\0"), first);
        for _ in 0..1000 {
            texts.write(&place, b"again and again", b"\0");
        }
        assert_eq!(texts.blocks.borrow().len(), 1);
        let long = [b'x'; 100_000];
        texts.write(&place, &long, b"\0");
        assert_eq!(read(&texts, &place, long.len()), long);
    }
}
