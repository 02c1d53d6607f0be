// SPDX-License-Identifier: LGPL-2.1-or-later
//! The fuzz targets without a fuzzer: bytes that look random, and seeds changed at random, the
//! same in each run. Briefly, unless `PROPERTY_ROUNDS` says how many inputs each target gets
//! (`scripts/fuzz --oracles`); `PROPERTY_TARGETS` names those that run, all if it is not set.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    unsafe_code,
    reason = "a test may stop and says how far it came; a target makes a TLS context"
)]

#[allow(dead_code, unreachable_pub, reason = "another crate uses it too")]
#[path = "../../fuzz/src/lib.rs"]
mod targets;

use std::sync::Mutex;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use targets::{TARGETS, Target, kept};

/// Inputs for each target, unless they take longer than that.
const ROUNDS: usize = 20_000;
const LONGEST: Duration = Duration::from_secs(4);

/// A small generator of the same numbers in each run (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % bound
    }

    fn byte(&mut self) -> u8 {
        const TELLING: &[u8] = b"\0\r\n .:-+=\"<>\\259\x01\x7f\x80\xff";
        match self.below(3) {
            0 => TELLING[self.below(TELLING.len())],
            _ => self.any(),
        }
    }

    fn any(&mut self) -> u8 {
        u8::try_from(self.below(256)).expect("a byte")
    }

    /// Changes a few bytes.
    fn change(&mut self, data: &mut Vec<u8>, other: &[u8]) {
        for _ in 0..=self.below(6) {
            let at = self.below(data.len() + 1);
            match self.below(5) {
                0 if at < data.len() => data[at] = self.byte(),
                1 if at < data.len() => drop(data.remove(at)),
                2 => data.truncate(at),
                3 => data.extend_from_slice(&other[self.below(other.len() + 1)..]),
                _ => data.insert(at, self.byte()),
            }
        }
    }
}

/// The same in each run, unless `PROPERTY_SEED` is another number.
fn first_seed() -> u64 {
    let named = env::var("PROPERTY_SEED").ok().and_then(|seed| seed.parse().ok());
    // A generator by shifts and exclusive or never leaves zero.
    named.filter(|seed| *seed != 0).unwrap_or(0x5eed)
}

fn smoke(target: &Target) -> usize {
    let wanted = env::var("PROPERTY_ROUNDS").ok().and_then(|rounds| rounds.parse::<usize>().ok());
    let rounds = wanted.unwrap_or(ROUNDS);
    let begun = Instant::now();
    let mut random = Random(first_seed());
    let mut pool: Vec<Vec<u8>> = target.seeds.iter().map(|seed| seed.to_vec()).collect();
    pool.push(Vec::new());
    for seed in &pool {
        (target.run)(seed);
    }
    for round in 0..rounds {
        if wanted.is_none() && begun.elapsed() > LONGEST {
            return round;
        }
        if round % 2 == 0 {
            let length = 4 + random.below(64);
            let data: Vec<u8> = (0..length).map(|_| random.any()).collect();
            (target.run)(&data);
            continue;
        }
        let other = pool[random.below(pool.len())].clone();
        let mut data = pool[random.below(pool.len())].clone();
        random.change(&mut data, &other);
        (target.run)(&data);
        // Changes add up.
        if data.len() < 4096 {
            if pool.len() < 64 {
                pool.push(data);
            } else if round % 8 == 1 {
                let at = target.seeds.len() + random.below(pool.len() - target.seeds.len());
                pool[at] = data;
            }
        }
    }
    rounds
}

#[test]
fn targets_hold_for_any_input() {
    let named = env::var("PROPERTY_TARGETS").ok().filter(|names| !names.is_empty());
    let is_named = |target: &&Target| {
        named
            .as_ref()
            .is_none_or(|names| names.split_whitespace().any(|name| name == target.name))
    };
    for target in TARGETS.iter().filter(is_named) {
        println!("{}: {} inputs", target.name, smoke(target));
    }
}

/// What the fuzzer has found to reach one place or another.
fn kept_inputs_hold(target: &Target) {
    let path = kept::file(target.name);
    let file = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let inputs = kept::unpacked(&file).expect("not cut off");
    assert!(!inputs.is_empty(), "{}: nothing is kept", target.name);
    for input in &inputs {
        (target.run)(input);
    }
    println!("{}: {} inputs", target.name, inputs.len());
}

/// Two at a time.
#[test]
fn all_kept_inputs_hold() {
    let left = Mutex::new(TARGETS.iter());
    let work = || {
        while let Some(target) = { left.lock().expect("none has failed").next() } {
            kept_inputs_hold(target);
        }
    };
    thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
}

#[test]
fn what_is_packed_comes_out_again() {
    let inputs: [&[u8]; 4] = [b"", b"a", b"b", b"aa"];
    let file = kept::packed([3, 1, 0, 2, 1].map(|at| inputs[at].to_vec()).into());
    assert_eq!(kept::unpacked(&file).as_deref(), Some(&inputs[..]));
    assert_eq!(kept::unpacked(&file[..file.len() - 1]), None);
    assert_eq!(kept::unpacked(&[0]), None);
    let long = |length| kept::packed(vec![vec![0; length]]).len();
    assert_eq!([0, 1, 512, 513].map(long), [2, 3, 514, 0]);
}
