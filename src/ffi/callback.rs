// SPDX-License-Identifier: LGPL-2.1-or-later
//! Calling the application: the one place where the arguments of each event are spelled out.

use std::ffi::{c_char, c_int, c_long, c_void};
use std::ptr;
use std::rc::Rc;

use super::etrn::option_number;
use super::types::smtp_event;
use crate::protocol::{Event, MessageAt, NodeAt, Question, RecipientAt};
use crate::session::callback::{EventCallback, MonitorCallback, Piece, TlsEstablished, TlsQuestion};
use crate::session::{EtrnNode, Message, Recipient, ReversePath, Session};

/// The events' numbers for calls with variable arguments, which must be plain ints.
mod number {
    use super::{c_int, smtp_event};

    pub(super) const INVALID_PEER_CERTIFICATE: c_int = smtp_event::SMTP_EV_INVALID_PEER_CERTIFICATE as c_int;
    pub(super) const NO_CLIENT_CERTIFICATE: c_int = smtp_event::SMTP_EV_NO_CLIENT_CERTIFICATE as c_int;
    pub(super) const NO_PEER_CERTIFICATE: c_int = smtp_event::SMTP_EV_NO_PEER_CERTIFICATE as c_int;
    pub(super) const STARTTLS_OK: c_int = smtp_event::SMTP_EV_STARTTLS_OK as c_int;
    pub(super) const WEAK_CIPHER: c_int = smtp_event::SMTP_EV_WEAK_CIPHER as c_int;
    pub(super) const WRONG_PEER_CERTIFICATE: c_int = smtp_event::SMTP_EV_WRONG_PEER_CERTIFICATE as c_int;
    pub(super) const CONNECT: c_int = smtp_event::SMTP_EV_CONNECT as c_int;
    pub(super) const DELIVERBY_EXPIRED: c_int = smtp_event::SMTP_EV_DELIVERBY_EXPIRED as c_int;
    pub(super) const DISCONNECT: c_int = smtp_event::SMTP_EV_DISCONNECT as c_int;
    pub(super) const ETRNSTATUS: c_int = smtp_event::SMTP_EV_ETRNSTATUS as c_int;
    pub(super) const EXTNA_8BITMIME: c_int = smtp_event::SMTP_EV_EXTNA_8BITMIME as c_int;
    pub(super) const EXTNA_BINARYMIME: c_int = smtp_event::SMTP_EV_EXTNA_BINARYMIME as c_int;
    pub(super) const EXTNA_CHUNKING: c_int = smtp_event::SMTP_EV_EXTNA_CHUNKING as c_int;
    pub(super) const EXTNA_DSN: c_int = smtp_event::SMTP_EV_EXTNA_DSN as c_int;
    pub(super) const EXTNA_ETRN: c_int = smtp_event::SMTP_EV_EXTNA_ETRN as c_int;
    pub(super) const EXTNA_STARTTLS: c_int = smtp_event::SMTP_EV_EXTNA_STARTTLS as c_int;
    pub(super) const MAILSTATUS: c_int = smtp_event::SMTP_EV_MAILSTATUS as c_int;
    pub(super) const MESSAGEDATA: c_int = smtp_event::SMTP_EV_MESSAGEDATA as c_int;
    pub(super) const MESSAGESENT: c_int = smtp_event::SMTP_EV_MESSAGESENT as c_int;
    pub(super) const RCPTSTATUS: c_int = smtp_event::SMTP_EV_RCPTSTATUS as c_int;
    pub(super) const SYNTAXWARNING: c_int = smtp_event::SMTP_EV_SYNTAXWARNING as c_int;
    pub(super) const UNUSABLE_CA_LIST: c_int = smtp_event::SMTP_EV_UNUSABLE_CA_LIST as c_int;
    pub(super) const UNUSABLE_CLIENT_CERTIFICATE: c_int =
        smtp_event::SMTP_EV_UNUSABLE_CLIENT_CERTIFICATE as c_int;
}

