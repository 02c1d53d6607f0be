// SPDX-License-Identifier: LGPL-2.1-or-later
//! Servers that mean no good: each session with one ends in time, in a documented error, and
//! reports nothing that was not accepted.

use std::io::{self, Read as _, Write};
use std::net::TcpStream;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::client::{Client, Mail, Report};
use super::leaks;
use super::server::{Offer, Reply, Smtp, Stage};
use super::station::{Record, Station, identity};
use super::wire::Manner;

// What `smtp_errno` says.
const DROPPED: i32 = 3;
const SYNTAX: i32 = 4;
const MISMATCH: i32 = 5;
const STATUS: i32 = 6;
const UNTERMINATED: i32 = 19;
const LATE: i32 = -libc::ETIMEDOUT;

/// One time-out for the reply and one for QUIT, on a machine however busy.
const LONGEST: Duration = Duration::from_secs(30);

/// The replies to a message without trouble, in their order.
const STAGES: [Stage; 6] = [Stage::Greeting, Stage::Ehlo, Stage::Mail, Stage::Rcpt, Stage::Data, Stage::Text];

/// What comes in place of a reply.
#[derive(Clone, Copy)]
enum Trick {
    /// These bytes; `{}` stands for the proper code.
    Say(&'static str),
    /// The same bytes again and again, at most so many.
    Flood(&'static str, usize),
    /// The proper reply and then the same bytes again and again, each after so many
    /// milliseconds.
    Drip(&'static str, u64),
    /// Nothing at all.
    Silence,
}

/// Plays a trick in place of the first reply of a stage.
struct Nasty {
    stage: Stage,
    trick: Trick,
    played: bool,
    written: usize,
}

impl Nasty {
    fn new(stage: Stage, trick: Trick) -> Self {
        Self { stage, trick, played: false, written: 0 }
    }
}

impl Manner for &mut Nasty {
    fn write(&mut self, reply: &Reply, stream: &mut dyn Write) -> io::Result<()> {
        if reply.stage != self.stage || self.played {
            return stream.write_all(&reply.bytes);
        }
        self.played = true;
        let code = String::from_utf8_lossy(&reply.bytes[..3]).into_owned();
        match self.trick {
            Trick::Silence => Ok(()),
            Trick::Say(bytes) => stream.write_all(bytes.replace("{}", &code).as_bytes()),
            Trick::Flood(bytes, most) => {
                let block = bytes.replace("{}", &code).repeat(1 + 65_536 / bytes.len());
                while self.written < most {
                    stream.write_all(block.as_bytes())?;
                    self.written += block.len();
                }
                Ok(())
            }
            Trick::Drip(bytes, milliseconds) => loop {
                for byte in bytes.replace("{}", &code).bytes() {
                    stream.write_all(&[byte])?;
                    thread::sleep(Duration::from_millis(milliseconds));
                }
            },
        }
    }
}

fn mail(times: usize, binary: bool) -> Vec<Mail> {
    let text = "Date: now\r\nFrom: me\r\nMessage-Id: <1>\r\n\r\nhello\r\n";
    let text = if times == 1 { text.to_owned() } else { text.repeat(1000) };
    vec![Mail {
        from: "me@here",
        to: vec!["you@there"],
        text: text.into_bytes(),
        times,
        binary,
    }]
}

fn meet(offer: Offer, stage: Stage, trick: Trick) -> (Report, Record, usize) {
    let client = Client::new(&mail(1, offer.chunking));
    if offer.starttls {
        client.secure(&identity().trust);
    }
    let mut nasty = Nasty::new(stage, trick);
    let begun = Instant::now();
    let (report, record) = Station::new().meet_with(&client, &|| Smtp::new(offer), None, &mut nasty);
    assert!(begun.elapsed() < LONGEST, "{stage:?}: it took {:?}", begun.elapsed());
    assert!(nasty.played, "{stage:?} never came");
    let you = &report.messages[0].recipients[0];
    if you.complete && you.code == 250 {
        assert!(record.letters.iter().any(|letter| !letter.taken_for.is_empty()), "reported, not accepted");
    }
    (report, record, nasty.written)
}

/// Plays a trick at each stage; the errors are those of the stages in their order.
fn at_each_stage(trick: Trick, errors: [i32; 6]) {
    let _alone = leaks::alone();
    thread::scope(|scope| {
        for offer in [Offer::default(), Offer { pipelining: true, ..Offer::default() }] {
            for (stage, error) in STAGES.into_iter().zip(errors) {
                scope.spawn(move || {
                    let (report, ..) = meet(offer, stage, trick);
                    assert_eq!((report.result, report.error), (0, error), "{stage:?}, {offer:?}");
                    assert!(!report.messages[0].recipients[0].complete, "{stage:?}");
                });
            }
        }
    });
}

#[test]
fn a_line_without_end() {
    at_each_stage(Trick::Flood("x", 100 << 20), [UNTERMINATED; 6]);
}

#[test]
fn a_reply_without_end() {
    at_each_stage(Trick::Flood("{}-and another thing\r\n", 100 << 20), [UNTERMINATED; 6]);
}

#[test]
fn a_hundred_megabytes_of_ehlo_are_not_read() {
    let _alone = leaks::alone();
    let before = leaks::Holdings::now();
    let trick = Trick::Flood("250-XKEYWORD with parameters\r\n", 100 << 20);
    let (report, _, written) = meet(Offer::default(), Stage::Ehlo, trick);
    assert_eq!((report.result, report.error), (0, UNTERMINATED));
    // The rest is what the kernel keeps for both sides.
    assert!(written < 32 << 20, "{written} bytes were taken");
    before.compare(1);
}

#[test]
fn a_reply_of_one_byte_at_a_time() {
    // Each byte comes long before a time-out for a byte, the reply as a whole does not.
    at_each_stage(Trick::Drip("{}-slow\r\n", 60), [LATE; 6]);
}

#[test]
fn silence() {
    at_each_stage(Trick::Silence, [LATE; 6]);
}

#[test]
fn a_nul_in_a_reply() {
    at_each_stage(Trick::Say("{} a\0b\r\n"), [SYNTAX; 6]);
}

#[test]
fn continuations_with_another_code() {
    at_each_stage(Trick::Say("{}-one\r\n299 two\r\n"), [MISMATCH; 6]);
}

#[test]
fn codes_that_are_none() {
    for code in ["+{}", " {}", "0{}", "{}0", "4294967546", "-1", "999", "199", "{}x", "2", "", "٢٥٠"] {
        let line: &'static str = format!("{code} fine\r\n").leak();
        at_each_stage(Trick::Say(line), [SYNTAX; 6]);
    }
}

#[test]
fn the_end_is_announced_at_any_time() {
    let _alone = leaks::alone();
    for pipelining in [false, true] {
        let offer = Offer { pipelining, ..Offer::default() };
        for stage in STAGES {
            let (report, ..) = meet(offer, stage, Trick::Say("421 shutting down\r\n"));
            let message = &report.messages[0];
            assert!(!message.recipients[0].complete, "{stage:?}");
            match stage {
                // It only means that another address may do better.
                Stage::Greeting | Stage::Ehlo => assert_eq!((report.result, report.error), (0, STATUS)),
                Stage::Rcpt => assert_eq!((report.result, report.error), (0, DROPPED)),
                // The message knows its fate.
                _ => assert_eq!((report.result, message.code), (1, 421), "{stage:?}"),
            }
        }
    }
}

#[test]
fn more_replies_than_commands() {
    let _alone = leaks::alone();
    for stage in STAGES {
        let bytes = match stage {
            Stage::Ehlo => "{} fine\r\n250 and more\r\n",
            _ => "{} fine\r\n250 and more\r\n250 and more\r\n250 and more\r\n250 and more\r\n250 x\r\n",
        };
        let (report, ..) = meet(Offer::default(), stage, Trick::Say(bytes));
        // Once the final reply is read, what follows it does no harm.
        let settled = stage == Stage::Text;
        let expected = if settled { (1, report.error) } else { (0, SYNTAX) };
        assert_eq!((report.result, report.error), expected, "{stage:?}");
    }
}

/// A reply that comes before its command was sent is no reply to it.
#[test]
fn replies_before_their_command() {
    let _alone = leaks::alone();
    let auth = Offer { auth: "PLAIN", ..Offer::default() };
    let starttls = Offer { starttls: true, ..Offer::default() };
    for (offer, bytes) in [
        (auth, "{}-server\r\n250 AUTH PLAIN\r\n235 early\r\n"),
        (starttls, "{}-server\r\n250 STARTTLS\r\n220 early\r\n"),
    ] {
        let (report, ..) = meet(offer, Stage::Ehlo, Trick::Say(bytes));
        assert_eq!((report.result, report.error), (0, SYNTAX), "{bytes:?}");
    }
}

#[test]
fn fewer_replies_than_commands() {
    let _alone = leaks::alone();
    let offer = Offer { pipelining: true, ..Offer::default() };
    for stage in [Stage::Mail, Stage::Rcpt, Stage::Data] {
        let (report, ..) = meet(offer, stage, Trick::Silence);
        assert_eq!((report.result, report.error), (0, LATE), "{stage:?}");
    }
}

#[test]
fn nothing_said_before_tls_is_believed() {
    let _alone = leaks::alone();
    let offer = Offer { starttls: true, ..Offer::default() };
    for bytes in ["{} go\r\n250 injected\r\n", "{} go\r\n2", "{} go\r\n\n"] {
        let (report, ..) = meet(offer, Stage::StartTls, Trick::Say(bytes));
        assert_eq!((report.result, report.error), (0, SYNTAX), "{bytes:?}");
    }
}

#[test]
fn a_handshake_of_one_byte_at_a_time() {
    let _alone = leaks::alone();
    let offer = Offer { starttls: true, ..Offer::default() };
    // The consent, and then bytes of a record of 16 KiB that never becomes complete.
    struct Slow;
    impl Manner for Slow {
        fn write(&mut self, reply: &Reply, stream: &mut dyn Write) -> io::Result<()> {
            stream.write_all(&reply.bytes)?;
            if reply.stage == Stage::StartTls {
                for byte in [0x16, 3, 3, 0x40, 0].into_iter().chain(std::iter::repeat(2)) {
                    thread::sleep(Duration::from_millis(60));
                    stream.write_all(&[byte])?;
                }
            }
            Ok(())
        }
    }
    let client = Client::new(&mail(1, false));
    client.secure(&identity().trust);
    let begun = Instant::now();
    let (report, _) = Station::new().meet_with(&client, &|| Smtp::new(offer), None, Slow);
    assert_eq!((report.result, report.error), (0, LATE));
    assert!(begun.elapsed() < LONGEST);
}

#[test]
fn challenges_without_end() {
    let _alone = leaks::alone();
    struct Curious(usize);
    impl Manner for &mut Curious {
        fn write(&mut self, reply: &Reply, stream: &mut dyn Write) -> io::Result<()> {
            if matches!(reply.stage, Stage::Auth | Stage::Unknown) {
                self.0 += 1;
                return stream.write_all(b"334 YWdhaW4=\r\n");
            }
            stream.write_all(&reply.bytes)
        }
    }
    let offer = Offer {
        auth: "LOGIN PLAIN CRAM-MD5",
        ..Offer::default()
    };
    let client = Client::new(&mail(1, false));
    client.authenticate();
    let mut curious = Curious(0);
    let (report, _) = Station::new().meet_with(&client, &|| Smtp::new(offer), None, &mut curious);
    assert_eq!(report.result, 0);
    assert!([SYNTAX, STATUS, 20].contains(&report.error), "{}", report.error);
    assert!(curious.0 < 50, "{} challenges were answered", curious.0);
}

/// Interrupts a text that would be far longer; returns how often the application was asked.
fn interrupt(bytes: &'static [u8], result: i32, error: Option<i32>, code: i32, complete: bool) {
    let _alone = leaks::alone();
    const TIMES: usize = 20_000;
    for after in [1, 100_000] {
        let client = Client::new(&mail(TIMES, false));
        let smtp = || {
            let mut smtp = Smtp::new(Offer::default());
            smtp.interruption = Some((after, bytes));
            smtp
        };
        struct HangsUp;
        impl Manner for HangsUp {
            fn write(&mut self, reply: &Reply, stream: &mut dyn Write) -> io::Result<()> {
                stream.write_all(&reply.bytes)?;
                match reply.stage {
                    Stage::Interruption => Err(io::ErrorKind::BrokenPipe.into()),
                    _ => Ok(()),
                }
            }
        }
        let (report, record) = Station::new().meet_with(&client, &smtp, None, HangsUp);
        let said = String::from_utf8_lossy(bytes);
        assert_eq!(report.result, result, "{said}");
        if let Some(error) = error {
            assert_eq!(report.error, error, "{said}");
        }
        let message = &report.messages[0];
        let you = &message.recipients[0];
        // Else the recipient has the reply to RCPT.
        let your_code = if code == 0 { 250 } else { code };
        assert_eq!((message.code, you.code, you.complete), (code, your_code, complete), "{said}");
        assert!(record.letters.is_empty(), "the text was ended");
        // A block is some 50 KB; some megabytes are in the kernel's buffers.
        assert!(message.reads < TIMES / 10, "{said}: {} blocks were read", message.reads);
    }
}

#[test]
fn a_refusal_in_the_middle_of_the_text_is_believed() {
    interrupt(b"552 too much\r\n", 1, None, 552, true);
    interrupt(b"452 no space\r\n", 1, None, 452, false);
}

#[test]
fn an_acceptance_in_the_middle_of_the_text_is_not() {
    interrupt(b"250 fine\r\n", 0, Some(SYNTAX), 0, false);
    interrupt(b"354 go on\r\n", 0, Some(SYNTAX), 0, false);
    interrupt(b"rubbish\r\n", 0, Some(SYNTAX), 0, false);
}

#[test]
fn a_server_that_hangs_up_in_the_text_is_noticed() {
    let _alone = leaks::alone();
    use super::wire::{Fault, Kind, Side};
    const TIMES: usize = 20_000;
    for kind in [Kind::Cut, Kind::Reset] {
        for at in [200, 100_000] {
            let client = Client::new(&mail(TIMES, false));
            let fault = Some(Fault { kind, side: Side::Reading, at });
            let (report, _) = Station::new().meet(&client, Offer::default(), fault);
            assert_eq!((report.result, report.error), (0, DROPPED), "{kind:?} {at}");
            assert_eq!(report.messages[0].code, 0);
            assert!(report.messages[0].reads < TIMES / 10, "{} blocks", report.messages[0].reads);
        }
    }
}

/// As a good server, to this stage.
fn answer_until(socket: &mut TcpStream, offer: Offer, last: Stage) {
    let mut smtp = Smtp::new(offer);
    let mut buffer = [0; 1024];
    let mut answered = Stage::Greeting;
    while answered != last {
        while let Some(reply) = smtp.replies.pop_front() {
            socket.write_all(&reply.bytes).expect("the client is there");
            answered = reply.stage;
        }
        let count = socket.read(&mut buffer).expect("the client is there");
        smtp.feed(&buffer[..count]);
    }
}

/// Replies to chunks before they have come do not make the library read on and hold the text.
#[test]
fn a_server_that_answers_without_reading_gets_little() {
    let _alone = leaks::alone();
    const TIMES: usize = 20_000;
    let client = Client::new(&mail(TIMES, true));
    let station = Station::new();
    let report = thread::scope(|scope| {
        let station = &station;
        scope.spawn(move || {
            let mut socket = station.accept();
            answer_until(&mut socket, Offer { chunking: true, ..Offer::default() }, Stage::Rcpt);
            // As many as it takes; the client leaves in the middle of them.
            while socket.write_all(&b"250 fine\r\n".repeat(1000)).is_ok() {}
        });
        client.start(station.port())
    });
    assert_eq!(report.result, 0);
    assert_ne!(report.messages[0].code, 250);
    assert!(report.messages[0].reads < TIMES / 10, "{} blocks", report.messages[0].reads);
}

#[test]
fn a_server_that_stops_reading_is_not_waited_for() {
    let _alone = leaks::alone();
    const TIMES: usize = 20_000;
    for chunking in [false, true] {
        let client = Client::new(&mail(TIMES, chunking));
        let station = Station::new();
        let (leave, left) = mpsc::channel();
        let report = thread::scope(|scope| {
            let (station, offer) = (&station, Offer { chunking, ..Offer::default() });
            scope.spawn(move || {
                let mut socket = station.accept();
                // BDAT needs no consent, so the first octets of the text are read.
                answer_until(&mut socket, offer, if chunking { Stage::Rcpt } else { Stage::Data });
                left.recv_timeout(Duration::from_secs(20)).expect("the client leaves");
            });
            let begun = Instant::now();
            let report = client.start(station.port());
            assert!(begun.elapsed() < LONGEST, "it took {:?}", begun.elapsed());
            leave.send(()).expect("the server waits");
            report
        });
        assert_eq!((report.result, report.error), (0, LATE));
        assert_eq!(report.messages[0].code, 0);
        assert!(report.messages[0].reads < TIMES / 10, "{} blocks", report.messages[0].reads);
    }
}
