// SPDX-License-Identifier: LGPL-2.1-or-later
//! The client of these tests: an application that uses the C functions.

use std::ffi::{CStr, CString, c_char, c_int, c_long, c_uint, c_void};
use std::ptr;

use esmtp::ffi::auth::{
    AUTH_PASS, AUTH_PLUGIN_PLAIN, auth_client_request_t, auth_context_t, auth_create_context,
    auth_destroy_context, auth_set_interact_cb, auth_set_mechanism_flags,
};
use esmtp::ffi::error::smtp_errno;
use esmtp::ffi::extensions::smtp_8bitmime_set_body;
use esmtp::ffi::message::{smtp_add_message, smtp_set_messagecb, smtp_set_reverse_path};
use esmtp::ffi::recipient::smtp_add_recipient;
use esmtp::ffi::session::{
    smtp_create_session, smtp_destroy_session, smtp_set_hostname, smtp_set_server, smtp_set_timeout,
    smtp_start_session,
};
use esmtp::ffi::starttls::{smtp_auth_set_context, smtp_starttls_enable, smtp_starttls_set_ctx};
use esmtp::ffi::status::{
    smtp_message_transfer_status, smtp_recipient_check_complete, smtp_recipient_status,
};
use esmtp::ffi::types::{
    Timeout_OVERRIDE_RFC2822_MINIMUM, smtp_message_t, smtp_recipient_t, smtp_session_t, smtp_status_t,
};
use foreign_types::ForeignTypeRef as _;
use openssl::ssl::SslContextRef;

/// The time-outs where silence is part of the test, the least that the library allows.
const SHORT_MS: c_long = 1000;
/// Those of a server that answers: on a busy machine it may not do so at once.
pub(crate) const LONG_MS: c_long = 20_000;
const STARTTLS_REQUIRED: c_int = 2;
const BINARYMIME: c_int = 3;

/// A message to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Mail {
    pub(crate) from: &'static str,
    pub(crate) to: Vec<&'static str>,
    pub(crate) text: Vec<u8>,
    /// How often the text is repeated.
    pub(crate) times: usize,
    /// A BINARYMIME body.
    pub(crate) binary: bool,
}

/// What an application sees of a recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RecipientReport {
    pub(crate) mailbox: &'static str,
    pub(crate) code: c_int,
    pub(crate) complete: bool,
}

/// What an application sees of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MessageReport {
    pub(crate) from: &'static str,
    pub(crate) code: c_int,
    pub(crate) recipients: Vec<RecipientReport>,
    pub(crate) rewinds: usize,
    pub(crate) reads: usize,
}

/// What an application sees of a session.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub(crate) result: c_int,
    pub(crate) error: c_int,
    pub(crate) messages: Vec<MessageReport>,
}

/// Where the text of a message comes from.
struct Source {
    text: Vec<u8>,
    times: usize,
    given: usize,
    rewinds: usize,
    reads: usize,
}

struct Message {
    mail: Mail,
    handle: smtp_message_t,
    recipients: Vec<smtp_recipient_t>,
    // The library has this pointer; nothing else may claim the source while it does.
    source: *mut Source,
}

/// An application.
pub(crate) struct Client {
    session: smtp_session_t,
    auth: auth_context_t,
    messages: Vec<Message>,
}

unsafe extern "C-unwind" fn read(_: *mut *mut c_void, len: *mut c_int, arg: *mut c_void) -> *const c_char {
    // SAFETY: the argument is the source that the client keeps.
    let source = unsafe { &mut *arg.cast::<Source>() };
    if len.is_null() {
        source.rewinds += 1;
        source.given = 0;
        return ptr::null();
    }
    source.reads += 1;
    if source.given == source.times {
        return ptr::null();
    }
    source.given += 1;
    // SAFETY: the length is the library's variable.
    unsafe { *len = c_int::try_from(source.text.len()).expect("short blocks") };
    source.text.as_ptr().cast()
}

unsafe extern "C-unwind" fn interact(
    request: auth_client_request_t,
    result: *mut *mut c_char,
    fields: c_int,
    _: *mut c_void,
) -> c_int {
    for at in 0..usize::try_from(fields).expect("a count") {
        // SAFETY: there are so many requests.
        let secret = unsafe { (*request.add(at)).flags } & u32::try_from(AUTH_PASS).expect("a flag") != 0;
        let answer = if secret { c"secret" } else { c"user" };
        // SAFETY: there is room for so many answers.
        unsafe { *result.add(at) = answer.as_ptr().cast_mut() };
    }
    1
}

