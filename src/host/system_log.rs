// SPDX-License-Identifier: LGPL-2.1-or-later
//! One line for the system's log, beside the host's own use of it: syslog(3) has one identity and
//! one mask a process, and they are the host's.

use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::net::UnixDatagram;

/// Facility "mail", severity "error" (RFC 3164 §4.1.1).
const PRIORITY: u8 = (2 << 3) | 3;
/// Longest line that every system's log takes (RFC 3164 §4.1).
const LINE_MAX: usize = 1024;

/// Writes a line, if somebody reads the log. Nobody is waited for.
pub fn log_error(text: &str) {
    let _ = send("/dev/log", text);
}

fn send(log: &str, text: &str) -> std::io::Result<()> {
    let mut line = format!("<{PRIORITY}>libesmtp[{}]: ", std::process::id());
    for character in text.chars() {
        let character = if character.is_control() { ' ' } else { character };
        if line.len() + character.len_utf8() > LINE_MAX {
            break;
        }
        line.push(character);
    }
    let mut socket = UnixDatagram::unbound()?;
    // A program without standard output may write to its number all the same.
    if socket.as_raw_fd() <= libc::STDERR_FILENO {
        socket = UnixDatagram::from(OwnedFd::from(socket).try_clone()?);
    }
    socket.set_nonblocking(true)?;
    socket.send_to(line.as_bytes(), log)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_control_characters() {
        let path = std::env::temp_dir().join(format!("esmtp-log-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let log = UnixDatagram::bind(&path).expect("binds");
        let name = path.to_str().expect("a name");
        send(name, &format!("a\nb{}", "\u{20ac}".repeat(1000))).expect("sends");
        let mut line = [0; 2000];
        let length = log.recv(&mut line).expect("receives");
        let line = std::str::from_utf8(&line[..length]).expect("text");
        let start = format!("<19>libesmtp[{}]: a b\u{20ac}", std::process::id());
        assert!(line.starts_with(&start), "{line}");
        assert!((LINE_MAX - 3..=LINE_MAX).contains(&length), "{length}");
        drop(log);
        assert!(send(name, "nobody reads").is_err());
        std::fs::remove_file(&path).expect("removes");
    }
}
