// SPDX-License-Identifier: LGPL-2.1-or-later
//! Errors in words.

use std::ffi::{CStr, CString, c_int};
use std::fmt;

use crate::error::Error;
use crate::{host, net};

/// The text of a number that `smtp_errno` may give.
#[must_use]
pub fn describe(code: c_int) -> CString {
    let text: &CStr = match code {
        ..0 => return host::system_message(code.wrapping_neg()),
        0 => c"No Error",
        1 => c"",
        2 => c"Nothing to do",
        3 => c"SMTP server dropped connection",
        4 => c"Invalid SMTP syntax in server response",
        5 => c"SMTP Status code mismatch on continuation line",
        6 => c"Invalid SMTP status code in server response",
        7 => c"Invalid API function argument",
        8 => c"Requested SMTP extension not available",
        9..=18 => return net::resolver_message(code),
        19 => c"Unterminated server response",
        20 => c"Client error",
        _ => return CString::new(format!("Error {code}")).unwrap_or_default(),
    };
    text.to_owned()
}

/// An error with its reason, which may be empty, as a program shows it.
pub(super) struct Explained<'a>(pub(super) Error, pub(super) &'a str);

impl fmt::Display for Explained<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(error, reason) = self;
        f.write_str(&describe(error.code()).to_string_lossy())?;
        if reason.is_empty() { Ok(()) } else { write!(f, ": {reason}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_follows_if_there_is_one() {
        assert_eq!(Explained(Error::Client, "").to_string(), "Client error");
        let why = "certificate has expired";
        assert_eq!(Explained(Error::Client, why).to_string(), "Client error: certificate has expired");
        let refused = Error::System(libc::ECONNREFUSED);
        assert_eq!(Explained(refused, "192.0.2.1:25").to_string(), "Connection refused: 192.0.2.1:25");
    }
}
