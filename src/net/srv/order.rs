// SPDX-License-Identifier: LGPL-2.1-or-later
//! The order in which a client tries the targets of SRV records (RFC 2782).

use super::Target;

/// What an SRV record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) priority: u16,
    pub(super) weight: u16,
    pub(super) target: Target,
}

/// Lower priorities first; within one, at random, each target as often first as its weight
/// says. `random_up_to` gives a number from 0 to its argument.
pub(super) fn in_order(mut records: Vec<Record>, mut random_up_to: impl FnMut(u64) -> u64) -> Vec<Target> {
    // Those of weight 0 come first in each priority, so that they have a small chance too.
    records.sort_by_key(|record| (record.priority, record.weight != 0));
    let mut targets = Vec::with_capacity(records.len());
    while let Some(first) = records.first() {
        let priority = first.priority;
        let weights = || {
            records
                .iter()
                .take_while(|record| record.priority == priority)
                .map(|record| u64::from(record.weight))
        };
        let chosen = random_up_to(weights().sum());
        let sums = weights().scan(0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        });
        let at = sums.take_while(|sum| *sum < chosen).count();
        targets.push(records.remove(at).target);
    }
    targets
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(priority: u16, weight: u16, host: &str) -> Record {
        let target = Target { host: host.to_owned(), port: 587 };
        Record { priority, weight, target }
    }

    fn hosts(targets: Vec<Target>) -> String {
        let hosts: Vec<_> = targets.into_iter().map(|target| target.host).collect();
        hosts.join(" ")
    }

    #[test]
    fn lower_priorities_come_first_whatever_is_drawn() {
        let records = vec![record(20, 65535, "d"), record(10, 0, "b"), record(0, 1, "a"), record(10, 0, "c")];
        assert_eq!(hosts(in_order(records.clone(), |_| 0)), "a b c d");
        assert_eq!(hosts(in_order(records, |most| most)), "a b c d");
        assert_eq!(hosts(in_order(Vec::new(), |most| most)), "");
    }

    #[test]
    fn what_is_drawn_chooses_by_the_running_sum() {
        let records = || vec![record(1, 3, "a"), record(1, 0, "none"), record(1, 2, "b")];
        // Sums: none 0, a 3, b 5.
        for (drawn, first) in [(0, "none"), (1, "a"), (3, "a"), (4, "b"), (5, "b")] {
            let mut most = Vec::new();
            let targets = in_order(records(), |sum| {
                most.push(sum);
                drawn.min(sum)
            });
            assert_eq!(targets.first().map(|target| target.host.as_str()), Some(first), "{drawn}");
            assert_eq!((targets.len(), most.first()), (3, Some(&5)));
        }
        let mut most = Vec::new();
        in_order(records(), |sum| {
            most.push(sum);
            0
        });
        assert_eq!(most, [5, 5, 2]);
    }

    #[test]
    fn weights_are_shares() {
        // All that can be drawn once each: shares are then exact, but for weight 0's one.
        let mut first = [0; 3];
        for drawn in 0..=100 {
            let records = vec![record(1, 75, "a"), record(1, 25, "b"), record(1, 0, "c")];
            let mut calls = 0;
            let targets = in_order(records, |most| {
                calls += 1;
                if calls == 1 { drawn } else { most }
            });
            match targets.first().map(|target| target.host.as_str()) {
                Some("a") => first[0] += 1,
                Some("b") => first[1] += 1,
                _ => first[2] += 1,
            }
        }
        assert_eq!(first, [75, 25, 1]);
    }

    #[test]
    fn the_greatest_weights_do_not_overflow() {
        let records = vec![record(1, u16::MAX, "a"); 3];
        let mut sums = Vec::new();
        in_order(records, |most| {
            sums.push(most);
            most
        });
        assert_eq!(sums, [196_605, 131_070, 65_535]);
    }
}
