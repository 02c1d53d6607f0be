// SPDX-License-Identifier: LGPL-2.1-or-later
//! Refresh tokens on disk. Some servers give a new one with each answer and forget the old one, so a
//! process that dies, a full disk and two runs at once must not leave a name without one.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag, posix_fallocate};
use nix::libc::off_t;
use nix::unistd::geteuid;
use serde_json::{Value, json};

use crate::clock::{self, Deadline};
use crate::error::{Error, Kind, Result};
use crate::name::Name;
use crate::secret::Secret;

/// Kept free for the next refresh token; the longest known have a few KiB.
const ROOM: off_t = 64 * 1024;
const LARGEST: u64 = 512 * 1024;
/// How often a run looks whether another one is done.
const PAUSE: Duration = Duration::from_millis(30);

/// The folder with a file for each name. It is its owner's alone.
pub(crate) struct Folder {
    path: PathBuf,
    owner: (u32, u32),
}

/// One name, for one process.
pub(crate) struct Locked<'f> {
    folder: &'f Folder,
    name: &'f Name,
    _lock: Flock<File>,
}

/// What is kept for a name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) refresh_token: Secret,
    /// Whose it is and who gave it: nobody else must get to see it.
    pub(crate) client: String,
    pub(crate) endpoint: String,
}

/// A file that is ready for a new token and does not count yet. What is in it is of no meaning.
pub(crate) struct Room<'l> {
    locked: &'l Locked<'l>,
    file: File,
}

impl Folder {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let wrong =
            |what: String| Error::new(Kind::State, format!("state folder {}: {what}", path.display()));
        let facts = fs::metadata(path).map_err(|error| wrong(error.to_string()))?;
        if !facts.is_dir() {
            return Err(wrong("is not a folder".to_owned()));
        }
        let own = geteuid();
        // Root prepares what a service's user goes on with.
        if facts.uid() != own.as_raw() && !own.is_root() {
            return Err(wrong(format!("its owner is user {}, and must be user {own}", facts.uid())));
        }
        if facts.mode() & 0o022 != 0 {
            return Err(wrong(format!("others may write to it (mode {:04o})", facts.mode() & 0o7777)));
        }
        Ok(Self {
            path: path.to_owned(),
            owner: (facts.uid(), facts.gid()),
        })
    }

    /// The same, made if it is not there.
    pub(crate) fn open_or_make(path: &Path) -> Result<Self> {
        match DirBuilder::new().mode(0o700).create(path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                Err(Error::new(Kind::State, format!("state folder {}: {error}", path.display())))
            }
            _ => Self::open(path),
        }
    }

    fn file(&self, name: &Name, ending: &str) -> PathBuf {
        self.path.join(format!("{name}.{ending}"))
    }

    /// Makes a file that was not there, for the folder's owner.
    fn make(&self, path: &Path) -> std::io::Result<File> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        if geteuid().is_root() && self.owner.0 != 0 {
            fchown(&file, Some(self.owner.0), Some(self.owner.1))?;
        }
        Ok(file)
    }

    /// The file that the last run left for this one, if nobody else has a hand on it.
    fn left_room(&self, name: &Name) -> Option<File> {
        let file = existing(&self.file(name, "new"), true).ok()?;
        let facts = file.metadata().ok()?;
        let ours = facts.uid() == self.owner.0 && facts.mode() & 0o777 == 0o600 && facts.nlink() == 1;
        ours.then_some(file)
    }

    /// Waits until no other process is at this name.
    pub(crate) fn lock<'f>(&'f self, name: &'f Name, deadline: Deadline) -> Result<Locked<'f>> {
        let path = self.file(name, "lock");
        let wrong = |what: &str| Error::new(Kind::State, format!("{}: {what}", path.display()));
        let opened = match self.make(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => existing(&path, true),
            other => other,
        };
        let mut file = opened.map_err(|error| wrong(&error.to_string()))?;
        loop {
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(lock) => return Ok(Locked { folder: self, name, _lock: lock }),
                Err((same, Errno::EWOULDBLOCK | Errno::EINTR)) => file = same,
                Err((_, error)) => return Err(wrong(error.desc())),
            }
            if !deadline.wait(PAUSE) {
                return Err(wrong("another process holds it for too long"));
            }
        }
    }
}

