// SPDX-License-Identifier: LGPL-2.1-or-later
//! Why an error came about, and the calling thread's last error with its reason.
//!
//! An [`Error`] is a number with a meaning: small, copied freely, compared. Its reason is a line of
//! text, found deep down and wanted at the boundary alone. So it does not travel through every
//! result in between: where the failure is found it is laid down for the thread
//! ([`Error::because`]), with the number that it belongs to, and taken up by whoever makes that
//! number known. Nothing is allocated for it, and what succeeds never looks at it.
//!
//! Before the application is called, the session takes over what was laid down: a callback may
//! use the library too, and fail.

use std::cell::Cell;
use std::ffi::c_int;
use std::fmt::{self, Write as _};

use super::Error;

/// Most octets of a reason. Programs print it into 256 with the number's text in front.
const REASON_MAX: usize = 240;

/// One line of text for an error, cut at `REASON_MAX`.
#[derive(Debug, Clone, Copy)]
pub struct Reason {
    // The number that it is the reason of; 0 = there is none.
    code: c_int,
    // The system's number for what was behind it; 0 = nothing of the system's.
    cause: c_int,
    length: u8,
    text: [u8; REASON_MAX],
}

impl Reason {
    /// There is none.
    pub const NONE: Self = Self {
        code: 0,
        cause: 0,
        length: 0,
        text: [0; REASON_MAX],
    };

    /// The text; empty if there is none.
    #[must_use]
    pub fn text(&self) -> &str {
        let text = self.text.get(..usize::from(self.length)).unwrap_or_default();
        std::str::from_utf8(text).unwrap_or_default()
    }

    /// Whether it is the reason of this error.
    #[must_use]
    pub const fn is_of(&self, error: Error) -> bool {
        self.code == error.code()
    }

    /// The system's number for what was behind it, 0 if it has none.
    #[must_use]
    pub const fn cause(&self) -> c_int {
        self.cause
    }

    /// Lays it down anew, for the next [`set_last`].
    pub fn renew(self) {
        if self.code != 0 {
            FOUND.set(self);
        }
    }

    fn of(self, code: c_int) -> Self {
        if self.code == code { self } else { Self { code, ..Self::NONE } }
    }

    /// Appends a character if there is room for it. A line end, or what moves the cursor of a
    /// terminal, becomes a blank; of several blanks one is left.
    fn push(&mut self, character: char) -> fmt::Result {
        let character = if moves_on(character) { ' ' } else { character };
        if character == ' ' && (self.length == 0 || self.text().ends_with(' ')) {
            return Ok(());
        }
        let start = usize::from(self.length);
        let end = start + character.len_utf8();
        let room = self.text.get_mut(start..end).ok_or(fmt::Error)?;
        character.encode_utf8(room);
        self.length = u8::try_from(end).map_err(|_| fmt::Error)?;
        Ok(())
    }
}

/// Whether a terminal or a log takes the character for more than itself.
fn moves_on(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

impl fmt::Write for Reason {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|character| self.push(character))
    }
}

impl Error {
    /// Lays down why: the text goes behind that of the number. It must hold no secret.
    #[must_use]
    pub fn because(self, why: impl fmt::Display) -> Self {
        let cause = match self {
            Self::System(errno) => errno,
            _ => 0,
        };
        self.lay_down(&why, cause)
    }

    /// As [`Error::because`], with the system's number for what was behind it.
    #[must_use]
    pub fn caused_by(self, errno: c_int, why: impl fmt::Display) -> Self {
        self.lay_down(&why, errno)
    }

    /// Memory is short.
    #[must_use]
    pub fn no_memory() -> Self {
        Self::Client.caused_by(libc::ENOMEM, "out of memory")
    }

    // Once, and not in each of the functions that can fail.
    #[cold]
    #[inline(never)]
    fn lay_down(self, why: &dyn fmt::Display, cause: c_int) -> Self {
        let mut reason = Reason { code: self.code(), cause, ..Reason::NONE };
        // It fails when the text is full.
        let _ = write!(reason, "{why}");
        if reason.text().ends_with(' ') {
            reason.length -= 1;
        }
        FOUND.set(reason);
        self
    }
}

