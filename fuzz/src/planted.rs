// SPDX-License-Identifier: LGPL-2.1-or-later
//! Defects, to see that what is compared with the plain way of doing a thing is also compared
//! where it matters: each wrong encoder here is found out within a few thousand inputs.

use std::ops::ControlFlow;

use esmtp::content::{Body, Framing};

use super::body::{Case, Sent};
use super::input::Input;
use super::{envelope, replies, section, values};

/// Inputs after which a defect must have shown.
const ENOUGH: u64 = 20_000;

/// Bytes that look random, the same for each number.
pub fn bytes(number: u64) -> Vec<u8> {
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

#[test]
fn headers_that_are_told_or_shown_in_part() {
    must_show("told", |data| {
        let case = section::Case::new(data);
        let mut sent = case.expected();
        let long = sent.told.iter_mut().find(|octets| **octets > 1000);
        long.is_some_and(|octets| {
            *octets -= 1;
            true
        }) && case.judge(&sent).is_err()
    });
    for piece in [255, 65_536] {
        must_show("shown", |data| {
            let case = section::Case::new(data);
            let mut sent = case.expected();
            let is_long = sent.shown.len() > piece;
            sent.shown.truncate(piece);
            is_long && case.judge(&sent).is_err()
        });
    }
}

/// A text of which something is to become what must not go unnoticed.
fn must_come(what: &str, comes: impl Fn(&section::Case, &[u8]) -> bool) {
    must_show(what, |data| {
        let case = section::Case::new(data);
        comes(&case, &case.expected().wire)
    });
}

#[test]
fn texts_of_every_kind_come() {
    let starts = |text: &[u8], with: &[u8]| text.starts_with(with);
    let has = |text: &[u8], part: &[u8]| text.windows(part.len()).any(|window| window == part);
    must_come("mbox", |case, wire| starts(&case.text, b"From a@b") && !has(wire, b"From a@b"));
    must_come("two mbox lines", |case, _| {
        starts(&case.text, b"From a@b") && has(&case.text, b"\n>From ")
    });
    must_come("an mbox line that is none", |case, wire| {
        starts(&case.text, b"From  :") && starts(wire, b"From  :")
    });
    must_come("no headers", |case, wire| starts(wire, b"Date: Mon") && !case.text.is_empty());
    // What is not replaced comes behind the date.
    must_come("replaced", |_, wire| {
        let date = wire.windows(9).position(|window| window == b"Date: Mon");
        has(&wire[..date.unwrap_or_default()], b": mine")
    });
    must_come("removed", |case, wire| starts(&case.text, b"X-A: v") && !has(wire, b"X-A"));
    must_come("a dot", |_, wire| starts(wire, b"..Dot"));
    must_come("a long name", |case, _| case.text.windows(999).any(|name| name == [b'n'; 999]));
}

#[test]
fn values_that_are_printed_wrong() {
    type Print = fn(&[u8]) -> Vec<u8>;
    let wrong: [(&str, Print); 5] = [
        ("raw", |value| value.to_vec()),
        ("meaning", |value| values::meaning(value).unwrap_or_default()),
        ("LF", |value| value.iter().copied().filter(|octet| *octet != b'\r').collect()),
        ("no blank", |value| value.split(|octet| *octet == b'\n').collect::<Vec<_>>().concat()),
        ("CRLF", |value| {
            value.split(|octet| *octet == b'\n').collect::<Vec<_>>().join(&b"\r\n"[..])
        }),
    ];
    for (what, print) in wrong {
        must_show(what, |data| {
            let value = values::value(&mut Input::new(data));
            values::meaning(&value).is_some() && values::judge(&value, &print(&value), false).is_err()
        });
    }
}

#[test]
fn replies_that_are_read_wrong() {
    type Flaw = fn(&mut replies::Read);
    let flawed: [(&str, Flaw); 6] = [
        ("text", |(replies, _)| replies.iter_mut().for_each(|reply| reply.text.truncate(4096))),
        ("long", |(replies, _)| replies.retain(|reply| reply.text.len() <= 12_280)),
        ("code", |(replies, _)| replies.iter_mut().for_each(|reply| reply.code = 250)),
        ("enhanced", |(replies, _)| replies.iter_mut().for_each(|reply| reply.enhanced = None)),
        ("end", |(_, error)| *error = None),
        ("last", |(replies, _)| drop(replies.pop())),
    ];
    for (what, spoil) in flawed {
        must_show(what, |data| {
            let case = replies::Case::new(data);
            let mut read = case.read();
            spoil(&mut read);
            case.judge(&read).is_err()
        });
    }
}

#[test]
fn xtext_that_is_wrong() {
    type Encoder = fn(&[u8]) -> Vec<u8>;
    let flawed: [(&str, Encoder); 3] = [
        ("raw", |text| text.to_vec()),
        ("small letters", |text| envelope::plain_xtext(text).to_ascii_lowercase()),
        ("a blank", |text| {
            text.iter().map(|octet| if *octet == b' ' { b'+' } else { *octet }).collect()
        }),
    ];
    for (what, encode) in flawed {
        must_show(what, |data| !envelope::judge_xtext(data, Some(&encode(data)), 500));
    }
}

/// A check that looks at whole words only, or at no more than the first octets.
#[test]
fn paths_that_are_looked_at_in_part() {
    for seen in [8_usize, 64, 512] {
        must_show("path", |data| {
            let (path, octet) = envelope::path_with(&mut Input::new(data));
            let at = path.iter().position(|one| *one == octet).unwrap_or_default();
            at >= seen && envelope::odd(octet, path.len()) == envelope::Odd::Unusable && path.len() <= 1000
        });
    }
    must_show("bound", |data| envelope::path_with(&mut Input::new(data)).0.len() == 1001);
}