/// Opens a file as it is: no link, nothing that makes us wait.
fn existing(path: &Path, write: bool) -> std::io::Result<File> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let file = OpenOptions::new().read(true).write(write).custom_flags(flags.bits()).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("is not a regular file"));
    }
    Ok(file)
}

impl Locked<'_> {
    fn wrong(&self, ending: &str, what: impl std::fmt::Display) -> Error {
        Error::new(Kind::State, format!("{}: {what}", self.folder.file(self.name, ending).display()))
    }

    pub(crate) fn read(&self) -> Result<Option<Stored>> {
        let file = match existing(&self.folder.file(self.name, "json"), false) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|error| self.wrong("json", error))?,
        };
        let facts = file.metadata().map_err(|error| self.wrong("json", error))?;
        if facts.mode() & 0o077 != 0 {
            return Err(self.wrong("json", format!("others may use it (mode {:04o})", facts.mode() & 0o7777)));
        }
        if ![0, geteuid().as_raw(), self.folder.owner.0].contains(&facts.uid()) {
            return Err(self.wrong("json", format!("its owner is user {}", facts.uid())));
        }
        let mut content = String::new();
        file.take(LARGEST)
            .read_to_string(&mut content)
            .map_err(|error| self.wrong("json", error))?;
        Stored::parse(&content).map(Some).ok_or_else(|| self.wrong("json", "is damaged"))
    }

    /// Makes sure that a new token can be kept, before the old one is used up. The last run left room: a
    /// full disk is what a program most wants to send mail about.
    pub(crate) fn make_room(&self) -> Result<Room<'_>> {
        let file = match self.folder.left_room(self.name) {
            Some(file) => file,
            None => self.new_room().map_err(|error| self.wrong("new", error))?,
        };
        match posix_fallocate(&file, 0, ROOM) {
            // Not every file system can promise it.
            Ok(()) | Err(Errno::EOPNOTSUPP | Errno::EINVAL | Errno::ENOSYS) => {
                Ok(Room { locked: self, file })
            }
            Err(error) => Err(self.wrong("new", error.desc())),
        }
    }

    /// In place of whatever is there under that name.
    fn new_room(&self) -> std::io::Result<File> {
        let path = self.folder.file(self.name, "new");
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => self.folder.make(&path),
        }
    }
}

impl Room<'_> {
    /// The new token counts from the rename on; until then the old one does.
    pub(crate) fn store(mut self, stored: &Stored) -> Result<()> {
        self.write(stored)
            .map_err(|error| self.locked.wrong("json", format!("the refresh token was not kept: {error}")))?;
        // For the next run, which will say what is wrong if this fails.
        let _ = self.locked.make_room();
        Ok(())
    }

    fn write(&mut self, stored: &Stored) -> std::io::Result<()> {
        let content = stored.render();
        self.file.write_all(content.as_bytes())?;
        self.file.set_len(content.len() as u64)?;
        self.file.sync_all()?;
        let folder = self.locked.folder;
        fs::rename(folder.file(self.locked.name, "new"), folder.file(self.locked.name, "json"))?;
        File::open(&folder.path)?.sync_all()
    }
}

impl Stored {
    fn parse(content: &str) -> Option<Self> {
        let content: Value = serde_json::from_str(content).ok()?;
        let text = |key: &str| content.get(key)?.as_str().filter(|text| !text.is_empty());
        if content.get("version")?.as_u64()? != 1 {
            return None;
        }
        Some(Self {
            refresh_token: Secret::new(text("refresh_token")?),
            client: text("client_id")?.to_owned(),
            endpoint: text("token_endpoint")?.to_owned(),
        })
    }

