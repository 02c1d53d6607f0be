// SPDX-License-Identifier: LGPL-2.1-or-later
//! Tries a relay of the site's policy without a mail: connection, TLS, AUTH, and goodbye. It is a
//! session like any other, with nothing to send.

use std::ffi::CStr;

use super::Session;
use super::callback::{Answer, Call, Event};
use super::explained::Explained;
pub use super::run::shown_pin;
use crate::error::{self, Error};
use crate::net::CertificateFacts;
use crate::policy::Chosen;
use crate::protocol::Extensions;
use crate::sasl::Due;

/// What a probe comes to know.
#[derive(Debug)]
pub enum Found {
    /// A connection stands.
    Connected,
    /// TLS stands; its version and cipher, and whether what the server has shown is in order.
    Tls(String),
    /// The server's certificate.
    Certificate(CertificateFacts),
    /// The server knows us, by this mechanism.
    Authenticated(Box<str>),
    /// What the server offers in the end.
    Offers(Extensions),
    /// The connection is over.
    Disconnected,
}

/// Tries a relay for a program whose own server is this. The text says why it is of no use.
pub fn probe(relay: Chosen, server: &CStr, report: &mut dyn FnMut(Found)) -> Result<(), String> {
    let session = Session::new();
    session.set_server(server);
    session.begin_probe(relay);
    let result = serve(&session, report);
    let reason = session.finish();
    result.map_err(|error| {
        reason.renew();
        error::set_last(error);
        let reason = error::last_reason();
        match (error, reason.text()) {
            (error, "") => Explained(error, "").to_string(),
            (_, text) => text.to_owned(),
        }
    })
}

fn serve(session: &Session, report: &mut dyn FnMut(Found)) -> Result<(), Error> {
    loop {
        match session.advance() {
            Call::Done(result) => return result,
            Call::Wait(waiting) => waiting.wait(),
            Call::Tell(Event::Connect) => report(Found::Connected),
            Call::Tell(Event::Disconnect) => {
                let notes =
                    session.with_run(|run| run.notes()).flatten().map(|(notes, _)| notes).unwrap_or_default();
                if let Some(mechanism) = notes.mechanism {
                    report(Found::Authenticated(mechanism));
                }
                if let Some(offers) = notes.offers {
                    report(Found::Offers(offers));
                }
                report(Found::Disconnected);
            }
            Call::TellTls(_) => report_tls(session, report),
            // Nobody is there who would accept what is not in order.
            Call::AskTls(_) => {
                report_tls(session, report);
                session.answer(0);
            }
            Call::Ask(question) => session.answer(question.preset()),
            Call::Exchange { due, .. } => session.responded(match due {
                Due::Respond(response) => Answer::Response(response),
                Due::Distrusted => Answer::Distrusted,
                // Nobody is there who could be asked.
                Due::Ask(_) | Due::Plugin(_) | Due::Failed => Answer::Failed,
            }),
            Call::Tell(_) | Call::Show | Call::Release => {}
            // There is no message.
            Call::Rewind { .. } | Call::Read { .. } | Call::Progress { .. } => return Err(Error::Client),
        }
    }
}

fn report_tls(session: &Session, report: &mut dyn FnMut(Found)) {
    let Some((notes, certificate)) = session.with_run(|run| run.notes()).flatten() else {
        return;
    };
    if let Some(text) = notes.tls {
        report(Found::Tls(text));
    }
    if let Some(facts) = certificate {
        report(Found::Certificate(facts));
    }
}
