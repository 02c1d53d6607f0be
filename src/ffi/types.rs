// SPDX-License-Identifier: LGPL-2.1-or-later
//! The types and constants of the C headers, under their C names.

#![allow(
    non_camel_case_types,
    non_upper_case_globals,
    reason = "these are the names that C programs use"
)]

use std::ffi::{c_char, c_int, c_void};

use crate::session::{EtrnNode, Message, Recipient, Session};

/// A session: where to submit to, and the messages.
pub type smtp_session_t = *mut Session;
/// A message of a session.
pub type smtp_message_t = *mut Message;
/// A recipient of a message.
pub type smtp_recipient_t = *mut Recipient;
/// A node whose mail the server is asked to send (RFC 1985).
pub type smtp_etrn_node_t = *mut EtrnNode;

/// What the server said about a message, path, recipient or node.
#[repr(C)]
pub struct smtp_status {
    /// Three-digit reply code; 0 = nothing was said yet.
    pub code: c_int,
    /// Text of the reply, lines ending in CRLF; NULL while the code is 0.
    pub text: *mut c_char,
    /// Class of the enhanced status code (RFC 3463), 0 if there is none.
    pub enh_class: c_int,
    /// Subject of the enhanced status code.
    pub enh_subject: c_int,
    /// Detail of the enhanced status code.
    pub enh_detail: c_int,
}
/// The same under the name that functions use.
pub type smtp_status_t = smtp_status;

/// What `smtp_version` tells about.
#[repr(C)]
pub enum version_kind {
    /// Version of the library.
    Ver_VERSION = 0,
    /// Version in the shared library's file name.
    Ver_SO_VERSION,
    /// Version as libtool counts: current, revision, age.
    Ver_LT_VERSION,
}

/// Options of a header.
#[repr(C)]
pub enum header_option {
    /// The value that was set through the API replaces the message's own.
    Hdr_OVERRIDE = 0,
    /// The header is removed from the message and not supplied.
    Hdr_PROHIBIT,
}

/// Events; their further arguments follow `arg` in the call of `smtp_eventcb_t`.
#[repr(C)]
pub enum smtp_event {
    /// A connection stands.
    SMTP_EV_CONNECT = 0,
    /// MAIL was answered: `char *reverse_path`, `smtp_message_t`.
    SMTP_EV_MAILSTATUS,
    /// RCPT was answered: `char *mailbox`, `smtp_recipient_t`.
    SMTP_EV_RCPTSTATUS,
    /// Text is on its way: `smtp_message_t`, `int bytes`.
    SMTP_EV_MESSAGEDATA,
    /// The message got its final reply: `smtp_message_t`.
    SMTP_EV_MESSAGESENT,
    /// The connection is closed.
    SMTP_EV_DISCONNECT,
    /// A reply lacks its enhanced status code: `int *quit`.
    SMTP_EV_SYNTAXWARNING,
    /// ETRN was answered: `int option`, `char *domain`.
    SMTP_EV_ETRNSTATUS = 1000,
    /// DSN is required and not offered: `int *quit`.
    SMTP_EV_EXTNA_DSN = 2000,
    /// 8BITMIME is required and not offered; the session ends.
    SMTP_EV_EXTNA_8BITMIME,
    /// STARTTLS is required and cannot be used; the session ends: a NULL pointer.
    SMTP_EV_EXTNA_STARTTLS,
    /// ETRN is required and not offered: `int *quit`, preset to 1.
    SMTP_EV_EXTNA_ETRN,
    /// CHUNKING is required and not offered: `int *quit`; the session ends in any case.
    SMTP_EV_EXTNA_CHUNKING,
    /// BINARYMIME is required and not offered; the session ends.
    SMTP_EV_EXTNA_BINARYMIME,
    /// The server wants more time: `long missing_seconds`, `int *adjust`; greater than 0 =
    /// the server's least time and so many seconds more.
    SMTP_EV_DELIVERBY_EXPIRED = 3000,
    /// The cipher has 40 bits or fewer: `int bits`, `int *ok`.
    SMTP_EV_WEAK_CIPHER = 3100,
    /// TLS is in use: `SSL *`, `char *cipher`, `int bits`.
    SMTP_EV_STARTTLS_OK,
    /// The certificate is not valid: `long verify_result`, `int *ok`, `SSL *`.
    SMTP_EV_INVALID_PEER_CERTIFICATE,
    /// The server has no certificate: `int *ok`.
    SMTP_EV_NO_PEER_CERTIFICATE,
    /// The certificate is for another name: `int *ok`, `char *name_found`, `SSL *`.
    SMTP_EV_WRONG_PEER_CERTIFICATE,
    /// The client certificate's key cannot be used: `int *ok`.
    SMTP_EV_NO_CLIENT_CERTIFICATE,
    /// The client certificate's file is not acceptable; the session ends: a NULL pointer.
    SMTP_EV_UNUSABLE_CLIENT_CERTIFICATE,
    /// The CA list's file is not acceptable; the session ends: a NULL pointer.
    SMTP_EV_UNUSABLE_CA_LIST,
}

