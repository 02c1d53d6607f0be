// SPDX-License-Identifier: LGPL-2.1-or-later
//! The header section of a message against the plainest way to go through one: line by line, with
//! the whole text at hand. How a text begins, which headers pass, which are added, what is told.

use esmtp::content::header::{HeaderOption, Headers, Value};
use esmtp::content::{Body, End, Framing, Note, Options, Output, Text};

use super::Target;
use super::body::{difference, lines};
use super::headers::facts;
use super::input::Input;
use super::shapes::{self, Cuts};

pub(crate) const SECTION: Target = Target {
    name: "section",
    run: section,
    seeds: &[
        b"\x03\x02\x00\x00\x01\x01\x02\x01\x00\x02\x00\x05\x00\x03\x00\x04\x00\x04\x05\x02\x01\x02\x00\x07\x00\x06\x02\x02",
        b"\x01\x00\x01\x03\x05\x01\x02\x0b\x04\x03\x00\x09\x00\x05\x00\x08\x00\x05\x02\x00\x03",
    ],
};

/// Names of all sorts, and some that are nearly such.
const NAMES: [&str; 24] = [
    "Subject",
    "subJECT",
    "X-A",
    "X-B",
    "X-",
    "x-a",
    "To",
    "TO",
    "Date",
    "From",
    "Message-Id",
    "Received",
    "Content-Type",
    "Content-",
    "MIME-Version",
    "Resent-To",
    "Resent-Reply-To",
    "Return-Path",
    "Cc",
    "Sender",
    ".Dot",
    "Tos",
    "Fro",
    "Reply-To",
];

/// What the application said about one header, and how it comes out.
#[derive(Debug, Default)]
struct Setting {
    /// In small letters.
    key: String,
    printed: Option<String>,
    overrides: bool,
    prohibited: bool,
}

pub(crate) struct Case {
    headers: Headers,
    settings: Vec<Setting>,
    pub(crate) options: Options,
    cuts: Cuts,
    /// Up to the first end that the source signals, and behind it.
    pub(crate) text: Vec<u8>,
    rest: Vec<u8>,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) wire: Vec<u8>,
    pub(crate) told: Vec<usize>,
    pub(crate) shown: Vec<u8>,
}

impl Case {
    pub(crate) fn new(data: &[u8]) -> Self {
        let mut input = Input::new(data);
        let options = Options {
            framing: Framing::Dots,
            body: Body::Lines,
            count: input.flag(),
            show_headers: input.flag(),
        };
        let mut headers = Headers::default();
        let mut settings = Vec::new();
        // One that the library makes is different each time.
        set(&mut headers, &mut settings, "Message-Id", "one");
        for _ in 0..input.below(6) {
            let name = name(&mut input);
            match input.below(4) {
                0 => drop(headers.set_option(name.as_bytes(), HeaderOption::Override(true)).map(|()| {
                    setting(&mut settings, name).overrides = true;
                })),
                1 => drop(headers.set_option(name.as_bytes(), HeaderOption::Prohibit(true)).map(|()| {
                    setting(&mut settings, name).prohibited = true;
                })),
                _ => set(&mut headers, &mut settings, name, ["mine", "", "x\r\n .y"][input.below(3)]),
            }
        }
        let cuts = Cuts::new(&mut input);
        let rest = if input.flag() {
            shapes::text(&mut Input::new(input.block()))
        } else {
            Vec::new()
        };
        let mut text = Vec::new();
        while !input.is_empty() {
            piece(&mut input, &mut text);
        }
        Self {
            headers,
            settings,
            options,
            cuts,
            text,
            rest,
        }
    }

    /// Sends it by the library.
    pub(crate) fn send(&self) -> Sent {
        let mut text = Text::new(self.headers.plan(&facts()), self.options);
        let mut out = Output::default();
        let mut parts = [&self.text, &self.rest].into_iter();
        loop {
            for block in parts.next().map_or(vec![], |part| self.cuts.blocks(part)) {
                text.push(block, &mut out);
            }
            if text.end(&mut out) == End::Message {
                break;
            }
        }
        let mut sent = Sent { wire: out.wire, ..Sent::default() };
        for note in out.notes {
            match note {
                Note::Data(octets) => sent.told.push(octets),
                Note::Header(header) => sent.shown.extend_from_slice(&header),
            }
        }
        sent
    }

    /// What must go out.
    pub(crate) fn expected(&self) -> Sent {
        let mut sent = Sent::default();
        let (section, body, ends) = divide(&self.text);
        let mut body = lines(body);
        if !ends {
            body.extend(lines(&self.rest));
        }
        for header in self.headers_of(section) {
            if self.options.count {
                sent.told.push(header.len());
            }
            if self.options.show_headers {
                sent.shown.extend_from_slice(&header);
            }
            write(&header, &mut sent.wire);
        }
        sent.wire.extend_from_slice(b"\r\n");
        for line in body {
            if self.options.count {
                sent.told.push(line.len() + 2);
            }
            write(&[&line[..], b"\r\n"].concat(), &mut sent.wire);
        }
        sent.wire.extend_from_slice(b".\r\n");
        sent
    }

