// SPDX-License-Identifier: LGPL-2.1-or-later
//! The rules for headers, each as: what the application says, what the message has, what
//! goes out.

use super::*;
use crate::error::Error;

const DATE: &str = "Date: Thu, 01 Jan 1970 00:00:09 +0000";
const FROM: &str = "From: me@example.org";

fn text(text: &str) -> Value<'_> {
    Value::Text(Some(text.as_bytes()))
}

fn mailbox(mailbox: &str) -> Value<'_> {
    Value::Mailbox {
        phrase: None,
        mailbox: Some(mailbox.as_bytes()),
    }
}

const NO_MAILBOX: Value<'_> = Value::Mailbox { phrase: None, mailbox: None };

fn id(id: &str) -> Value<'_> {
    Value::MessageId(Some(id.as_bytes()))
}

/// Headers under test, with shorter ways to say things.
#[derive(Default)]
struct Test(Headers);

impl Test {
    fn set(&mut self, name: &str, value: Value<'_>) -> bool {
        self.0.set(name.as_bytes(), value).is_ok()
    }

    fn replace(&mut self, name: &str, on: bool) -> bool {
        self.0.set_option(name.as_bytes(), HeaderOption::Override(on)).is_ok()
    }

    fn prohibit(&mut self, name: &str, on: bool) -> bool {
        self.0.set_option(name.as_bytes(), HeaderOption::Prohibit(on)).is_ok()
    }

    /// What goes out for a message with these headers.
    fn send_from(&self, reverse_path: Option<&[u8]>, message: &[&str]) -> Vec<String> {
        let facts = Facts {
            reverse_path,
            recipients: &|take| {
                take(b"r1@example.org");
                take(b"r2@example.org");
            },
            seconds: 9,
            ..Facts::PLAIN
        };
        let mut plan = self.0.plan(&facts);
        let mut sent = Vec::new();
        let print = |header: &[u8]| {
            let header = String::from_utf8(header.to_vec()).unwrap();
            header.strip_suffix("\r\n").unwrap().to_owned()
        };
        for header in message {
            match plan.meet(header.split(':').next().unwrap().as_bytes()) {
                Fate::Passes => sent.push((*header).to_owned()),
                Fate::Dropped => {}
                Fate::Replaced(other) => sent.push(print(other)),
            }
        }
        sent.extend(plan.missing().map(print));
        sent
    }

    fn send(&self, message: &[&str]) -> Vec<String> {
        self.send_from(Some(b"me@example.org"), message)
    }

    /// What is added to a message that has all it must have.
    fn added(&self) -> Vec<String> {
        let whole = ["Date: d", "From: f", "Message-Id: m"];
        self.send(&whole).split_off(whole.len())
    }
}

#[test]
fn the_library_supplies_what_a_message_must_have() {
    let test = Test::default();
    let sent = test.send(&["Subject: x"]);
    assert_eq!(sent[..3], ["Subject: x", DATE, FROM]);
    assert!(sent[3].starts_with("Message-Id: <") && sent[3].ends_with(".1@here>"), "{}", sent[3]);
    assert_eq!(
        test.send(&["date: d", "FROM: f", "message-ID: m"]),
        ["date: d", "FROM: f", "message-ID: m"]
    );
    assert_eq!(test.send_from(None, &[])[1], "From: <>");
}

#[test]
fn prohibited_headers_are_removed() {
    let test = Test::default();
    let message = [
        "Return-Path: x",
        "Original-Recipient: x",
        "resent-reply-to: x",
        "From: f",
        "Date: d",
        "Message-Id: m",
    ];
    assert_eq!(test.send(&message), message[3..]);
}

#[test]
fn preserved_headers_pass_as_often_as_they_come() {
    let message = [
        "Date: d",
        "From: f",
        "Message-Id: m",
        "Received: 1",
        "received: 2",
        "Content-Type: 1",
        "Content-Type: 2",
        "MIME-Version: 1",
        "MIME-Version: 2",
        "Resent-To: 1",
        "Resent-To: 2",
    ];
    assert_eq!(Test::default().send(&message), message);
}