thread_local! {
    // Both are constant-initialised and without destructor: a destructor would pin a library
    // that the host wants to unload.
    static LAST: Cell<Reason> = const { Cell::new(Reason::NONE) };
    static FOUND: Cell<Reason> = const { Cell::new(Reason::NONE) };
}

/// Takes up what was laid down since the last time.
#[must_use]
pub fn take_found() -> Option<Reason> {
    FOUND.with(|found| {
        if found.get().code == 0 {
            return None;
        }
        Some(found.replace(Reason::NONE))
    })
}

/// The number of the calling thread's last error, 0 if there was none.
#[must_use]
pub fn last() -> c_int {
    LAST.with(|last| last.get().code)
}

/// The reason of the calling thread's last error.
#[must_use]
pub fn last_reason() -> Reason {
    LAST.get()
}

/// What `errno` is after the calling thread's last error: the system's number if it had one to
/// do with it, else 0.
#[must_use]
pub fn last_cause() -> c_int {
    let last = LAST.get();
    if last.code < 0 { last.code.saturating_neg() } else { last.cause }
}

/// Makes `error` the calling thread's last error, with the reason that was laid down for it.
#[cold]
#[inline(never)]
pub fn set_last(error: Error) {
    LAST.set(take_found().unwrap_or(Reason::NONE).of(error.code()));
}

/// Puts back a number that [`last`] gave earlier. What was laid down since is of no interest.
pub fn restore_last(code: c_int) {
    let _ = take_found();
    LAST.set(Reason { code, ..Reason::NONE });
}

/// An address that is different in each living thread: tells whether two moments belong to
/// the same one.
#[must_use]
pub fn thread_mark() -> usize {
    LAST.with(|last| std::ptr::from_ref(last).addr())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last_text() -> String {
        last_reason().text().to_owned()
    }

    #[test]
    fn each_thread_has_its_own_last_error() {
        set_last(Error::Dropped);
        let other = std::thread::spawn(|| (last(), thread_mark())).join();
        let (code, mark) = other.expect("the thread does not panic");
        assert_eq!(code, 0);
        assert_ne!(mark, thread_mark());
        assert_eq!(last(), Error::Dropped.code());
    }

    #[test]
    fn a_reason_belongs_to_its_number() {
        set_last(Error::Client.because("certificate has expired"));
        assert_eq!(last_text(), "certificate has expired");
        let _ = Error::Client.because("overcome");
        set_last(Error::Dropped);
        assert_eq!((last(), last_text().as_str()), (Error::Dropped.code(), ""));
        set_last(Error::Client);
        assert_eq!(last_text(), "", "what was laid down for another time is not used");
    }

    #[test]
    fn after_a_success_only_the_number_is_left() {
        set_last(Error::Client.because("certificate has expired"));
        let _ = Error::Client.because("an address that failed on the way");
        restore_last(Error::Client.code());
        assert_eq!((last(), last_text().as_str()), (Error::Client.code(), ""));
    }

    #[test]
    fn a_reason_is_one_line_without_control_characters() {
        set_last(Error::Client.because("\t554-no\r\n554 \x1b[2J\u{9b}way\u{7f}\r\n"));
        assert_eq!(last_text(), "554-no 554 [2J way");
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        for blanks in 0..4 {
            let _ = Error::Client.because(format_args!("{}{}", "x".repeat(blanks), "\u{20ac}".repeat(100)));
            let reason = take_found().expect("laid down");
            let expected = blanks + (REASON_MAX - blanks) / 3 * 3;
            assert_eq!(reason.text().len(), expected);
        }
    }

    #[test]
    fn the_cause_is_the_system_s_number() {
        set_last(Error::System(libc::ECONNREFUSED));
        assert_eq!(last_cause(), libc::ECONNREFUSED);
        set_last(Error::Dropped.caused_by(libc::ECONNRESET, "while the greeting was waited for"));
        assert_eq!((last(), last_cause()), (3, libc::ECONNRESET));
        set_last(Error::ResponseSyntax);
        assert_eq!(last_cause(), 0);
    }

    #[test]
    fn a_session_keeps_it_while_the_application_runs() {
        let error = Error::Client.because("of the session");
        let kept = take_found().expect("laid down");
        set_last(Error::Invalid.because("of a callback"));
        kept.renew();
        set_last(error);
        assert_eq!(last_text(), "of the session");
    }
}
