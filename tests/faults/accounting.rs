// SPDX-License-Identifier: LGPL-2.1-or-later
//! What the server took over and what the library reports, compared.

use super::client::{Mail, MessageReport, Report};
use super::server::Envelope;
use super::station::{NOTHING_TO_DO, Record};
use super::wire::{Fault, Kind};

/// `SMTP_ERR_*` that a fault of the connection or the server can cause, besides
/// `-ETIMEDOUT`: dropped, syntax, mismatch, status, extension, unterminated, client.
const DOCUMENTED: [i32; 7] = [3, 4, 5, 6, 8, 19, 20];

/// Whose mail the library says was taken.
fn reported(message: &MessageReport) -> Vec<&str> {
    let taken = message.recipients.iter().filter(|one| one.complete && one.code / 100 == 2);
    taken.map(|one| one.mailbox).collect()
}

fn incomplete(report: &Report) -> Vec<Envelope> {
    let envelopes = report.messages.iter().map(|message| {
        let to = message.recipients.iter().filter(|one| !one.complete);
        Envelope {
            from: message.from.to_owned(),
            to: to.map(|one| one.mailbox.to_owned()).collect(),
        }
    });
    envelopes.filter(|envelope| !envelope.to.is_empty()).collect()
}

/// A fault that changes what the server says makes the client believe something else; then
/// only what was said before it can be compared in full.
fn garbles(fault: Fault) -> bool {
    matches!(fault.kind, Kind::Change(_) | Kind::Insert(_))
}

/// Checks the first start, the one with a fault.
pub(crate) fn check_first(mails: &[Mail], report: &Report, record: &Record, fault: Fault) {
    for (mail, message) in mails.iter().zip(&report.messages) {
        let letters = || record.letters.iter().filter(|letter| letter.from == mail.from);
        assert!(letters().count() <= 1, "sent twice in one session: {}", mail.from);
        let taken_for: Vec<&str> =
            letters().flat_map(|letter| &letter.taken_for).map(String::as_str).collect();
        let told = letters().any(|letter| match letter.told {
            Some(at) if garbles(fault) => at <= fault.at,
            told => told.is_some(),
        });
        let reported = reported(message);
        // With one reply fewer, each later one seems to answer the command before its own.
        for mailbox in reported.iter().filter(|_| !record.joined) {
            assert!(taken_for.contains(mailbox), "reported, but not accepted: {mailbox}");
        }
        if told && fault.kind == Kind::Reset {
            // A reset may overtake what was written before it.
            assert!(reported.is_empty() || reported == taken_for, "reported in part: {}", mail.from);
        } else if told {
            assert_eq!(reported, taken_for, "accepted and told, but not reported: {}", mail.from);
        } else if !garbles(fault) {
            assert!(reported.is_empty(), "reported before it was told: {}", mail.from);
        }
        for letter in letters().filter(|letter| !letter.taken_for.is_empty()) {
            // A server that contradicts itself about MAIL or RCPT gets an empty text.
            let void = garbles(fault) && letter.text.is_empty();
            let whole = mail.text.repeat(mail.times);
            assert!(void || letter.text == whole, "a part of a message was accepted: {}", mail.from);
        }
        if report.result == 1 {
            assert_ne!(message.code, 0, "1, but nothing is known of {}", mail.from);
        }
        assert!(message.rewinds <= 1, "rewound {} times", message.rewinds);
    }
    if report.result == 0 {
        let error = report.error;
        match fault.kind {
            Kind::Stall => assert_eq!(error, -libc::ETIMEDOUT),
            // It may come before the client knows that it is connected.
            Kind::Reset if error == -libc::ECONNRESET => assert_eq!(record.lengths.0, 0),
            _ => assert!(DOCUMENTED.contains(&error) || error == -libc::ETIMEDOUT, "error {error}"),
        }
    }
    let settled = record.letters.len() == mails.len()
        && record
            .letters
            .iter()
            .all(|letter| letter.told.is_some_and(|at| at <= fault.at || !garbles(fault)));
    match fault.kind {
        Kind::Cut | Kind::Stall => {
            assert_eq!(report.result == 1, settled, "the result tells whether all is settled");
        }
        Kind::Reset => assert!(report.result == 0 || settled, "1, but not all is settled"),
        Kind::Change(_) | Kind::Insert(_) => {}
    }
}

/// Checks the second start, against a server that works.
pub(crate) fn check_restart(mails: &[Mail], before: &Report, report: &Report, record: &Record) {
    let due = incomplete(before);
    assert_eq!(record.envelopes, due, "the restart sends what is incomplete");
    if due.is_empty() {
        assert_eq!((report.result, report.error), (0, NOTHING_TO_DO));
        return;
    }
    assert_eq!(report.result, 1, "error {}", report.error);
    let sent = mails.iter().zip(&before.messages).zip(&report.messages);
    for ((mail, before), after) in sent {
        let letter = record.letters.iter().find(|letter| letter.from == mail.from);
        let sent = usize::from(letter.is_some());
        assert_eq!(after.rewinds, before.rewinds + sent, "read only to be sent: {}", mail.from);
        let whole = mail.text.repeat(mail.times);
        for (earlier, one) in before.recipients.iter().zip(&after.recipients) {
            if earlier.complete {
                assert_eq!(earlier, one, "what is complete stays as it is");
            } else if one.complete && one.code == 250 {
                let letter = letter.expect("a record of the message");
                assert!(letter.taken_for.iter().any(|to| to == one.mailbox), "{one:?}");
                assert_eq!(letter.text, whole);
            } else {
                assert!(matches!(one.code, 550 | 552 | 450 | 451), "{one:?}");
                // A text that is refused for good is refused for all.
                let for_good = one.code >= 500 || (letter.is_some() && after.code >= 500);
                assert_eq!(one.complete, for_good, "{one:?}");
            }
        }
    }
}
