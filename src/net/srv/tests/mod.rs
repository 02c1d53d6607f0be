// SPDX-License-Identifier: LGPL-2.1-or-later
//! Look-ups at a name server of our own.

mod name_server;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::configuration::Configuration;
use super::look_up::look_up_with;
use super::{SubmissionService, Target};
use crate::error::{Error, ResolveError, Result};
use name_server::{Answer, NAME_ERROR, NO_ERROR, NameServer, REFUSED, SERVER_FAILURE, cname, srv};

/// More than any answer on the loopback takes, however busy the machine.
const AMPLE: Duration = Duration::from_secs(30);
const NAME: &str = "_submission._tcp.example.org";

fn configuration<const N: usize>(servers: [SocketAddr; N]) -> Configuration {
    Configuration {
        servers: servers.to_vec(),
        patience: AMPLE,
        attempts: 1,
        edns: false,
    }
}

fn look_up(name: &str, server: &NameServer) -> Result<Vec<Target>> {
    let service = SubmissionService::parse(name).expect("a service");
    look_up_with(&service, &configuration([server.address]), AMPLE)
}

fn look_up_at(address: SocketAddr, limit: Duration) -> Result<Vec<Target>> {
    let service = SubmissionService::parse(NAME).expect("a service");
    look_up_with(&service, &configuration([address]), limit)
}

/// The hosts and ports that come of an answer.
fn found(answer: Answer) -> Result<Vec<String>> {
    let targets = look_up(NAME, &NameServer::start(answer))?;
    Ok(targets.iter().map(|Target { host, port }| format!("{host}:{port}")).collect())
}

fn unresolved<T>(reason: ResolveError) -> Result<T> {
    Err(Error::Resolve(reason))
}

#[test]
fn targets_come_in_the_order_of_their_priorities() {
    let server = NameServer::start(Answer::records([
        srv(NAME, 20, 0, 587, "second.example.org"),
        srv(NAME, 10, 0, 2525, "first.example.net"),
        srv("_submission._tcp.example.com", 1, 0, 1, "other.example.com"),
        srv("_SUBMISSION._tcp.example.org", 30, 0, 65535, "third.example.org"),
    ]));
    let targets = look_up(NAME, &server).expect("targets");
    let target = |host: &str, port| Target { host: host.to_owned(), port };
    let expected = [
        target("first.example.net", 2525),
        target("second.example.org", 587),
        target("third.example.org", 65535),
    ];
    assert_eq!(targets, expected);
    assert_eq!(server.questions(), [("udp", NAME.to_owned(), 33, 1)]);
}

#[test]
fn each_service_has_its_name() {
    for (name, asked) in [
        ("_Submissions._tcp.example.org.", "_submissions._tcp.example.org"),
        ("_submission._tcp.b\u{fc}cher.example", "_submission._tcp.xn--bcher-kva.example"),
        // No search list, and no answer made up for a domain that is special (RFC 6761).
        ("_submission._tcp.localhost", "_submission._tcp.localhost"),
    ] {
        let server = NameServer::start(Answer::records([srv(asked, 0, 0, 587, "mx.example.org")]));
        assert_eq!(look_up(name, &server).expect("targets").len(), 1, "{name}");
        assert_eq!(server.questions(), [("udp", asked.to_owned(), 33, 1)]);
    }
}

#[test]
fn weights_are_drawn() {
    let server = NameServer::start(Answer::records([
        srv(NAME, 0, 1, 1, "a.example.org"),
        srv(NAME, 0, 1, 2, "b.example.org"),
    ]));
    let mut first = BTreeSet::new();
    // That one and the same is first 200 times has a chance of (2/3)^200 at most.
    for _ in 0..200 {
        first.extend(look_up(NAME, &server).expect("targets").first().map(|target| target.port));
        if first.len() == 2 {
            return;
        }
    }
    panic!("always {first:?}");
}

#[test]
fn a_long_answer_comes_over_tcp() {
    let records = (1..=100).map(|number| srv(NAME, number, 0, 1000 + number, "mx.example.org"));
    let server = NameServer::start(Answer::Long(records.collect()));
    let targets = look_up(NAME, &server).expect("targets");
    let ports: Vec<_> = targets.iter().map(|target| target.port).collect();
    assert_eq!(ports, (1001..=1032).collect::<Vec<_>>());
    let transports: Vec<_> = server.questions().iter().map(|question| question.0).collect();
    assert_eq!(transports, ["udp", "tcp"]);
}

#[test]
fn aliases_are_followed() {
    let answer = Answer::records([
        srv("real.example.net", 1, 0, 587, "mx.example.net"),
        cname(NAME, "alias.example.org"),
        cname("ALIAS.example.org", "real.example.net"),
    ]);
    assert_eq!(found(answer), Ok(vec!["mx.example.net:587".to_owned()]));
    let astray = Answer::records([cname(NAME, "alias.example.org"), srv(NAME, 1, 0, 1, "mx.example.org")]);
    assert_eq!(found(astray), unresolved(ResolveError::NoName));
    let circle = Answer::records([cname(NAME, "a.example.org"), cname("a.example.org", NAME)]);
    assert_eq!(found(circle), unresolved(ResolveError::NoName));
}

#[test]
fn a_service_that_is_not_offered() {
    let root = |priority| srv(NAME, priority, 0, 0, ".");
    assert_eq!(found(Answer::records([root(0)])), unresolved(ResolveError::Service));
    assert_eq!(found(Answer::records([root(0), root(1)])), unresolved(ResolveError::Service));
    let mixed = Answer::records([root(0), srv(NAME, 1, 0, 587, "mx.example.org")]);
    assert_eq!(found(mixed), Ok(vec!["mx.example.org:587".to_owned()]));
}

