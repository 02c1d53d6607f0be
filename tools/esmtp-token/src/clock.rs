// SPDX-License-Identifier: LGPL-2.1-or-later
//! The time of day, which may jump, and deadlines, which do not.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::error::{Error, Kind, Result};

/// Seconds since 1970.
pub(crate) fn now() -> Result<u64> {
    let passed = SystemTime::now().duration_since(UNIX_EPOCH);
    passed
        .map(|passed| passed.as_secs())
        .map_err(|_| Error::new(Kind::Configuration, "the clock is before 1970"))
}

/// When a run has to be over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    pub(crate) fn after(time: Duration) -> Self {
        Self(Instant::now() + time)
    }

    pub(crate) fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    pub(crate) fn passed(self) -> bool {
        self.left().is_zero()
    }

    /// Waits, unless that were too long.
    pub(crate) fn wait(self, time: Duration) -> bool {
        if time >= self.left() {
            return false;
        }
        std::thread::sleep(time);
        true
    }
}

/// By how many seconds our clock is behind the server's (negative: ahead), as its `Date` says.
pub(crate) fn behind(date: &str) -> Option<i64> {
    let theirs = httpdate::parse_http_date(date).ok()?;
    let seconds = |time: Duration| i64::try_from(time.as_secs()).ok();
    match theirs.duration_since(SystemTime::now()) {
        Ok(behind) => seconds(behind),
        Err(ahead) => seconds(ahead.duration()).map(|ahead| -ahead),
    }
}
