// SPDX-License-Identifier: LGPL-2.1-or-later
//! Messages in memory, with any settings at all.

use std::cell::{Cell, RefCell};

use esmtp::protocol::{Required, StartTls};

use super::input::Input;
use super::mailbag::{Mailbag, Message, Recipient};

/// What an application may have set up.
pub(crate) fn any(input: &mut Input<'_>) -> Mailbag {
    let messages = (0..input.below(5)).map(|_| Message {
        recipients: vec![Recipient::default(); input.below(4)],
        utf8: input.below(8) == 1,
        binary: input.below(16) == 1,
        repeatable: input.below(4) == 1,
        by: (input.below(8) == 1).then(|| i64::from(input.byte()) - 100),
        ..Message::default()
    });
    let messages = RefCell::new(messages.collect());
    let starttls = match input.below(8) {
        1 => StartTls::Enabled,
        2 => StartTls::Required,
        _ => StartTls::Disabled,
    };
    let rarely = |input: &mut Input<'_>| input.below(8) == 1;
    Mailbag {
        messages,
        starttls: Cell::new(starttls),
        auth: Cell::new(input.flag()),
        required: Cell::new(Required {
            dsn: rarely(input),
            eight_bit: rarely(input),
            binary: rarely(input),
            etrn: rarely(input),
        }),
        require_all: Cell::new(rarely(input)),
        nodes: RefCell::new(vec![0; input.below(8) / 6]),
        ..Mailbag::default()
    }
}