#[test]
fn only_names_of_hosts_are_targets() {
    for name in [
        "a b.example.org",
        "a\n.example.org",
        "a\0.example.org",
        "a/b",
        "a%lo",
        "\u{fc}.example.org",
    ] {
        let alone = Answer::records([srv(NAME, 0, 0, 587, name)]);
        assert_eq!(found(alone), unresolved(ResolveError::NoName), "{name:?}");
        let beside = Answer::records([srv(NAME, 0, 0, 587, name), srv(NAME, 1, 0, 25, "mx_1.example.org")]);
        assert_eq!(found(beside), Ok(vec!["mx_1.example.org:25".to_owned()]), "{name:?}");
    }
}

#[test]
fn failures_are_those_of_getaddrinfo() {
    for (code, reason) in [
        (NO_ERROR, ResolveError::NoName),
        (NAME_ERROR, ResolveError::NoName),
        (SERVER_FAILURE, ResolveError::Again),
        (REFUSED, ResolveError::Fail),
    ] {
        assert_eq!(found(Answer::code(code)), unresolved(reason), "{code}");
    }
}

#[test]
fn impossible_names_are_not_asked_for() {
    let server = NameServer::start(Answer::code(NO_ERROR));
    let long = format!("_submission._tcp.{}.org", "x".repeat(64));
    let longer = format!("_submission._tcp.{}org", "x.".repeat(120));
    for name in [
        "_submission._tcp.a..b",
        "_submission._tcp.\u{2028}",
        "_submission._tcp.a b",
        &long,
        &longer,
    ] {
        assert_eq!(look_up(name, &server), unresolved(ResolveError::NoName), "{name}");
    }
    assert_eq!(server.questions(), []);
}

#[test]
fn silence_has_an_end() {
    for answer in [Answer::Nothing, Answer::Garbage(b""), Answer::Garbage(b"\xff\xff nonsense")] {
        let server = NameServer::start(answer);
        let start = Instant::now();
        let result = look_up_at(server.address, Duration::from_millis(200));
        assert_eq!(result, unresolved(ResolveError::Again));
        assert!(start.elapsed() < AMPLE, "{:?}", start.elapsed());
    }
}

#[test]
fn a_server_that_is_silent_is_asked_again() {
    let server = NameServer::start(Answer::Nothing);
    let mut configuration = configuration([server.address]);
    configuration.patience = Duration::from_millis(50);
    configuration.attempts = 3;
    let service = SubmissionService::parse(NAME).expect("a service");
    assert_eq!(look_up_with(&service, &configuration, AMPLE), unresolved(ResolveError::Again));
    assert_eq!(server.questions_from(3).len(), 3);
}

#[test]
fn the_next_server_helps() {
    let service = SubmissionService::parse(NAME).expect("a service");
    let records = Answer::records([srv(NAME, 0, 0, 587, "mx.example.org")]);
    for answer in [Answer::code(SERVER_FAILURE), Answer::code(REFUSED)] {
        let (bad, good) = (NameServer::start(answer), NameServer::start(records.clone()));
        let configuration = configuration([bad.address, good.address]);
        assert_eq!(look_up_with(&service, &configuration, AMPLE).expect("targets").len(), 1);
        assert_eq!((bad.questions().len(), good.questions().len()), (1, 1));
    }
    let (silent, good) = (NameServer::start(Answer::Nothing), NameServer::start(records.clone()));
    // On a busy machine the good one may be too late at first.
    let mut patient = configuration([silent.address, good.address]);
    patient.patience = Duration::from_millis(500);
    patient.attempts = 10;
    assert_eq!(look_up_with(&service, &patient, AMPLE).expect("targets").len(), 1);
    assert!(!silent.questions_from(1).is_empty() && !good.questions().is_empty());
    let (first, second) = (NameServer::start(records.clone()), NameServer::start(records));
    let configuration = configuration([first.address, second.address]);
    assert_eq!(look_up_with(&service, &configuration, AMPLE).expect("targets").len(), 1);
    assert_eq!((first.questions().len(), second.questions().len()), (1, 0));
}

/// Threads and open files of this process.
fn possessions() -> (usize, usize) {
    let count = |folder| std::fs::read_dir(folder).expect("proc").count();
    (count("/proc/self/task"), count("/proc/self/fd"))
}

#[test]
fn nothing_is_left_behind() {
    // In a process of its own: the servers have threads and files too, as have other tests.
    const ANSWERING: &str = "ESMTP_TEST_SRV_ANSWERING";
    const SILENT: &str = "ESMTP_TEST_SRV_SILENT";
    let address = |name| std::env::var(name).ok().map(|text| text.parse().expect("address"));
    if let (Some(answering), Some(silent)) = (address(ANSWERING), address(SILENT)) {
        let before = possessions();
        assert_eq!(look_up_at(answering, AMPLE).expect("targets").len(), 1);
        assert_eq!(possessions(), before);
        assert_eq!(look_up_at(silent, Duration::from_millis(50)), unresolved(ResolveError::Again));
        assert_eq!(possessions(), before);
        return;
    }
    let answering = NameServer::start(Answer::Long(vec![srv(NAME, 0, 0, 587, "mx.example.org")]));
    let silent = NameServer::start(Answer::Nothing);
    let output = crate::host::this_program()
        .args(["net::srv::tests::nothing_is_left_behind", "--exact", "--nocapture"])
        .env(ANSWERING, answering.address.to_string())
        .env(SILENT, silent.address.to_string())
        .stdin(Stdio::null())
        .output()
        .expect("runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{} {text}", output.status);
    assert_eq!(answering.questions_from(2).len(), 2, "over UDP and TCP");
    assert_eq!(silent.questions_from(1).len(), 1);
}
