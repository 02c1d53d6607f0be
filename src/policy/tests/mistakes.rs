// SPDX-License-Identifier: LGPL-2.1-or-later
//! Each mistake is found, where it is.

use super::super::file;
use super::{EXAMPLE, parse};

fn assert_mistakes(table: &[(&str, &str)]) {
    for (text, mistake) in table {
        assert_eq!(parse(text).expect_err(text), *mistake, "{text}");
    }
}

#[test]
fn the_example_has_none() {
    let document = parse(EXAMPLE).expect("it is right");
    assert!(document.relays.len() > 4 && document.rules.len() > 3);
    assert!(document.check_names(None).is_ok());
}

#[test]
fn of_toml() {
    for (text, position) in [
        ("version = 1\n[relay", "2:7"),
        ("version = 1\nversion = 1\n", "2:1"),
        ("version = \n", "1:11"),
        ("version = 1\n[relay.a]\n[relay.a]\n", "3:8"),
        ("version = 1\nx = \"\n", "2:6"),
        ("version = 1\n\u{fc} = 1\n", "2:1"),
    ] {
        let mistake = parse(text).expect_err(text);
        assert!(mistake.starts_with(&format!("{position}: ")), "{text:?}: {mistake}");
        assert_eq!(mistake.lines().count(), 1);
    }
}

#[test]
fn of_the_whole() {
    assert_mistakes(&[
        ("", "1:1: version = 1 is missing"),
        ("[relay.a]\n", "1:1: version = 1 is missing"),
        ("version = 2\n", "1:11: version 2 is not known here, only 1"),
        ("version = \"1\"\n", "1:11: a number is expected, not a string"),
        ("version = 1.0\n", "1:11: a number is expected, not a fraction"),
        ("version = 1\nrelays = 1\n", "2:1: unknown key \"relays\""),
        ("version = 1\n[rules]\n", "2:2: unknown key \"rules\""),
        ("version = 1\nrelay = 1\n", "2:9: a table is expected, not a number"),
        ("version = 1\nrelay.a = 1\n", "2:11: a table is expected, not a number"),
        ("version = 1\ndefaults = []\n", "2:12: a table is expected, not a list"),
        ("version = 1\nrule = { refuse = \"no\" }\n", "2:8: a list is expected, not a table"),
        ("version = 1\n[rule]\nrefuse = \"no\"\n", "2:1: a list is expected, not a table"),
        ("version = 1\n[defaults]\nserver = \"a\"\n", "3:1: a server is a relay's own"),
        ("version = 1\n[relay.a]\nusr = \"a\"\n", "3:1: unknown key \"usr\""),
        ("version = 1\n[relay.a]\n\"u\\n\" = 1\n", "3:1: unknown key \"u\\n\""),
    ]);
}

#[test]
fn of_rules() {
    let rule = |text: &str| format!("version = 1\n[relay.a]\n\n[[rule]]\n{text}\n");
    for (text, mistake) in [
        ("", "4:1: a rule with neither relays nor refuse"),
        ("server = \"a\"", "4:1: a rule with neither relays nor refuse"),
        ("relays = [\"a\"]\nrefuse = \"no\"", "4:1: a rule with both relays and refuse"),
        ("relays = []", "5:10: an empty list"),
        ("relays = \"a\"", "5:10: a list is expected, not a string"),
        ("relays = [1]", "5:11: a string is expected, not a number"),
        ("refuse = \"\"", "5:10: an empty string"),
        ("refuse = \"a\\nb\"", "5:10: a control character in a string"),
        ("refuse = \"no\"\nhost = \"a\"", "6:1: unknown key \"host\""),
        ("refuse = \"no\"\nserver = \"a:b:c\"", "6:10: \"a:b:c\" is no server"),
        ("refuse = \"no\"\nserver = \"a:70000\"", "6:10: \"70000\" is no port"),
        (
            "refuse = \"no\"\nprogram = \"bin/a\"",
            "6:11: \"bin/a\" is neither a name nor an absolute path",
        ),
        ("refuse = \"no\"\nuser = 5000000000", "6:8: 5000000000 is no user"),
        ("refuse = \"no\"\nuser = -1", "6:8: -1 is out of range"),
        ("refuse = \"no\"\nfrom = \"a\"", "6:8: \"a\" is none of \"a@b\", \"@b\", \"<>\""),
        ("refuse = \"no\"\nfrom = \"<a@b>\"", "6:8: \"<a@b>\" is none of \"a@b\", \"@b\", \"<>\""),
        ("refuse = \"no\"\nfrom = \"a@\"", "6:8: \"a@\" is none of \"a@b\", \"@b\", \"<>\""),
        (
            "relays = [\"a\"]\n\n[[rule]]\nserver = \"b\"\nrefuse = \"no\"",
            "7:1: never reached: the rule in line 4 fits everything",
        ),
        (
            "server = \"*\"\nrelays = [\"a\"]\n[[rule]]\nrefuse = \"no\"",
            "7:1: never reached: the rule in line 4 fits everything",
        ),
    ] {
        assert_eq!(parse(&rule(text)).expect_err(text), mistake, "{text}");
    }
    let names = |text: &str| {
        let document = parse(&rule(text)).expect(text);
        document
            .check_names(None)
            .map_err(|mistake| format!("{}: {}", mistake.position, mistake.text))
    };
    assert_eq!(names("relays = [\"a\", \"b\"]"), Err("5:16: unknown relay \"b\"".to_owned()));
    assert_eq!(names("relays = [\"a\", \"a\"]"), Ok(()));
}

