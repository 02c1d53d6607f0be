// SPDX-License-Identifier: LGPL-2.1-or-later
//! OpenSSL keeps a queue of errors for each thread, which the application shares with us.

use openssl::error::ErrorStack;

/// Runs `operation` with an empty queue and leaves it empty. An old entry would be taken for
/// an error of the operation (`SSL_get_error` looks at the queue), and one of ours for an
/// error of the application's next call.
pub(super) fn with_clean_queue<T>(operation: impl FnOnce() -> T) -> T {
    clear();
    let result = operation();
    clear();
    result
}

/// What OpenSSL gives as the cause.
pub(super) fn said(errors: &ErrorStack) -> &'static str {
    let first = errors.errors().first();
    first.and_then(|error| error.reason()).unwrap_or("OpenSSL gives no reason")
}

fn clear() {
    // SAFETY: the function takes no argument and touches only the calling thread's queue.
    unsafe { openssl_sys::ERR_clear_error() };
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::x509::X509;

    #[test]
    fn old_entries_are_not_seen_and_new_ones_not_left() {
        let leave_an_error = || {
            let errors = X509::from_pem(b"no certificate").expect_err("not PEM");
            errors.put();
        };
        leave_an_error();
        let inside = with_clean_queue(|| {
            let inside = ErrorStack::get();
            leave_an_error();
            inside
        });
        assert!(inside.errors().is_empty());
        assert!(ErrorStack::get().errors().is_empty());
    }
}
