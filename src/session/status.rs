// SPDX-License-Identifier: LGPL-2.1-or-later
//! The status that a C program reads: what the server said of a message, path or node.

use std::borrow::Cow;
use std::cell::Cell;
use std::ffi::{c_char, c_int};
use std::mem::offset_of;
use std::ptr;

use super::texts::{Place, Texts};
use crate::protocol::{EnhancedCode, Reply};

/// The last reply about its owner, laid out so that its first five fields are the C
/// `struct smtp_status`.
///
/// C keeps a pointer to it for as long as the owner lives. The fields are cells: a status
/// changes only by replacing their contents, never under a `&mut`.
#[repr(C)]
pub struct Status {
    code: Cell<c_int>,
    text: Cell<*mut c_char>,
    class: Cell<c_int>,
    subject: Cell<c_int>,
    detail: Cell<c_int>,
    place: Cell<Place>,
}

/// What a status says, as C has it.
pub(super) struct Words<'a> {
    code: c_int,
    // Class, subject and detail; 0 if there are none.
    enhanced: [c_int; 3],
    text: Cow<'a, [u8]>,
}

impl<'a> From<&'a Reply> for Words<'a> {
    fn from(reply: &'a Reply) -> Self {
        let numbers = |code: EnhancedCode| [code.class, code.subject, code.detail].map(c_int::from);
        Self {
            code: reply.code().value().into(),
            enhanced: reply.enhanced().map_or([0; 3], numbers),
            text: reply.status_text(),
        }
    }
}

impl Default for Status {
    fn default() -> Self {
        Self {
            code: Cell::new(0),
            text: Cell::new(ptr::null_mut()),
            class: Cell::new(0),
            subject: Cell::new(0),
            detail: Cell::new(0),
            place: Cell::default(),
        }
    }
}

impl Status {
    /// Where its first five fields lie: C reads them.
    pub const LAYOUT: [usize; 5] = [
        offset_of!(Self, code),
        offset_of!(Self, text),
        offset_of!(Self, class),
        offset_of!(Self, subject),
        offset_of!(Self, detail),
    ];

    /// The three-digit reply code, 0 while there is none.
    #[must_use]
    pub fn code(&self) -> c_int {
        self.code.get()
    }

    /// Whether nothing was said yet, or it was forgotten.
    pub(super) fn is_clear(&self) -> bool {
        self.code.get() == 0
    }

    /// Takes over a complete, valid reply; its text is kept with those of the session.
    pub(super) fn set(&self, reply: &Reply, texts: &Texts) {
        self.say(&Words::from(reply), texts);
    }

    /// The same for one of many that get the same reply.
    pub(super) fn say(&self, words: &Words<'_>, texts: &Texts) {
        let Words {
            code,
            enhanced: [class, subject, detail],
            text,
        } = words;
        self.code.set(*code);
        self.class.set(*class);
        self.subject.set(*subject);
        self.detail.set(*detail);
        self.text.set(texts.write(&self.place, text));
    }

    /// Back to "nothing yet": code 0, no text.
    pub fn clear(&self) {
        self.code.set(0);
        self.class.set(0);
        self.subject.set(0);
        self.detail.set(0);
        self.text.set(ptr::null_mut());
    }
}
