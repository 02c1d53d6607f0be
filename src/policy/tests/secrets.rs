// SPDX-License-Identifier: LGPL-2.1-or-later
//! Secrets from files and sockets.

use std::io::Write as _;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::symlink;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{fs, io};

use super::super::Fault;
use super::super::SecretSource;
use super::super::secret::{Access, Origin, Secret, fetch};
use super::{Folder, set_mode, user};

fn me(_: BorrowedFd<'_>) -> io::Result<u32> {
    Ok(user())
}

fn access() -> Access {
    Access {
        user: user(),
        credentials: None,
        peer: me,
    }
}

fn from_file(path: &Path) -> Result<Secret, Fault> {
    fetch(&SecretSource::File(path.to_owned()), &access())
}

fn fault(outcome: Result<Secret, Fault>) -> String {
    outcome.expect_err("no secret").brief()
}

#[test]
fn from_a_file() {
    let folder = Folder::new();
    let file = folder.write("secret", "hunter2\n", 0o600);
    let secret = from_file(&file).expect("a secret");
    assert_eq!(secret.bytes(), b"hunter2");
    assert_eq!(*secret.origin(), Origin::File(file.clone()));
    assert!(!secret.refused());
    assert_eq!(format!("{secret:?}"), format!("Secret(7 octets from File({file:?}))"));
    folder.write("secret", "another", 0o600);
    assert_eq!(from_file(&file).expect("a secret").bytes(), b"another");
    for mode in [0o400, 0o440, 0o640, 0o600, 0o700] {
        set_mode(&file, mode);
        assert!(from_file(&file).is_ok(), "{mode:o}");
    }
    for (mode, text) in [
        (0o644, "secret: may be read by others"),
        (0o660, "secret: may be written by its group"),
        (0o602, "secret: may be written by others"),
    ] {
        set_mode(&file, mode);
        assert_eq!(fault(from_file(&file)), text, "{mode:o}");
    }
    folder.write("empty", "", 0o600);
    assert_eq!(
        fault(from_file(&folder.path("empty"))),
        "empty: the first line, which is the secret, is empty"
    );
    assert_eq!(fault(from_file(&folder.path("none"))), "none: No such file or directory");
    assert_eq!(
        fault(from_file(&folder.0)),
        folder.0.file_name().unwrap().to_str().unwrap().to_owned() + ": is no regular file"
    );
    set_mode(&file, 0o600);
    symlink(&file, folder.path("link")).expect("links");
    assert!(from_file(&folder.path("link")).is_ok());
    let of_others = Access { user: user() + 1, ..access() };
    let outcome = fetch(&SecretSource::File(file), &of_others);
    assert_eq!(outcome.is_ok(), user() == 0);
}

#[test]
fn from_a_credential() {
    let folder = Folder::new();
    folder.write("mail", "hunter2", 0o440);
    let source = SecretSource::Credential("mail".to_owned());
    assert_eq!(fault(fetch(&source, &access())), "credential mail: CREDENTIALS_DIRECTORY is not set");
    let given = Access {
        credentials: Some(folder.0.clone()),
        ..access()
    };
    assert_eq!(fetch(&source, &given).expect("a secret").bytes(), b"hunter2");
}

/// A socket that gives each who connects what `answer` makes, and counts them.
struct Server {
    source: SecretSource,
    path: PathBuf,
    asked: Arc<AtomicUsize>,
    _folder: Folder,
}

fn serve(answer: impl Fn(usize, &mut UnixStream) + Send + 'static) -> Server {
    let folder = Folder::new();
    let path = folder.path("socket");
    let listener = UnixListener::bind(&path).expect("binds");
    set_mode(&path, 0o600);
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    // It ends with the process.
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            answer(count.fetch_add(1, Ordering::SeqCst) + 1, &mut stream);
        }
    });
    Server {
        source: SecretSource::Socket(path.clone()),
        path,
        asked,
        _folder: folder,
    }
}