#[test]
fn known_headers_pass_once() {
    let mut test = Test::default();
    test.set("X-Set", text("1"));
    test.replace("X-Option", false);
    for name in [
        "Sender",
        "To",
        "Cc",
        "BCC",
        "Reply-To",
        "Disposition-Notification-To",
        "X-Set",
        "x-option",
    ] {
        let [one, two] = ["1", "2"].map(|value| format!("{name}: {value}"));
        let sent = test.send(&["Date: d", "From: f", "Message-Id: m", &one, &two]);
        assert_eq!(sent[3], one);
        assert!(!sent.contains(&two), "{sent:?}");
    }
    let message = ["Date: d", "From: f", "Message-Id: m", "Subject: 1", "Subject: 2", "X-Set: 3"];
    assert_eq!(test.send(&message), message);
}

#[test]
fn added_headers_come_in_the_order_of_their_first_value() {
    let mut test = Test::default();
    assert!(test.replace("X-B", true));
    for name in ["X-A", "Subject", "X-B"] {
        assert!(test.set(name, Value::Text(None)));
    }
    assert!(test.set("Message-ID", id("q")));
    assert!(test.set("subject", text("late")));
    assert!(test.set("FROM", mailbox("f@example.org")));
    let order = [DATE, "From: f@example.org", "Message-Id: <q>", "X-A: ", "Subject: late", "X-B: "];
    assert_eq!(test.send(&[]), order);
}

#[test]
fn the_name_is_printed_as_the_application_wrote_it() {
    let mut test = Test::default();
    test.replace("x-foo", true);
    test.set("X-fOO", text("1"));
    test.set("cc", mailbox("a@b"));
    test.set("CC", mailbox("c@d"));
    assert_eq!(test.added(), ["X-fOO: 1", "cc: c@d,\r\n    a@b"]);
}

#[test]
fn the_message_has_precedence_unless_overridden() {
    let message = ["Date: d", "Subject: s", "To: t", "From: f", "Message-Id: m"];
    let mut test = Test::default();
    test.set("Subject", text("mine"));
    test.set("Date", Value::Date(Some(7)));
    test.set("From", mailbox("f@g"));
    test.set("To", NO_MAILBOX);
    test.set("Message-Id", id("i"));
    assert_eq!(test.send(&message), message);
    for name in ["Subject", "date", "From", "To", "Message-Id"] {
        assert!(test.replace(name, true));
    }
    let mine = [
        "Date: Thu, 01 Jan 1970 00:00:07 +0000",
        "Subject: mine",
        "To: r1@example.org,\r\n\tr2@example.org",
        "From: f@g",
        "Message-Id: <i>",
    ];
    assert_eq!(test.send(&message), mine);
    for name in ["Subject", "date", "From", "To", "Message-Id"] {
        assert!(test.replace(name, false));
    }
    assert_eq!(test.send(&message), message);
}

#[test]
fn an_overridden_header_is_replaced_once() {
    let mut test = Test::default();
    test.set("To", mailbox("mine"));
    test.replace("To", true);
    assert_eq!(test.send(&["To: 1", "X: 1", "To: 2"])[..3], ["To: mine", "X: 1", DATE]);
}

#[test]
fn override_without_value() {
    let mut test = Test::default();
    for name in ["Date", "From", "Message-Id", "Subject", "To", "Disposition-Notification-To"] {
        assert!(test.replace(name, true));
    }
    let sent = test.send(&["To: t", "Message-Id: m", "Subject: s", "From: f", "Date: d"]);
    assert_eq!((sent[0].as_str(), sent[2].as_str()), ("To: t", "Subject: s"));
    assert!(sent[1].starts_with("Message-Id: <"), "{}", sent[1]);
    assert_eq!(sent[3..], [FROM, DATE]);
    // An empty value is one.
    test.set("Subject", Value::Text(None));
    assert_eq!(test.send(&["Subject: s"])[0], "Subject: ");
}

#[test]
fn a_prohibited_header_is_neither_kept_nor_supplied() {
    let mut test = Test::default();
    test.set("Subject", text("before"));
    test.replace("Message-Id", true);
    for name in ["Subject", "Message-Id", "To"] {
        assert!(test.prohibit(name, true));
    }
    assert!(!test.set("subject", text("after")));
    assert!(!test.set("To", mailbox("a@b")));
    assert!(!test.replace("To", true));
    assert!(!test.replace("To", false));
    assert_eq!(test.send(&["Subject: s", "Message-Id: m", "To: t", "X: x"]), ["X: x", DATE, FROM]);
    assert!(test.prohibit("Subject", false));
    assert_eq!(test.send(&[])[2], "Subject: before");
}

