// SPDX-License-Identifier: LGPL-2.1-or-later
//! A proxy connects in our place and looks the name up: SOCKS 5 (RFC 1928) with a password
//! (RFC 1929), or HTTP's CONNECT (RFC 9110 §9.3.6). What follows is between us and the server.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, TcpStream};
use std::os::fd::AsRawFd as _;
use std::time::Instant;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroizing;

use super::poll::{self, Watch};
use crate::error::{Error, Result};

/// Longest answer of an HTTP proxy.
const ANSWER_MAX: usize = 8192;
/// Longest name, user and password that SOCKS can carry.
const SOCKS_TEXT_MAX: usize = 255;

/// How a proxy is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyProtocol {
    /// SOCKS 5.
    Socks5,
    Http,
}

/// Who connects in our place.
pub struct ProxyAccess {
    /// How it is spoken to.
    pub protocol: ProxyProtocol,
    /// As whom, and the password.
    pub credentials: Option<(String, Zeroizing<Vec<u8>>)>,
}

impl ProxyAccess {
    /// Has a proxy, with which the socket is connected, connect to a server. The socket does not
    /// block; the deadline is for all of it.
    pub fn connect(
        &self,
        socket: &TcpStream,
        host: &str,
        port: u16,
        deadline: Option<Instant>,
    ) -> Result<()> {
        let mut wire = Wire { socket, deadline };
        match self.protocol {
            ProxyProtocol::Socks5 => self.socks(&mut wire, host, port),
            ProxyProtocol::Http => self.http(&mut wire, host, port),
        }
    }

    fn socks(&self, wire: &mut Wire<'_>, host: &str, port: u16) -> Result<()> {
        const NO_PASSWORD: u8 = 0;
        const PASSWORD: u8 = 2;
        let method = if self.credentials.is_some() { PASSWORD } else { NO_PASSWORD };
        wire.write(&[5, 1, method])?;
        let [version, chosen] = wire.read()?;
        if version != 5 {
            return Err(refused("the proxy does not speak SOCKS 5"));
        }
        if chosen != method {
            return Err(refused(match self.credentials {
                Some(_) => "the proxy takes no password",
                None => "the proxy wants to know who we are",
            }));
        }
        if let Some((user, password)) = &self.credentials {
            let mut request = Zeroizing::new(Vec::with_capacity(3 + 2 * SOCKS_TEXT_MAX));
            request.push(1);
            push_text(&mut request, user.as_bytes())?;
            push_text(&mut request, password)?;
            wire.write(&request)?;
            let [_, status] = wire.read()?;
            if status != 0 {
                return Err(refused("the proxy refuses the password"));
            }
        }
        let mut request = vec![5, 1, 0];
        match host.parse() {
            Ok(IpAddr::V4(address)) => {
                request.push(1);
                request.extend_from_slice(&address.octets());
            }
            Ok(IpAddr::V6(address)) => {
                request.push(4);
                request.extend_from_slice(&address.octets());
            }
            Err(_) => {
                request.push(3);
                push_text(&mut request, host.as_bytes())?;
            }
        }
        request.extend_from_slice(&port.to_be_bytes());
        wire.write(&request)?;
        let [version, status, _, kind] = wire.read()?;
        if version != 5 {
            return Err(refused("the proxy does not speak SOCKS 5"));
        }
        if status != 0 {
            return Err(refused(socks_failure(status)));
        }
        // The address that it uses, and its port, are of no interest.
        match kind {
            1 => wire.read::<6>().map(drop),
            4 => wire.read::<18>().map(drop),
            3 => {
                let [length] = wire.read()?;
                for _ in 0..usize::from(length) + 2 {
                    let _: [u8; 1] = wire.read()?;
                }
                Ok(())
            }
            _ => Err(refused("the proxy does not speak SOCKS 5")),
        }
    }

