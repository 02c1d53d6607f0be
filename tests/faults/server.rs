// SPDX-License-Identifier: LGPL-2.1-or-later
//! The SMTP server of these tests: bytes in, replies out, and a record of what it took over.
//!
//! It decides by the names it is given: `bad…` is no recipient, `later…` is none today, and a
//! text that says `please refuse` or `please wait` is treated so.

use std::collections::VecDeque;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What the server offers.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Offer {
    pub(crate) pipelining: bool,
    pub(crate) chunking: bool,
    pub(crate) enhanced: bool,
    pub(crate) starttls: bool,
    /// Mechanisms; nobody may send without.
    pub(crate) auth: &'static str,
}

/// What a reply answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Greeting,
    Ehlo,
    StartTls,
    Auth,
    Mail,
    Rcpt,
    Data,
    /// A chunk that is not the last.
    Chunk,
    /// The end of a text.
    Text,
    /// Nothing: it comes in the middle of a text.
    Interruption,
    Rset,
    Quit,
    Unknown,
}

/// A reply on its way.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) stage: Stage,
    pub(crate) bytes: Vec<u8>,
    /// The text whose final reply this is.
    pub(crate) text: Option<usize>,
}

/// A text that came to its end, and what the server said to it.
#[derive(Debug)]
pub(crate) struct Letter {
    pub(crate) from: String,
    /// Whose mail it is now; empty if it was refused.
    pub(crate) taken_for: Vec<String>,
    pub(crate) text: Vec<u8>,
    /// How many bytes were written when the final reply was; `None` = it never was.
    pub(crate) told: Option<usize>,
}

/// An envelope as it was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Envelope {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
}

enum Input {
    Command,
    Text,
    Chunk { left: usize, last: bool },
    Secret,
}

/// The server's side of a dialogue.
pub(crate) struct Smtp {
    offer: Offer,
    input: Input,
    buffer: Vec<u8>,
    from: Option<String>,
    to: Vec<String>,
    text: Vec<u8>,
    known: bool,
    /// Say this once so many bytes of a text are there.
    pub(crate) interruption: Option<(usize, &'static [u8])>,
    pub(crate) replies: VecDeque<Reply>,
    pub(crate) letters: Vec<Letter>,
    pub(crate) envelopes: Vec<Envelope>,
}

impl Smtp {
    pub(crate) fn new(offer: Offer) -> Self {
        let mut smtp = Self {
            offer,
            input: Input::Command,
            buffer: Vec::new(),
            from: None,
            to: Vec::new(),
            text: Vec::new(),
            known: offer.auth.is_empty(),
            interruption: None,
            replies: VecDeque::new(),
            letters: Vec::new(),
            envelopes: Vec::new(),
        };
        smtp.say(Stage::Greeting, "220 mail.example ready");
        smtp
    }

    fn say(&mut self, stage: Stage, line: &str) {
        let mut bytes = line.as_bytes().to_vec();
        if self.offer.enhanced && !matches!(stage, Stage::Greeting | Stage::Ehlo | Stage::StartTls) {
            let class = line.as_bytes()[0];
            if class != b'3' {
                bytes.splice(4..4, [class, b'.', b'0', b'.', b'0', b' ']);
            }
        }
        bytes.extend_from_slice(b"\r\n");
        self.replies.push_back(Reply { stage, bytes, text: None });
    }

    /// TLS is up: all that was said is forgotten.
    pub(crate) fn secured(&mut self) {
        self.offer.starttls = false;
        self.buffer.clear();
    }

    /// Takes bytes, cut anywhere.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
        while self.step() {}
    }

    fn step(&mut self) -> bool {
        if let Input::Chunk { left, last } = self.input {
            let part = left.min(self.buffer.len());
            self.text.extend(self.buffer.drain(..part));
            self.input = Input::Chunk { left: left - part, last };
            self.interrupt();
            if part < left {
                return false;
            }
            self.input = Input::Command;
            if last {
                self.text_ends();
            } else {
                self.say(Stage::Chunk, "250 chunk");
            }
            return true;
        }
        let Some(end) = self.buffer.iter().position(|&byte| byte == b'\n') else {
            return false;
        };
        let line: Vec<u8> = self.buffer.drain(..=end).collect();
        assert!(line.ends_with(b"\r\n"), "bare LF from the client: {line:?}");
        match self.input {
            Input::Text => self.text_line(&line),
            Input::Secret => {
                self.input = Input::Command;
                self.judge(&line[..line.len() - 2]);
            }
            Input::Command | Input::Chunk { .. } => {
                let line = String::from_utf8(line).expect("commands are ASCII here");
                self.command(line.trim_end());
            }
        }
        true
    }

    fn text_line(&mut self, line: &[u8]) {
        if line == b".\r\n" {
            self.input = Input::Command;
            return self.text_ends();
        }
        self.text.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
        self.interrupt();
    }

    fn interrupt(&mut self) {
        if let Some((after, bytes)) = self.interruption {
            if self.text.len() >= after {
                self.interruption = None;
                let bytes = bytes.to_vec();
                self.replies.push_back(Reply {
                    stage: Stage::Interruption,
                    bytes,
                    text: None,
                });
            }
        }
    }