    fn render(&self) -> String {
        let content = json!({
            "version": 1,
            "client_id": self.client,
            "token_endpoint": self.endpoint,
            "refresh_token": self.refresh_token.expose(),
            // For people.
            "stored": clock::now().unwrap_or_default(),
        });
        format!("{content}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;

    fn stored(token: &str) -> Stored {
        Stored {
            refresh_token: Secret::new(token),
            client: "c".to_owned(),
            endpoint: "https://id.example/".to_owned(),
        }
    }

    fn soon() -> Deadline {
        Deadline::after(Duration::from_secs(20))
    }

    #[test]
    fn what_is_stored_is_read() {
        let scratch = crate::scratch::Folder::new();
        let folder = Folder::open(scratch.path()).unwrap();
        let name = Name::parse("a").unwrap();
        let locked = folder.lock(&name, soon()).unwrap();
        assert_eq!(locked.read().unwrap(), None);
        for token in ["one", "tw\"o\n\u{0}é", &"x".repeat(100_000)] {
            locked.make_room().unwrap().store(&stored(token)).unwrap();
            assert_eq!(locked.read().unwrap(), Some(stored(token)));
        }
        let mode = fs::metadata(folder.file(&name, "json")).unwrap().mode();
        assert_eq!(mode & 0o7777, 0o600);
    }

    #[test]
    fn room_that_is_not_used_leaves_the_old_token() {
        let scratch = crate::scratch::Folder::new();
        let folder = Folder::open(scratch.path()).unwrap();
        let name = Name::parse("a").unwrap();
        let locked = folder.lock(&name, soon()).unwrap();
        locked.make_room().unwrap().store(&stored("old")).unwrap();
        locked.make_room().unwrap();
        // As a process leaves it that was killed.
        scratch.write("a.new", &stored("longer than the next one").render()[..40]);
        assert_eq!(locked.read().unwrap(), Some(stored("old")));
        locked.make_room().unwrap().store(&stored("new")).unwrap();
        assert_eq!(locked.read().unwrap(), Some(stored("new")));
        // Somebody else's hand on it.
        fs::hard_link(folder.file(&name, "new"), folder.file(&name, "link")).unwrap();
        locked.make_room().unwrap().store(&stored("newer")).unwrap();
        assert_eq!(fs::metadata(folder.file(&name, "json")).unwrap().nlink(), 1);
    }

    #[test]
    fn one_process_at_a_time_and_not_for_ever() {
        let scratch = crate::scratch::Folder::new();
        let folder = Folder::open(scratch.path()).unwrap();
        let (a, b) = (Name::parse("a").unwrap(), Name::parse("b").unwrap());
        let held = folder.lock(&a, soon()).unwrap();
        let error = folder.lock(&a, Deadline::after(Duration::from_millis(100))).err().unwrap();
        assert_eq!(error.kind, Kind::State);
        assert!(folder.lock(&b, soon()).is_ok());
        drop(held);
        assert!(folder.lock(&a, soon()).is_ok());
    }

    #[test]
    fn what_is_not_ours_alone_is_refused() {
        let scratch = crate::scratch::Folder::new();
        let name = Name::parse("a").unwrap();
        let folder = Folder::open(scratch.path()).unwrap();
        let locked = folder.lock(&name, soon()).unwrap();
        let file = scratch.write("a.json", &stored("t").render());
        set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        assert!(locked.read().unwrap_err().to_string().ends_with("others may use it (mode 0640)"));
        for content in ["", "{", "{}", "[]", "{\"version\":2}", "\u{0}\u{0}"] {
            fs::remove_file(&file).unwrap();
            scratch.write("a.json", content);
            assert!(locked.read().unwrap_err().to_string().ends_with("is damaged"), "{content}");
        }
        fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", &file).unwrap();
        assert!(locked.read().is_err());
        set_permissions(scratch.path(), Permissions::from_mode(0o770)).unwrap();
        assert!(Folder::open(scratch.path()).is_err());
    }
}
