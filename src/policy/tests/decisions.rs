// SPDX-License-Identifier: LGPL-2.1-or-later
//! Which rule fits a session.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::*;
use super::{EXAMPLE, parse};

/// A session as a rule sees it.
struct Case {
    host: Option<Host>,
    port: Option<u16>,
    program: &'static str,
    user: u32,
    senders: Vec<Sender>,
}

impl Case {
    fn to(host: &str, port: u16) -> Self {
        Self {
            host: Host::parse(host),
            port: Some(port),
            program: "/usr/bin/mailer",
            user: 1000,
            senders: vec![Sender::of_path(b"me@example.org")],
        }
    }

    fn by(program: &'static str) -> Self {
        Self {
            program,
            ..Self::to("mail.example.org", 587)
        }
    }

    fn from(senders: &[&str]) -> Self {
        let senders = senders.iter().map(|path| Sender::of_path(path.as_bytes())).collect();
        Self {
            senders,
            ..Self::to("mail.example.org", 587)
        }
    }
}

impl Circumstances for Case {
    fn host(&self) -> Option<&Host> {
        self.host.as_ref()
    }

    fn port(&self) -> Option<u16> {
        self.port
    }

    fn service(&self, name: &str) -> Result<u16, String> {
        if name == "gopher" { Ok(70) } else { Err(format!("no service {name}")) }
    }

    fn program(&self) -> Result<PathBuf, String> {
        if self.program.is_empty() {
            Err("no program".to_owned())
        } else {
            Ok(self.program.into())
        }
    }

    fn user(&self) -> u32 {
        self.user
    }

    fn user_named(&self, name: &str) -> Result<Option<u32>, String> {
        match name {
            "alice" => Ok(Some(1000)),
            "broken" => Err("no list of users".to_owned()),
            _ => Ok(None),
        }
    }

    fn every_sender(&self, fits: &mut dyn FnMut(&Sender) -> bool) -> bool {
        !self.senders.is_empty() && self.senders.iter().all(fits)
    }
}

fn part(name: &str, text: &str) -> Part {
    Part {
        path: Path::new(name).into(),
        document: Arc::new(parse(text).expect(text)),
    }
}

fn policy(text: &str) -> Policy {
    Policy::new(vec![part("/etc/policy.toml", text)]).expect(text)
}

fn fits(rule: &str, case: &Case) -> bool {
    let policy = policy(&format!("version = 1\n[[rule]]\nrefuse = \"no\"\n{rule}\n"));
    policy.decide(case).expect(rule) != Decision::AsProgram
}

#[test]
fn by_server() {
    for (server, host, port, expected) in [
        ("*", "a.example", 25, true),
        ("*:25", "a.example", 25, true),
        ("*:smtp", "a.example", 25, true),
        ("*:25", "a.example", 587, false),
        ("*:gopher", "a.example", 70, true),
        ("A.example", "a.EXAMPLE", 25, true),
        ("a.example:587", "a.example", 587, true),
        ("a.example:465", "a.example", 587, false),
        ("*.example", "a.example", 1, true),
        ("*.example", "example", 1, false),
        ("[::1]:25", "::1", 25, true),
    ] {
        let case = Case::to(host, port);
        assert_eq!(fits(&format!("server = \"{server}\""), &case), expected, "{server} {host}:{port}");
    }
    let odd = Case {
        host: None,
        port: None,
        ..Case::to("a", 1)
    };
    assert!(fits("server = \"*\"", &odd));
    assert!(!fits("server = \"*:25\"", &odd));
    assert!(!fits("server = \"a\"", &odd));
}

#[test]
fn by_program() {
    for (program, path, expected) in [
        ("collectd", "/usr/sbin/collectd", true),
        ("collectd", "/usr/sbin/collectdmon", false),
        ("/usr/sbin/collectd", "/usr/sbin/collectd", true),
        ("/usr/sbin/collectd", "/usr/local/sbin/collectd", false),
        ("sbin", "/usr/sbin/collectd", false),
    ] {
        assert_eq!(fits(&format!("program = \"{program}\""), &Case::by(path)), expected, "{program} {path}");
    }
}

#[test]
fn by_user() {
    let case = Case::to("a", 25);
    for (user, expected) in
        [("1000", true), ("\"1000\"", true), ("0", false), ("\"alice\"", true), ("\"bob\"", false)]
    {
        assert_eq!(fits(&format!("user = {user}"), &case), expected, "{user}");
    }
}

#[test]
fn by_senders() {
    for (from, senders, expected) in [
        ("a@b.example", &["a@B.example"][..], true),
        ("a@b.example", &["A@b.example"], false),
        ("a@b.example", &["a@b.example", "c@b.example"], false),
        ("@b.example", &["a@b.example", "c@b.example"], true),
        ("@b.example", &["a@x.b.example"], false),
        ("@b\u{fc}cher.example", &["a@xn--bcher-kva.example"], true),
        ("@b.example", &[""], false),
        ("<>", &[""], true),
        ("<>", &["", "a@b.example"], false),
        ("<>", &[], false),
        ("@b.example", &[], false),
        ("\\\"a@x\\\"@b.example", &["\"a@x\"@b.example"], true),
    ] {
        assert_eq!(fits(&format!("from = \"{from}\""), &Case::from(senders)), expected, "{from} {senders:?}");
    }
}

