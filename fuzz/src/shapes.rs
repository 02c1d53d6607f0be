// SPDX-License-Identifier: LGPL-2.1-or-later
//! Long texts from few bytes: lines, dots and line ends at the distances where the library looks
//! at text in another way, and blocks that are cut there. Bytes taken as a text itself are
//! neither long nor regular enough to get there.

use super::input::Input;

/// Longer than the longest run, chunk and write that the library has a bound for, several times.
const LONGEST: usize = 300_000;

/// A text: what is left of the bytes says which pieces it consists of.
pub(crate) fn text(input: &mut Input<'_>) -> Vec<u8> {
    let mut text = Vec::new();
    while !input.is_empty() && text.len() < LONGEST {
        piece(input, &mut text);
    }
    text
}

fn piece(input: &mut Input<'_>, text: &mut Vec<u8>) {
    match input.below(8) {
        0 => {
            let (fill, size, end) = (octet(input), input.size(), line_end(input));
            line(text, fill, size, end);
        }
        1 => {
            let (fill, size, end) = (octet(input), input.size().max(1), line_end(input));
            let until = text.len() + input.size();
            while text.len() < until {
                line(text, fill, size, end);
            }
        }
        2 => text.push(b'.'),
        3 => text.extend_from_slice(b".\r\n"),
        4 => text.extend_from_slice(line_end(input)),
        5 => {
            let (fill, size) = (octet(input), input.size());
            text.resize(text.len() + size, fill);
        }
        // Up to a multiple of a size.
        6 => {
            let (fill, size) = (octet(input), input.size().max(1));
            text.resize(text.len().next_multiple_of(size), fill);
        }
        _ => {
            let length = input.below(16);
            text.extend((0..length).map(|_| input.byte()));
        }
    }
}

/// A line of a size, its end included.
fn line(text: &mut Vec<u8>, fill: u8, size: usize, end: &[u8]) {
    text.resize(text.len() + size.saturating_sub(end.len()), fill);
    text.extend_from_slice(end);
}

fn octet(input: &mut Input<'_>) -> u8 {
    const OCTETS: [u8; 8] = [b'x', b'x', b'x', b'x', b'.', b' ', 0xff, 0];
    OCTETS[input.below(OCTETS.len())]
}

fn line_end(input: &mut Input<'_>) -> &'static [u8] {
    const ENDS: [&[u8]; 8] = [b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b""];
    ENDS[input.below(ENDS.len())]
}

/// How a text is cut into blocks.
#[derive(Debug)]
pub(crate) enum Cuts {
    None,
    Lines,
    /// Blocks of these sizes, then of the last one.
    Sizes(Vec<usize>),
}

impl Cuts {
    pub(crate) fn new(input: &mut Input<'_>) -> Self {
        match input.below(8) {
            0 => Self::None,
            1 => Self::Lines,
            several => Self::Sizes((1..several).map(|_| input.size().max(1)).collect()),
        }
    }

    pub(crate) fn blocks<'a>(&self, text: &'a [u8]) -> Vec<&'a [u8]> {
        let sizes = match self {
            Self::None => return vec![text],
            Self::Lines => return text.split_inclusive(|&octet| octet == b'\n').collect(),
            Self::Sizes(sizes) => sizes,
        };
        // Thousands of single octets say no more than a few, but take their time.
        let last = sizes.last().map_or(usize::MAX, |&size| size.max(text.len() / 64));
        let mut sizes = sizes.iter().copied();
        let mut blocks = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let size = sizes.next().unwrap_or(last).min(rest.len());
            let (block, after) = rest.split_at(size);
            blocks.push(block);
            rest = after;
        }
        blocks
    }
}