#[test]
fn of_relays() {
    for (text, mistake) in [
        ("server = \"\"", "3:10: an empty string"),
        ("server = \"*\"", "3:10: \"*\" is no server"),
        ("server = \"ftp://a\"", "3:10: \"ftp://a\" is no server"),
        ("server = \"a b\"", "3:10: \"a b\" is no server"),
        ("server = 25", "3:10: a string is expected, not a number"),
        ("tls = \"maybe\"", "3:7: \"maybe\" is none of \"off\", \"starttls\", \"implicit\""),
        ("tls = true", "3:7: a string is expected, not true or false"),
        (
            "server = \"smtps://a\"\ntls = \"starttls\"",
            "4:7: the server is written with smtps://, which is tls = \"implicit\"",
        ),
        ("verify = \"none\"", "3:10: \"none\" is none of \"strict\", \"program\""),
        ("tls-name = \"a b\"", "3:12: \"a b\" is no host name"),
        ("tls-min = \"1.1\"", "3:11: \"1.1\" is none of \"1.2\", \"1.3\""),
        ("tls-min = 1.2", "3:11: a string is expected, not a fraction"),
        ("ca-file = \"ca.pem\"", "3:11: \"ca.pem\" is no absolute path"),
        ("ca-dir = \"./ca\"", "3:10: \"./ca\" is no absolute path"),
        ("pin = []", "3:7: an empty list"),
        ("pin = \"sha256:\"", "3:7: a list is expected, not a string"),
        ("pin = [\"sha1:AAAA\"]", "3:8: \"sha1:AAAA\" does not begin with \"sha256:\""),
        ("pin = [\"sha256:A\"]", "3:8: \"A\" is not base64"),
        ("pin = [\"sha256:AAAA\"]", "3:8: a pin has 32 octets, this one 3"),
        ("certificate = \"/a\"", "3:15: a table is expected, not a string"),
        ("certificate = { file = \"/a\" }", "3:15: certificate without key"),
        ("certificate = { key = \"/a\" }", "3:15: certificate without file"),
        (
            "certificate = { file = \"/a\", key = \"/b\", pass = \"c\" }",
            "3:42: unknown key \"pass\"",
        ),
        ("user = \"\"", "3:8: an empty string"),
        ("secret = {}", "3:10: a secret is one of { file }, { credential }, { socket }"),
        (
            "secret = { file = \"/a\", socket = \"/b\" }",
            "3:25: a secret is one of { file }, { credential }, { socket }",
        ),
        ("secret = { command = \"cat\" }", "3:12: unknown key \"command\""),
        ("secret = { file = \"a\" }", "3:19: \"a\" is no absolute path"),
        ("secret = { credential = \"../a\" }", "3:25: \"../a\" is no name of a credential"),
        ("secret = \"hunter2\"", "3:10: a table is expected, not a string"),
        ("password = \"hunter2\"", "3:1: unknown key \"password\""),
        ("mechanisms = []", "3:14: an empty list"),
        (
            "mechanisms = [\"plain\"]",
            "3:15: \"plain\" is no name of a mechanism: capitals, digits, - and _",
        ),
        (
            "mechanisms = [\"A-VERY-LONG-MECHANISM\"]",
            "3:15: \"A-VERY-LONG-MECHANISM\" is no name of a mechanism: capitals, digits, - and _",
        ),
        ("auth = \"yes\"", "3:8: \"yes\" is none of \"required\", \"optional\", \"never\""),
        ("hello = \"a b\"", "3:9: \"a b\" is no name for EHLO"),
        ("source = \"eth0\"", "3:10: \"eth0\" is no IP address"),
        ("timeout = \"10s\"", "3:11: a table is expected, not a string"),
        ("timeout = { total = \"10s\" }", "3:13: unknown key \"total\""),
        (
            "timeout = { reply = \"10\" }",
            "3:21: \"10\" is no time from 1 s to a day, such as \"10s\" or \"2m\"",
        ),
        ("timeout = { reply = 10 }", "3:21: a string is expected, not a number"),
        ("proxy = \"socks5://a:1\"", "3:9: \"socks5://a:1\" is neither socks5h:// nor http://"),
        ("proxy = \"http://a\"", "3:9: a proxy needs the number of its port"),
        (
            "proxy = \"http://me:pw@a:1\"",
            "3:9: no password in the file: proxy-secret says where it is",
        ),
        ("proxy = \"http://me@a:1\"", "3:9: a user without proxy-secret"),
        (
            "proxy-secret = { file = \"/a\" }",
            "3:1: proxy-secret without a user in the URL of the proxy",
        ),
        ("ignore = [\"STARTTLS\"]", "3:11: STARTTLS cannot be ignored: there are tls and auth"),
        ("ignore = [\"auth\"]", "3:11: AUTH cannot be ignored: there are tls and auth"),
        ("ignore = [\"8bit mime\"]", "3:11: \"8bit mime\" is no EHLO keyword"),
        ("ciphers = \"ALL\"", "3:1: unknown key \"ciphers\""),
    ] {
        let whole = format!("version = 1\n[relay.a]\n{text}\n");
        assert_eq!(parse(&whole).expect_err(text), mistake, "{text}");
    }
    for text in ["0s", "-1s", "1.5s", "1d", "", "s", "2000m", "25h", "99999999999999999999s", "+1s"] {
        assert!(parse(&format!("version = 1\n[relay.a]\ntimeout.reply = \"{text}\"\n")).is_err(), "{text}");
    }
}

