// SPDX-License-Identifier: LGPL-2.1-or-later
//! A panic in any layer becomes a failed call, and the process and other sessions go on.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::multiple_unsafe_ops_per_block,
    clippy::panic,
    reason = "a test may stop"
)]
#![allow(unsafe_code, reason = "the C functions are called as a C program calls them")]

use std::ffi::{CString, c_char, c_int, c_void};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::ptr;
use std::thread;

use esmtp::fault::{self, Layer};
use esmtp::ffi::auth::{
    auth_client_request_t, auth_create_context, auth_destroy_context, auth_set_interact_cb,
};
use esmtp::ffi::error::smtp_errno;
use esmtp::ffi::message::{smtp_add_message, smtp_set_messagecb};
use esmtp::ffi::recipient::smtp_add_recipient;
use esmtp::ffi::session::{smtp_create_session, smtp_destroy_session, smtp_set_server, smtp_start_session};
use esmtp::ffi::source::_smtp_message_str_cb;
use esmtp::ffi::starttls::smtp_auth_set_context;
use esmtp::ffi::status::smtp_recipient_check_complete;
use esmtp::ffi::types::SMTP_ERR_CLIENT_ERROR;

/// Takes one mail, or whatever comes of it.
fn serve(stream: TcpStream) -> std::io::Result<()> {
    let mut out = stream.try_clone()?;
    let mut lines = BufReader::new(stream).lines();
    out.write_all(b"220 ready\r\n")?;
    while let Some(Ok(line)) = lines.next() {
        let reply: &[u8] = match line.split(' ').next().unwrap_or_default() {
            "EHLO" => b"250-server\r\n250 AUTH CRAM-MD5\r\n",
            "AUTH" => b"334 PDFAaG9zdD4=\r\n",
            "DATA" => {
                out.write_all(b"354 go on\r\n")?;
                while lines.next().transpose()?.is_some_and(|line| line != ".") {}
                b"250 taken\r\n"
            }
            "QUIT" => b"221 bye\r\n",
            // The answer to the challenge, and everything else.
            _ => b"250 fine\r\n",
        };
        out.write_all(reply)?;
    }
    Ok(())
}

unsafe extern "C-unwind" fn credentials(
    _: auth_client_request_t,
    result: *mut *mut c_char,
    fields: c_int,
    arg: *mut c_void,
) -> c_int {
    for field in 0..usize::try_from(fields).expect("a few") {
        // SAFETY: the library has room for as many results as it asks for.
        unsafe { *result.add(field) = arg.cast() };
    }
    1
}

/// Sends a mail with a panic in a layer; the result, the error and whether it arrived.
fn send(layer: Option<Layer>) -> (c_int, c_int, bool) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
    let address = listener.local_addr().expect("address").to_string();
    let server = thread::spawn(move || listener.accept().map(|(stream, _)| serve(stream)));
    let address = CString::new(address).expect("text");
    let secret = CString::new("secret").expect("text");
    // SAFETY: the calls are those of a C program that does everything right.
    let outcome = unsafe {
        let session = smtp_create_session();
        smtp_set_server(session, address.as_ptr());
        let context = auth_create_context();
        auth_set_interact_cb(context, Some(credentials), secret.as_ptr().cast_mut().cast());
        smtp_auth_set_context(session, context);
        let message = smtp_add_message(session);
        smtp_set_messagecb(message, Some(_smtp_message_str_cb), c"\r\ntext\r\n".as_ptr().cast_mut().cast());
        let recipient = smtp_add_recipient(message, c"b@example.org".as_ptr());
        if let Some(layer) = layer {
            fault::arm(layer);
        }
        let result = smtp_start_session(session);
        let outcome = (result, smtp_errno(), smtp_recipient_check_complete(recipient) != 0);
        assert_eq!(smtp_destroy_session(session), 1);
        assert_eq!(auth_destroy_context(context), 1);
        outcome
    };
    drop(server.join().expect("the server is fine"));
    outcome
}

#[test]
fn a_panic_in_any_layer_is_a_failed_call() {
    std::panic::set_hook(Box::new(|_| {}));
    for layer in [Layer::Session, Layer::Protocol, Layer::Content, Layer::Sasl, Layer::Net] {
        let other = thread::spawn(|| send(None));
        assert_eq!(send(Some(layer)), (0, SMTP_ERR_CLIENT_ERROR, false), "{layer:?}");
        let (result, _, complete) = other.join().expect("another session goes on");
        assert_eq!((result, complete), (1, true), "{layer:?}");
        let (result, _, complete) = send(None);
        assert_eq!((result, complete), (1, true), "after {layer:?}");
    }
    fault::arm(Layer::Ffi);
    let session = smtp_create_session();
    // SAFETY: the session is live.
    assert_eq!(unsafe { smtp_add_message(session) }, ptr::null_mut());
    assert_eq!(smtp_errno(), SMTP_ERR_CLIENT_ERROR);
    // SAFETY: the session is live, and destroyed once.
    assert_eq!(unsafe { smtp_destroy_session(session) }, 1);
}
