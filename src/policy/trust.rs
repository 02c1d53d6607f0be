// SPDX-License-Identifier: LGPL-2.1-or-later
//! Who may have written a file, and who may read it: looked at on what was opened, not on what a
//! path leads to a moment later.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

const WRITABLE_BY_GROUP: u32 = 0o020;
const WRITABLE_BY_OTHERS: u32 = 0o002;
const READABLE_BY_OTHERS: u32 = 0o004;

/// What is another after each change of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    file: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl State {
    pub(super) fn of(about: &Metadata) -> Self {
        Self {
            file: (about.dev(), about.ino()),
            size: about.size(),
            modified: (about.mtime(), about.mtime_nsec()),
            changed: (about.ctime(), about.ctime_nsec()),
        }
    }

    pub(super) fn is_same_file(&self, other: &Self) -> bool {
        self.file == other.file
    }

    /// Whether what was read since this state is that of one moment. A file that was replaced
    /// meanwhile has lost its name, which changes the file, but not what it says.
    pub(super) fn lasted(&self, now: &Metadata) -> bool {
        let now_state = Self::of(now);
        let replaced = now.nlink() == 0;
        *self == now_state || (replaced && *self == Self { changed: self.changed, ..now_state })
    }
}

/// A file that may be missing.
pub(super) enum Opened {
    /// There is none.
    Missing,
    /// It is there, and a link leads to it if the flag is set.
    There(File, bool),
}

/// Opens a file for reading. A folder that cannot be searched has no files; a link that leads
/// nowhere is a file that cannot be read.
pub(super) fn open(path: &Path) -> io::Result<Opened> {
    let error = match open_with(path, libc::O_NOFOLLOW) {
        Ok(file) => return Ok(Opened::There(file, false)),
        Err(error) => error,
    };
    match error.raw_os_error() {
        Some(libc::ENOENT | libc::ENOTDIR | libc::ENAMETOOLONG) => Ok(Opened::Missing),
        // It is a link (the second is FreeBSD's word for it).
        Some(libc::ELOOP | libc::EMLINK) => open_with(path, 0).map(|file| Opened::There(file, true)),
        Some(libc::EACCES) if path.symlink_metadata().is_err() => Ok(Opened::Missing),
        _ => Err(error),
    }
}

/// Opening a pipe or a device must not block.
fn open_with(path: &Path, flags: i32) -> io::Result<File> {
    let flags = flags | libc::O_NONBLOCK | libc::O_NOCTTY;
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

/// Whose files are believed: the administrator's and those of the user as whom we run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trust {
    pub(super) user: u32,
}

impl Trust {
    /// A file that decides where mail goes.
    pub(super) fn check_policy(self, about: &Metadata) -> Result<(), String> {
        self.check_kind(about.is_file(), "is no regular file")?;
        self.check_owner(about)?;
        self.check_writers(about)
    }

    /// The folder of such a file: whoever may write to it may replace the file.
    pub(super) fn check_folder(self, folder: &Path) -> Result<(), String> {
        let about = folder.metadata().map_err(|error| super::fault::reason(&error));
        let checked = about.and_then(|about| {
            self.check_kind(about.is_dir(), "is no folder")?;
            self.check_owner(&about)?;
            self.check_writers(&about)
        });
        checked.map_err(|text| format!("the folder {} {text}", folder.display()))
    }

    /// A file with a secret.
    pub(super) fn check_secret(self, about: &Metadata) -> Result<(), String> {
        self.check_kind(about.is_file(), "is no regular file")?;
        self.check_owner(about)?;
        if about.mode() & READABLE_BY_OTHERS != 0 {
            return Err("may be read by others".to_owned());
        }
        self.check_writers(about)
    }

    /// A socket with a secret behind it. To connect to one is to write to it, so the group's
    /// leave to write is what the leave to read is for a file.
    pub(super) fn check_socket(self, about: &Metadata) -> Result<(), String> {
        self.check_kind(about.file_type().is_socket(), "is no socket")?;
        self.check_owner(about)?;
        if about.mode() & (READABLE_BY_OTHERS | WRITABLE_BY_OTHERS) != 0 {
            return Err("is open to others".to_owned());
        }
        Ok(())
    }

    fn check_kind(self, is_it: bool, otherwise: &str) -> Result<(), String> {
        if is_it { Ok(()) } else { Err(otherwise.to_owned()) }
    }

    fn check_owner(self, about: &Metadata) -> Result<(), String> {
        match about.uid() {
            0 => Ok(()),
            owner if owner == self.user => Ok(()),
            owner => Err(format!("belongs to user {owner}")),
        }
    }

    fn check_writers(self, about: &Metadata) -> Result<(), String> {
        if about.mode() & WRITABLE_BY_OTHERS != 0 {
            Err("may be written by others".to_owned())
        } else if about.mode() & WRITABLE_BY_GROUP != 0 {
            Err("may be written by its group".to_owned())
        } else {
            Ok(())
        }
    }
}

/// A file that is not secret, such as a list of authorities.
pub(super) fn check_public(about: &Metadata) -> Result<(), String> {
    if about.mode() & WRITABLE_BY_OTHERS != 0 {
        return Err("may be written by others".to_owned());
    }
    Ok(())
}
