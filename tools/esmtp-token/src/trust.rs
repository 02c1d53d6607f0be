// SPDX-License-Identifier: LGPL-2.1-or-later
//! Files whose content nobody but root and the program's own user may read or decide.

use std::fs::{File, Metadata, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::fcntl::OFlag;
use nix::unistd::geteuid;

use crate::error::{Error, Kind, Result};

/// Anything for others, writing for the group. Reading by a group is a way to hand a file of root's to a
/// daemon, and systemd's credentials show a group's rights where an access list gives them to one user.
const FORBIDDEN: u32 = 0o027;

/// Reads a text file that holds secrets, as a whole.
pub(crate) fn read_private(path: &Path, largest: u64) -> Result<String> {
    read(path, largest, FORBIDDEN).map_err(|error| error.about(path.display()))
}

/// Reads a text file that everybody may see, but that others must not be able to change.
pub(crate) fn read_public(path: &Path, largest: u64) -> Result<String> {
    read(path, largest, 0o022).map_err(|error| error.about(path.display()))
}

fn read(path: &Path, largest: u64, forbidden: u32) -> Result<String> {
    // A FIFO must not make us wait.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(OFlag::O_NONBLOCK.bits())
        .open(path)
        .map_err(wrong)?;
    let facts = file.metadata().map_err(wrong)?;
    if !facts.is_file() {
        return Err(Error::new(Kind::Configuration, "is not a regular file"));
    }
    owned(&facts).map_err(wrong)?;
    let excess = facts.mode() & forbidden;
    if excess != 0 {
        let text = format!("its mode {:04o} gives too much: take away {excess:03o}", facts.mode() & 0o7777);
        return Err(Error::new(Kind::Configuration, text));
    }
    if let Some(folder) = path.parent() {
        folder_is_safe(folder)
            .map_err(|error| wrong(error).about(format!("its folder {}", folder.display())))?;
    }
    whole(file, largest)
}

fn whole(file: File, largest: u64) -> Result<String> {
    let mut content = Vec::new();
    file.take(largest + 1).read_to_end(&mut content).map_err(wrong)?;
    if content.len() as u64 > largest {
        return Err(Error::new(Kind::Configuration, format!("is larger than {largest} octets")));
    }
    String::from_utf8(content).map_err(|_| Error::new(Kind::Configuration, "is not UTF-8"))
}

/// Whoever may write to a folder may put another file in place of a trusted one.
pub(crate) fn folder_is_safe(folder: &Path) -> std::result::Result<(), String> {
    let facts = std::fs::metadata(folder).map_err(|error| error.to_string())?;
    if !facts.is_dir() {
        return Err("is not a folder".to_owned());
    }
    owned(&facts)?;
    if facts.mode() & 0o022 != 0 {
        return Err(format!("others may write to it (mode {:04o})", facts.mode() & 0o7777));
    }
    Ok(())
}

fn owned(facts: &Metadata) -> std::result::Result<(), String> {
    let own = geteuid().as_raw();
    if facts.uid() == 0 || facts.uid() == own {
        return Ok(());
    }
    Err(format!("its owner is user {}, and must be root or user {own}", facts.uid()))
}

fn wrong(error: impl Into<Box<dyn std::error::Error>>) -> Error {
    Error::new(Kind::Configuration, error.into().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_with_secrets_is_for_nobody_else() {
        let scratch = crate::scratch::Folder::new();
        let file = scratch.write("secret", "s\n");
        for (mode, good) in [
            (0o600, true),
            (0o400, true),
            (0o640, true),
            (0o644, false),
            (0o660, false),
            (0o602, false),
            (0o604, false),
        ] {
            set_permissions(&file, Permissions::from_mode(mode)).unwrap();
            assert_eq!(read_private(&file, 100).is_ok(), good, "{mode:o}");
        }
    }

    #[test]
    fn what_cannot_be_trusted_is_refused_by_name() {
        let scratch = crate::scratch::Folder::new();
        let file = scratch.write("secret", "12345");
        assert!(read_private(&file, 5).is_ok());
        let text = read_private(&file, 4).unwrap_err().to_string();
        assert_eq!(text, format!("{}: is larger than 4 octets", file.display()));
        let text = read_private(scratch.path(), 5).unwrap_err().to_string();
        assert!(text.ends_with("is not a regular file"), "{text}");
        set_permissions(scratch.path(), Permissions::from_mode(0o777)).unwrap();
        let text = read_private(&file, 5).unwrap_err().to_string();
        assert!(text.contains("others may write to it (mode 0777)"), "{text}");
    }

    #[test]
    fn a_fifo_does_not_make_us_wait() {
        let scratch = crate::scratch::Folder::new();
        let fifo = scratch.path().join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(read_private(&fifo, 5).is_err());
    }
}
