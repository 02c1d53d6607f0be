// SPDX-License-Identifier: LGPL-2.1-or-later
use std::ffi::{c_char, c_int, c_void};

use openssl::symm::Cipher;

use super::super::tests::Template;
use super::*;

/// Gives the pass phrase that `arg` points to, as an application would.
unsafe extern "C-unwind" fn answer(
    buffer: *mut c_char,
    length: c_int,
    _writing: c_int,
    arg: *mut c_void,
) -> c_int {
    // SAFETY: the argument is the C string that the test passes.
    let secret = unsafe { std::ffi::CStr::from_ptr(arg.cast()) }.to_bytes();
    assert!(c_int::try_from(secret.len()).expect("short") < length);
    // SAFETY: the buffer has room for it.
    unsafe { ptr::copy_nonoverlapping(secret.as_ptr(), buffer.cast(), secret.len()) };
    c_int::try_from(secret.len()).expect("short")
}

fn source(secret: &'static std::ffi::CStr) -> PasswordSource {
    PasswordSource {
        function: Some(answer),
        arg: secret.as_ptr().cast_mut().cast(),
    }
}

const NOBODY: PasswordSource = PasswordSource {
    function: None,
    arg: c"".as_ptr().cast_mut().cast(),
};

#[test]
fn a_locked_key_is_opened_by_its_pass_phrase_only() {
    let issued = Template::default().self_signed();
    let locked = issued.key.private_key_to_pem_pkcs8_passphrase(Cipher::aes_128_cbc(), b"secret");
    let pem = [locked.expect("pem"), issued.certificate_pem()].concat();
    let has_key = |source| ClientCertificate::from_pem(&pem, source).expect("certificate").has_key();
    assert!(has_key(source(c"secret")));
    assert!(!has_key(source(c"guess")));
    assert!(!has_key(NOBODY));
}

#[test]
fn a_certificate_must_be_there() {
    let issued = Template::default().self_signed();
    assert!(ClientCertificate::from_pem(&issued.pem(), NOBODY).is_some());
    assert!(ClientCertificate::from_pem(&issued.key_pem(), NOBODY).is_none());
    assert!(ClientCertificate::from_pem(b"", NOBODY).is_none());
    let mut broken = issued.certificate_pem();
    broken.truncate(broken.len() / 2);
    assert!(ClientCertificate::from_pem(&broken, NOBODY).is_none());
}