    /// The headers that go out for a section, each with its continuation lines.
    fn headers_of(&self, section: &[u8]) -> Vec<Vec<u8>> {
        let mut seen: Vec<String> = Vec::new();
        let mut out: Vec<Vec<u8>> = Vec::new();
        let mut passes = true;
        for line in section_lines(section) {
            let whole = [&line[..], b"\r\n"].concat();
            if line.starts_with(b" ") || line.starts_with(b"\t") {
                match out.last_mut() {
                    Some(header) if passes => header.extend(whole),
                    None if passes => out.push(whole),
                    _ => {}
                }
                continue;
            }
            let name = line.split(|&octet| octet == b':').next().unwrap_or_default();
            let is_header = name.len() < line.len() && name.len() <= 998;
            let key = String::from_utf8_lossy(name).to_ascii_lowercase();
            passes = true;
            if is_header && !name.contains(&b' ') && !name.contains(&b'\t') {
                passes = self.fate(&key, &mut seen, &mut out);
            }
            if passes {
                out.push(whole);
            }
        }
        let supplied = ["date", "from", "message-id"].map(String::from);
        let set = self.settings.iter().filter(|one| one.printed.is_some()).map(|one| one.key.clone());
        let set = set.filter(|key| !supplied.contains(key));
        for key in supplied.iter().cloned().chain(set) {
            if !seen.contains(&key) {
                out.extend(self.own(&key));
            }
        }
        out
    }

    /// Whether a header of the message passes; adds the one that takes its place.
    fn fate(&self, name: &str, seen: &mut Vec<String>, out: &mut Vec<Vec<u8>>) -> bool {
        const ONCE: [&str; 9] = [
            "date",
            "from",
            "message-id",
            "sender",
            "to",
            "cc",
            "bcc",
            "reply-to",
            "disposition-notification-to",
        ];
        let family = name.find('-').map(|hyphen| &name[..=hyphen]);
        if matches!(name, "return-path" | "original-recipient" | "resent-reply-to") {
            return false;
        }
        let known = |key: &str| ONCE.contains(&key) || self.settings.iter().any(|one| one.key == key);
        let preserved = |key: &str| matches!(key, "received" | "content-" | "mime-" | "resent-");
        let key = [Some(name), family].into_iter().flatten().find(|key| known(key) || preserved(key));
        let Some(key) = key.filter(|key| !preserved(key)) else {
            return true;
        };
        let again = seen.iter().any(|one| one == key);
        seen.push(key.to_owned());
        let setting = self.settings.iter().find(|one| one.key == key);
        if again || setting.is_some_and(|one| one.prohibited) {
            return false;
        }
        match self.own(key).filter(|_| setting.is_some_and(|one| one.overrides)) {
            Some(own) => {
                out.push(own);
                false
            }
            None => true,
        }
    }

    /// The header of the library's or the application's, if there is one.
    fn own(&self, key: &str) -> Option<Vec<u8>> {
        let setting = self.settings.iter().find(|one| one.key == key);
        if setting.is_some_and(|one| one.prohibited) {
            return None;
        }
        let default = match key {
            "date" => Some("Date: Mon, 02 Jan 2006 23:04:05 +0100"),
            "from" => Some("From: me@example.org"),
            _ => None,
        };
        let printed = setting.and_then(|one| one.printed.as_deref()).or(default)?;
        Some(format!("{printed}\r\n").into_bytes())
    }

    /// Whether what was sent is what must be; says where it is not.
    pub(crate) fn judge(&self, sent: &Sent) -> Result<(), String> {
        let expected = self.expected();
        if sent.wire != expected.wire {
            return Err(difference(&sent.wire, &expected.wire));
        }
        if sent.told != expected.told {
            return Err(format!("told {:?} instead of {:?}", sent.told, expected.told));
        }
        if sent.shown != expected.shown {
            return Err(difference(&sent.shown, &expected.shown));
        }
        Ok(())
    }
}

fn setting<'a>(settings: &'a mut Vec<Setting>, name: &str) -> &'a mut Setting {
    let key = name.to_ascii_lowercase();
    let family = key.find('-').map(|hyphen| key[..=hyphen].to_owned());
    let is_own = matches!(&*key, "reply-to" | "message-id");
    let position = |key: &str| settings.iter().position(|one| one.key == key);
    let known = position(&key).or_else(|| position(&family.filter(|_| !is_own)?));
    let at = known.unwrap_or_else(|| {
        settings.push(Setting { key, ..Setting::default() });
        settings.len() - 1
    });
    &mut settings[at]
}