    fn text_ends(&mut self) {
        let text = std::mem::take(&mut self.text);
        let says = |words: &[u8]| text.windows(words.len()).any(|part| part == words);
        let (reply, taken_for) = if self.to.is_empty() {
            ("554 for nobody", Vec::new())
        } else if says(b"please refuse") {
            ("552 refused", Vec::new())
        } else if says(b"please wait") {
            ("451 not now", Vec::new())
        } else {
            ("250 taken", std::mem::take(&mut self.to))
        };
        let from = if reply.starts_with("250") { self.from.take() } else { self.from.clone() };
        self.say(Stage::Text, reply);
        if let Some(reply) = self.replies.back_mut() {
            reply.text = Some(self.letters.len());
        }
        let from = from.unwrap_or_default();
        self.letters.push(Letter { from, taken_for, text, told: None });
    }

    fn command(&mut self, line: &str) {
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let argument = line.get(verb.len() + 1..).unwrap_or_default();
        match verb.as_str() {
            "EHLO" => self.ehlo(),
            "STARTTLS" if self.offer.starttls => self.say(Stage::StartTls, "220 go ahead"),
            "AUTH" => self.auth(argument),
            "MAIL" if !self.known => self.say(Stage::Mail, "530 who are you"),
            "MAIL" => {
                if self.from.is_some() {
                    return self.say(Stage::Mail, "503 one at a time");
                }
                let from = path(argument);
                self.envelopes.push(Envelope { from: from.clone(), to: Vec::new() });
                self.from = Some(from);
                self.to.clear();
                self.say(Stage::Mail, "250 sender fine");
            }
            "RCPT" => self.rcpt(&path(argument)),
            "DATA" if self.to.is_empty() => self.say(Stage::Data, "554 for nobody"),
            "DATA" => {
                self.input = Input::Text;
                self.say(Stage::Data, "354 go ahead");
            }
            "BDAT" => {
                let mut words = argument.split(' ');
                let left = words.next().and_then(|size| size.parse().ok()).expect("BDAT has a size");
                let last = words.next() == Some("LAST");
                self.input = Input::Chunk { left, last };
            }
            "RSET" => {
                self.from = None;
                self.to.clear();
                self.text.clear();
                self.say(Stage::Rset, "250 forgotten");
            }
            "QUIT" => self.say(Stage::Quit, "221 bye"),
            _ => self.say(Stage::Unknown, "500 what"),
        }
    }

    fn ehlo(&mut self) {
        let Offer {
            pipelining,
            chunking,
            enhanced,
            starttls,
            auth,
        } = self.offer;
        let auth_line = format!("AUTH {auth}");
        let mut words = vec!["mail.example"];
        for (offered, word) in [
            (pipelining, "PIPELINING"),
            (chunking, "CHUNKING"),
            (chunking, "BINARYMIME"),
            (enhanced, "ENHANCEDSTATUSCODES"),
            (starttls, "STARTTLS"),
            (!auth.is_empty(), auth_line.as_str()),
        ] {
            if offered {
                words.push(word);
            }
        }
        let last = words.len() - 1;
        let lines = words.iter().enumerate().map(|(at, word)| {
            let dash = if at == last { ' ' } else { '-' };
            format!("250{dash}{word}\r\n")
        });
        let bytes = lines.collect::<String>().into_bytes();
        self.replies.push_back(Reply { stage: Stage::Ehlo, bytes, text: None });
    }

    fn auth(&mut self, argument: &str) {
        match argument.split_once(' ') {
            None => {
                self.input = Input::Secret;
                self.say(Stage::Auth, &format!("334 {}", STANDARD.encode("<1@mail.example>")));
            }
            Some((_, secret)) => self.judge(secret.as_bytes()),
        }
    }

    /// PLAIN, or the answer to the one challenge of CRAM-MD5.
    fn judge(&mut self, secret: &[u8]) {
        let secret = STANDARD.decode(secret).unwrap_or_default();
        self.known = secret == b"\0user\0secret" || secret == b"user 9d3eb710d90bb1be1fac281669aefeb6";
        let reply = if self.known { "235 welcome" } else { "535 no" };
        self.say(Stage::Auth, reply);
    }

    fn rcpt(&mut self, to: &str) {
        if self.from.is_none() {
            return self.say(Stage::Rcpt, "503 who sends it");
        }
        if let Some(envelope) = self.envelopes.last_mut() {
            envelope.to.push(to.to_owned());
        }
        if to.starts_with("bad") {
            self.say(Stage::Rcpt, "550 no such user");
        } else if to.starts_with("later") {
            self.say(Stage::Rcpt, "450 not today");
        } else {
            self.to.push(to.to_owned());
            self.say(Stage::Rcpt, "250 recipient fine");
        }
    }
}

fn path(argument: &str) -> String {
    let inner = argument.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inner.map_or_else(String::new, |(path, _)| path.to_owned())
}