    fn http(&self, wire: &mut Wire<'_>, host: &str, port: u16) -> Result<()> {
        let bracketed = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let start = format!("CONNECT {bracketed}:{port} HTTP/1.1\r\nHost: {bracketed}:{port}\r\n");
        let mut request = Zeroizing::new(start.into_bytes());
        if let Some((user, password)) = &self.credentials {
            // RFC 7617 §2: the name ends at the first colon.
            if user.contains(':') {
                return Err(refused("a colon in the user's name for the proxy"));
            }
            let clear = Zeroizing::new([user.as_bytes(), b":", password].concat());
            let coded = Zeroizing::new(BASE64_STANDARD.encode(&clear));
            request = Zeroizing::new(
                [&request, &b"Proxy-Authorization: Basic "[..], coded.as_bytes(), b"\r\n"].concat(),
            );
        }
        request = Zeroizing::new([&request, &b"\r\n"[..]].concat());
        wire.write(&request)?;
        let answer = wire.head()?;
        match status(&answer) {
            Some(200..=299) => Ok(()),
            Some(code) => {
                let line = answer.split(|byte| *byte == b'\r').next().unwrap_or_default();
                let line = String::from_utf8_lossy(line);
                let line = line.split_once(' ').map_or("", |(_, rest)| rest);
                Err(refused(&format!(
                    "the proxy says {}",
                    if line.is_empty() { code.to_string() } else { line.to_owned() }
                )))
            }
            None => Err(refused("the proxy does not speak HTTP")),
        }
    }
}

/// The proxy does not do what it is asked.
fn refused(why: &str) -> Error {
    Error::System(libc::ECONNREFUSED).because(why)
}

/// Text with its length before it.
fn push_text(request: &mut Vec<u8>, text: &[u8]) -> Result<()> {
    let length = u8::try_from(text.len()).ok().filter(|length| *length > 0);
    let length = length.ok_or_else(|| refused("a name that SOCKS cannot carry"))?;
    request.push(length);
    request.extend_from_slice(text);
    Ok(())
}

/// RFC 1928 §6.
fn socks_failure(status: u8) -> &'static str {
    match status {
        2 => "the proxy does not allow it",
        3 => "the proxy does not reach the network",
        4 => "the proxy does not reach the server",
        5 => "the proxy finds the server closed",
        6 => "the proxy gave up in the time it has",
        _ => "the proxy could not connect",
    }
}

/// The status of `HTTP/1.1 200 ...`.
fn status(answer: &[u8]) -> Option<u16> {
    let line = answer.strip_prefix(b"HTTP/1.")?;
    let digits = line.get(2..5).filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// A socket that does not block, and a deadline.
struct Wire<'a> {
    socket: &'a TcpStream,
    deadline: Option<Instant>,
}

