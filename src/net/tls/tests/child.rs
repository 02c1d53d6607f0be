// SPDX-License-Identifier: LGPL-2.1-or-later
//! What needs a process of its own: signals and the environment.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::PathBuf;
use std::process::Stdio;

use openssl::ssl::{SslContext, SslMethod};
use openssl::symm::Cipher;

use super::client_auth::named;
use super::{Client, Folder, Issued, Server, Template, soon};
use crate::error::Error;
use crate::host::this_program;
use crate::net::PasswordCallback;
use crate::net::tls::{Obstacle, TlsContext, TlsSetup, sys};

/// Says to a test that it runs in a process of its own.
const MARK: &str = "ESMTP_TEST_CHILD";

/// Runs the test of this name again in a process with the variables, unless it is there
/// already.
fn in_child(test: &str, variables: &[(&str, &std::ffi::OsStr)]) -> bool {
    if std::env::var_os(MARK).is_some() {
        return true;
    }
    let output = this_program()
        .args([&format!("net::tls::tests::child::{test}"), "--exact", "--nocapture"])
        .env(MARK, "1")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .expect("runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{} {text}", output.status);
    assert!(text.contains("1 passed"), "{text}");
    false
}

#[test]
fn a_peer_that_is_gone_raises_no_signal() {
    if !in_child("a_peer_that_is_gone_raises_no_signal", &[]) {
        return;
    }
    // SAFETY: the default action, in a process that runs this test alone.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    let issued = Template::host("mx.example.org").self_signed();
    let server = Server::tls(&issued, None, drop);
    let folder = Folder::new();
    let (mut stream, _) = Client::new(c"mx.example.org", &folder).secure(&server).expect("TLS");
    server.join();
    stream.queue().resize(64 << 20, b'x');
    assert_eq!(stream.exchange(0, soon(), |_| {}), Err(Error::Dropped));
    stream.close();
}

/// Whether a server with a certificate of this CA's is verified, by what the environment says.
fn is_verified(ca: &Issued, context: Option<TlsContext>) -> bool {
    let folder = Folder::new();
    let issued = ca.issue(&Template::host("mx.example.org"));
    let client = Client {
        context,
        ..Client::new(c"mx.example.org", &folder)
    };
    let setup = client.setup();
    let server = Server::tls(&issued, None, |_| ());
    let secured = server.connect().secure(setup, soon()).expect("TLS");
    server.join();
    secured.is_verified()
}

#[test]
fn openssls_list_is_its_directory_and_its_file() {
    let folder = Folder::new();
    let file = folder.path().join("list.pem");
    let home = folder.path().join("home");
    let variables = [
        ("SSL_CERT_DIR", folder.path().as_os_str()),
        ("SSL_CERT_FILE", file.as_os_str()),
        ("XDG_CONFIG_DIR", home.as_os_str()),
    ];
    if !in_child("openssls_list_is_its_directory_and_its_file", &variables) {
        return;
    }
    let path = |name| PathBuf::from(std::env::var_os(name).expect("set"));
    let [known, listed, last, unknown] =
        ["Known", "Listed", "Last", "Unknown"].map(Template::authority_named);
    let hash = format!("{:08x}.0", known.certificate.subject_name_hash());
    std::fs::write(path("SSL_CERT_DIR").join(hash), known.certificate_pem()).expect("writes");
    let list = [b"# A list\n".to_vec(), listed.certificate_pem(), last.certificate_pem()].concat();
    std::fs::write(path("SSL_CERT_FILE"), list).expect("writes");
    let mine = || Some(TlsContext::new().expect("context"));
    for ca in [&known, &listed, &last] {
        assert!(is_verified(ca, None));
        assert!(is_verified(ca, mine()));
    }
    assert!(!is_verified(&unknown, None));
    assert!(!is_verified(&unknown, mine()));
}

/// Gives the pass phrase that `arg` points to.
unsafe extern "C-unwind" fn pass_phrase(
    buffer: *mut c_char,
    length: c_int,
    _writing: c_int,
    arg: *mut c_void,
) -> c_int {
    // SAFETY: the argument is the C string that the test passes.
    let secret = unsafe { CStr::from_ptr(arg.cast()) }.to_bytes();
    let count = c_int::try_from(secret.len()).expect("short");
    assert!(count < length);
    // SAFETY: the buffer has room for it.
    unsafe { std::ptr::copy_nonoverlapping(secret.as_ptr(), buffer.cast(), secret.len()) };
    count
}

#[test]
fn the_callback_of_the_process_opens_a_key() {
    if !in_child("the_callback_of_the_process_opens_a_key", &[]) {
        return;
    }
    let joe = named("joe");
    let locked = joe.key.private_key_to_pem_pkcs8_passphrase(Cipher::aes_128_cbc(), b"secret");
    let folder = Folder::new();
    let pem = [joe.certificate_pem(), locked.expect("pem")].concat();
    folder.write("private/mx.pem", &pem, 0o600);
    let context = SslContext::builder(SslMethod::tls_client()).expect("context").build();
    let context = foreign_types::ForeignType::as_ptr(&context);
    // SAFETY: the context is live.
    let shared = unsafe { TlsContext::share(context) }.expect("shares");
    let lacks_key = |context: Option<&TlsContext>| {
        let setup = TlsSetup::prepare_in(Some(&folder.config()), context, c"mx", None);
        setup.map(|setup| setup.lacks_key()).expect("prepares")
    };
    assert!(lacks_key(None));
    assert!(lacks_key(Some(&shared)));
    let secret = c"secret".as_ptr().cast_mut().cast();
    // SAFETY: the context is live, and so are function and argument.
    unsafe { sys::SSL_CTX_set_default_passwd_cb(context, Some(pass_phrase)) };
    // SAFETY: as above.
    unsafe { sys::SSL_CTX_set_default_passwd_cb_userdata(context, secret) };
    assert!(lacks_key(None));
    assert!(!lacks_key(Some(&shared)));
    let function = pass_phrase;
    PasswordCallback { function, arg: secret }.install();
    assert!(!lacks_key(None));
    assert!(!lacks_key(Some(&shared)));
}

/// The context is shared by all connections of the process, and made anew when a list changes.
#[test]
fn sessions_share_a_context() {
    if !in_child("sessions_share_a_context", &[]) {
        return;
    }
    let folder = Folder::trusting(&Template::authority().certificate_pem());
    let other = Folder::new();
    let context = |folder: &Folder| {
        let setup = TlsSetup::prepare_in(Some(&folder.config()), None, c"mx", None).expect("prepares");
        setup.ssl.ssl_context().to_owned()
    };
    let address = |context: &SslContext| foreign_types::ForeignType::as_ptr(context).addr();
    let first = context(&folder);
    assert_eq!(address(&context(&folder)), address(&first));
    assert_ne!(address(&context(&other)), address(&first));
    let second = context(&folder);
    folder.write("ca.pem", &Template::authority_named("Another").certificate_pem(), 0o644);
    assert_ne!(address(&context(&folder)), address(&second));
    folder.set_mode("ca.pem", 0o666);
    let refused = TlsSetup::prepare_in(Some(&folder.config()), None, c"mx", None);
    assert_eq!(refused.map(|_| ()), Err(Obstacle::CaList));
}
