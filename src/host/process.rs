// SPDX-License-Identifier: LGPL-2.1-or-later
//! The process that we are in: as whom it runs, what program it is, and who is at the other end of
//! its Unix sockets.

use std::ffi::{CString, c_int};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, BorrowedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::{fs, io, ptr};

/// As whom the process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessUser {
    /// The effective user.
    pub effective: u32,
    /// The real user.
    pub real: u32,
    /// The effective group is the real one.
    pub same_group: bool,
}

/// As whom we run.
#[must_use]
pub fn process_user() -> ProcessUser {
    // SAFETY: these four take nothing and cannot fail.
    let effective = unsafe { libc::geteuid() };
    // SAFETY: as above.
    let real = unsafe { libc::getuid() };
    // SAFETY: as above.
    let (effective_group, real_group) = (unsafe { libc::getegid() }, unsafe { libc::getgid() });
    ProcessUser {
        effective,
        real,
        same_group: effective_group == real_group,
    }
}

/// The file of the program. One that was replaced since it was started is still called by its
/// name; without `/proc` the name that the program was started with has to do.
#[must_use]
pub fn program_path() -> Option<PathBuf> {
    /// What the kernel puts behind the name of a file that is gone.
    const DELETED: &[u8] = b" (deleted)";
    let path = fs::read_link("/proc/self/exe").ok().map(|path| path.into_os_string().into_vec());
    match path {
        Some(mut path) => {
            if path.ends_with(DELETED) {
                path.truncate(path.len() - DELETED.len());
            }
            Some(PathBuf::from(std::ffi::OsString::from_vec(path)))
        }
        None => started_as(),
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn started_as() -> Option<PathBuf> {
    use std::ffi::{CStr, OsStr, c_char};
    use std::os::unix::ffi::OsStrExt as _;
    // SAFETY: the function takes a number and gives one; 0 = not known.
    let address = unsafe { libc::getauxval(libc::AT_EXECFN) };
    let name: *const c_char = ptr::with_exposed_provenance(usize::try_from(address).ok()?);
    if name.is_null() {
        return None;
    }
    // SAFETY: the kernel has put a C string there, which lives as long as the process.
    let name = unsafe { CStr::from_ptr(name) };
    Some(OsStr::from_bytes(name.to_bytes()).into())
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn started_as() -> Option<PathBuf> {
    std::env::current_exe().ok()
}

/// The number of a user; `Ok(None)`: there is none of that name.
pub fn user_named(name: &str) -> io::Result<Option<u32>> {
    /// An entry with names and paths longer than that is none.
    const ENTRY_MAX: usize = 1 << 20;
    let name = CString::new(name)?;
    let mut room = vec![0; 1024];
    loop {
        let mut entry = MaybeUninit::<libc::passwd>::uninit();
        let mut found: *mut libc::passwd = ptr::null_mut();
        // SAFETY: the name is a C string; entry, buffer with its length, and pointer are ours.
        let result = unsafe {
            libc::getpwnam_r(name.as_ptr(), entry.as_mut_ptr(), room.as_mut_ptr(), room.len(), &raw mut found)
        };
        match result {
            0 if found.is_null() => return Ok(None),
            // SAFETY: the function has filled the entry and points to it.
            0 => return Ok(Some(unsafe { entry.assume_init() }.pw_uid)),
            libc::EINTR => {}
            libc::ERANGE if room.len() < ENTRY_MAX => {
                let length = room.len() * 2;
                room.resize(length, 0);
            }
            // "The given name was not found", in the words of getpwnam(3).
            libc::ENOENT | libc::ESRCH | libc::EBADF | libc::EPERM => return Ok(None),
            error => return Err(io::Error::from_raw_os_error(error)),
        }
    }
}

/// The user at the other end of a Unix socket.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn peer_user(socket: BorrowedFd<'_>) -> io::Result<u32> {
    let mut peer = MaybeUninit::<libc::ucred>::uninit();
    let mut length = libc::socklen_t::try_from(size_of::<libc::ucred>()).map_err(io::Error::other)?;
    // SAFETY: the descriptor is open; the structure has room for as many bytes as is said.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            peer.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    check(result)?;
    if usize::try_from(length).ok() != Some(size_of::<libc::ucred>()) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    // SAFETY: the system has filled all of it.
    Ok(unsafe { peer.assume_init() }.uid)
}

/// The user at the other end of a Unix socket.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn peer_user(socket: BorrowedFd<'_>) -> io::Result<u32> {
    let (mut user, mut group) = (0, 0);
    // SAFETY: the descriptor is open; both numbers are ours.
    let result = unsafe { libc::getpeereid(socket.as_raw_fd(), &raw mut user, &raw mut group) };
    check(result)?;
    Ok(user)
}

fn check(result: c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Has a function called when the library is unloaded, or the process ends.
pub fn at_end(function: extern "C" fn()) {
    // SAFETY: the C library forgets the function when it has called it because this library is
    // unloaded.
    unsafe { libc::atexit(function) };
}

/// Runs this test program once more. What runs it, where that is not the processor itself, is named by the environment:
/// an emulator's process cannot start programs of its kind.
#[cfg(test)]
pub(crate) fn this_program() -> std::process::Command {
    let program = std::env::current_exe().expect("it has a file");
    let Some(runner) = std::env::var_os("ESMTP_TEST_RUNNER") else {
        return std::process::Command::new(program);
    };
    let mut command = std::process::Command::new(runner);
    command.arg(program);
    command
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd as _;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn the_process_knows_itself() {
        let user = process_user();
        assert_eq!(user.effective, user.real);
        let program = program_path().expect("it has a file");
        assert_eq!(program, std::env::current_exe().expect("it has a file"));
        assert_eq!(
            started_as().and_then(|path| path.file_name().map(ToOwned::to_owned)),
            program.file_name().map(ToOwned::to_owned)
        );
        let (socket, _other) = UnixStream::pair().expect("a pair");
        assert_eq!(peer_user(socket.as_fd()).expect("it is known"), user.effective);
    }

    #[test]
    fn users_by_name() {
        assert_eq!(user_named("root").expect("a list of users"), Some(0));
        assert_eq!(user_named("no such user").expect("a list of users"), None);
        assert!(user_named("a\0b").is_err());
    }
}
