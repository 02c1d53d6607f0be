// SPDX-License-Identifier: LGPL-2.1-or-later
//! What needs a process of its own: signals and the environment.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Client, Folder, Issued, Server, Template, soon};
use crate::error::Error;

/// Says to a test that it runs in a process of its own.
const MARK: &str = "ESMTP_TEST_CHILD";

/// Runs the test of this name again in a process with the variables, unless it is there
/// already.
fn in_child(test: &str, variables: &[(&str, &std::ffi::OsStr)]) -> bool {
    if std::env::var_os(MARK).is_some() {
        return true;
    }
    let output = Command::new(std::env::current_exe().expect("path"))
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

/// A certificate of the CA's, verified by what the environment says now and what it says
/// once everything is ready.
fn is_verified(ca: &Issued, late_file: Option<&Path>) -> bool {
    let folder = Folder::new();
    let client = Client::new(c"mx.example.org", &folder);
    let setup = client.setup();
    if let Some(path) = late_file {
        // SAFETY: no other thread of this process runs.
        unsafe { std::env::set_var("SSL_CERT_FILE", path) };
    }
    let issued = ca.issue(&Template::host("mx.example.org"));
    let server = Server::tls(&issued, None, |_| ());
    let secured = server.connect().secure(setup, soon()).expect("TLS");
    server.join();
    secured.is_verified()
}

#[test]
fn openssls_list_is_its_directory_and_its_file() {
    let folder = Folder::new();
    let variables = [("SSL_CERT_DIR", folder.path().as_os_str())];
    if !in_child("openssls_list_is_its_directory_and_its_file", &variables) {
        return;
    }
    // SAFETY: no other thread of this process runs.
    unsafe { std::env::remove_var("SSL_CERT_FILE") };
    let hashed = PathBuf::from(std::env::var_os("SSL_CERT_DIR").expect("set"));
    let write = |path: &Path, ca: &Issued| std::fs::write(path, ca.certificate_pem()).expect("writes");
    let [known, listed, unknown] = ["Known", "Listed", "Unknown"].map(Template::authority_named);
    write(&hashed.join(format!("{:08x}.0", known.certificate.subject_name_hash())), &known);
    let file = hashed.join("list.pem");
    write(&file, &listed);
    let other = hashed.join("other.pem");
    write(&other, &known);
    assert!(is_verified(&known, None));
    // The directory does not suffice, so the file is read after the handshake.
    assert!(!is_verified(&unknown, Some(&other)));
    // SAFETY: as above.
    unsafe { std::env::remove_var("SSL_CERT_FILE") };
    assert!(is_verified(&listed, Some(&file)));
    // The variable is set, so the file is read before.
    assert!(is_verified(&listed, None));
    assert!(is_verified(&known, None));
    assert!(!is_verified(&unknown, None));
}