/// Time-outs for `smtp_set_timeout`.
#[repr(C)]
pub enum rfc2822_timeouts {
    /// Each reply and handshake before the first MAIL; at least 5 minutes.
    Timeout_GREETING = 0,
    /// MAIL, RCPT and RSET; at least 5 minutes.
    Timeout_ENVELOPE,
    /// DATA; at least 2 minutes.
    Timeout_DATA,
    /// A block of text; at least 3 minutes.
    Timeout_TRANSFER,
    /// The end of the text; at least 10 minutes.
    Timeout_DATA2,
}
/// Added to a time-out's number: values below the minimum are allowed, down to a second.
pub const Timeout_OVERRIDE_RFC2822_MINIMUM: c_int = 0x1000;

/// How much of a message a failure report returns (RFC 3461).
#[repr(C)]
pub enum ret_flags {
    /// The server's choice.
    Ret_NOTSET = 0,
    /// All of it.
    Ret_FULL,
    /// Its headers.
    Ret_HDRS,
}

/// When the sender wants a report (RFC 3461); the positive ones may be combined.
#[repr(C)]
pub enum notify_flags {
    /// The server's choice.
    Notify_NOTSET = 0,
    /// Never.
    Notify_NEVER = -1,
    /// On delivery.
    Notify_SUCCESS = 1,
    /// On failure.
    Notify_FAILURE = 2,
    /// On delay.
    Notify_DELAY = 4,
}

/// What a message's text consists of (RFC 6152, RFC 3030).
#[repr(C)]
pub enum e8bitmime_body {
    /// Not said.
    E8bitmime_NOTSET = 0,
    /// Seven-bit lines.
    E8bitmime_7BIT,
    /// Eight-bit lines.
    E8bitmime_8BITMIME,
    /// Any bytes.
    E8bitmime_BINARYMIME,
}

/// What happens when the time for delivery is over (RFC 2852).
#[repr(C)]
pub enum by_mode {
    /// No time is set.
    By_NOTSET = 0,
    /// The sender is told.
    By_NOTIFY,
    /// The message is returned.
    By_RETURN,
}

/// Whether STARTTLS is used (RFC 3207).
#[repr(C)]
pub enum starttls_option {
    /// Never.
    Starttls_DISABLED = 0,
    /// If the server offers it.
    Starttls_ENABLED,
    /// Or the session fails.
    Starttls_REQUIRED,
}

