// SPDX-License-Identifier: LGPL-2.1-or-later
//! A record of the dialogue for whoever has to find out why mail does not go.
//!
//! `LIBESMTP_TRACE` names a file, or is `stderr`. It works with any program, and costs nothing
//! if it is not set. Credentials and the text of messages are left out.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use super::callback::Direction;
use crate::host::{self, Record};
use crate::protocol::Command;

/// The variable that switches it on.
const VARIABLE: &std::ffi::CStr = c"LIBESMTP_TRACE";
/// Most that one process writes: a trace that was forgotten must not fill the disk.
const TOTAL_MAX: u64 = 16 * 1024 * 1024;
/// Most of one line that is written; longer ones are replies that no server should send. Escaped
/// it is four times as long, which a pipe takes as a whole or not at all (Linux: 4,096 octets).
const LINE_MAX: usize = 1000;

static SESSIONS: AtomicU64 = AtomicU64::new(0);
static WRITTEN: AtomicU64 = AtomicU64::new(0);

/// Where a session's record goes.
pub(super) struct Trace {
    record: Record,
    session: u64,
}

impl Trace {
    /// The record of a session that starts now; `None` if none is wanted.
    pub(super) fn begin() -> Option<Self> {
        let target = host::variable(VARIABLE).filter(|target| !target.is_empty())?;
        let record = if target == "stderr" {
            Record::on_standard_error()
        } else {
            Record::in_file(&target)
        };
        let record = record?;
        let session = SESSIONS.fetch_add(1, Ordering::Relaxed) + 1;
        Some(Self { record, session })
    }

    /// Writes something that is not part of the dialogue.
    pub(super) fn note(&mut self, what: &str) {
        self.write("--", what.as_bytes());
    }

    /// Writes a command, but for what is secret in it.
    pub(super) fn command(&mut self, command: &Command, line: &[u8]) {
        match command {
            Command::Auth(_) => self.write("C:", without_credentials(line.trim_ascii_end())),
            _ => self.line(Direction::Writing, line),
        }
    }

    /// Writes a line of the dialogue.
    pub(super) fn line(&mut self, direction: Direction, line: &[u8]) {
        let who = if direction == Direction::Reading { "S:" } else { "C:" };
        self.write(who, line.trim_ascii_end());
    }

    fn write(&mut self, who: &str, what: &[u8]) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let shown = what.get(..LINE_MAX).unwrap_or(what);
        let cut = if shown.len() < what.len() { " ..." } else { "" };
        let text = format!(
            "{}.{:06} [{}.{}] {who} {}{cut}\n",
            now.as_secs(),
            now.subsec_micros(),
            std::process::id(),
            self.session,
            shown.escape_ascii()
        );
        let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
        if WRITTEN.fetch_add(length, Ordering::Relaxed) > TOTAL_MAX {
            return;
        }
        self.record.write(text.as_bytes());
    }
}

/// The mechanism of an AUTH command; of an answer nothing.
fn without_credentials(line: &[u8]) -> &[u8] {
    match line {
        b"*" | b"" => line,
        _ if line.starts_with(b"AUTH ") => {
            let mut spaces = line.iter().enumerate().filter(|(_, byte)| **byte == b' ');
            let end = spaces.nth(1).map_or(line.len(), |(at, _)| at);
            line.get(..end).unwrap_or_default()
        }
        _ => b"(credentials)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_left_out() {
        assert_eq!(without_credentials(b"AUTH PLAIN AHVzZXIAc2VjcmV0"), b"AUTH PLAIN");
        assert_eq!(without_credentials(b"AUTH CRAM-MD5"), b"AUTH CRAM-MD5");
        assert_eq!(without_credentials(b"c2VjcmV0"), b"(credentials)");
        assert_eq!(without_credentials(b"*"), b"*");
    }
}
