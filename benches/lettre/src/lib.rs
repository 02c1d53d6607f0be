// SPDX-License-Identifier: LGPL-2.1-or-later
//! lettre as a peer of the benchmark: its connection, a command at a time. What fails ends the
//! program.

use std::cell::RefCell;
use std::ffi::{CStr, c_char};
use std::slice;
use std::time::Duration;

use lettre::Address;
use lettre::address::Envelope;
use lettre::transport::smtp::client::SmtpConnection;
use lettre::transport::smtp::extension::ClientId;

thread_local! {
    static CONNECTION: RefCell<Option<SmtpConnection>> = const { RefCell::new(None) };
}

fn address(text: &CStr) -> Address {
    text.to_str().expect("UTF-8").parse().expect("an address")
}

/// # Safety
/// The host is a C string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_begin(host: *const c_char, port: u16) {
    // SAFETY: the caller's promise.
    let host = unsafe { CStr::from_ptr(host) };
    let name = ClientId::Domain("client.example".to_owned());
    let server = (host.to_str().expect("UTF-8"), port);
    let connection = SmtpConnection::connect(server, Some(Duration::from_secs(60)), &name, None, None);
    CONNECTION.set(Some(connection.expect("connects")));
}

/// # Safety
/// As in `peer.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_message(
    octets: *const u8,
    length: usize,
    recipients: *const *const c_char,
    count: usize,
) {
    // SAFETY: the caller's promise.
    let text = unsafe { slice::from_raw_parts(octets, length) };
    // SAFETY: the caller's promise.
    let recipients = unsafe { slice::from_raw_parts(recipients, count) };
    let to = recipients.iter().map(|one| {
        // SAFETY: the caller's promise.
        address(unsafe { CStr::from_ptr(*one) })
    });
    let envelope = Envelope::new(Some(address(c"sender@example.org")), to.collect()).expect("an envelope");
    // It adds a line end to each text.
    let text = text.strip_suffix(b"\r\n").unwrap_or(text);
    CONNECTION.with_borrow_mut(|connection| {
        connection.as_mut().expect("connected").send(&envelope, text).expect("accepted");
    });
}

/// Says QUIT.
#[unsafe(no_mangle)]
pub extern "C" fn peer_end() {
    if let Some(mut connection) = CONNECTION.take() {
        connection.quit().expect("QUIT");
        connection.abort();
    }
}
