// SPDX-License-Identifier: LGPL-2.1-or-later
//! The application's callbacks as plain data. Only `ffi` calls them.

use std::ffi::{c_char, c_int, c_long, c_void};

use std::sync::Arc;

use openssl_sys::SSL;

use super::Session;
use crate::net::Waiting;
use crate::protocol::MessageAt;
pub use crate::protocol::{Event, Question};
use crate::sasl::{Context, Due, Secret};

/// Releases application data.
pub type Release = unsafe extern "C-unwind" fn(data: *mut c_void);

/// `smtp_eventcb_t`: further arguments depend on the event.
pub type EventFunction =
    unsafe extern "C-unwind" fn(session: *mut Session, event: c_int, arg: *mut c_void, ...);

/// `smtp_monitorcb_t`.
pub type MonitorFunction =
    unsafe extern "C-unwind" fn(buf: *const c_char, len: c_int, writing: c_int, arg: *mut c_void);

/// `smtp_messagecb_t`.
pub type MessageFunction =
    unsafe extern "C-unwind" fn(ctx: *mut *mut c_void, len: *mut c_int, arg: *mut c_void) -> *const c_char;

/// Told of the progress of a session.
#[derive(Clone, Copy)]
pub struct EventCallback {
    /// The application's function.
    pub function: EventFunction,
    /// Handed back with each event.
    pub arg: *mut c_void,
}

/// Shown the dialogue.
#[derive(Clone, Copy)]
pub struct MonitorCallback {
    /// The application's function.
    pub function: MonitorFunction,
    /// Handed back with each call.
    pub arg: *mut c_void,
    /// Whether message headers are shown too.
    pub headers: bool,
}

/// Supplies the text of a message.
#[derive(Clone, Copy)]
pub struct MessageSource {
    /// The application's function.
    pub function: MessageFunction,
    /// Handed back with each call.
    pub arg: *mut c_void,
    /// It gives the same text each time that it is rewound.
    pub repeatable: bool,
}

/// What the session needs from the application next.
pub enum Call {
    /// Tell of an event.
    Tell(Event),
    /// Tell of an event and come back with the answer: [`Session::answer`].
    Ask(Question),
    /// Ask about TLS and come back with the answer: [`Session::answer`]. 0 ends the session.
    AskTls(TlsQuestion),
    /// Tell that TLS is in use.
    TellTls(TlsEstablished),
    /// Show a piece of the dialogue: [`Session::take_piece`].
    Show,
    /// Go on with an authentication exchange: ask the application for credentials, call a
    /// plug-in; then [`Session::responded`].
    Exchange {
        /// The context, which the run keeps.
        context: *const Context,
        /// What it needs.
        due: Due,
    },
    /// Release what the message callback put into its context, then go on.
    Release,
    /// Tell of the progress of a text: [`Session::take_lengths`] until there is no more.
    Progress {
        /// Position of the message.
        message: MessageAt,
    },
    /// Ask the message's source to start anew; then [`Session::rewound`].
    Rewind {
        /// Which one.
        message: MessageAt,
    },
    /// Ask the message's source for a block; then [`Session::text`].
    Read {
        /// Which one.
        message: MessageAt,
    },
    /// Wait, then go on.
    Wait(Waiting),
    /// The session is over.
    Done(crate::error::Result<()>),
}

/// What a mechanism has for the server.
#[derive(Debug)]
pub enum Answer {
    /// The answer to the challenge, or the initial response if there is one.
    Response(Option<Arc<Secret>>),
    /// Nothing: it has failed.
    Failed,
    /// Nothing: the server is not who it claims to be.
    Distrusted,
}

/// Something about TLS that the application may accept. What it points to lives until the
/// answer is there.
#[derive(Debug, Clone, Copy)]
pub enum TlsQuestion {
    /// The client certificate's key cannot be used: go on without?
    NoClientCertificate,
    /// The server's certificate is not valid.
    InvalidCertificate {
        /// OpenSSL's reason, `X509_V_ERR_*`.
        verify_result: c_long,
        /// The connection.
        ssl: *mut SSL,
    },
    WeakCipher {
        bits: c_int,
    },
    /// The server has no certificate.
    NoCertificate,
    /// The server's certificate is for another name.
    WrongCertificate {
        name_found: *const c_char,
        /// The connection.
        ssl: *mut SSL,
    },
}

/// TLS is in use.
#[derive(Debug, Clone, Copy)]
pub struct TlsEstablished {
    /// The connection.
    pub ssl: *mut SSL,
    /// The cipher's name.
    pub cipher: *const c_char,
    /// The cipher's bits.
    pub bits: c_int,
}

/// Who said a line of the dialogue (`SMTP_CB_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The server.
    Reading = 0,
    /// We.
    Writing = 1,
    /// A header of the message.
    Headers = 2,
}

/// Longest piece of the dialogue in one call of the monitor.
pub use crate::content::PIECE;

/// A piece of the dialogue for the monitor, with the NUL that programs rely on.
#[derive(Debug, Clone)]
pub struct Piece {
    buffer: [u8; PIECE + 1],
    length: u8,
    /// Who said it.
    pub direction: Direction,
}

impl Piece {
    /// Takes at most [`PIECE`] bytes of `text`.
    #[must_use]
    pub fn new(text: &[u8], direction: Direction) -> Self {
        let mut buffer = [0; PIECE + 1];
        let mut length = 0;
        for (to, from) in buffer.iter_mut().take(PIECE).zip(text) {
            *to = *from;
            length += 1;
        }
        Self { buffer, length, direction }
    }

    /// The bytes, and after them a NUL that is not counted.
    #[must_use]
    pub fn with_nul(&self) -> &[u8; PIECE + 1] {
        &self.buffer
    }

    /// How many bytes there are without the NUL.
    #[must_use]
    pub const fn length(&self) -> c_int {
        self.length as c_int
    }
}

/// What a message's source gave.
#[derive(Debug, Clone, Copy)]
pub enum Block<'a> {
    Text(&'a [u8]),
    /// The end of the headers or of the message.
    End,
    /// The source failed.
    Failed(crate::error::Error),
}
