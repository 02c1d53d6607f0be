// SPDX-License-Identifier: LGPL-2.1-or-later
//! What the application is asked for, and its callback as plain data.

use std::ffi::{c_char, c_int, c_uint, c_void};

use super::secret::Secret;

/// What a mechanism is like, and what an application allows: `AUTH_PLUGIN_*`.
pub mod flags {
    use std::ffi::c_uint;

    /// It tells the server nothing about who we are.
    pub const ANONYMOUS: c_uint = 1;
    /// It sends the password as it is.
    pub const PLAIN: c_uint = 2;
    /// The server knows us from somewhere else, such as a TLS certificate.
    pub const EXTERNAL: c_uint = 4;
}

/// What a field is: `AUTH_*`.
pub mod field {
    use std::ffi::c_uint;

    /// The name of the user.
    pub const USER: c_uint = 1;
    /// The realm or domain that the user belongs to.
    pub const REALM: c_uint = 2;
    /// What only the user knows.
    pub const PASS: c_uint = 4;
    /// It is sent as it is.
    pub const CLEARTEXT: c_uint = 8;
}

/// `struct auth_client_request`: one field that the application is asked for.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct ClientRequest {
    /// What the field is called.
    pub name: *const c_char,
    /// What the field is: AUTH_USER and so on.
    pub flags: c_uint,
    /// What a user may be shown.
    pub prompt: *const c_char,
    /// Longest answer, 0 = any.
    pub size: c_uint,
}

/// `auth_interact_t`.
pub type InteractFunction = unsafe extern "C-unwind" fn(
    request: *const ClientRequest,
    result: *mut *mut c_char,
    fields: c_int,
    arg: *mut c_void,
) -> c_int;

/// The application's callback that supplies credentials.
#[derive(Debug, Clone, Copy)]
pub struct Interact {
    /// The application's function.
    pub function: InteractFunction,
    /// Handed back with each call.
    pub arg: *mut c_void,
}

/// Most fields that one mechanism asks for.
pub const FIELDS_MAX: usize = 3;

const USER: ClientRequest = ClientRequest {
    name: c"user".as_ptr(),
    flags: field::CLEARTEXT | field::USER,
    prompt: c"User Name".as_ptr(),
    size: 0,
};

const PASS_PHRASE: ClientRequest = ClientRequest {
    name: c"passphrase".as_ptr(),
    flags: field::PASS,
    prompt: c"Pass Phrase".as_ptr(),
    size: 0,
};

// Applications may keep pointers to these, so they are constants of the program. Their
// texts and sizes are those that programs have always been asked with.

/// PLAIN's fields; the size is that of RFC 4616 §2.
pub(super) const PLAIN: &[ClientRequest] = &[
    ClientRequest { size: 255, ..USER },
    ClientRequest {
        flags: field::CLEARTEXT | field::PASS,
        size: 255,
        ..PASS_PHRASE
    },
];

/// LOGIN's fields.
pub(super) const LOGIN: &[ClientRequest] = &[
    USER,
    ClientRequest {
        flags: field::CLEARTEXT | field::PASS,
        prompt: c"Password".as_ptr(),
        ..PASS_PHRASE
    },
];

/// Fields of mechanisms that do not show the password to the server.
pub(super) const CHALLENGE_RESPONSE: &[ClientRequest] = &[USER, PASS_PHRASE];

/// NTLM's fields.
pub(super) const NTLM: &[ClientRequest] = &[
    ClientRequest {
        name: c"domain".as_ptr(),
        flags: field::CLEARTEXT | field::REALM,
        prompt: c"Domain".as_ptr(),
        size: 0,
    },
    USER,
    PASS_PHRASE,
];

/// The OAuth mechanisms' fields.
pub(super) const OAUTH: &[ClientRequest] = &[
    USER,
    ClientRequest {
        flags: field::CLEARTEXT | field::PASS,
        prompt: c"Access Token".as_ptr(),
        ..PASS_PHRASE
    },
];

/// What the application answered. A field that was not asked for is empty.
#[derive(Debug)]
pub(super) struct Credentials {
    /// The realm or domain.
    pub(super) domain: Secret,
    /// The name of the user.
    pub(super) user: Secret,
    /// The password or access token.
    pub(super) passphrase: Secret,
}

impl Credentials {
    /// Credentials of someone who was not asked.
    pub(super) fn empty() -> Self {
        Self {
            domain: Secret::empty(),
            user: Secret::empty(),
            passphrase: Secret::empty(),
        }
    }

    /// Takes a copy of each answer; `None` unless each field has one.
    pub(super) fn new(fields: &[ClientRequest], answers: &[&[u8]]) -> Option<Self> {
        if fields.len() != answers.len() {
            return None;
        }
        let mut credentials = Self::empty();
        for (asked, answer) in fields.iter().zip(answers) {
            let place = match asked.flags & !field::CLEARTEXT {
                field::USER => &mut credentials.user,
                field::REALM => &mut credentials.domain,
                _ => &mut credentials.passphrase,
            };
            *place = Secret::from(*answer);
        }
        Some(credentials)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_go_where_their_field_says() {
        let credentials = Credentials::new(NTLM, &[b"realm", b"me", b"key"]).unwrap();
        assert_eq!(&*credentials.domain, b"realm");
        assert_eq!(&*credentials.user, b"me");
        assert_eq!(&*credentials.passphrase, b"key");
    }

    #[test]
    fn each_field_needs_an_answer() {
        assert!(Credentials::new(PLAIN, &[b"me"]).is_none());
        assert!(Credentials::new(PLAIN, &[b"me", b"key", b"more"]).is_none());
    }

    #[test]
    fn no_mechanism_asks_for_more_than_the_most() {
        let most = [PLAIN, LOGIN, CHALLENGE_RESPONSE, NTLM, OAUTH].map(<[_]>::len);
        assert_eq!(most.iter().max(), Some(&FIELDS_MAX));
    }
}