#[test]
fn of_encoding() {
    let parsed =
        |text: &[u8]| file::parse(text).map_err(|mistake| mistake.position.to_string() + &mistake.text);
    assert_eq!(parsed(b"version = 1\nx = \"\xff\"\n").expect_err("not UTF-8"), "2:6not UTF-8");
    assert!(parsed(b"\xef\xbb\xbfversion = 1\n").is_ok());
    assert!(parsed(b"version = 1\r\n[relay.a]\r\ntls = \"off\"\r\n").is_ok());
}

/// Cut within a line it is never another policy (cut at a line's end it may be a shorter one).
#[test]
fn of_a_text_that_is_cut() {
    let whole = parse(EXAMPLE).expect("it is right");
    for end in 0..EXAMPLE.len() {
        let Some(text) = EXAMPLE.get(..end) else { continue };
        let line = text.rsplit('\n').next().unwrap_or_default();
        let rest = EXAMPLE.get(end..).unwrap_or_default().split('\n').next().unwrap_or_default();
        // What follows may be left out without changing anything.
        let harmless =
            |rest: &str| rest.trim().is_empty() || rest.trim().starts_with('#') || line.contains('#');
        if line.trim().is_empty() || harmless(rest) {
            continue;
        }
        if let Ok(document) = parse(text) {
            let names = document.check_names(None);
            let fewer = document.rules.len() < whole.rules.len();
            assert!(
                names.is_err() || fewer && document.rules == whole.rules[..document.rules.len()],
                "{text}"
            );
        }
    }
}

/// Values within values, as deep as they come.
#[test]
fn of_depth() {
    for text in ["[".repeat(60_000), "{a=".repeat(20_000), "a.".repeat(30_000)] {
        assert!(parse(&format!("version = 1\nx = {text}")).is_err());
        assert!(parse(&format!("version = 1\n{text}")).is_err());
    }
}