impl Server {
    fn fetch(&self) -> Result<Secret, Fault> {
        fetch(&self.source, &access())
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn in_seconds(seconds: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    now.checked_add_signed(seconds).expect("a time").to_string()
}

#[test]
fn from_a_socket_each_time() {
    let server = serve(|number, stream| {
        let _ = writeln!(stream, "token{number}");
    });
    assert_eq!(server.fetch().expect("a token").bytes(), b"token1");
    let second = server.fetch().expect("a token");
    assert_eq!(second.bytes(), b"token2");
    assert!(
        matches!(second.origin(), Origin::Socket(path, age) if *path == server.path && *age < Duration::from_secs(60))
    );
}

#[test]
fn a_token_is_kept_until_it_is_about_to_expire_or_refused() {
    let server = serve(|number, stream| {
        let _ = writeln!(stream, "token{number}\nexpires={}", in_seconds(3600));
    });
    let first = server.fetch().expect("a token");
    assert_eq!(server.fetch().expect("a token").bytes(), b"token1");
    assert_eq!(server.asked(), 1);
    assert!(first.refused());
    let second = server.fetch().expect("a token");
    assert_eq!(second.bytes(), b"token2");
    // The first is refused once more, which says nothing of the second.
    assert!(first.refused());
    assert_eq!(server.fetch().expect("a token").bytes(), b"token2");
    for seconds in [-10, 0, 290] {
        let server = serve(move |number, stream| {
            let _ = writeln!(stream, "token{number}\npassword_expiry_utc={}", in_seconds(seconds));
        });
        assert_eq!(server.fetch().expect("a token").bytes(), b"token1", "{seconds}");
        assert_eq!(server.fetch().expect("a token").bytes(), b"token2", "{seconds}");
    }
}

#[test]
fn one_look_up_for_many_threads() {
    let server = serve(|number, stream| {
        // Long enough for all to come.
        thread::sleep(Duration::from_millis(300));
        let _ = writeln!(stream, "token{number}\nexpires={}", in_seconds(3600));
    });
    let barrier = Barrier::new(64);
    thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                barrier.wait();
                assert_eq!(server.fetch().expect("a token").bytes(), b"token1");
            });
        }
    });
    assert_eq!(server.asked(), 1);
}

#[test]
fn who_is_there() {
    let server = serve(|_, stream| {
        let _ = stream.write_all(b"token\n");
    });
    for mode in [0o600, 0o660, 0o700] {
        set_mode(&server.path, mode);
        assert!(server.fetch().is_ok(), "{mode:o}");
    }
    for mode in [0o666, 0o604, 0o602] {
        set_mode(&server.path, mode);
        assert_eq!(fault(server.fetch()), "socket: is open to others", "{mode:o}");
    }
    set_mode(&server.path, 0o600);
    fn stranger(_: BorrowedFd<'_>) -> io::Result<u32> {
        Ok(54321)
    }
    let access = Access { peer: stranger, ..access() };
    assert_eq!(fault(fetch(&server.source, &access)), "socket: user 54321 listens there");
}

#[test]
fn nobody_is_there() {
    let folder = Folder::new();
    let path = folder.path("socket");
    let source = SecretSource::Socket(path.clone());
    let errno = || fetch(&source, &access()).expect_err("no secret").errno();
    assert_eq!(errno(), Some(libc::ENOENT));
    drop(UnixListener::bind(&path).expect("binds"));
    set_mode(&path, 0o600);
    assert_eq!(errno(), Some(libc::ECONNREFUSED));
    fs::remove_file(&path).expect("removes");
    folder.write("socket", "token", 0o600);
    assert_eq!(fault(fetch(&source, &access())), "socket: is no socket");
}

#[test]
fn what_comes_is_no_secret() {
    let server = serve(|_, _| {});
    assert_eq!(fault(server.fetch()), "socket: the first line, which is the secret, is empty");
    let server = serve(|_, stream| {
        // Until nobody reads any more.
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
    });
    assert_eq!(fault(server.fetch()), "socket: longer than 65536 octets");
}

/// The time is for all of it: who sends an octet now and then does not get more.
#[test]
fn patience_has_an_end() {
    let slow = serve(|_, stream| {
        while stream.write_all(b"x").is_ok() {
            thread::sleep(Duration::from_millis(500));
        }
    });
    let silent = serve(|_, stream| {
        let _ = stream.set_read_timeout(Some(Duration::from_secs(60)));
        let _ = io::Read::read(stream, &mut [0]);
    });
    thread::scope(|scope| {
        for server in [&slow, &silent] {
            scope.spawn(|| assert_eq!(server.fetch().expect_err("late").errno(), Some(libc::ETIMEDOUT)));
        }
    });
}
