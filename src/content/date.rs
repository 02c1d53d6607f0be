// SPDX-License-Identifier: LGPL-2.1-or-later
//! Dates as RFC 5322 §3.3 wants them, in English whatever the locale is.

use std::cell::Cell;

use super::facts::Facts;

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const SECONDS_OF_DAY: i64 = 24 * 60 * 60;
/// Octets of a date with a year of four digits.
const USUAL: usize = 31;

thread_local! {
    /// The date that was printed last: many messages leave in a second.
    static LAST: Cell<(i64, i32, [u8; USUAL])> = const { Cell::new((0, 0, *b"Thu, 01 Jan 1970 00:00:00 +0000")) };
}

/// Appends a time in the local time zone. One that cannot be represented is replaced by the
/// time now.
pub(super) fn write_local(seconds: i64, facts: &Facts<'_>, out: &mut Vec<u8>) {
    let mut at = |seconds| print_again(seconds, (facts.local_offset)(seconds)?, out);
    if at(seconds).or_else(|| at(facts.seconds)).is_none() {
        print(facts.seconds, 0, out);
    }
}

/// Appends a time as [`print`] does.
fn print_again(seconds: i64, offset: i32, out: &mut Vec<u8>) -> Option<()> {
    let (last_seconds, last_offset, text) = LAST.get();
    if (last_seconds, last_offset) == (seconds, offset) {
        out.extend_from_slice(&text);
        return Some(());
    }
    let start = out.len();
    print(seconds, offset, out)?;
    if let Some(text) = out.get(start..).and_then(|text| text.try_into().ok()) {
        LAST.set((seconds, offset, text));
    }
    Some(())
}

/// Appends a time as it is in a zone `offset` seconds ahead of UTC; nothing if that cannot be
/// represented.
fn print(seconds: i64, offset: i32, out: &mut Vec<u8>) -> Option<()> {
    let local = seconds.checked_add(offset.into())?;
    let days = local.div_euclid(SECONDS_OF_DAY);
    let of_day = local.rem_euclid(SECONDS_OF_DAY);
    let (year, month, day) = civil(days);
    // RFC 5322 has no other way to write a year than four digits or more.
    if year < 0 {
        return None;
    }
    // 1 January 1970 was a Thursday.
    let weekday = DAYS.get(usize::try_from((days + 3).rem_euclid(7)).ok()?)?;
    let month = MONTHS.get(month)?;
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    out.extend_from_slice(weekday.as_bytes());
    out.extend_from_slice(b", ");
    two_digits(out, day);
    out.push(b' ');
    out.extend_from_slice(month.as_bytes());
    out.push(b' ');
    if (0..10_000).contains(&year) {
        two_digits(out, year / 100);
        two_digits(out, year);
    } else {
        out.extend_from_slice(year.to_string().as_bytes());
    }
    for (before, value) in [(b' ', hour), (b':', minute), (b':', second)] {
        out.push(before);
        two_digits(out, value);
    }
    out.extend_from_slice(if offset < 0 { b" -" } else { b" +" });
    let minutes = i64::from(offset.unsigned_abs() / 60);
    two_digits(out, minutes / 60);
    two_digits(out, minutes % 60);
    Some(())
}

/// Appends the last two digits of a number.
fn two_digits(out: &mut Vec<u8>, number: i64) {
    for digit in [number / 10, number] {
        out.push(b'0' + u8::try_from(digit % 10).unwrap_or_default());
    }
}

/// The day that is `days` after 1 January 1970 in the Gregorian calendar: year, month (from
/// 0), day of the month (from 1).
fn civil(days: i64) -> (i64, usize, i64) {
    // Counted in years that start in March, so that a leap day is the last of its year. The
    // calendar repeats itself after 400 years, or 146,097 days.
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    // From March on, the months have 31, 30, 31, 30 and 31 days, and again: 153 in five.
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = (from_march + 2) % 12;
    let year = era * 400 + year + i64::from(month < 2);
    (year, usize::try_from(month).unwrap_or_default(), day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_times() {
        let hour = 3600;
        let known = [
            (1_136_239_445, -7 * hour, "Mon, 02 Jan 2006 15:04:05 -0700"),
            (0, 0, "Thu, 01 Jan 1970 00:00:00 +0000"),
            (-1, 0, "Wed, 31 Dec 1969 23:59:59 +0000"),
            (951_782_400, 0, "Tue, 29 Feb 2000 00:00:00 +0000"),
            (951_868_799, hour, "Wed, 01 Mar 2000 00:59:59 +0100"),
            (4_107_542_399, 0, "Sun, 28 Feb 2100 23:59:59 +0000"),
            (4_107_542_400, 0, "Mon, 01 Mar 2100 00:00:00 +0000"),
            (1_704_067_199, 0, "Sun, 31 Dec 2023 23:59:59 +0000"),
            (1_704_067_199, 1, "Mon, 01 Jan 2024 00:00:00 +0000"),
            (2_147_483_648, 5 * hour + 1800, "Tue, 19 Jan 2038 08:44:08 +0530"),
            (0, -hour - 1800, "Wed, 31 Dec 1969 22:30:00 -0130"),
            (253_402_300_800, 0, "Sat, 01 Jan 10000 00:00:00 +0000"),
            (-30_641_760_000, 0, "Tue, 01 Jan 0999 00:00:00 +0000"),
            (-62_167_219_200, 0, "Sat, 01 Jan 0000 00:00:00 +0000"),
            (-62_167_219_201, 0, ""),
        ];
        for (seconds, offset, text) in known {
            let mut printed = Vec::new();
            print(seconds, offset, &mut printed);
            assert_eq!(String::from_utf8(printed).unwrap(), text);
        }
    }

    #[test]
    fn each_day_follows_the_one_before() {
        // 400 years, after which the calendar repeats itself.
        let mut last = civil(-1);
        assert_eq!(last, (1969, 11, 31));
        for days in 0..146_097 {
            let (year, month, day) = civil(days);
            let follows = match (year - last.0, month, day) {
                (0, same, next) if same == last.1 => next == last.2 + 1,
                (0, next, 1) => next == last.1 + 1 && last.2 >= 28,
                (1, 0, 1) => last.1 == 11 && last.2 == 31,
                _ => false,
            };
            assert!(follows, "{last:?} is followed by {:?}", (year, month, day));
            last = (year, month, day);
        }
        assert_eq!(last, (2369, 11, 31));
    }

    #[test]
    fn a_time_that_cannot_be_represented_is_now() {
        let facts = |local_offset| Facts {
            seconds: 60,
            local_offset,
            ..Facts::PLAIN
        };
        let local = |seconds, facts: &Facts<'_>| {
            let mut printed = Vec::new();
            write_local(seconds, facts, &mut printed);
            String::from_utf8(printed).unwrap()
        };
        let now = "Thu, 01 Jan 1970 00:01:00 +0000";
        let before_christ = -100_000_000_000;
        assert_eq!(local(before_christ, &facts(&|_| Some(0))), now);
        assert_eq!(local(i64::MAX, &facts(&|seconds| Some(i32::from(seconds != 60)))), now);
        assert_eq!(local(i64::MIN, &facts(&|seconds| Some(-i32::from(seconds != 60)))), now);
        assert_eq!(local(5, &facts(&|seconds| (seconds == 60).then_some(0))), now);
        assert_eq!(local(5, &facts(&|_| None)), now);
    }
}
