// SPDX-License-Identifier: LGPL-2.1-or-later
//! All dialogues up to a size: the engine is driven through each reply that a server may give at each
//! point, through each moment at which a reply may be read, each end of the connection, and a second
//! session for what was left. States that were met before are not gone through again.
//!
//! What holds in each of them:
//! - a recipient is shown as served only if the server has taken the message for it (no false success),
//!   and is sent to again only if it has not (no message twice);
//! - after a session without error each recipient has its outcome (nobody is lost);
//! - no text leaves before the server is known to take it for somebody, and with no command before it;
//! - no text ends up with the recipients of another message, and no empty one with anybody;
//! - a reply is waited for only if one is due, and can be read whenever one is due, so that no buffer
//!   need hold more than a few of them (no deadlock); and each dialogue ends.
//!
//! `ESMTP_EXPLORATION=1 cargo test --test exploration -- --nocapture` goes further, and says how many
//! states there were.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may stop"
)]

#[path = "../dialogue/mailbag.rs"]
#[allow(dead_code, unreachable_pub, reason = "it is for other tests, too")]
mod mailbag;
mod server;
mod world;

use std::cell::{Cell, RefCell};

use mailbag::{Mailbag, Message, Recipient};
use world::{Deceit, Explored, Scene, explore};

/// Messages with so many recipients each.
fn mail(recipients: &[usize]) -> Mailbag {
    let message = |count: &usize| Message {
        recipients: vec![Recipient::default(); *count],
        repeatable: true,
        ..Message::default()
    };
    Mailbag {
        messages: RefCell::new(recipients.iter().map(message).collect()),
        ..Mailbag::default()
    }
}

/// The same in chunks.
fn binary_mail(recipients: &[usize]) -> Mailbag {
    let mailbag = mail(recipients);
    mailbag.messages.borrow_mut().iter_mut().for_each(|message| message.binary = true);
    mailbag
}

/// The same with the second recipient of each no mailbox.
fn odd_mail(recipients: &[usize]) -> Mailbag {
    let mailbag = mail(recipients);
    for message in mailbag.messages.borrow_mut().iter_mut() {
        message.recipients.iter_mut().skip(1).take(1).for_each(|one| one.unusable = true);
    }
    mailbag
}

fn all_or_nobody(recipients: &[usize]) -> Mailbag {
    Mailbag {
        require_all: Cell::new(true),
        ..mail(recipients)
    }
}

const NOTHING: &[&str] = &[];
const PIPELINING: &[&str] = &["PIPELINING"];
const BINARY: &[&str] = &["PIPELINING", "CHUNKING", "BINARYMIME"];
const SLOW_BINARY: &[&str] = &["CHUNKING", "BINARYMIME"];
const LIMITS: &[&str] = &["PIPELINING", "LIMITS RCPTMAX=1 MAILMAX=2"];
const OLD_EXCHANGE: &[&str] = &["PIPELINING", "CHUNKING", "BINARYMIME", "XEXCH50"];
const CODES: &[&str] = &["PIPELINING", "ENHANCEDSTATUSCODES"];

fn scene(name: &'static str, mailbag: Mailbag, offers: &'static [&'static str]) -> Scene {
    Scene {
        name,
        mailbag,
        offers,
        window: 4,
        at_once: false,
        sessions: 2,
        deceit: Deceit::None,
    }
}

/// Seconds in a debug build.
fn small_scenes() -> Vec<Scene> {
    let at_once = |scene: Scene| Scene { at_once: true, ..scene };
    vec![
        scene("one by one", mail(&[2]), NOTHING),
        scene("a message to two", mail(&[2]), PIPELINING),
        at_once(scene("a message to two, at once", mail(&[2]), PIPELINING)),
        Scene {
            window: 2,
            sessions: 1,
            ..scene("two messages", mail(&[1, 1]), PIPELINING)
        },
        Scene {
            sessions: 1,
            ..scene("a message in chunks", binary_mail(&[1]), BINARY)
        },
        scene("no mailbox", odd_mail(&[2]), PIPELINING),
        scene("all or nobody", all_or_nobody(&[2]), PIPELINING),
        Scene {
            sessions: 1,
            ..scene("limits", mail(&[2]), LIMITS)
        },
    ]
}

fn large_scenes() -> Vec<Scene> {
    let at_once = |scene: Scene| Scene { at_once: true, ..scene };
    vec![
        scene("two messages, one by one", mail(&[1, 2]), NOTHING),
        scene("two messages", mail(&[2, 1]), PIPELINING),
        at_once(scene("two messages, at once", mail(&[1, 2]), PIPELINING)),
        at_once(scene("a message to four", mail(&[4]), PIPELINING)),
        Scene {
            sessions: 1,
            ..scene("three messages", mail(&[1, 1, 1]), PIPELINING)
        },
        scene("two messages in chunks", binary_mail(&[1, 1]), BINARY),
        scene("two messages in chunks, one by one", binary_mail(&[1, 1]), SLOW_BINARY),
        scene("chunks to old Exchange", binary_mail(&[2]), OLD_EXCHANGE),
        scene("two messages with no mailbox", odd_mail(&[3, 2]), PIPELINING),
        scene("two messages, all or nobody", all_or_nobody(&[2, 1]), PIPELINING),
        scene("limits, two messages", mail(&[2, 1]), LIMITS),
        scene("codes that are missing", mail(&[1]), CODES),
        // Everything that is written may be without answer.
        Scene {
            window: 8,
            ..at_once(scene("two messages, all written", mail(&[2, 2]), PIPELINING))
        },
        Scene {
            window: 8,
            ..scene("three messages, two sessions", mail(&[1, 2, 1]), PIPELINING)
        },
        Scene {
            window: 8,
            sessions: 3,
            ..scene("two messages, three sessions", mail(&[2, 1]), PIPELINING)
        },
        Scene {
            window: 8,
            sessions: 3,
            ..scene("limits, three messages", mail(&[2, 2, 1]), LIMITS)
        },
    ]
}

fn explored(scene: &Scene) -> Explored {
    let explored = explore(scene).unwrap_or_else(|fault| panic!("{fault}"));
    println!(
        "{:<40} {:>9} states, {:>7} ends, {:>6} with nothing left",
        scene.name, explored.states, explored.ends, explored.complete
    );
    assert!(explored.complete > 0 && explored.complete < explored.ends);
    explored
}

#[test]
fn all_dialogues_end_well() {
    let mut scenes = small_scenes();
    if std::env::var_os("ESMTP_EXPLORATION").is_some() {
        scenes.extend(large_scenes());
    }
    let states: usize = scenes.iter().map(|scene| explored(scene).states).sum();
    println!("{states} states");
}

/// What is looked for would be found.
#[test]
fn planted_defects_are_found() {
    for (deceit, fault) in [
        (Deceit::LostRset, "the recipients of another message"),
        (Deceit::FalseSuccess, "served is false"),
        (Deceit::FalseRefusal, "served is true"),
        (Deceit::Hasty, "taken for commands"),
        (Deceit::Late, "than there is room for"),
    ] {
        let scene = Scene {
            deceit,
            window: if deceit == Deceit::Late { 2 } else { 4 },
            sessions: 1,
            ..scene("a defect", mail(&[1, 1]), PIPELINING)
        };
        let report = explore(&scene).expect_err("a defect is planted");
        let first = report.lines().next().unwrap_or_default();
        assert!(first.contains(fault), "{deceit:?}: {report}");
    }
}