/// Sets a header as an application does; one that is refused leaves no trace.
fn set(headers: &mut Headers, settings: &mut Vec<Setting>, name: &str, text: &str) {
    let value = Some(text.as_bytes());
    let (value, printed) = match &*name.to_ascii_lowercase() {
        "date" => (Value::Date(Some(0)), None),
        "message-id" => (Value::MessageId(value), Some(format!("Message-Id: <{text}>"))),
        "from" => (Value::Mailbox { phrase: None, mailbox: value }, None),
        "to" | "cc" | "sender" | "reply-to" => (Value::Mailbox { phrase: None, mailbox: value }, None),
        _ => (Value::Text(value), Some(format!("{name}: {text}"))),
    };
    let is_mailbox = matches!(value, Value::Mailbox { .. });
    if is_mailbox || headers.set(name.as_bytes(), value).is_err() {
        return;
    }
    let setting = setting(settings, name);
    setting.printed = printed;
    // The order is that of the first values.
    let key = setting.key.clone();
    if let Some(at) = settings.iter().position(|one| one.key == key) {
        let moved = settings.remove(at);
        settings.push(moved);
    }
}

/// Any of them, but often one of the first, so that names meet.
fn name(input: &mut Input<'_>) -> &'static str {
    let most = if input.flag() { 6 } else { NAMES.len() };
    NAMES[input.below(most)]
}

/// A part of a text that looks more or less like headers.
fn piece(input: &mut Input<'_>, text: &mut Vec<u8>) {
    let end: &[u8] = [&b"\r\n"[..], b"\r\n", b"\n", b"", b"\r"][input.below(5)];
    match input.below(12) {
        0..=4 => {
            text.extend_from_slice(name(input).as_bytes());
            text.extend_from_slice([&b": "[..], b":", b" :", b"\t: ", b"", b":.", b"\r:"][input.below(7)]);
            let (size, fill) = (input.size().min(70_000), b"vv .\r"[input.below(5)]);
            text.resize(text.len() + size, fill);
        }
        5 | 6 => {
            text.extend_from_slice([&b" "[..], b"\t", b" \t.", b"\r"][input.below(4)]);
            text.resize(text.len() + input.size().min(5000), b'c');
        }
        7 => {
            text.extend_from_slice([&b"From "[..], b">From ", b"From a@b 1:2 ", b"From  : "][input.below(4)])
        }
        // Longer than the name of a header may be, or just not.
        8 => {
            let about = (input.size() + 990).min(70_000);
            text.resize(text.len() + about, b'n');
            text.extend_from_slice([&b": v"[..], b"", b" : v"][input.below(3)]);
        }
        9 => {}
        _ => {
            let length = input.below(12);
            text.extend((0..length).map(|_| input.byte()));
        }
    }
    text.extend_from_slice(end);
}

/// Divides a text: its header section, its body, and whether its end is that of the message.
fn divide(text: &[u8]) -> (&[u8], &[u8], bool) {
    let (mut start, mut mbox) = (0, false);
    loop {
        let rest = &text[start..];
        let line = rest.split_inclusive(|&octet| octet == b'\n').next().unwrap_or_default();
        let head: Vec<u8> = without_end(line).iter().take(1000).copied().collect();
        let is_blank = |octet: &&u8| matches!(**octet, b' ' | b'\t' | b'\r');
        let name = head.iter().take_while(|octet| octet.is_ascii_graphic() && **octet != b':').count();
        let blanks = head[name..].iter().take_while(is_blank).count();
        let next = head.get(name + blanks);
        let has_text = next.is_some() || line.ends_with(b"\n") || head.len() == 1000;
        if (1..=998).contains(&name) && next == Some(&b':') || rest.is_empty() {
            return in_section(rest);
        }
        if head.is_empty() && line.ends_with(b"\n") {
            return (&[], &rest[line.len()..], true);
        }
        let is_mbox =
            matches!(&head[..name], b"From" | b">From") && head.get(name) == Some(&b' ') && has_text;
        if !is_mbox || mbox && head[0] != b'>' {
            let ends =
                rest.split(|&octet| octet == b'\n').rev().skip(1).any(|line| matches!(line, b"" | b"\r"));
            return (&[], rest, ends);
        }
        mbox = true;
        start += line.len();
    }
}

fn without_end(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").map_or(line, |line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// Ends the section at the first empty line.
fn in_section(text: &[u8]) -> (&[u8], &[u8], bool) {
    let mut at = 0;
    for line in text.split_inclusive(|&octet| octet == b'\n') {
        if line.ends_with(b"\n") && without_end(line).is_empty() {
            return (&text[..at], &text[at + line.len()..], true);
        }
        at += line.len();
    }
    (text, &[], false)
}

/// The lines of a section. A CR that ends no line is a blank.
fn section_lines(section: &[u8]) -> Vec<Vec<u8>> {
    let lines = section.split_inclusive(|&octet| octet == b'\n').map(without_end);
    lines
        .map(|line| line.iter().map(|&octet| if octet == b'\r' { b' ' } else { octet }).collect())
        .collect()
}

fn write(line: &[u8], wire: &mut Vec<u8>) {
    for line in line.split_inclusive(|&octet| octet == b'\n') {
        if line.starts_with(b".") {
            wire.push(b'.');
        }
        wire.extend_from_slice(line);
    }
}

fn section(data: &[u8]) {
    let case = Case::new(data);
    case.judge(&case.send()).expect("the text goes out as it must");
}
