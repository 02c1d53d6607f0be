// SPDX-License-Identifier: LGPL-2.1-or-later
//! Defects, to see that what is compared with the plain way of doing a thing is also compared
//! where it matters: each wrong encoder here is found out within a few thousand inputs.

use std::ops::ControlFlow;

use esmtp::content::{Body, Framing};

use super::body::{Case, Sent};

/// Inputs after which a defect must have shown.
const ENOUGH: u64 = 20_000;

/// Bytes that look random, the same for each number.
pub(crate) fn bytes(number: u64) -> Vec<u8> {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[4]
    };
    (0..4 + next() % 64).map(|_| next()).collect()
}

/// Panics if `shows` never says that the defect shows.
fn must_show(what: &str, shows: impl Fn(&[u8]) -> bool) {
    let found = (0..ENOUGH).try_for_each(|number| match shows(&bytes(number)) {
        true => ControlFlow::Break(number),
        false => ControlFlow::Continue(()),
    });
    assert!(found.is_break(), "{what}: not found");
}

/// What goes out if an encoder that should see the whole text sees a block at a time, and does
/// not double the dot of a line for which `forgets` holds: where the line begins.
fn encode(case: &Case, blocks: &[&[u8]], forgets: impl Fn(&[u8], usize) -> bool) -> Sent {
    let mut sent = case.expected();
    if case.options.body == Body::Binary {
        return sent;
    }
    sent.wire.clear();
    sent.lines.clear();
    for block in blocks {
        let mut start = 0;
        while start < block.len() {
            let rest = &block[start..];
            let length = rest.iter().position(|octet| matches!(octet, b'\r' | b'\n')).unwrap_or(rest.len());
            let end = match &rest[length..] {
                [b'\r', b'\n', ..] => 2,
                [] => 0,
                _ => 1,
            };
            if case.options.framing == Framing::Dots {
                if rest[0] == b'.' && !forgets(block, start) {
                    sent.wire.push(b'.');
                }
                if case.options.count {
                    sent.lines.push(length + 2);
                }
            }
            sent.wire.extend_from_slice(&rest[..length]);
            sent.wire.extend_from_slice(b"\r\n");
            start += length + end;
        }
    }
    sent.octets = sent.wire.len();
    if case.options.framing == Framing::Dots {
        sent.wire.extend_from_slice(b".\r\n");
    }
    sent
}

/// Where the third line of a text begins.
fn third_line(text: &[u8]) -> Option<usize> {
    let ends = text.iter().enumerate().filter(|(_, octet)| **octet == b'\n');
    ends.map(|(at, _)| at + 1).nth(1)
}

#[test]
fn the_plain_encoder_is_right() {
    for number in 0..1000 {
        let case = Case::new(&bytes(number));
        assert_eq!(case.judge(&encode(&case, &[&case.text], |_, _| false)), Ok(()), "{number}");
    }
}

/// The defect that was: nobody looked at the octet behind whole windows of clean text.
#[test]
fn a_dot_behind_windows() {
    for window in [512, 1024, 2048] {
        must_show("window", |data| {
            let case = Case::new(data);
            let forgets = |text: &[u8], at: usize| {
                third_line(text).is_some_and(|third| at > third && (at - third) % window == 0)
            };
            case.judge(&encode(&case, &[&case.text], forgets)).is_err()
        });
    }
}

#[test]
fn a_dot_at_the_start_of_a_block() {
    must_show("block", |data| {
        let case = Case::new(data);
        let blocks = case.cuts.blocks(&case.text);
        let first = |_: &[u8], at| at == 0;
        // A block that ends within a line is another defect.
        let whole = blocks.iter().all(|block| block.ends_with(b"\n"));
        whole && case.judge(&encode(&case, &blocks, first)).is_err()
    });
}

#[test]
fn a_line_end_that_is_cut() {
    must_show("cut", |data| {
        let case = Case::new(data);
        let blocks = case.cuts.blocks(&case.text);
        let within = |block: &&[u8]| !matches!(block.last(), Some(b'\r' | b'\n'));
        let cut = blocks.iter().any(|block| block.ends_with(b"\r"));
        cut && !blocks.iter().rev().skip(1).any(within)
            && case.judge(&encode(&case, &blocks, |_, _| false)).is_err()
    });
}

#[test]
fn progress_that_is_lost_or_counts_a_dot() {
    must_show("lost", |data| {
        let case = Case::new(data);
        let mut sent = case.expected();
        sent.lines.last().is_some_and(|length| *length > 1000)
            && sent.lines.pop().is_some()
            && case.judge(&sent).is_err()
    });
    must_show("dot", |data| {
        let case = Case::new(data);
        let mut sent = case.expected();
        let counted = sent.lines.first_mut().filter(|_| case.text.first() == Some(&b'.'));
        counted.is_some_and(|length| {
            *length += 1;
            true
        }) && case.judge(&sent).is_err()
    });
}