impl Wire<'_> {
    fn write(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            match self.socket.write(bytes) {
                Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
                Err(error) => self.again(&error, false)?,
            }
        }
        Ok(())
    }

    /// So many bytes and not one more: what follows is the server's.
    fn read<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.socket.read(rest) {
                Ok(0) => return Err(refused("the proxy hung up")),
                Ok(count) => filled += count,
                Err(error) => self.again(&error, true)?,
            }
        }
        Ok(bytes)
    }

    /// The head of an HTTP answer, up to its empty line.
    fn head(&mut self) -> Result<Vec<u8>> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if head.len() >= ANSWER_MAX {
                return Err(refused("the proxy's answer is too long"));
            }
            let [byte] = self.read()?;
            head.push(byte);
        }
        Ok(head)
    }

    fn again(&self, error: &io::Error, readable: bool) -> Result<()> {
        match error.kind() {
            io::ErrorKind::Interrupted => return Ok(()),
            io::ErrorKind::WouldBlock => {}
            _ => return Err(refused("the proxy hung up")),
        }
        if self.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            return Err(Error::System(libc::ETIMEDOUT).because("the proxy does not answer"));
        }
        let watch = Watch {
            socket: self.socket.as_raw_fd(),
            readable,
            writable: !readable,
        };
        poll::wait(&[watch], self.deadline)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;
    use std::time::Duration;

    use super::*;

    /// Plays a proxy: what is expected, and what is answered.
    fn play(access: &ProxyAccess, host: &str, script: Vec<(Vec<u8>, Vec<u8>)>) -> Result<Vec<u8>> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
        let socket = TcpStream::connect(listener.local_addr().expect("address")).expect("connects");
        socket.set_nonblocking(true).expect("a socket");
        let (mut peer, _) = listener.accept().expect("accepts");
        thread::scope(|scope| {
            scope.spawn(move || {
                for (expected, answer) in script {
                    let mut got = vec![0; expected.len()];
                    peer.read_exact(&mut got).expect("reads");
                    assert_eq!(got.escape_ascii().to_string(), expected.escape_ascii().to_string());
                    for byte in answer {
                        peer.write_all(&[byte]).expect("writes");
                    }
                }
            });
            let deadline = Some(Instant::now() + Duration::from_secs(10));
            access.connect(&socket, host, 587, deadline)?;
            socket.set_nonblocking(false).expect("a socket");
            let mut rest = Vec::new();
            (&socket).read_to_end(&mut rest).expect("reads");
            Ok(rest)
        })
    }

    fn access(protocol: ProxyProtocol, credentials: Option<(&str, &str)>) -> ProxyAccess {
        let owned =
            |(user, password): (&str, &str)| (user.to_owned(), Zeroizing::new(password.as_bytes().to_vec()));
        ProxyAccess {
            protocol,
            credentials: credentials.map(owned),
        }
    }

    #[test]
    fn socks_by_name_and_address() {
        let open = access(ProxyProtocol::Socks5, None);
        let named = b"\x05\x01\x00\x03\x04mx.x\x02\x4b".to_vec();
        for answer in [
            &b"\x05\0\0\x01\x7f\0\0\x01\x10\x10220 hello"[..],
            b"\x05\0\0\x03\x02ab\x10\x10220 hello",
            b"\x05\0\0\x04aaaaaaaaaaaaaaaa\x10\x10220 hello",
        ] {
            let script =
                vec![(b"\x05\x01\x00".to_vec(), b"\x05\x00".to_vec()), (named.clone(), answer.to_vec())];
            assert_eq!(play(&open, "mx.x", script).expect("connects"), b"220 hello");
        }
        let script = vec![
            (b"\x05\x01\x00".to_vec(), b"\x05\x00".to_vec()),
            (
                b"\x05\x01\x00\x01\x7f\x00\x00\x01\x02\x4b".to_vec(),
                b"\x05\x05\0\x01\0\0\0\0\0\0".to_vec(),
            ),
        ];
        assert_eq!(play(&open, "127.0.0.1", script), Err(Error::System(libc::ECONNREFUSED)));
    }

    #[test]
    fn socks_with_a_password() {
        let me = access(ProxyProtocol::Socks5, Some(("me", "key")));
        let password = b"\x01\x02me\x03key".to_vec();
        let hello = (b"\x05\x01\x02".to_vec(), b"\x05\x02".to_vec());
        let request = (b"\x05\x01\x00\x03\x01a\x02\x4b".to_vec(), b"\x05\0\0\x01\0\0\0\0\0\0".to_vec());
        let script = vec![hello.clone(), (password.clone(), b"\x01\x00".to_vec()), request];
        assert_eq!(play(&me, "a", script).expect("connects"), b"");
        let script = vec![hello, (password, b"\x01\x01".to_vec())];
        assert!(play(&me, "a", script).is_err());
        // It asks for nothing: our name would be of no use.
        let script = vec![(b"\x05\x01\x02".to_vec(), b"\x05\xff".to_vec())];
        assert!(play(&me, "a", script).is_err());
    }

    #[test]
    fn http() {
        let open = access(ProxyProtocol::Http, None);
        let request = b"CONNECT mx.x:587 HTTP/1.1\r\nHost: mx.x:587\r\n\r\n".to_vec();
        let answer = b"HTTP/1.0 200 Connection established\r\nVia: x\r\n\r\n220 hello".to_vec();
        assert_eq!(play(&open, "mx.x", vec![(request.clone(), answer)]).expect("connects"), b"220 hello");
        for answer in
            [&b"HTTP/1.1 403 Filtered\r\n\r\n"[..], b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 200", b"\r\n\r\n"]
        {
            assert!(play(&open, "mx.x", vec![(request.clone(), answer.to_vec())]).is_err());
        }
        let me = access(ProxyProtocol::Http, Some(("me", "key")));
        let request = b"CONNECT [::1]:587 HTTP/1.1\r\nHost: [::1]:587\r\n\
                        Proxy-Authorization: Basic bWU6a2V5\r\n\r\n";
        let answer = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
        assert_eq!(play(&me, "::1", vec![(request.to_vec(), answer)]).expect("connects"), b"");
    }

    #[test]
    fn a_proxy_that_says_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
        let socket = TcpStream::connect(listener.local_addr().expect("address")).expect("connects");
        socket.set_nonblocking(true).expect("a socket");
        let deadline = Some(Instant::now() + Duration::from_millis(50));
        for protocol in [ProxyProtocol::Socks5, ProxyProtocol::Http] {
            let outcome = access(protocol, None).connect(&socket, "a", 25, deadline);
            assert_eq!(outcome, Err(Error::System(libc::ETIMEDOUT)));
        }
    }
}