#[test]
fn all_keys_of_a_rule_count() {
    let rule = "server = \"*.example.org\"\nprogram = \"mailer\"\nuser = 1000\nfrom = \"@example.org\"";
    assert!(fits(rule, &Case::to("mail.example.org", 587)));
    assert!(!fits(rule, &Case::to("mail.example.com", 587)));
    assert!(!fits(rule, &Case::by("/usr/bin/other")));
    assert!(!fits(rule, &Case::from(&[""])));
    assert!(!fits(
        rule,
        &Case {
            user: 1,
            ..Case::to("mail.example.org", 587)
        }
    ));
}

/// What cannot be found out is no reason to send.
#[test]
fn what_cannot_be_told() {
    let broken = |rule: &str, case: &Case| {
        let policy = policy(&format!("version = 1\n[[rule]]\n{rule}\nrefuse = \"no\"\n"));
        policy.decide(case).expect_err(rule).brief()
    };
    let case = Case::to("a", 25);
    assert_eq!(broken("user = \"broken\"", &case), "policy.toml:2:1: no list of users");
    assert_eq!(broken("server = \"*:finger\"", &case), "policy.toml:2:1: no service finger");
    assert_eq!(broken("program = \"a\"", &Case { program: "", ..case }), "policy.toml:2:1: no program");
}

#[test]
fn the_first_that_fits() {
    let policy = policy(EXAMPLE);
    let chosen = |case: &Case| match policy.decide(case).expect("decides") {
        Decision::AsProgram => "as the program".to_owned(),
        Decision::Refused { reason, .. } => reason,
        Decision::Relays { relays, .. } => {
            relays.iter().map(|one| one.relay.name.as_str()).collect::<Vec<_>>().join(" ")
        }
    };
    assert_eq!(chosen(&Case::by("/usr/sbin/collectd")), "exchange local");
    let syslog_ng = Case {
        program: "/usr/sbin/syslog-ng",
        ..Case::to("alerts.invalid", 587)
    };
    assert_eq!(chosen(&syslog_ng), "gmail");
    assert_eq!(chosen(&Case::to("mx.example.org", 25)), "port 25 is closed: use mail.corp.example");
    assert_eq!(chosen(&Case::to("mx.example.org", 587)), "as-set");
}

#[test]
fn without_a_rule_that_fits() {
    let policy = policy("version = 1\n[relay.a]\n[[rule]]\nserver = \"b\"\nrelays = [\"a\"]\n");
    assert_eq!(policy.decide(&Case::to("c", 25)), Ok(Decision::AsProgram));
    assert_eq!(self::policy("version = 1\n").decide(&Case::to("c", 25)), Ok(Decision::AsProgram));
}

#[test]
fn two_files() {
    let user = |rules: &str| part("/home/me/policy.toml", &format!("version = 1\n{rules}"));
    let system = || {
        part(
            "/etc/policy.toml",
            "version = 1\n[defaults]\ntls = \"implicit\"\n[relay.corp]\n[relay.both]\n\
             [[rule]]\nserver = \"*:25\"\nrefuse = \"no\"\n[[rule]]\nrelays = [\"both\"]\n",
        )
    };
    let own =
        "[defaults]\ntls = \"off\"\n[relay.both]\n[[rule]]\nserver = \"b\"\nrelays = [\"corp\", \"both\"]\n";
    let policy = Policy::new(vec![user(own), system()]).expect("it is right");
    let decided = |case: &Case| match policy.decide(case).expect("decides") {
        Decision::Relays { relays, rule } => {
            let relay = |one: &Chosen| (one.path.display().to_string(), one.relay.tls.unwrap());
            (rule.path.display().to_string(), relays.iter().map(relay).collect())
        }
        other => panic!("{other:?}"),
    };
    let (home, etc) = ("/home/me/policy.toml".to_owned(), "/etc/policy.toml".to_owned());
    // The user's rules come first, even before a refusal of the system's.
    let expected = vec![(etc.clone(), Tls::Implicit), (home.clone(), Tls::Off)];
    assert_eq!(decided(&Case::to("b", 25)), (home, expected));
    assert_eq!(decided(&Case::to("c", 26)), (etc.clone(), vec![(etc, Tls::Implicit)]));
    assert!(matches!(policy.decide(&Case::to("c", 25)), Ok(Decision::Refused { .. })));

    // The user's last rule may fit everything.
    let all = Policy::new(vec![user("[[rule]]\nrelays = [\"corp\"]\n"), system()]).expect("it is right");
    assert!(matches!(all.decide(&Case::to("c", 25)), Ok(Decision::Relays { .. })));

    let unknown = Policy::new(vec![user("[[rule]]\nrelays = [\"none\"]\n"), system()]).expect_err("unknown");
    assert_eq!(unknown.brief(), "policy.toml:3:11: unknown relay \"none\"");
    // The system's rules cannot name the user's relays.
    let other_way = vec![
        user("[relay.mine]\n"),
        part("/etc/policy.toml", "version = 1\n[[rule]]\nrelays = [\"mine\"]\n"),
    ];
    assert_eq!(
        Policy::new(other_way).expect_err("unknown").to_string(),
        "/etc/policy.toml:3:11: unknown relay \"mine\""
    );
}
