// SPDX-License-Identifier: LGPL-2.1-or-later
//! Something goes wrong at every byte of a dialogue; then the same session starts again.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::accounting::{check_first, check_restart};
use super::client::{Client, LONG_MS, Mail};
use super::leaks;
use super::server::Offer;
use super::station::{Station, identity};
use super::wire::{Fault, Kind, Side};

/// A client that waits for a whole time-out sleeps most of the time.
const THREADS: usize = 24;
/// The time-outs of one start, one for a reply and one for QUIT, on a machine however busy.
const LONGEST: Duration = Duration::from_secs(30);

/// After so many failures the rest is not tried.
const ENOUGH: usize = 20;

struct Scenario {
    offer: Offer,
    mails: Vec<Mail>,
    authenticates: bool,
}

fn mail(from: &'static str, to: &[&'static str], words: &str) -> Mail {
    let text = format!(
        "Date: Mon, 02 Jan 2006 15:04:05 +0100\r\nFrom: {from}\r\nMessage-Id: <{from}>\r\n\r\n.{words}\r\n..\r\n"
    );
    Mail {
        from,
        to: to.to_vec(),
        text: text.into_bytes(),
        times: 1,
        binary: false,
    }
}

fn one() -> Vec<Mail> {
    vec![mail("a@here", &["bad1@x", "ok1@x", "later1@x"], "hello")]
}

fn several() -> Vec<Mail> {
    vec![
        mail("a@here", &["ok1@x", "bad1@x", "ok2@x"], "hello"),
        mail("b@here", &["ok1@x", "later1@x"], "please refuse this"),
        mail("c@here", &["later1@x", "ok3@x"], "hello again"),
    ]
}

impl Scenario {
    fn new(offer: Offer, mut mails: Vec<Mail>) -> Self {
        // Nothing else goes in chunks.
        mails.iter_mut().for_each(|mail| mail.binary = offer.chunking);
        Self { offer, mails, authenticates: false }
    }

    fn client(&self) -> Client {
        let client = Client::new(&self.mails);
        if self.authenticates {
            client.authenticate();
        }
        if self.offer.starttls {
            client.secure(&identity().trust);
        }
        client
    }

    /// How many bytes pass each way if nothing goes wrong.
    fn lengths(&self) -> (usize, usize) {
        let client = self.client();
        let (report, record) = Station::new().meet(&client, self.offer, None);
        assert_eq!(report.result, 1, "error {}", report.error);
        assert_eq!(record.envelopes.len(), self.mails.len());
        record.lengths
    }

    fn try_fault(&self, station: &Station, fault: Fault) {
        let client = self.client();
        // Nothing is waited for where the connection ends.
        if matches!(fault.kind, Kind::Cut | Kind::Reset) {
            client.wait_for(LONG_MS);
        }
        let begun = Instant::now();
        let (first, record) = station.meet(&client, self.offer, Some(fault));
        assert!(begun.elapsed() < LONGEST, "it took {:?}", begun.elapsed());
        check_first(&self.mails, &first, &record, fault);
        client.wait_for(LONG_MS);
        let (second, record) = station.meet(&client, self.offer, None);
        check_restart(&self.mails, &first, &second, &record);
    }

    /// Tries faults, in several threads; returns what went wrong.
    fn try_all(&self, faults: &[Fault]) {
        let next = AtomicUsize::new(0);
        let wrong = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for _ in 0..THREADS.min(faults.len()) {
                scope.spawn(|| {
                    let mut station = Station::new();
                    while let Some(&fault) = faults.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let attempt = AssertUnwindSafe(|| self.try_fault(&station, fault));
                        if panic::catch_unwind(attempt).is_err() {
                            let mut wrong = wrong.lock().expect("a list");
                            wrong.push(fault);
                            if wrong.len() > ENOUGH {
                                return;
                            }
                            // A connection may be left in the old one's queue.
                            station = Station::new();
                        }
                    }
                });
            }
        });
        let wrong = wrong.into_inner().expect("a list");
        assert!(wrong.is_empty(), "these of {} faults: {wrong:?}", faults.len());
    }

    fn run(&self, name: &str) {
        let _alone = leaks::alone();
        let (read, written) = self.lengths();
        let places = |kind, side, length, every: usize| {
            (0..=length).step_by(every).map(move |at| Fault { kind, side, at })
        };
        let mut faults = Vec::new();
        for kind in [Kind::Cut, Kind::Reset] {
            faults.extend(places(kind, Side::Reading, read, 1));
            faults.extend(places(kind, Side::Writing, written, 1));
        }
        for kind in [Kind::Change(1), Kind::Change(0x80), Kind::Insert(b'\n'), Kind::Insert(0)] {
            faults.extend(places(kind, Side::Writing, written - 1, 1));
        }
        faults.extend(places(Kind::Insert(b'-'), Side::Writing, written - 1, 5));
        // Each of these takes a second.
        faults.extend(places(Kind::Stall, Side::Reading, read - 1, 11));
        faults.extend(places(Kind::Stall, Side::Writing, written - 1, 11));

        // Whatever is made once and kept is made now.
        self.try_all(&faults[..faults.len().min(2 * THREADS)]);
        let before = leaks::Holdings::now();
        let begun = Instant::now();
        self.try_all(&faults);
        let count = faults.len();
        println!("{name}: {count} faults in {:.1?} ({read} bytes read, {written} written)", begun.elapsed());
        before.compare(count);
    }
}

#[test]
fn data() {
    Scenario::new(Offer::default(), several()).run("DATA");
}

#[test]
fn data_pipelined() {
    let offer = Offer { pipelining: true, ..Offer::default() };
    Scenario::new(offer, several()).run("DATA, pipelined");
}

#[test]
fn bdat() {
    let offer = Offer { chunking: true, ..Offer::default() };
    Scenario::new(offer, one()).run("BDAT");
}

#[test]
fn bdat_pipelined() {
    let offer = Offer {
        pipelining: true,
        chunking: true,
        enhanced: true,
        ..Offer::default()
    };
    Scenario::new(offer, several()).run("BDAT, pipelined");
}

#[test]
fn starttls() {
    let offer = Offer {
        pipelining: true,
        starttls: true,
        ..Offer::default()
    };
    Scenario::new(offer, one()).run("STARTTLS");
}

#[test]
fn auth() {
    let offer = Offer {
        auth: "PLAIN CRAM-MD5",
        ..Offer::default()
    };
    let scenario = Scenario::new(offer, one());
    Scenario { authenticates: true, ..scenario }.run("AUTH");
}
