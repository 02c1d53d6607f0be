// SPDX-License-Identifier: LGPL-2.1-or-later
//! What the application requires of the server, and ETRN, which comes before the first message.

use super::auth::Auth;
use super::{Engine, Outcome, Phase, Scope, Security, Step};
use crate::error::Error;
use crate::protocol::command::Command;
use crate::protocol::event::{Event, Question};
use crate::protocol::outbox::{Outbox, StartTls};
use crate::protocol::pipeline::Expect;
use crate::protocol::position::NodeAt;

impl Engine {
    /// Lists what is required and not offered, each with its event; the application decides
    /// about some of it.
    pub(super) fn check_extensions(&mut self, outbox: &dyn Outbox, scope: Scope) {
        let required = outbox.required();
        let all = scope == Scope::All;
        let mut missing = false;
        if outbox.requires_auth() && self.auth != Auth::Done {
            return self.refused(Error::ExtensionNotAvailable.because("AUTH is not offered"));
        }
        if all && outbox.starttls() == StartTls::Required && self.security == Security::Clear {
            missing = true;
            self.due.push_back(Step::Tell(Event::NoStartTls));
        }
        if all && required.dsn && !self.extensions.dsn {
            self.due.push_back(Step::Ask(Question::NoDsn));
        }
        if required.binary {
            missing |= self.misses_binary();
        }
        if all && required.eight_bit && !self.extensions.eight_bit_mime {
            missing = true;
            self.due.push_back(Step::Tell(Event::No8BitMime));
        }
        if all && required.etrn && !self.extensions.etrn {
            self.due.push_back(Step::Ask(Question::NoEtrn));
        }
        self.phase = Phase::ExtensionsChecked { missing };
    }

    /// Reports what is missing for a BINARYMIME message. Whatever the application says: it
    /// cannot be sent without both.
    pub(super) fn misses_binary(&mut self) -> bool {
        let offered = &self.extensions;
        let (chunking, binary_mime) = (offered.chunking, offered.binary_mime);
        if !chunking {
            self.due.push_back(Step::Ask(Question::NoChunking));
        }
        if !binary_mime {
            self.due.push_back(Step::Tell(Event::NoBinaryMime));
        }
        !chunking || !binary_mime
    }

    /// What is required and not offered, for the user.
    fn lacking(&self, outbox: &dyn Outbox) -> Vec<&'static str> {
        let (required, offered) = (outbox.required(), &self.extensions);
        let tls = outbox.starttls() == StartTls::Required && self.security == Security::Clear;
        let all = [
            (tls, "STARTTLS"),
            (required.dsn && !offered.dsn, "DSN"),
            (required.binary && !offered.chunking, "CHUNKING"),
            (required.binary && !offered.binary_mime, "BINARYMIME"),
            (required.eight_bit && !offered.eight_bit_mime, "8BITMIME"),
            (required.etrn && !offered.etrn, "ETRN"),
        ];
        all.into_iter().filter_map(|(lacks, name)| lacks.then_some(name)).collect()
    }

    /// The application wants to end the session, or goes on, without an extension.
    pub(super) fn without_extension(&mut self, end: bool) {
        if let Phase::ExtensionsChecked { missing } = &mut self.phase {
            *missing |= end;
        }
    }

    pub(super) fn extensions_checked(&mut self, outbox: &dyn Outbox, missing: bool) {
        if missing {
            let lacking = self.lacking(outbox);
            let error =
                Error::ExtensionNotAvailable.because(format_args!("{} is not offered", lacking.join(", ")));
            self.quit(Outcome::Finished(Err(error)));
        } else {
            self.phase = Phase::Etrn;
        }
    }

    pub(super) fn write_etrn(&mut self, outbox: &dyn Outbox) -> Option<Step> {
        let node = self.next_node.unwrap_or(NodeAt::FIRST);
        let count = outbox.etrn_count();
        if self.extensions.etrn && node.get() < count {
            self.next_node = Some(node.next());
            return self.send_last(Command::Etrn { node }, Expect::Etrn(node), Phase::Etrn);
        }
        let nothing_else = outbox.next_message(self.next_message).is_none();
        if count > 0 && !self.extensions.etrn && nothing_else {
            let error = Error::ExtensionNotAvailable.because("ETRN is not offered");
            self.quit(Outcome::Finished(Err(error)));
        } else {
            self.next_node = None;
            self.phase = Phase::NextMessage;
        }
        None
    }
}