#[test]
fn required_headers_cannot_be_prohibited() {
    let mut test = Test::default();
    for name in ["Date", "from"] {
        assert!(!test.prohibit(name, true));
        assert!(!test.prohibit(name, false));
    }
    assert_eq!(test.send(&[])[..2], [DATE, FROM]);
}

#[test]
fn single_values_are_set_once() {
    let mut test = Test::default();
    for (name, none, one) in [
        ("Date", Value::Date(Some(0)), Value::Date(Some(5))),
        ("Message-Id", Value::MessageId(None), id("a")),
        ("Subject", Value::Text(None), text("")),
        ("Disposition-Notification-To", NO_MAILBOX, mailbox("a@b")),
    ] {
        assert!(test.set(name, none), "{name}");
        assert!(test.set(name, none), "{name}");
        assert!(test.set(name, one), "{name}");
        assert!(!test.set(name, one), "{name}");
    }
    assert!(!test.set("Date", Value::Date(Some(0))));
    assert!(!test.set("Subject", Value::Text(None)));
    assert!(test.set("Sender", mailbox("s@t")));
    assert!(!test.set("Sender", mailbox("s@t")));
    assert!(!test.set("Sender", NO_MAILBOX));
    assert!(test.set("Disposition-Notification-To", NO_MAILBOX));
    let added = ["Subject: ", "Disposition-Notification-To: a@b", "Sender: s@t"];
    assert_eq!(test.added(), added);
}

#[test]
fn lists_print_the_newest_first() {
    let mut test = Test::default();
    for name in ["From", "To", "Cc", "Bcc", "Reply-To"] {
        assert!(test.set(name, mailbox("a@b")));
        let phrase = Some(&b"C"[..]);
        let named = Value::Mailbox { phrase, mailbox: Some(b"c@d") };
        assert!(test.set(name, named));
        assert!(test.set(name, mailbox("e@f")));
    }
    let sent = test.send(&["Message-Id: m"]);
    for (line, name) in sent[2..].iter().zip(["From", "To", "Cc", "Bcc", "Reply-To"]) {
        assert_eq!(*line, format!("{name}: e@f,\r\n    \"C\" <c@d>,\r\n    a@b"));
    }
}

#[test]
fn to_without_mailbox_lists_the_recipients() {
    let mut test = Test::default();
    test.set("To", mailbox("a@b"));
    assert!(test.set("To", NO_MAILBOX));
    assert_eq!(test.added(), ["To: r1@example.org,\r\n\tr2@example.org"]);
    assert!(test.set("To", mailbox("c@d")));
    assert_eq!(test.added(), ["To: c@d"]);
}

#[test]
fn the_reverse_path_stands_in_for_a_mailbox() {
    let mut test = Test::default();
    assert!(test.set("From", NO_MAILBOX));
    assert!(test.set("Disposition-Notification-To", NO_MAILBOX));
    assert_eq!(test.added(), ["Disposition-Notification-To: me@example.org"]);
    let sent = test.send_from(None, &["Message-Id: m"]);
    assert_eq!(sent[2..], ["From: <>", "Disposition-Notification-To: <>"]);
    assert!(test.set("From", mailbox("f@g")));
    assert!(test.set("From", NO_MAILBOX));
    assert_eq!(test.send(&["Date: d"])[1], "From: f@g");
}

/// An encoded word has the room that the header's name leaves of a line.
#[test]
fn an_encoded_word_fills_the_line_behind_the_name() {
    let from = |letters: usize| {
        let path = format!("{} <a@b>", "\u{e9}".repeat(letters));
        Test::default().send_from(Some(path.as_bytes()), &["Date: d", "Message-Id: m"])[2].clone()
    };
    assert_eq!(from(18), format!("From: =?utf-8?b?{}?= <a@b>", "w6nDqcOp".repeat(6)));
    // The word and the address fill two lines (RFC 2047 §2).
    assert_eq!(from(21), format!("From: =?utf-8?b?{}?=\r\n <a@b>", "w6nDqcOp".repeat(7)));
    assert_eq!(from(22), format!("From: =?utf-8?b?{}?=\r\n =?utf-8?b?w6k=?= <a@b>", "w6nDqcOp".repeat(7)));
}