fn code(status: *const smtp_status_t) -> c_int {
    // SAFETY: a status lives as long as its session.
    let status = unsafe { &*status };
    if status.code != 0 {
        // SAFETY: a status with a code has a text.
        let text = unsafe { CStr::from_ptr(status.text) };
        assert!(text.to_bytes().ends_with(b"\r\n"), "the text of a status ends in CRLF: {text:?}");
    }
    status.code
}

impl Client {
    pub(crate) fn new(mails: &[Mail]) -> Self {
        let session = smtp_create_session();
        let auth = auth_create_context();
        // SAFETY: the session was just made, as the messages are below; the strings are
        // copied, and the sources stay where they are until the session is gone.
        unsafe {
            assert_eq!(smtp_set_hostname(session, c"client.example".as_ptr()), 1);
        }
        let messages = mails.iter().map(|mail| {
            let source = Box::into_raw(Box::new(Source {
                text: mail.text.clone(),
                times: mail.times,
                given: 0,
                rewinds: 0,
                reads: 0,
            }));
            let from = CString::new(mail.from).expect("no NUL");
            // SAFETY: as above.
            unsafe {
                let handle = smtp_add_message(session);
                assert_eq!(smtp_set_reverse_path(handle, from.as_ptr()), 1);
                assert_eq!(smtp_set_messagecb(handle, Some(read), source.cast()), 1);
                if mail.binary {
                    assert_eq!(smtp_8bitmime_set_body(handle, BINARYMIME), 1);
                }
                let recipients = mail.to.iter().map(|to| {
                    let to = CString::new(*to).expect("no NUL");
                    let recipient = smtp_add_recipient(handle, to.as_ptr());
                    assert!(!recipient.is_null());
                    recipient
                });
                let recipients = recipients.collect();
                Message {
                    mail: mail.clone(),
                    handle,
                    recipients,
                    source,
                }
            }
        });
        let messages = messages.collect();
        let client = Self { session, auth, messages };
        client.wait_for(SHORT_MS);
        client
    }

    /// Wants to be known to the server.
    pub(crate) fn authenticate(&self) {
        // SAFETY: context and session are this client's.
        unsafe {
            let plain = c_uint::try_from(AUTH_PLUGIN_PLAIN).expect("a flag");
            assert_eq!(auth_set_mechanism_flags(self.auth, plain, 0), 1);
            assert_eq!(auth_set_interact_cb(self.auth, Some(interact), ptr::null_mut()), 1);
            assert_eq!(smtp_auth_set_context(self.session, self.auth), 1);
        }
    }

    /// Wants TLS.
    pub(crate) fn secure(&self, context: &SslContextRef) {
        // SAFETY: the session is this client's and counts its references to the context.
        unsafe {
            assert_eq!(smtp_starttls_enable(self.session, STARTTLS_REQUIRED), 1);
            assert_eq!(smtp_starttls_set_ctx(self.session, context.as_ptr().cast()), 1);
        }
    }

    /// Sets how long it waits.
    pub(crate) fn wait_for(&self, milliseconds: c_long) {
        for which in 0..5 {
            let which = which | Timeout_OVERRIDE_RFC2822_MINIMUM;
            // SAFETY: the session is this client's.
            let set = unsafe { smtp_set_timeout(self.session, which, milliseconds) };
            assert_eq!(set, milliseconds);
        }
    }

    /// Carries out the session with the server at a port of the loopback.
    pub(crate) fn start(&self, port: u16) -> Report {
        let server = CString::new(format!("127.0.0.1:{port}")).expect("no NUL");
        // SAFETY: session, messages and recipients are this client's.
        unsafe {
            assert_eq!(smtp_set_server(self.session, server.as_ptr()), 1);
            let result = smtp_start_session(self.session);
            let error = smtp_errno();
            let messages = self.messages.iter().map(|message| MessageReport {
                from: message.mail.from,
                code: code(smtp_message_transfer_status(message.handle)),
                recipients: message.recipients().collect(),
                rewinds: (*message.source).rewinds,
                reads: (*message.source).reads,
            });
            Report {
                result,
                error,
                messages: messages.collect(),
            }
        }
    }
}

impl Message {
    fn recipients(&self) -> impl Iterator<Item = RecipientReport> {
        self.recipients.iter().zip(&self.mail.to).map(|(&handle, mailbox)| RecipientReport {
            mailbox,
            // SAFETY: the recipient lives as long as its session.
            code: code(unsafe { smtp_recipient_status(handle) }),
            // SAFETY: as above.
            complete: unsafe { smtp_recipient_check_complete(handle) } == 1,
        })
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // SAFETY: both are this client's, and nothing uses them any more.
        unsafe {
            smtp_destroy_session(self.session);
            auth_destroy_context(self.auth);
            for message in &self.messages {
                drop(Box::from_raw(message.source));
            }
        }
    }
}
