// SPDX-License-Identifier: LGPL-2.1-or-later
//! What holds for any input. Each target takes bytes from wherever and panics if something is
//! not as it should be; `fuzz_targets` gives them to libFuzzer, `tests/properties` of the
//! library runs them briefly with bytes of its own.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a target may stop"
)]

mod base64;
mod body;
mod engine;
mod envelope;
mod headers;
mod input;
pub mod kept;
#[path = "../../tests/dialogue/mailbag.rs"]
#[allow(dead_code, reason = "it is for other tests, too")]
mod mailbag;
mod names;
mod outbox;
mod plain_reply;
#[cfg(test)]
mod planted;
mod policy;
mod replies;
mod sasl;
mod section;
mod shapes;
mod values;

/// Something that holds for any bytes.
pub struct Target {
    /// Its name, as that of the file in `fuzz_targets`.
    pub name: &'static str,
    /// Panics if it does not hold.
    pub run: fn(&[u8]),
    /// Inputs that go deep.
    pub seeds: &'static [&'static [u8]],
}

/// All of them.
pub const TARGETS: &[Target] = &[
    replies::REPLIES,
    replies::LONG_REPLIES,
    replies::EXTENSIONS,
    engine::ENGINE,
    body::BODY,
    headers::HEADERS,
    section::SECTION,
    values::VALUES,
    envelope::XTEXT,
    envelope::PATHS,
    names::SERVER,
    names::CERTIFICATE,
    policy::POLICY,
    base64::BASE64,
    sasl::CHALLENGES,
    sasl::NTLM,
    sasl::SCRAM,
];

/// Runs the target of a name.
///
/// # Panics
/// If what the target says does not hold, or there is no such target.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.expect("a target's name").run)(data);
}
