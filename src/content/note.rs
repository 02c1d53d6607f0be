// SPDX-License-Identifier: LGPL-2.1-or-later
//! What comes out of a message's text: octets for the wire and notes for the application.

use std::collections::VecDeque;

/// Longest piece of a header in one [`Note::Header`], and of a line that is shown. Programs copy
/// what the monitor shows them into buffers of 256 bytes.
pub const PIECE: usize = 255;
/// How much of one header is kept until its end is known, so that its length is told before
/// it is shown. A longer one is shown while it passes. Enough for 1,000 mailboxes.
const KEPT: usize = 64 * 1024;

/// Where the text goes.
#[derive(Debug, Default)]
pub struct Output {
    /// Octets for the wire, in order; the caller may take them at any time.
    pub wire: Vec<u8>,
    /// What the application is to be told, in order.
    pub notes: VecDeque<Note>,
}

/// Something to tell the application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// A header that goes out, with its line ends; a long one in consecutive pieces.
    Header(Box<[u8]>),
    /// So many octets of the message were handled: a header, or a line of the body.
    Data(usize),
}

/// Collects the notes about one header while it passes.
#[derive(Debug)]
pub(super) struct HeaderNotes {
    count: bool,
    show: bool,
    length: usize,
    kept: Vec<u8>,
}

impl HeaderNotes {
    pub(super) fn new(count: bool, show: bool) -> Self {
        Self { count, show, length: 0, kept: Vec::new() }
    }

    /// Takes some octets of the header.
    pub(super) fn add(&mut self, octets: &[u8], notes: &mut VecDeque<Note>) {
        self.length = self.length.saturating_add(octets.len());
        if self.show {
            self.kept.extend_from_slice(octets);
            if self.kept.len() > KEPT {
                let whole = self.kept.len() - self.kept.len() % PIECE;
                notes.extend(pieces(self.kept.get(..whole).unwrap_or_default()));
                self.kept.drain(..whole);
            }
        }
    }

    /// The header is over.
    pub(super) fn close(&mut self, notes: &mut VecDeque<Note>) {
        let length = std::mem::take(&mut self.length);
        if self.count && length > 0 {
            notes.push_back(Note::Data(length));
        }
        if self.show {
            notes.extend(pieces(&self.kept));
            self.kept.clear();
            self.kept.shrink_to(KEPT);
        }
    }
}

fn pieces(header: &[u8]) -> impl Iterator<Item = Note> {
    header.chunks(PIECE).map(|piece| Note::Header(piece.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(notes: &VecDeque<Note>) -> Vec<u8> {
        let bytes = notes.iter().filter_map(|note| match note {
            Note::Header(piece) => Some(piece.to_vec()),
            Note::Data(_) => None,
        });
        bytes.flatten().collect()
    }

    #[test]
    fn the_length_comes_before_the_header() {
        let mut notes = VecDeque::new();
        let mut header = HeaderNotes::new(true, true);
        header.add(b"To: a@", &mut notes);
        header.add(b"example.org\r\n", &mut notes);
        assert!(notes.is_empty());
        header.close(&mut notes);
        assert_eq!(notes, [Note::Data(19), Note::Header(b"To: a@example.org\r\n"[..].into())]);
    }

    #[test]
    fn a_long_header_comes_in_pieces() {
        let mut notes = VecDeque::new();
        let mut header = HeaderNotes::new(true, true);
        let text: Vec<u8> = (0..600_u32).map(|n| b"0123456789"[n as usize % 10]).collect();
        header.add(&text, &mut notes);
        header.close(&mut notes);
        assert_eq!(notes[0], Note::Data(600));
        let sizes = notes.iter().filter_map(|note| match note {
            Note::Header(piece) => Some(piece.len()),
            Note::Data(_) => None,
        });
        assert_eq!(sizes.collect::<Vec<_>>(), [255, 255, 90]);
        assert_eq!(shown(&notes), text);
    }

    #[test]
    fn the_length_of_a_very_long_header_comes_behind_it() {
        for (length, is_told_before) in [(65_536, true), (65_537, false)] {
            let mut notes = VecDeque::new();
            let mut header = HeaderNotes::new(true, true);
            header.add(&vec![b'x'; length], &mut notes);
            assert_eq!(notes.is_empty(), is_told_before, "{length}");
            header.close(&mut notes);
            assert_eq!(notes[0] == Note::Data(length), is_told_before, "{length}");
            assert!(notes.contains(&Note::Data(length)));
            assert_eq!(shown(&notes).len(), length);
        }
    }

    #[test]
    fn an_endless_header_is_not_kept() {
        let mut notes = VecDeque::new();
        let mut header = HeaderNotes::new(true, true);
        let mut octets = 0;
        for _ in 0..1000 {
            header.add(&[b'x'; 1000], &mut notes);
            octets += shown(&notes).len();
            assert!(notes.iter().all(|note| matches!(note, Note::Header(piece) if piece.len() == 255)));
            notes.clear();
            assert!(header.kept.len() <= KEPT);
        }
        header.close(&mut notes);
        assert_eq!(octets + shown(&notes).len(), 1_000_000);
        assert_eq!(notes[0], Note::Data(1_000_000));
    }

    #[test]
    fn nothing_is_noted_unless_asked_for() {
        let mut notes = VecDeque::new();
        let mut header = HeaderNotes::new(false, false);
        header.add(b"To: a@example.org\r\n", &mut notes);
        header.close(&mut notes);
        assert!(notes.is_empty());
        assert_eq!(header.kept.capacity(), 0);
    }
}
