// SPDX-License-Identifier: LGPL-2.1-or-later
//! Message identifiers that the library makes (RFC 5322 §3.6.4).

use std::sync::atomic::{AtomicU64, Ordering};

use super::facts::Facts;

/// Microseconds since 1970 in the last identifier. Time, process and host make one unique
/// only if no time comes twice, so two messages within a microsecond, or a clock that is set
/// back, must not lead to the same one.
static LAST: AtomicU64 = AtomicU64::new(0);

const MICROSECONDS: u64 = 1_000_000;

/// Appends `<seconds.microseconds.process@host>`, never the same twice.
pub(super) fn write_unique(facts: &Facts<'_>, out: &mut Vec<u8>) {
    let seconds = u64::try_from(facts.seconds).unwrap_or_default();
    let now = seconds.saturating_mul(MICROSECONDS).saturating_add(facts.microseconds.into());
    let next = |last: u64| now.max(last.saturating_add(1));
    let last = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(next(last)));
    let time = next(last.unwrap_or_default());
    print(time, facts, out);
}

fn print(time: u64, facts: &Facts<'_>, out: &mut Vec<u8>) {
    out.push(b'<');
    for number in [time / MICROSECONDS, time % MICROSECONDS] {
        decimal(number, out);
        out.push(b'.');
    }
    decimal(facts.pid.into(), out);
    out.push(b'@');
    out.extend_from_slice(facts.localhost);
    out.push(b'>');
}

/// Appends a number. The formatting of `std` takes several times as long, for each message.
fn decimal(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn facts() -> Facts<'static> {
        Facts {
            seconds: 1_136_239_445,
            microseconds: 30_859,
            pid: 77,
            localhost: b"mail.example.org",
            ..Facts::PLAIN
        }
    }

    #[test]
    fn time_process_and_host() {
        let mut id = Vec::new();
        print(1_136_239_445_030_859, &facts(), &mut id);
        assert_eq!(id, b"<1136239445.30859.77@mail.example.org>");
    }

    #[test]
    fn numbers() {
        for number in [0, 9, 10, 30_859, 1_136_239_445, u64::MAX] {
            let mut digits = Vec::new();
            decimal(number, &mut digits);
            assert_eq!(digits, number.to_string().into_bytes());
        }
    }

    #[test]
    fn no_two_are_alike() {
        let unique = |_| {
            let mut id = Vec::new();
            write_unique(&facts(), &mut id);
            id
        };
        let ids: HashSet<_> = (0..1000).map(unique).collect();
        assert_eq!(ids.len(), 1000);
    }
}
