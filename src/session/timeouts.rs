// SPDX-License-Identifier: LGPL-2.1-or-later
//! How long each reply may take (RFC 5321 §4.5.3.2).

use std::time::Duration;

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timeout {
    /// Each reply and handshake before the first MAIL.
    Greeting,
    /// Replies to MAIL, RCPT and RSET.
    Envelope,
    /// The reply to DATA.
    Data,
    /// The server's taking a block of text.
    Transfer,
    /// The reply to the end of the text.
    EndOfData,
}

/// The time-outs of a session.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    greeting: Duration,
    envelope: Duration,
    data: Duration,
    transfer: Duration,
    end_of_data: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let default = Timeout::minimum;
        Self {
            greeting: default(Timeout::Greeting),
            envelope: default(Timeout::Envelope),
            data: default(Timeout::Data),
            transfer: default(Timeout::Transfer),
            end_of_data: default(Timeout::EndOfData),
        }
    }
}

impl Timeout {
    /// The default, and the least that RFC 5321 §4.5.3.2 allows.
    const fn minimum(self) -> Duration {
        Duration::from_secs(match self {
            Self::Greeting | Self::Envelope => 300,
            Self::Data => 120,
            Self::Transfer => 180,
            Self::EndOfData => 600,
        })
    }
}

impl Timeouts {
    /// The least time-out of an application that overrides the RFC's.
    const OVERRIDE_MINIMUM: Duration = Duration::from_secs(1);
    /// A QUIT that nobody answers need not hold the application for minutes.
    const QUIT_MAXIMUM: Duration = Duration::from_secs(10);

    /// Sets a time-out, raised to the least value allowed; returns what was set.
    pub fn set(&mut self, which: Timeout, value: Duration, below_rfc: bool) -> Duration {
        let least = if below_rfc { Self::OVERRIDE_MINIMUM } else { which.minimum() };
        let value = value.max(least);
        *match which {
            Timeout::Greeting => &mut self.greeting,
            Timeout::Envelope => &mut self.envelope,
            Timeout::Data => &mut self.data,
            Timeout::Transfer => &mut self.transfer,
            Timeout::EndOfData => &mut self.end_of_data,
        } = value;
        value
    }

    /// The time-out for something.
    #[must_use]
    pub const fn of(&self, which: Timeout) -> Duration {
        match which {
            Timeout::Greeting => self.greeting,
            Timeout::Envelope => self.envelope,
            Timeout::Data => self.data,
            Timeout::Transfer => self.transfer,
            Timeout::EndOfData => self.end_of_data,
        }
    }

    /// The time-out for the reply to QUIT.
    #[must_use]
    pub fn quit(&self) -> Duration {
        self.envelope.min(Self::QUIT_MAXIMUM)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_below_the_minimum_are_raised() {
        let mut timeouts = Timeouts::default();
        let second = Duration::from_secs(1);
        assert_eq!(timeouts.set(Timeout::Data, second, false), Duration::from_secs(120));
        assert_eq!(timeouts.set(Timeout::Data, second / 2, true), second);
        assert_eq!(timeouts.of(Timeout::Data), second);
        let long = Duration::from_millis(i64::MAX as u64);
        assert_eq!(timeouts.set(Timeout::Envelope, long, false), long);
        assert_eq!(timeouts.quit(), Duration::from_secs(10));
    }
}