impl MonitorCallback {
    /// Shows a piece of the dialogue.
    ///
    /// # Safety
    /// The function is a `smtp_monitorcb_t`.
    pub(super) unsafe fn show(self, piece: &Piece) {
        let text = piece.with_nul().as_ptr().cast();
        let direction = piece.direction as c_int;
        // SAFETY: the caller promises the type; the piece lives through the call.
        unsafe { (self.function)(text, piece.length(), direction, self.arg) };
    }
}

impl EventCallback {
    /// Tells of an event that needs no answer.
    ///
    /// # Safety
    /// The function is a `smtp_eventcb_t`.
    pub(super) unsafe fn tell(self, session: &Session, event: Event) {
        let handle = ptr::from_ref(session).cast_mut();
        let Self { function, arg } = self;
        let plain = |number: c_int| {
            // SAFETY: the caller promises the type; these events have no further argument.
            unsafe { function(handle, number, arg) };
        };
        let nothing = |number: c_int| {
            // SAFETY: as above; these events have a null pointer.
            unsafe { function(handle, number, arg, ptr::null_mut::<c_void>()) };
        };
        match event {
            Event::Connect => plain(number::CONNECT),
            Event::Disconnect => plain(number::DISCONNECT),
            Event::No8BitMime => plain(number::EXTNA_8BITMIME),
            Event::NoBinaryMime => plain(number::EXTNA_BINARYMIME),
            Event::NoStartTls => nothing(number::EXTNA_STARTTLS),
            Event::UnusableClientCertificate => nothing(number::UNUSABLE_CLIENT_CERTIFICATE),
            Event::UnusableCaList => nothing(number::UNUSABLE_CA_LIST),
            Event::MailStatus { message } => {
                let (path, message) = sender(session, message);
                // SAFETY: the caller promises the type; MAILSTATUS has path and message.
                unsafe { function(handle, number::MAILSTATUS, arg, path, message) };
            }
            Event::RecipientStatus { message, recipient } => {
                let (mailbox, recipient) = recipient_handle(session, message, recipient);
                // SAFETY: as above; RCPTSTATUS has mailbox and recipient.
                unsafe { function(handle, number::RCPTSTATUS, arg, mailbox, recipient) };
            }
            Event::MessageSent { message } => {
                let message = message_handle(session, message);
                // SAFETY: as above; MESSAGESENT has the message.
                unsafe { function(handle, number::MESSAGESENT, arg, message) };
            }
            Event::EtrnStatus { node } => {
                let (option, domain) = node_arguments(session, node);
                // SAFETY: as above; ETRNSTATUS has option and domain.
                unsafe { function(handle, number::ETRNSTATUS, arg, option, domain) };
            }
        }
    }

    /// Tells that so many octets of a message were handled.
    ///
    /// # Safety
    /// The function is a `smtp_eventcb_t`.
    pub(super) unsafe fn tell_progress(self, session: &Session, message: *mut Message, octets: c_int) {
        let handle = ptr::from_ref(session).cast_mut();
        // SAFETY: the caller promises the type; MESSAGEDATA has message and count.
        unsafe { (self.function)(handle, number::MESSAGEDATA, self.arg, message, octets) };
    }

    /// Asks about an event; the application may change the answer.
    ///
    /// # Safety
    /// The function is a `smtp_eventcb_t`.
    pub(super) unsafe fn ask(self, session: &Session, question: Question, answer: &mut c_int) {
        let handle = ptr::from_ref(session).cast_mut();
        let answer = ptr::from_mut(answer);
        let Self { function, arg } = self;
        let number = match question {
            Question::SyntaxWarning => number::SYNTAXWARNING,
            Question::NoDsn => number::EXTNA_DSN,
            Question::NoChunking => number::EXTNA_CHUNKING,
            Question::NoEtrn => number::EXTNA_ETRN,
            Question::DeliverByExpired { missing } => {
                let missing = c_long::try_from(missing).unwrap_or(c_long::MAX);
                // SAFETY: the caller promises the type; this event has seconds and answer.
                unsafe { function(handle, number::DELIVERBY_EXPIRED, arg, missing, answer) };
                return;
            }
        };
        // SAFETY: the caller promises the type; these events have the answer.
        unsafe { function(handle, number, arg, answer) };
    }

