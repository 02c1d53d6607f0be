// SPDX-License-Identifier: LGPL-2.1-or-later
//! The server's end of a connection, on which something goes wrong at a certain byte.

use std::cell::{Cell, RefCell};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::rc::Rc;
use std::time::Duration;

use openssl::ssl::SslAcceptor;
use socket2::SockRef;

use super::server::{Reply, Smtp, Stage};

/// No client of these tests may be silent for so long.
const PATIENCE: Duration = Duration::from_secs(20);

/// Seen from the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Reading,
    Writing,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The server hangs up.
    Cut,
    /// The connection is reset.
    Reset,
    /// The server neither says nor takes anything more.
    Stall,
    /// A byte that the server writes becomes another.
    Change(u8),
    /// The server writes a byte that it should not.
    Insert(u8),
}

/// Something that goes wrong after so many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: Kind,
    pub(crate) side: Side,
    pub(crate) at: usize,
}

struct State {
    socket: RefCell<Option<TcpStream>>,
    fault: Option<Fault>,
    read: Cell<usize>,
    written: Cell<usize>,
    struck: Cell<bool>,
    joined: Cell<bool>,
}

/// A connection; clones are the same one.
#[derive(Clone)]
pub(crate) struct Wire(Rc<State>);

impl Wire {
    pub(crate) fn new(socket: TcpStream, fault: Option<Fault>) -> Self {
        socket.set_nodelay(true).expect("a TCP socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        socket.set_write_timeout(Some(PATIENCE)).expect("a time-out");
        Self(Rc::new(State {
            socket: RefCell::new(Some(socket)),
            fault,
            read: Cell::new(0),
            written: Cell::new(0),
            struck: Cell::new(false),
            joined: Cell::new(false),
        }))
    }

    /// How many bytes were read and written.
    pub(crate) fn lengths(&self) -> (usize, usize) {
        (self.0.read.get(), self.0.written.get())
    }

    /// Whether the fault made one reply of two. Nobody can tell that from one reply.
    pub(crate) fn joined(&self) -> bool {
        self.0.joined.get()
    }

    /// How many bytes may still pass before the fault, if it ends the conversation.
    fn room(&self, side: Side, passed: usize) -> usize {
        match self.0.fault {
            Some(Fault {
                kind: Kind::Change(_) | Kind::Insert(_), ..
            })
            | None => usize::MAX,
            Some(fault) if fault.side == side => fault.at.saturating_sub(passed),
            Some(_) => usize::MAX,
        }
    }

    fn strike(&self) -> io::Error {
        self.0.struck.set(true);
        let mut socket = self.0.socket.borrow_mut();
        match (self.0.fault.map(|fault| fault.kind), &*socket) {
            (Some(Kind::Cut), Some(open)) => drop(open.shutdown(Shutdown::Write)),
            (Some(Kind::Reset), Some(open)) => {
                SockRef::from(open).set_linger(Some(Duration::ZERO)).expect("a TCP socket");
                socket.take();
            }
            _ => {}
        }
        io::ErrorKind::BrokenPipe.into()
    }

    fn garble(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let Fault { kind, at, .. } = self.0.fault?;
        let at = at.checked_sub(self.0.written.get()).filter(|&at| at < bytes.len())?;
        let mut garbled = bytes.to_vec();
        match kind {
            Kind::Change(mask) => garbled[at] ^= mask,
            Kind::Insert(byte) => garbled.insert(at, byte),
            Kind::Cut | Kind::Reset | Kind::Stall => return None,
        }
        self.0.joined.set(replies(&garbled) < replies(bytes));
        Some(garbled)
    }

    /// Waits until the client hangs up.
    pub(crate) fn drain(&self) {
        if let Some(socket) = &mut *self.0.socket.borrow_mut() {
            let mut buffer = [0; 4096];
            loop {
                match socket.read(&mut buffer) {
                    Ok(0) => return,
                    Ok(_) => {}
                    Err(error) => {
                        let hangs = error.kind() == io::ErrorKind::WouldBlock;
                        assert!(!hangs, "the client does not hang up");
                        return;
                    }
                }
            }
        }
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let passed = self.0.read.get();
        let room = self.room(Side::Reading, passed).min(buffer.len());
        if self.0.struck.get() || room == 0 {
            return Err(self.strike());
        }
        let mut socket = self.0.socket.borrow_mut();
        let socket = socket.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        let count = socket.read(&mut buffer[..room]);
        let hangs = count.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
        assert!(!hangs, "the client says nothing");
        self.0.read.set(passed + *count.as_ref().unwrap_or(&0));
        count
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let passed = self.0.written.get();
        let room = self.room(Side::Writing, passed).min(bytes.len());
        if self.0.struck.get() || room == 0 {
            return Err(self.strike());
        }
        let garbled = self.garble(bytes);
        let count = {
            let mut socket = self.0.socket.borrow_mut();
            let socket = socket.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
            match garbled {
                Some(garbled) => socket.write_all(&garbled).map(|()| bytes.len())?,
                None => socket.write(&bytes[..room])?,
            }
        };
        self.0.written.set(passed + count);
        if self.room(Side::Writing, passed + count) == 0 {
            self.strike();
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How many replies end here.
fn replies(bytes: &[u8]) -> usize {
    let lines = bytes.split_inclusive(|&byte| byte == b'\n');
    lines.filter(|line| line.ends_with(b"\n") && line.get(3) == Some(&b' ')).count()
}

/// How a reply is written; a hostile server has ways of its own.
pub(crate) trait Manner {
    fn write(&mut self, reply: &Reply, stream: &mut dyn Write) -> io::Result<()>;
}

/// As the protocol wants it.
pub(crate) struct Polite;

impl Manner for Polite {
    fn write(&mut self, reply: &Reply, stream: &mut dyn Write) -> io::Result<()> {
        stream.write_all(&reply.bytes)
    }
}

/// Carries on a conversation until it ends, in whatever way.
pub(crate) fn converse(wire: &Wire, smtp: &mut Smtp, acceptor: &SslAcceptor, manner: &mut dyn Manner) {
    let mut stream = wire.clone();
    if let Ok(Stage::StartTls) = talk(&mut stream, wire, smtp, manner) {
        smtp.secured();
        if let Ok(mut secured) = acceptor.accept(stream) {
            // An error is the fault, or the client's dismay at it.
            let _ = talk(&mut secured, wire, smtp, manner);
        }
    }
    wire.drain();
}

fn talk<S: Read + Write>(
    stream: &mut S,
    wire: &Wire,
    smtp: &mut Smtp,
    manner: &mut dyn Manner,
) -> io::Result<Stage> {
    let mut buffer = [0; 16_384];
    loop {
        while let Some(reply) = smtp.replies.pop_front() {
            manner.write(&reply, stream)?;
            if let Some(letter) = reply.text.and_then(|text| smtp.letters.get_mut(text)) {
                letter.told = Some(wire.lengths().1);
            }
            if matches!(reply.stage, Stage::StartTls | Stage::Quit) {
                return Ok(reply.stage);
            }
        }
        match stream.read(&mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => smtp.feed(&buffer[..count]),
        }
    }
}