/// There is neither an incomplete recipient nor an ETRN node.
pub const SMTP_ERR_NOTHING_TO_DO: c_int = 2;
/// The server closed the connection.
pub const SMTP_ERR_DROPPED_CONNECTION: c_int = 3;
/// A reply is malformed.
pub const SMTP_ERR_INVALID_RESPONSE_SYNTAX: c_int = 4;
/// The lines of a reply carry different codes.
pub const SMTP_ERR_STATUS_MISMATCH: c_int = 5;
/// A reply's code makes no sense where it came.
pub const SMTP_ERR_INVALID_RESPONSE_STATUS: c_int = 6;
/// An argument is not acceptable.
pub const SMTP_ERR_INVAL: c_int = 7;
/// A required extension is not offered.
pub const SMTP_ERR_EXTENSION_NOT_AVAILABLE: c_int = 8;
/// The host has no address of the wanted family.
pub const SMTP_ERR_EAI_ADDRFAMILY: c_int = 9;
/// The host has no address.
pub const SMTP_ERR_EAI_NODATA: c_int = 10;
/// The name server failed for good.
pub const SMTP_ERR_EAI_FAIL: c_int = 11;
/// The name server failed for now.
pub const SMTP_ERR_EAI_AGAIN: c_int = 12;
/// The resolver ran out of memory.
pub const SMTP_ERR_EAI_MEMORY: c_int = 13;
/// The address family is not supported.
pub const SMTP_ERR_EAI_FAMILY: c_int = 14;
/// The resolver was given bad flags.
pub const SMTP_ERR_EAI_BADFLAGS: c_int = 15;
/// The host or service is not known.
pub const SMTP_ERR_EAI_NONAME: c_int = 16;
/// The service is not known.
pub const SMTP_ERR_EAI_SERVICE: c_int = 17;
/// The socket type is not supported.
pub const SMTP_ERR_EAI_SOCKTYPE: c_int = 18;
/// A reply, or a line of it, is too long.
pub const SMTP_ERR_UNTERMINATED_RESPONSE: c_int = 19;
/// The failure is on our own side.
pub const SMTP_ERR_CLIENT_ERROR: c_int = 20;
/// Deprecated name of SMTP_ERR_EAI_ADDRFAMILY.
pub const SMTP_ERR_HOST_NOT_FOUND: c_int = SMTP_ERR_EAI_ADDRFAMILY;
/// Deprecated name of SMTP_ERR_EAI_NODATA.
pub const SMTP_ERR_NO_ADDRESS: c_int = SMTP_ERR_EAI_NODATA;
/// Deprecated name of SMTP_ERR_EAI_FAIL.
pub const SMTP_ERR_NO_RECOVERY: c_int = SMTP_ERR_EAI_FAIL;
/// Deprecated name of SMTP_ERR_EAI_AGAIN.
pub const SMTP_ERR_TRY_AGAIN: c_int = SMTP_ERR_EAI_AGAIN;

/// The monitor shows what the server said.
pub const SMTP_CB_READING: c_int = 0;
/// The monitor shows what we said.
pub const SMTP_CB_WRITING: c_int = 1;
/// The monitor shows a header of the message.
pub const SMTP_CB_HEADERS: c_int = 2;

/// Called with each message of a session.
pub type smtp_enumerate_messagecb_t =
    Option<unsafe extern "C-unwind" fn(message: smtp_message_t, arg: *mut c_void)>;
/// Called with each recipient of a message.
pub type smtp_enumerate_recipientcb_t = Option<
    unsafe extern "C-unwind" fn(recipient: smtp_recipient_t, mailbox: *const c_char, arg: *mut c_void),
>;
/// Called with each ETRN node of a session.
pub type smtp_etrn_enumerate_nodecb_t = Option<
    unsafe extern "C-unwind" fn(
        node: smtp_etrn_node_t,
        option: c_int,
        domain: *const c_char,
        arg: *mut c_void,
    ),
>;
/// Supplies a message's text. `len` NULL: start at the beginning. Else the next block, which
/// must live until the next call; `*len` is its length, 0 at the end. An end while headers are
/// read ends the headers, and the callback is asked again for the body. A callback that fails
/// sets `errno` and gives length 0: the session ends without the message. `*ctx` is NULL at
/// first and the callback's to use; what it points to in the end is released with free().
pub type smtp_messagecb_t = Option<
    unsafe extern "C-unwind" fn(ctx: *mut *mut c_void, len: *mut c_int, arg: *mut c_void) -> *const c_char,
>;
/// Told of the progress of a session; what follows `arg` depends on the event.
pub type smtp_eventcb_t =
    Option<unsafe extern "C-unwind" fn(session: smtp_session_t, event_no: c_int, arg: *mut c_void, ...)>;
/// Shown the dialogue, a line a call, `writing` one of SMTP_CB_READING, SMTP_CB_WRITING,
/// SMTP_CB_HEADERS. A line longer than 255 bytes comes in several pieces; a NUL that `buflen`
/// does not count follows each.
pub type smtp_monitorcb_t =
    Option<unsafe extern "C-unwind" fn(buf: *const c_char, buflen: c_int, writing: c_int, arg: *mut c_void)>;
/// Asked for the pass phrase of a private key, as OpenSSL's `pem_password_cb`. It must return:
/// no `longjmp`, no exception.
pub type smtp_starttls_passwordcb_t = Option<
    unsafe extern "C-unwind" fn(buf: *mut c_char, buflen: c_int, rwflag: c_int, arg: *mut c_void) -> c_int,
>;
