// SPDX-License-Identifier: LGPL-2.1-or-later
//! The user's files: where they are, and whether they may be trusted.

use std::ffi::{CStr, OsStr, OsString};
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::error::Error;
use crate::host::{system_message, variable};

/// A certificate chain and a key take some 10 KiB.
const PRIVATE_FILE_MAX: u64 = 1 << 20;

const CA_FILE: &str = "ca.pem";
const CA_DIR: &str = "ca";

/// Permission bits of group and others, and of the owner to execute.
const NOT_PRIVATE: u32 = 0o177;
/// Permission bits of group and others to write.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// A file that is there but must not be used. Which and why is laid down for the error to which
/// it leads: what TLS needs is not available.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotAcceptable;

impl NotAcceptable {
    /// The file is not as it has to be.
    pub(super) fn because(path: &Path, why: &str) -> Self {
        let _ = Error::ExtensionNotAvailable.because(format_args!("{} {why}", path.display()));
        Self
    }

    /// The system does not let us at the file, or not now.
    pub(super) fn unreadable(path: &Path, error: &io::Error) -> Self {
        let errno = error.raw_os_error().unwrap_or(0);
        let why = system_message(errno);
        let _ = Error::ExtensionNotAvailable
            .caused_by(errno, format_args!("{}: {}", path.display(), why.to_string_lossy()));
        Self
    }
}

/// A file that may be missing, and must be acceptable if it is not.
pub(super) type Found<T> = Result<Option<T>, NotAcceptable>;

/// The directory with the user's certificates, `libesmtp` in one of the XDG directories.
#[derive(Debug)]
pub(super) struct ConfigDir(PathBuf);

impl ConfigDir {
    /// The calling user's; `None` if the environment names none.
    pub(super) fn of_user() -> Option<Self> {
        Self::choose(variable)
    }

    /// `$XDG_CONFIG_DIR` if set, else `$XDG_CONFIG_HOME` if it has a `libesmtp`, else
    /// `$HOME/.config`. A relative path would depend on where the program happens to run, so
    /// it counts as not set.
    fn choose(variable: impl Fn(&CStr) -> Option<OsString>) -> Option<Self> {
        let within = |folder: &CStr, name: &str| {
            let mut path = variable(folder).map(PathBuf::from).filter(|path| path.is_absolute())?;
            path.push(name);
            Some(path)
        };
        let named = within(c"XDG_CONFIG_DIR", "libesmtp");
        let standard = || within(c"XDG_CONFIG_HOME", "libesmtp").filter(|path| path.is_dir());
        let fallback = || within(c"HOME", ".config/libesmtp");
        named.or_else(standard).or_else(fallback).map(Self)
    }

    /// Where it is.
    pub(super) fn into_path(self) -> PathBuf {
        self.0
    }

    /// A directory for a test.
    #[cfg(test)]
    pub(super) fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// The certificate and key for one server, by the first of its names that has a file.
    pub(super) fn server_pem(&self, names: [Option<&CStr>; 2]) -> Found<Private> {
        for name in names.into_iter().flatten().map(CStr::to_bytes) {
            if !is_file_name(name) {
                continue;
            }
            let mut file = name.to_vec();
            file.extend_from_slice(b".pem");
            if let Some(pem) = self.private(OsStr::from_bytes(&file))? {
                return Ok(Some(pem));
            }
        }
        Ok(None)
    }

    /// The certificate and key for any server.
    pub(super) fn client_pem(&self) -> Found<Private> {
        self.private(OsStr::new("smtp-starttls.pem"))
    }

    /// A file with CA certificates.
    pub(super) fn ca_file(&self) -> Found<PathBuf> {
        self.public(CA_FILE, Metadata::is_file)
    }

    /// A directory with CA certificates under the hashes of their names.
    pub(super) fn ca_dir(&self) -> Found<PathBuf> {
        self.public(CA_DIR, Metadata::is_dir)
    }

    /// Where both are, or would be.
    pub(super) fn ca_paths(&self) -> [PathBuf; 2] {
        [self.0.join(CA_FILE), self.0.join(CA_DIR)]
    }

    /// Checks and reads one of the private files: the same file, not what a path leads to a
    /// moment later.
    fn private(&self, name: &OsStr) -> Found<Private> {
        let path = self.0.join("private").join(name);
        // Opening a pipe or a device must not block.
        let mut options = OpenOptions::new();
        let opened = options.read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(&path);
        let Some(file) = existing(&path, opened)? else {
            return Ok(None);
        };
        let about = file.metadata().map_err(|error| NotAcceptable::unreadable(&path, &error))?;
        let fault = if !about.is_file() {
            "is no file"
        } else if about.uid() != user() {
            "is another user's"
        } else if about.mode() & NOT_PRIVATE != 0 {
            "may be used by others"
        } else if about.len() == 0 {
            "is empty"
        } else if about.len() > PRIVATE_FILE_MAX {
            "is too large"
        } else {
            let content = Private::read(&path, &file, about.len());
            return content.map(Some).map_err(|error| NotAcceptable::unreadable(&path, &error));
        };
        Err(NotAcceptable::because(&path, fault))
    }

    /// Checks a file or directory that anybody may read, but only the user and the
    /// administrator may have written.
    fn public(&self, name: &str, kind: fn(&Metadata) -> bool) -> Found<PathBuf> {
        let path = self.0.join(name);
        let Some(about) = existing(&path, path.metadata())? else {
            return Ok(None);
        };
        let fault = if !kind(&about) {
            "is not what its name says"
        } else if about.uid() != user() && about.uid() != 0 {
            "is another user's"
        } else if about.mode() & WRITABLE_BY_OTHERS != 0 {
            "may be written by others"
        } else {
            return Ok(Some(path));
        };
        Err(NotAcceptable::because(&path, fault))
    }
}

/// Whether a server's name may be the name of a file in the directory, and nowhere else.
fn is_file_name(name: &[u8]) -> bool {
    !name.is_empty() && !name.starts_with(b".") && !name.contains(&b'/')
}

/// Tells what is missing from what cannot be used. A folder that may not be searched, as that of
/// the user whom the process was before, holds nothing for us.
fn existing<T>(path: &Path, result: io::Result<T>) -> Found<T> {
    let unsearchable = |error: io::Error| error.raw_os_error() == Some(libc::EACCES);
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) => match error.raw_os_error() {
            // A name too long for a file has none.
            Some(libc::ENOENT | libc::ENOTDIR | libc::ENAMETOOLONG) => Ok(None),
            Some(libc::EACCES) if path.metadata().is_err_and(unsearchable) => Ok(None),
            _ => Err(NotAcceptable::unreadable(path, &error)),
        },
    }
}

/// The real user.
pub(super) fn user() -> u32 {
    // SAFETY: getuid takes nothing and cannot fail.
    unsafe { libc::getuid() }
}

/// The content of a private file, wiped when it is done with.
pub(super) struct Private {
    path: PathBuf,
    content: Zeroizing<Vec<u8>>,
}

impl Private {
    fn read(path: &Path, mut file: &File, length: u64) -> io::Result<Self> {
        // Room for all of it, so that no copy is left behind by a vector that grows.
        let length = usize::try_from(length).map_err(io::Error::other)?;
        let mut content = Zeroizing::new(vec![0; length]);
        file.read_exact(&mut content)?;
        Ok(Self { path: path.to_owned(), content })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.content
    }

    /// Where it was read.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests;