#[test]
fn a_name_that_ends_in_its_first_hyphen_is_a_family() {
    let message = ["X-: 0", "x-a: 1", "X-B-C: 2", "XY: 3"];
    let mut test = Test::default();
    assert!(test.prohibit("X-", true));
    assert_eq!(test.send(&message)[..2], ["XY: 3", DATE]);
    assert!(!test.set("X-Other", text("x")));
    assert!(test.prohibit("X-Other", false));
    assert!(test.set("X-Other", text("x")));
    assert!(!test.set("X-Another", text("y")));
    assert_eq!(test.added(), ["X-Other: x"]);

    let mut test = Test::default();
    assert!(test.prohibit("X-B-", true));
    assert_eq!(test.send(&message)[..4], message);
}

#[test]
fn a_known_header_is_of_no_family() {
    let mut test = Test::default();
    assert!(test.prohibit("Reply-", true));
    assert!(test.set("Reply-To", mailbox("a@b")));
    assert_eq!(test.send(&["Reply-X: x"])[..2], [DATE, FROM]);
    assert_eq!(test.added(), ["Reply-To: a@b"]);
    assert_eq!(test.send(&["Reply-To: c@d"])[0], "Reply-To: c@d");

    // What was set before the family was, is not of it either.
    let mut test = Test::default();
    assert!(test.set("X-A", text("a")));
    assert!(test.prohibit("X-", true));
    assert_eq!(test.added(), ["X-A: a"]);
    assert_eq!(test.send(&["X-B: b", "X-A: 1"])[0], "X-A: 1");
}

#[test]
fn a_refused_value_changes_nothing() {
    let mut test = Test::default();
    assert!(test.set("Subject", text("kept")));
    assert!(!test.set("X-A", text("a\0b")));
    assert!(!test.set("Subject", text("other")));
    assert!(!test.set("Date", Value::Date(None)));
    assert!(!test.set("Date", text("x")));
    assert!(!test.set("Received", text("x")));
    assert!(!test.prohibit("Received", true));
    assert_eq!(test.added(), ["Subject: kept"]);
}

#[test]
fn kinds_of_values() {
    let kinds = [
        ("date", ValueKind::Date),
        ("Message-ID", ValueKind::MessageId),
        ("From", ValueKind::Mailbox),
        ("Bcc", ValueKind::Mailbox),
        ("Subject", ValueKind::Text),
    ];
    for (name, kind) in kinds {
        assert_eq!(Headers::kind(name.as_bytes()), Ok(kind));
    }
    for name in ["date:", "To:", "To ", "To\t:  ", "Subject:"] {
        assert_eq!(Headers::kind(name.as_bytes()), Ok(ValueKind::Text), "{name}");
    }
    assert_eq!(Headers::kind(b" Subject"), Err(Error::Invalid));
    assert_eq!(Headers::kind(b"Subject::"), Err(Error::Invalid));
    assert_eq!(Headers::kind(b":"), Err(Error::Invalid));
    assert_eq!(Headers::kind(b"Content-Type"), Err(Error::Invalid));
    assert_eq!(Headers::kind(b"a b"), Err(Error::Invalid));
}

#[test]
fn a_colon_or_blanks_behind_a_name_do_not_count() {
    let mut test = Test::default();
    assert!(test.set("Subject:", text("s")));
    assert!(test.set("X-One ", text("1")));
    assert!(test.set("X-Two\t: ", text("2")));
    assert!(!test.set("X-Two", text("3")));
    assert!(test.set("To:", text("P <a@example.org>")));
    assert!(test.set("Message-Id :", text("<id@example.org>")));
    // A string is no moment, and a mailbox only behind a name of the other form.
    assert!(!test.set("Date:", text("today")));
    assert!(!test.set("Cc", text("a@example.org")));
    let added = test.added();
    for line in ["Subject: s", "X-One: 1", "X-Two: 2", "To: P <a@example.org>"] {
        assert!(added.contains(&line.to_owned()), "{added:?}");
    }
    assert!(test.prohibit("X-One:", true));
}

#[test]
fn the_name_counts_for_the_length_of_the_first_line() {
    let value = "\u{e9}".repeat(200);
    for length in 1..40 {
        let name = "X".repeat(length);
        let mut test = Test::default();
        assert!(test.set(&name, text(&value)));
        let sent = test.send_from(None, &[]).join("\r\n");
        let header = sent.get(sent.find(&format!("{name}: ")).expect("it is there")..).expect("whole");
        let lines: Vec<&str> = header.split("\r\n").take(2).collect();
        assert!(lines[1].starts_with(' '), "{length}: {header}");
        // An encoded word grows by what four octets become at once.
        assert!((70..=78).contains(&lines[0].len()), "{length}: {}", lines[0]);
    }
}
