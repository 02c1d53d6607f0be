// SPDX-License-Identifier: LGPL-2.1-or-later
//! Challenges of a hostile server, for each mechanism.

use std::ffi::{c_char, c_int, c_void};
use std::ptr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use esmtp::sasl::{ClientRequest, Context, Due, Interact, flags};

use super::Target;
use super::input::Input;

const MECHANISMS: [&str; 11] = [
    "PLAIN",
    "LOGIN",
    "CRAM-MD5",
    "NTLM",
    "EXTERNAL",
    "SCRAM-SHA-1",
    "SCRAM-SHA-256",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-256-PLUS",
    "XOAUTH2",
    "OAUTHBEARER",
];

pub(crate) const CHALLENGES: Target = Target {
    name: "challenges",
    run: challenges,
    seeds: &[
        b"\x02\x10<1@mail.example>",
        b"\x01\x09Username:\x09Password:",
        b"\x0a\x14{\"status\":\"invalid\"}\x00",
    ],
};

pub(crate) const NTLM: Target = Target {
    name: "ntlm",
    run: ntlm,
    seeds: &[
        b"\x06\x00\x06\x00\x30\x00\x00\x00\x33\x82\x8a\xe2\x01\x23\x45\x67\x89\xab\xcd\xef\0\0\0\0\0\0\0\0\x08\x00\x08\x00\x36\x00\x00\x00\x06\x01\xb1\x1d\x00\x00\x00\x0fDOMAIN\x02\x00\x04\x00ab\0\0",
        b"\0\0\0\0\0\0\0\0\x01\x02\0\0\x01\x23\x45\x67\x89\xab\xcd\xef",
    ],
};

pub(crate) const SCRAM: Target = Target {
    name: "scram",
    run: scram,
    seeds: &[
        b"\x00\x00\x05extra\x04salt\x01\x044096",
        b"\x01\x00\x05extra\x10saltsaltsaltsalt\x01\x0210\x14v=aaaaaaaaaaaaaaaaaa",
        b"\x00\x01\x03abc",
    ],
};

unsafe extern "C-unwind" fn nobody(
    _: *const ClientRequest,
    _: *mut *mut c_char,
    _: c_int,
    _: *mut c_void,
) -> c_int {
    0
}

/// A context with the mechanism, and what it says first.
fn begin(name: &str) -> (Arc<Context>, Option<Vec<u8>>) {
    let context = Context::new();
    // The answers are given below, without a call.
    context.set_interact(Some(Interact { function: nobody, arg: ptr::null_mut() }));
    context.change_flags(flags::PLAIN | flags::ANONYMOUS, 0);
    context.set_external_id(Some(c"me"));
    context.select(name).expect("it is known and allowed");
    let due = match context.begin(None) {
        Due::Ask(fields) => {
            let answers: Vec<&[u8]> = fields.iter().map(|_| &b"user"[..]).collect();
            context.answered(Some(&answers))
        }
        due => due,
    };
    let first = response(due);
    (context, first)
}

fn response(due: Due) -> Option<Vec<u8>> {
    match due {
        Due::Respond(response) => response.map(|secret| secret.to_vec()),
        Due::Failed | Due::Distrusted => None,
        Due::Ask(_) | Due::Plugin(_) => panic!("asked twice"),
    }
}

/// A server that does not know the secret cannot prove that it does.
fn check_success(context: &Context, name: &str) {
    if context.succeeded() {
        assert!(!name.starts_with("SCRAM"), "{name} believes a server that has proved nothing");
    }
}

fn challenges(data: &[u8]) {
    let mut input = Input::new(data);
    let name = MECHANISMS[input.below(MECHANISMS.len())];
    let (context, _) = begin(name);
    while !input.is_empty() {
        if response(context.begin(Some(input.block()))).is_none() {
            break;
        }
    }
    check_success(&context, name);
}

/// After the signature and the type of a challenge message.
fn ntlm(data: &[u8]) {
    let (context, _) = begin("NTLM");
    let message = [b"NTLMSSP\0\x02\0\0\0", data].concat();
    if let Some(answer) = response(context.begin(Some(&message))) {
        assert!(answer.starts_with(b"NTLMSSP\0\x03\0\0\0"));
        // Each field lies within the message: length, room, offset.
        for field in answer[12..52].chunks_exact(8) {
            let length = usize::from(u16::from_le_bytes([field[0], field[1]]));
            let offset = u32::from_le_bytes([field[4], field[5], field[6], field[7]]) as usize;
            assert!(offset + length <= answer.len());
        }
    }
}

/// Messages that look right up to a point.
fn scram(data: &[u8]) {
    let mut input = Input::new(data);
    let name = if input.flag() { "SCRAM-SHA-256" } else { "SCRAM-SHA-1" };
    let (context, first) = begin(name);
    let first = first.expect("SCRAM begins");
    let at = first.windows(2).position(|two| two == b"r=").expect("there is a nonce");
    let nonce = if input.flag() { b"another" } else { &first[at + 2..] };
    let (extra, salt) = (input.block(), STANDARD.encode(input.block()));
    // A server that wants many rounds gets them, which takes time; not here.
    let rounds = if input.flag() { input.block() } else { b"64" };
    let rounds = if rounds.len() > 4 && rounds.iter().all(u8::is_ascii_digit) {
        b"64"
    } else {
        rounds
    };
    let server_first = [b"r=", nonce, extra, b",s=", salt.as_bytes(), b",i=", rounds, input.block()].concat();
    if let Some(proof) = response(context.begin(Some(&server_first))) {
        assert!(!proof.contains(&0));
        assert_ne!(nonce, b"another", "the nonce is not ours");
        let _ = response(context.begin(Some(input.rest())));
    }
    check_success(&context, name);
}
