// SPDX-License-Identifier: LGPL-2.1-or-later
//! A name server that gives the same answer to every question.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

pub(super) const NO_ERROR: u8 = 0;
pub(super) const SERVER_FAILURE: u8 = 2;
pub(super) const NAME_ERROR: u8 = 3;
pub(super) const REFUSED: u8 = 5;

const SRV: u16 = 33;
const CNAME: u16 = 5;
const TRUNCATED: u8 = 0x02;

#[derive(Clone)]
pub(super) enum Answer {
    Nothing,
    /// These bytes, whatever the question.
    Garbage(&'static [u8]),
    /// A response code and records.
    Response(u8, Vec<Vec<u8>>),
    /// Records that are too long for UDP.
    Long(Vec<Vec<u8>>),
}

impl Answer {
    pub(super) fn records<const N: usize>(records: [Vec<u8>; N]) -> Self {
        Self::Response(NO_ERROR, records.into())
    }

    pub(super) const fn code(code: u8) -> Self {
        Self::Response(code, Vec::new())
    }
}

/// How a question came and what it was: name, type, class.
pub(super) type Question = (&'static str, String, u16, u16);

/// What was asked, and that more was asked.
#[derive(Default)]
struct Questions {
    list: Mutex<Vec<Question>>,
    more: Condvar,
}

pub(super) struct NameServer {
    pub(super) address: SocketAddr,
    questions: Arc<Questions>,
    stopped: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl NameServer {
    pub(super) fn start(answer: Answer) -> Self {
        let (udp, tcp) = same_port();
        let address = udp.local_addr().expect("address");
        let questions = Arc::new(Questions::default());
        let stopped = Arc::new(AtomicBool::new(false));
        let threads = vec![
            std::thread::spawn({
                let (answer, questions, stopped) = (answer.clone(), questions.clone(), stopped.clone());
                move || serve_udp(&udp, &answer, &questions, &stopped)
            }),
            std::thread::spawn({
                let (questions, stopped) = (questions.clone(), stopped.clone());
                move || serve_tcp(&tcp, &answer, &questions, &stopped)
            }),
        ];
        Self { address, questions, stopped, threads }
    }

    /// What was asked and answered until now.
    pub(super) fn questions(&self) -> Vec<Question> {
        self.questions_from(0)
    }

    /// What was asked, as soon as there are so many: a client that gave up may be faster than
    /// the server that does not answer it.
    pub(super) fn questions_from(&self, least: usize) -> Vec<Question> {
        let list = self.questions.list.lock().expect("no panic");
        let few = |list: &mut Vec<Question>| list.len() < least;
        let waited = self.questions.more.wait_timeout_while(list, Duration::from_secs(30), few);
        waited.expect("no panic").0.clone()
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Both threads look at the flag when something comes.
        let udp = UdpSocket::bind("127.0.0.1:0").expect("binds");
        udp.send_to(b"", self.address).expect("sends");
        drop(TcpStream::connect(self.address));
        for thread in self.threads.drain(..) {
            thread.join().expect("no panic");
        }
    }
}

/// A port that is free for both.
fn same_port() -> (UdpSocket, TcpListener) {
    for _ in 0..100 {
        let tcp = TcpListener::bind("127.0.0.1:0").expect("listens");
        if let Ok(udp) = UdpSocket::bind(tcp.local_addr().expect("address")) {
            return (udp, tcp);
        }
    }
    panic!("no port is free for both UDP and TCP");
}

fn serve_udp(socket: &UdpSocket, answer: &Answer, questions: &Questions, stopped: &AtomicBool) {
    let mut buffer = [0; 4096];
    loop {
        let (length, client) = socket.recv_from(&mut buffer).expect("receives");
        if stopped.load(Ordering::SeqCst) {
            return;
        }
        let query = &buffer[..length];
        note(questions, "udp", query);
        let response = match answer {
            Answer::Long(_) => response(query, TRUNCATED, NO_ERROR, &[]),
            other => complete(query, other),
        };
        if let Some(response) = response {
            // The client may have given up.
            let _ = socket.send_to(&response, client);
        }
    }
}

fn serve_tcp(listener: &TcpListener, answer: &Answer, questions: &Questions, stopped: &AtomicBool) {
    loop {
        let (mut client, _) = listener.accept().expect("accepts");
        if stopped.load(Ordering::SeqCst) {
            return;
        }
        client.set_read_timeout(Some(Duration::from_secs(5))).expect("time-out");
        let mut length = [0; 2];
        while client.read_exact(&mut length).is_ok() {
            let mut query = vec![0; u16::from_be_bytes(length).into()];
            client.read_exact(&mut query).expect("a whole query");
            note(questions, "tcp", &query);
            let Some(response) = complete(&query, answer) else {
                break;
            };
            let length = u16::try_from(response.len()).expect("short enough");
            client.write_all(&[&length.to_be_bytes()[..], &response].concat()).expect("writes");
        }
    }
}

fn note(questions: &Questions, transport: &'static str, query: &[u8]) {
    let mut labels = Vec::new();
    let mut rest = &query[12..];
    while let [length @ (1..), label @ ..] = rest {
        let (label, after) = label.split_at(usize::from(*length));
        labels.push(String::from_utf8(label.to_vec()).expect("ASCII"));
        rest = after;
    }
    let number = |at: usize| u16::from_be_bytes([rest[at], rest[at + 1]]);
    let question = (transport, labels.join("."), number(1), number(3));
    questions.list.lock().expect("no panic").push(question);
    questions.more.notify_all();
}

fn complete(query: &[u8], answer: &Answer) -> Option<Vec<u8>> {
    match answer {
        Answer::Nothing => None,
        Answer::Garbage(bytes) => Some(bytes.to_vec()),
        Answer::Response(code, records) => response(query, 0, *code, records),
        Answer::Long(records) => response(query, 0, NO_ERROR, records),
    }
}

/// RFC 1035 §4.1: header, the question, the records.
fn response(query: &[u8], flags: u8, code: u8, records: &[Vec<u8>]) -> Option<Vec<u8>> {
    let count = u16::try_from(records.len()).expect("few");
    // A response to a query that wanted recursion; recursion was available.
    let mut message = [&query[..2], &[0x81 | flags, 0x80 | code, 0, 1]].concat();
    message.extend(count.to_be_bytes());
    message.extend([0; 4]);
    let name_length = query[12..].iter().position(|byte| *byte == 0)?;
    message.extend(&query[12..12 + name_length + 5]);
    message.extend(records.concat());
    Some(message)
}

pub(super) fn srv(owner: &str, priority: u16, weight: u16, port: u16, target: &str) -> Vec<u8> {
    let numbers = [priority, weight, port].map(u16::to_be_bytes).concat();
    record(owner, SRV, &[numbers, name(target)].concat())
}

pub(super) fn cname(owner: &str, alias: &str) -> Vec<u8> {
    record(owner, CNAME, &name(alias))
}

fn record(owner: &str, kind: u16, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).expect("short");
    let numbers = [kind.to_be_bytes(), [0, 1], [0, 0], [0, 60], length.to_be_bytes()].concat();
    [name(owner), numbers, data.to_vec()].concat()
}

/// "." is the root, whose name is empty.
fn name(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in text.split('.').filter(|label| !label.is_empty()) {
        bytes.push(u8::try_from(label.len()).expect("short"));
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes
}
