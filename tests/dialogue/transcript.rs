// SPDX-License-Identifier: LGPL-2.1-or-later
//! Transcripts: what the server says, what we say to it, what the application hears.
//!
//! ```text
//! messages: 2 1            numbers of recipients, a message each
//! option: require-all      and others, see `Script::option`
//! S: 250 ok                the server's line; the engine must be waiting
//! C: MAIL 0                our command
//! unasked: 421 bye         in its place: the server says something before it leaves
//! E: rcptstatus 0 1        an event, `= 1` behind it the answer to a question
//! text: 0                  a message's text, its end included
//! chunk: 0                 a chunk of a message's text; `end` behind it: to its end; `empty
//!                          end`: nothing was left; then the command that the engine wants
//! stop:                    nothing more of the text is wanted
//! tls: usable, tls: up     TLS can be used; the handshake went well
//! tls: refused             in place of `up`: the application does not want what came of it
//! mechanism: PLAIN         the mechanism that is tried; `unusable`: the one chosen is not; `none`:
//!                          none is left; `required`: none is left, and one must be
//! challenge: cancelled     in place of an answer to a challenge; `distrusted`: the server is not
//!                          who it claims to be
//! success: not believed    of the server's success; `protected`: a security layer is in place
//! source fails: 5          in place of a chunk: the application's source does, with errno 5
//! drop:                    the server closes the connection
//! done: ok                 the outcome; `because:` behind it the reason that the user is told
//! message 0: ...           what became of each message:
//! message 0: mail 250, transfer 250, recipients 250+ 550+   (`+` = complete)
//! ```

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use esmtp::error::{self, Error};
use esmtp::protocol::{
    Bdat, Command, Engine, Event, Opening, Outcome, Question, Refusal, Reply, ReplyParser, Required,
    StartTls, Step,
};

use crate::mailbag::Mailbag;

struct Script<'a> {
    name: String,
    lines: std::iter::Peekable<std::iter::Enumerate<std::str::Lines<'a>>>,
    mailbag: Mailbag,
    opening: Opening,
}

impl<'a> Script<'a> {
    fn new(name: String, text: &'a str) -> Self {
        Self {
            name,
            lines: text.lines().enumerate().peekable(),
            mailbag: Mailbag::default(),
            opening: Opening::Greeting,
        }
    }

    /// The next line that says something.
    fn peek(&mut self) -> Option<(usize, &'a str)> {
        while let Some((_, line)) = self.lines.peek() {
            if line.trim().is_empty() || line.starts_with('#') {
                self.lines.next();
            } else {
                break;
            }
        }
        self.lines.peek().map(|(at, line)| (at + 1, line.trim()))
    }

