// SPDX-License-Identifier: LGPL-2.1-or-later
//! The engine's commands filled in from the model.

use std::ffi::{CStr, CString};
use std::net::IpAddr;

use super::terms::Terms;
use super::{Message, Recipient, ReversePath, Session};
use crate::net;
use crate::protocol::command::{self, Mail, Rcpt};
use crate::protocol::envelope::DeliverBy;
use crate::protocol::{Command, Extensions};

/// What this host calls itself.
#[derive(Default)]
pub(super) enum Localhost {
    /// Nobody has looked yet.
    #[default]
    Unknown,
    /// The name that was set or found.
    Name(CString),
    /// It has no name that a server would take: the address of its end of the connection.
    Nameless(CString),
}

impl Localhost {
    /// For EHLO and in generated ids.
    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Name(name) | Self::Nameless(name) if !name.is_empty() => name.to_bytes(),
            Self::Unknown | Self::Name(_) | Self::Nameless(_) => b"localhost",
        }
    }
}

impl Session {
    /// Finds our own name for EHLO, unless one was set or found before.
    pub(super) fn find_localhost(&self) {
        if !matches!(*self.localhost.borrow(), Localhost::Unknown) {
            return;
        }
        let name = self.hostname.borrow().clone().or_else(net::mail_name);
        self.localhost.replace(name.map_or_else(|| self.nameless(), Localhost::Name));
    }

    /// Our end of the connection stands for a host without a name.
    pub(super) fn connected_from(&self, address: Option<IpAddr>) {
        self.own_address.set(address);
        let nameless = matches!(*self.localhost.borrow(), Localhost::Nameless(_));
        if nameless {
            self.localhost.replace(self.nameless());
        }
    }

    fn nameless(&self) -> Localhost {
        let literal = self.own_address.get().map(net::address_literal);
        Localhost::Nameless(CString::new(literal.unwrap_or_default()).unwrap_or_default())
    }

    /// Keeps the server's canonical name.
    pub(super) fn resolved(&self, canonical: &CStr) {
        if self.server_name.borrow().as_deref() != Some(canonical) {
            let former = self.server_name.replace(Some(canonical.into()));
            self.former_names.borrow_mut().extend(former);
        }
    }

    /// Appends a command line.
    pub(super) fn write_command(&self, command: &Command, offered: &Extensions, out: &mut Vec<u8>) {
        match command {
            Command::Ehlo => self.write_hello(b"EHLO", out),
            Command::Helo => self.write_hello(b"HELO", out),
            Command::StartTls => command::write_verb(b"STARTTLS", b"", out),
            Command::Auth(line) => command::write_verb(line, b"", out),
            Command::Etrn { node } => {
                if let Some(node) = self.etrn_node(*node) {
                    command::write_etrn(node.option(), node.domain().to_bytes(), out);
                }
            }
            Command::Xusr => command::write_verb(b"XUSR", b"", out),
            Command::Mail { message, by_seconds, utf8 } => {
                if let Some(message) = self.message(*message) {
                    message.write_mail(*by_seconds, *utf8, offered, out);
                }
            }
            Command::Rcpt { message, recipients, utf8 } => {
                if let Some(message) = self.message(*message) {
                    message.for_each_of(*recipients, |one| one.write_rcpt(*utf8, offered, out));
                }
            }
            Command::Data => command::write_verb(b"DATA", b"", out),
            Command::EndOfData => command::write_verb(b".", b"", out),
            Command::LastChunk => {
                command::write_bdat(2, true, out);
                out.extend_from_slice(b"\r\n");
            }
            Command::Rset => command::write_verb(b"RSET", b"", out),
            Command::Quit => command::write_verb(b"QUIT", b"", out),
        }
    }

    fn write_hello(&self, verb: &[u8], out: &mut Vec<u8>) {
        if let Some(name) = self.terms.borrow().as_deref().and_then(Terms::hello) {
            return command::write_verb(verb, name.to_bytes(), out);
        }
        // A callback may have set another name.
        self.find_localhost();
        command::write_verb(verb, self.localhost.borrow().as_bytes(), out);
    }
}

impl Recipient {
    /// `RCPT TO` with those parameters that the server takes.
    fn write_rcpt(&self, utf8: bool, offered: &Extensions, out: &mut Vec<u8>) {
        self.with_original(|original| {
            Rcpt {
                mailbox: self.mailbox().wire(utf8),
                notify: self.notify().filter(|_| offered.dsn),
                original: original.map(|one| one.wire()).filter(|_| offered.dsn),
            }
            .write(out);
        });
    }
}

impl Message {
    /// `MAIL FROM` with those parameters that the server takes.
    fn write_mail(&self, by_seconds: Option<i64>, utf8: bool, offered: &Extensions, out: &mut Vec<u8>) {
        let reverse_path = self.reverse_path().borrow();
        let envelope_id = self.envelope_id();
        let by = self.deliver_by().filter(|_| offered.deliver_by.is_some());
        Mail {
            reverse_path: match &*reverse_path {
                ReversePath::Mailbox(mailbox) => mailbox.wire(utf8),
                ReversePath::Null | ReversePath::Refused => b"",
            },
            size: Some(self.size()).filter(|size| offered.size && *size > 0),
            ret: self.ret().filter(|_| offered.dsn),
            envelope_id: envelope_id.as_ref().map(|id| id.wire()).filter(|_| offered.dsn),
            body: self.body().filter(|_| offered.eight_bit_mime || offered.binary_mime),
            by: by.map(|by| DeliverBy {
                seconds: by_seconds.unwrap_or(by.seconds),
                ..by
            }),
            utf8,
        }
        .write(out);
    }
}
