// SPDX-License-Identifier: LGPL-2.1-or-later
//! Every way in which the library can fail, and the number a C program sees for it.

mod reason;

use std::ffi::c_int;
use std::io;

pub use reason::{Reason, last, last_cause, last_reason, restore_last, set_last, take_found, thread_mark};

/// The result of anything that can fail here.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a call or a session failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// There is neither an incomplete recipient nor an ETRN node to send.
    NothingToDo,
    /// The server closed the connection, or announced that it will (421).
    Dropped,
    /// A reply is not of the form of RFC 5321 §4.2, or nothing had asked for it.
    ResponseSyntax,
    /// The lines of one reply carry different codes.
    StatusMismatch,
    /// A well-formed reply whose code makes no sense where it came.
    ResponseStatus,
    /// An argument of an API function is not acceptable.
    Invalid,
    /// The server does not offer an extension that the application requires.
    ExtensionNotAvailable,
    /// The server's name could not be resolved.
    Resolve(ResolveError),
    /// A reply, or one line of it, is longer than its bound.
    UnterminatedResponse,
    /// The failure is on our side: TLS refused, credentials refused, a broken callback, a bug.
    Client,
    /// The operating system's `errno`, a positive number.
    System(c_int),
}

/// What `getaddrinfo` says when it finds nothing (RFC 3493 §6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResolveError {
    /// No address of the wanted family (`EAI_ADDRFAMILY`).
    AddressFamily,
    /// The name exists without an address (`EAI_NODATA`).
    NoData,
    /// The name server failed for good (`EAI_FAIL`).
    Fail,
    /// The name server failed for now (`EAI_AGAIN`).
    Again,
    /// Out of memory (`EAI_MEMORY`).
    Memory,
    /// The address family is not supported (`EAI_FAMILY`).
    Family,
    /// Bad flags (`EAI_BADFLAGS`).
    BadFlags,
    /// The name is not known (`EAI_NONAME`).
    NoName,
    /// The service is not known (`EAI_SERVICE`).
    Service,
    /// The socket type is not supported (`EAI_SOCKTYPE`).
    SocketType,
}

impl Error {
    /// The number that `smtp_errno` reports: an `SMTP_ERR_*`, or a negated `errno`.
    #[must_use]
    pub const fn code(self) -> c_int {
        match self {
            Self::NothingToDo => 2,
            Self::Dropped => 3,
            Self::ResponseSyntax => 4,
            Self::StatusMismatch => 5,
            Self::ResponseStatus => 6,
            Self::Invalid => 7,
            Self::ExtensionNotAvailable => 8,
            Self::Resolve(why) => match why {
                ResolveError::AddressFamily => 9,
                ResolveError::NoData => 10,
                ResolveError::Fail => 11,
                ResolveError::Again => 12,
                ResolveError::Memory => 13,
                ResolveError::Family => 14,
                ResolveError::BadFlags => 15,
                ResolveError::NoName => 16,
                ResolveError::Service => 17,
                ResolveError::SocketType => 18,
            },
            Self::UnterminatedResponse => 19,
            Self::Client => 20,
            Self::System(errno) => -errno,
        }
    }
}

/// An I/O error keeps its `errno`; a stream that ended is a dropped connection.
impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match (error.raw_os_error(), error.kind()) {
            (Some(errno), _) => Self::System(errno),
            (None, io::ErrorKind::UnexpectedEof) => Self::Dropped,
            (None, io::ErrorKind::TimedOut) => Self::System(libc::ETIMEDOUT),
            (None, _) => Self::Client,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_errors() {
        assert_eq!(Error::NothingToDo.code(), 2);
        assert_eq!(Error::Resolve(ResolveError::NoName).code(), 16);
        assert_eq!(Error::System(libc::ETIMEDOUT).code(), -libc::ETIMEDOUT);
    }
}