    fn take(&mut self, prefix: &str) -> Option<&'a str> {
        let (_, line) = self.peek()?;
        let rest = line.strip_prefix(prefix)?;
        self.lines.next();
        Some(rest.trim())
    }

    fn expect(&mut self, what: &str) {
        let (at, line) = self.peek().unwrap_or((0, "(the end)"));
        assert_eq!(line, what, "{}:{at}", self.name);
        self.lines.next();
    }

    fn settings(&mut self) {
        loop {
            if let Some(counts) = self.take("messages:") {
                let counts: Vec<usize> =
                    counts.split_whitespace().map(|count| count.parse().expect("a number")).collect();
                self.mailbag = Mailbag::new(&counts);
            } else if let Some(option) = self.take("option:") {
                self.option(option);
            } else {
                return;
            }
        }
    }

    fn option(&mut self, option: &str) {
        let mut required = self.mailbag.required.get();
        let mut words = option.split_whitespace();
        match words.next() {
            Some("require-all") => self.mailbag.require_all.set(true),
            Some("starttls") => self.mailbag.starttls.set(StartTls::Enabled),
            Some("starttls-required") => self.mailbag.starttls.set(StartTls::Required),
            Some("repeatable") => {
                self.mailbag
                    .messages
                    .borrow_mut()
                    .iter_mut()
                    .for_each(|message| message.repeatable = true);
            }
            Some("auth") => self.mailbag.auth.set(true),
            Some("auth-required") => self.mailbag.auth_required.set(true),
            Some("utf8") => self.mailbag.messages.borrow_mut()[0].utf8 = true,
            Some("no-sender") => self.mailbag.messages.borrow_mut()[0].no_sender = true,
            Some("no-mailbox") => {
                for word in words {
                    let at: usize = word.parse().expect("a recipient");
                    self.mailbag.messages.borrow_mut()[0].recipients[at].unusable = true;
                }
            }
            Some("by") => {
                let seconds = words.next().and_then(|word| word.parse().ok());
                self.mailbag.messages.borrow_mut()[0].by = seconds;
            }
            Some("dsn") => required.dsn = true,
            Some("8bit") => required.eight_bit = true,
            Some("binary") => {
                required.binary = true;
                self.mailbag.messages.borrow_mut().iter_mut().for_each(|message| message.binary = true);
            }
            Some("implicit-tls") => self.opening = Opening::Tls,
            // As if a callback had added the last message when the extensions were checked.
            Some("binary-later") => {
                let mut messages = self.mailbag.messages.borrow_mut();
                messages.last_mut().expect("a message").binary = true;
            }
            Some("etrn") => {
                required.etrn = true;
                self.mailbag.nodes.borrow_mut().push(0);
            }
            other => panic!("{}: unknown option {other:?}", self.name),
        }
        self.mailbag.required.set(Required { ..required });
    }

    /// The server's next reply.
    fn reply(&mut self, engine: &Engine) -> Result<Reply, Error> {
        let mut parser = ReplyParser::default();
        loop {
            if self.take("drop:").is_some() {
                return Err(Error::Dropped);
            }
            // A line without end, and the end of the connection.
            if let Some(line) = self.take("last words:") {
                parser.feed(line.as_bytes());
                return parser.last_words(engine.form(), |_| {}).ok_or(Error::Dropped);
            }
            let (at, line) = self.peek().unwrap_or((0, "(the end)"));
            let Some(line) = self.take("S:") else {
                panic!("{}:{at}: a reply is waited for, not {line}", self.name);
            };
            parser.feed(line.as_bytes());
            parser.feed(b"\r\n");
            if let Some(reply) = parser.next(engine.form(), |_| {})? {
                return Ok(reply);
            }
        }
    }

    fn run(mut self) {
        self.settings();
        let _ = error::take_found();
        let mut engine = Engine::new(self.opening);
        let outcome = loop {
            match engine.next(&self.mailbag) {
                Step::Send(command) => {
                    if let Some(line) = self.take("unasked:") {
                        engine.unsolicited(&parsed(&engine, line));
                        continue;
                    }
                    command_lines(&command).iter().for_each(|line| self.expect(&format!("C: {line}")));
                }
                Step::Receive => match self.reply(&engine) {
                    Ok(reply) => engine.receive(reply),
                    Err(error) => engine.fail(error),
                },
                Step::Tell(event) => self.expect(&format!("E: {}", event_text(event))),
                Step::Ask(question) => {
                    let asked = format!("E: {} =", question_text(question));
                    let (at, line) = self.peek().unwrap_or((0, "(the end)"));
                    let Some(answer) = self.take(&asked) else {
                        panic!("{}:{at}: {asked} is due, not {line}", self.name);
                    };
                    engine.answer(answer.parse().expect("a number"));
                }
                Step::SelectMechanism { after } => self.select_mechanism(&mut engine, after),
                Step::Challenge(_) => match self.take("challenge:") {
                    Some("cancelled") => engine.cancel(),
                    Some("distrusted") => engine.distrust(),
                    _ => engine.respond(b"AAAA".to_vec().into()),
                },
                Step::Authenticated => match self.take("success:") {
                    Some("not believed") => engine.authenticated(false, false),
                    Some("protected") => engine.authenticated(true, true),
                    _ => engine.authenticated(true, false),
                },
                Step::PrepareTls => {
                    let usable = self.take("tls: usable").is_some();
                    if !usable {
                        self.take("tls: not usable");
                    }
                    engine.tls_prepared(usable);
                }
                Step::Secure if self.take("tls: refused").is_some() => engine.tls_refused(Error::Client),
                Step::Secure => {
                    self.expect("tls: up");
                    engine.secured();
                }
                Step::Record(verdict) => {
                    self.mailbag.record(&verdict);
                    if let Some(event) = verdict.event() {
                        self.expect(&format!("E: {}", event_text(event)));
                    }
                }
                Step::Text { message } => {
                    self.expect(&format!("text: {}", message.get()));
                    if self.take("interrupted:").is_some() {
                        match self.reply(&engine) {
                            Ok(reply) => engine.text_interrupted(reply),
                            Err(error) => engine.fail(error),
                        }
                    } else {
                        engine.text_sent();
                    }
                }
                Step::Chunk { message } => self.chunk(&mut engine, message.get()),
                Step::StopText => self.expect("stop:"),
                Step::Done(outcome) => break outcome,
            }
        };
        self.expect(&format!("done: {}", outcome_text(outcome)));
        let reason = error::take_found().map_or(String::new(), |reason| reason.text().to_owned());
        if let Some(expected) = self.take("because:") {
            assert_eq!(reason, expected, "{}", self.name);
        }
        self.results();
        assert_eq!(self.peek(), None, "{}: lines are left", self.name);
    }

    fn select_mechanism(&mut self, engine: &mut Engine, after: Option<Refusal>) {
        if let Some(refusal) = after {
            self.expect(&format!("refused: {refusal:?}"));
        }
        let (at, line) = self.peek().unwrap_or((0, "(the end)"));
        match self.take("mechanism:") {
            Some("unusable") => engine.next_mechanism(),
            Some("none") => engine.without_auth(),
            Some("required") => engine.auth_missing(Error::Client),
            Some(name) => engine.authenticate(format!("AUTH {name}").into_bytes().into()),
            None => panic!("{}:{at}: a mechanism is due, not {line}", self.name),
        }
    }

    fn chunk(&mut self, engine: &mut Engine, message: usize) {
        if let Some(errno) = self.take("source fails:") {
            engine.source_failed(Error::System(errno.parse().expect("a number")));
            return;
        }
        let (at, line) = self.peek().unwrap_or((0, "(the end)"));
        let chunk = format!("chunk: {message}");
        let bdat = if line == chunk {
            engine.chunk(60_000, false)
        } else if line == format!("{chunk} end") {
            engine.chunk(1000, true)
        } else if line == format!("{chunk} empty end") {
            engine.chunk(0, true)
        } else {
            panic!("{}:{at}: {chunk} is due, not {line}", self.name);
        };
        self.lines.next();
        self.expect(match bdat {
            Some(Bdat::More) => "C: BDAT",
            Some(Bdat::Last) => "C: BDAT LAST",
            None => "nothing to write",
        });
    }

    fn results(&mut self) {
        let messages = self.mailbag.messages.take();
        for (at, message) in messages.iter().enumerate() {
            let mut line =
                format!("message {at}: mail {}, transfer {}, recipients", message.mail, message.transfer);
            for recipient in &message.recipients {
                let plus = if recipient.complete { "+" } else { "" };
                let _ = write!(line, " {}{plus}", recipient.code);
            }
            self.expect(&line);
        }
        let nodes = self.mailbag.nodes.take();
        for (at, code) in nodes.iter().enumerate() {
            self.expect(&format!("node {at}: {code}"));
        }
    }
}