    /// Asks about TLS; the application may change the answer.
    ///
    /// # Safety
    /// The function is a `smtp_eventcb_t`.
    pub(super) unsafe fn ask_tls(self, session: &Session, question: TlsQuestion, answer: &mut c_int) {
        let handle = ptr::from_ref(session).cast_mut();
        let answer = ptr::from_mut(answer);
        let Self { function, arg } = self;
        match question {
            TlsQuestion::NoClientCertificate => {
                // SAFETY: the caller promises the type; this event has the answer.
                unsafe { function(handle, number::NO_CLIENT_CERTIFICATE, arg, answer) };
            }
            TlsQuestion::InvalidCertificate { verify_result, ssl } => {
                let number = number::INVALID_PEER_CERTIFICATE;
                // SAFETY: as above; this event has result, answer and connection.
                unsafe { function(handle, number, arg, verify_result, answer, ssl) };
            }
            TlsQuestion::WeakCipher { bits } => {
                // SAFETY: as above; this event has bits and answer.
                unsafe { function(handle, number::WEAK_CIPHER, arg, bits, answer) };
            }
            TlsQuestion::NoCertificate => {
                // SAFETY: as above; this event has the answer.
                unsafe { function(handle, number::NO_PEER_CERTIFICATE, arg, answer) };
            }
            TlsQuestion::WrongCertificate { name_found, ssl } => {
                let number = number::WRONG_PEER_CERTIFICATE;
                // SAFETY: as above; this event has answer, name and connection.
                unsafe { function(handle, number, arg, answer, name_found, ssl) };
            }
        }
    }

    /// Tells that TLS is in use.
    ///
    /// # Safety
    /// The function is a `smtp_eventcb_t`.
    pub(super) unsafe fn tell_tls(self, session: &Session, established: TlsEstablished) {
        let handle = ptr::from_ref(session).cast_mut();
        let Self { function, arg } = self;
        let TlsEstablished { ssl, cipher, bits } = established;
        // SAFETY: the caller promises the type; this event has connection, cipher and bits.
        unsafe { function(handle, number::STARTTLS_OK, arg, ssl, cipher, bits) };
    }
}

// What C is given below belongs to the session, which nothing can free while its callbacks run.

pub(super) fn message_handle(session: &Session, position: MessageAt) -> *mut Message {
    let message = session.message(position);
    message.map_or(ptr::null_mut(), |message| Rc::as_ptr(&message).cast_mut())
}

fn sender(session: &Session, position: MessageAt) -> (*mut c_char, *mut Message) {
    let Some(message) = session.message(position) else {
        return (ptr::null_mut(), ptr::null_mut());
    };
    let path = match &*message.reverse_path().borrow() {
        ReversePath::Mailbox(mailbox) => mailbox.given().as_ptr().cast_mut(),
        ReversePath::Null | ReversePath::Refused => ptr::null_mut(),
    };
    (path, Rc::as_ptr(&message).cast_mut())
}

fn recipient_handle(
    session: &Session,
    message: MessageAt,
    recipient: RecipientAt,
) -> (*mut c_char, *mut Recipient) {
    let message = session.message(message);
    let found = message.as_ref().and_then(|message| message.recipient(recipient));
    found.map_or((ptr::null_mut(), ptr::null_mut()), |recipient| {
        let mailbox = recipient.given().as_ptr().cast_mut();
        (mailbox, ptr::from_ref(recipient).cast_mut())
    })
}

fn node_arguments(session: &Session, node: NodeAt) -> (c_int, *mut c_char) {
    session.etrn_node(node).map_or((0, ptr::null_mut()), |node: Rc<EtrnNode>| {
        (option_number(node.option()), node.domain().as_ptr().cast_mut())
    })
}