/// A reply of one line.
fn parsed(engine: &Engine, line: &str) -> Reply {
    let mut parser = ReplyParser::default();
    parser.feed(format!("{line}\r\n").as_bytes());
    parser.next(engine.form(), |_| {}).expect("valid").expect("whole")
}

fn command_lines(command: &Command) -> Vec<String> {
    match command {
        Command::Rcpt { message, recipients, .. } => {
            recipients.iter().map(|at| format!("RCPT {} {}", message.get(), at.get())).collect()
        }
        command => vec![command_text(command)],
    }
}

fn command_text(command: &Command) -> String {
    match command {
        Command::Ehlo => "EHLO".into(),
        Command::Helo => "HELO".into(),
        Command::StartTls => "STARTTLS".into(),
        Command::Auth(line) => String::from_utf8_lossy(line).into_owned(),
        Command::Etrn { node } => format!("ETRN {}", node.get()),
        Command::Xusr => "XUSR".into(),
        Command::Mail { message, by_seconds, utf8 } => {
            let by = by_seconds.map_or(String::new(), |seconds| format!(" BY={seconds}"));
            let utf8 = if *utf8 { " SMTPUTF8" } else { "" };
            format!("MAIL {}{by}{utf8}", message.get())
        }
        Command::Rcpt { .. } => panic!("one line for each recipient"),
        Command::Data => "DATA".into(),
        Command::EndOfData => ".".into(),
        Command::LastChunk => "BDAT 2 LAST".into(),
        Command::Rset => "RSET".into(),
        Command::Quit => "QUIT".into(),
    }
}

fn event_text(event: Event) -> String {
    match event {
        Event::MailStatus { message } => format!("mailstatus {}", message.get()),
        Event::RecipientStatus { message, recipient } => {
            format!("rcptstatus {} {}", message.get(), recipient.get())
        }
        Event::MessageSent { message } => format!("messagesent {}", message.get()),
        Event::EtrnStatus { node } => format!("etrnstatus {}", node.get()),
        Event::No8BitMime => "no 8bitmime".into(),
        Event::NoBinaryMime => "no binarymime".into(),
        Event::NoStartTls => "no starttls".into(),
        other => format!("{other:?}"),
    }
}

fn question_text(question: Question) -> String {
    match question {
        Question::SyntaxWarning => "syntaxwarning".into(),
        Question::NoDsn => "no dsn".into(),
        Question::NoChunking => "no chunking".into(),
        Question::NoEtrn => "no etrn".into(),
        Question::DeliverByExpired { missing } => format!("deliverby expired {missing}"),
    }
}

fn outcome_text(outcome: Outcome) -> String {
    match outcome {
        Outcome::Finished(Ok(())) => "ok".into(),
        Outcome::Finished(Err(error)) => format!("{error:?}"),
        Outcome::NextAddress(error) => format!("next address, {error:?}"),
    }
}

#[test]
fn every_transcript_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialogue/transcripts");
    let mut count = 0;
    for entry in fs::read_dir(folder).expect("the transcripts are there") {
        let path = entry.expect("readable").path();
        let text = fs::read_to_string(&path).expect("readable");
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for (at, part) in text.split("\n===\n").enumerate() {
            Script::new(format!("{name}#{}", at + 1), part).run();
            count += 1;
        }
    }
    assert!(count >= 40, "only {count} transcripts");
}
