// SPDX-License-Identifier: LGPL-2.1-or-later
//! The files of a policy: which ones, whether they are believed, and what they say. Each state
//! of a file is read once in a process.

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::decision::{Part, Policy};
use super::document::Document;
use super::fault::{Fault, Mistake, Position};
use super::trust::{self, Opened, State, Trust};

/// Longest text of a policy.
const SIZE_MAX: u64 = 65_536;
/// The name of the file in the user's and in the system's folder.
const NAME: &str = "policy.toml";
/// How often a file is read that changes meanwhile.
const READINGS_MAX: usize = 3;
/// Most files that are remembered; a process has two, or one at a time.
const KNOWN_MAX: usize = 8;

/// Where the policy of a process is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Places {
    /// There is to be none.
    Nowhere,
    /// In this file, which must exist.
    Only(PathBuf),
    /// In files that may be missing.
    Usual {
        /// The user's.
        user: Option<PathBuf>,
        /// The system's.
        system: PathBuf,
    },
}

/// As whom the process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The effective user.
    pub effective: u32,
    /// The real user.
    pub real: u32,
    /// The effective group is the real one.
    pub same_group: bool,
}

impl Places {
    /// What the variable `LIBESMTP_POLICY`, the user's folder and the system's folder say. The
    /// first two must be `None` in a process with more rights than its user.
    pub fn find(
        variable: Option<OsString>,
        user_folder: Option<PathBuf>,
        system_folder: &Path,
    ) -> Result<Self, Fault> {
        match variable.filter(|value| !value.is_empty()) {
            Some(value) if value == "none" => Ok(Self::Nowhere),
            Some(value) if value.as_bytes().starts_with(b"/") => Ok(Self::Only(value.into())),
            Some(value) => {
                let path = PathBuf::from(value);
                Err(Fault::of(&path, "LIBESMTP_POLICY is no absolute path"))
            }
            None => Ok(Self::Usual {
                user: user_folder.map(|mut folder| {
                    folder.push(NAME);
                    folder
                }),
                system: {
                    let mut path = PathBuf::with_capacity(system_folder.as_os_str().len() + 1 + NAME.len());
                    path.extend([system_folder, Path::new(NAME)]);
                    path
                },
            }),
        }
    }
}

impl Identity {
    /// A user's own process. What an administrator's process does, or one with more rights than
    /// its user, is the system's matter alone.
    const fn has_own_policy(self) -> bool {
        self.effective != 0 && self.effective == self.real && self.same_group
    }
}

/// The policy that holds now; `None`: there is no file. As whom the process runs is asked only if
/// there is one.
pub fn current(places: &Places, identity: &dyn Fn() -> Identity) -> Result<Option<Policy>, Fault> {
    let parts = match places {
        Places::Nowhere => return Ok(None),
        Places::Only(path) => {
            let missing = || Fault::system(path, &io::Error::from_raw_os_error(libc::ENOENT));
            vec![part(path, identity, |_| true)?.ok_or_else(missing)?]
        }
        Places::Usual { user, system } => {
            let user = match user {
                Some(path) => part(path, identity, Identity::has_own_policy)?,
                None => None,
            };
            user.into_iter().chain(part(system, identity, |_| true)?).collect()
        }
    };
    if parts.is_empty() { Ok(None) } else { Policy::new(parts).map(Some) }
}

/// One file; `None`: there is none, or it is not for a process like this.
fn part(
    path: &Path,
    identity: &dyn Fn() -> Identity,
    concerns: fn(Identity) -> bool,
) -> Result<Option<Part>, Fault> {
    let fault = |text: String| Fault::of(path, text);
    for _ in 0..READINGS_MAX {
        let opened = trust::open(path);
        if let Ok(Opened::Missing) = opened {
            return Ok(None);
        }
        let identity = identity();
        if !concerns(identity) {
            return Ok(None);
        }
        let Opened::There(file, linked) = opened.map_err(|error| Fault::system(path, &error))? else {
            return Ok(None);
        };
        let trust = Trust { user: identity.effective };
        let about = file.metadata().map_err(|error| Fault::system(path, &error))?;
        trust.check_policy(&about).map_err(fault)?;
        check_folders(path, linked, &about, trust).map_err(fault)?;
        if let Some(document) = read(path, &file, &about)? {
            return Ok(Some(document));
        }
    }
    Err(fault("changes while it is read".to_owned()))
}

/// The folder of the path as it is written and, if a link stands there, the folder of the file
/// that it leads to.
fn check_folders(path: &Path, linked: bool, about: &Metadata, trust: Trust) -> Result<(), String> {
    let folder = |path: &Path| path.parent().map_or(Ok(()), |folder| trust.check_folder(folder));
    folder(path)?;
    if !linked {
        return Ok(());
    }
    let target = path.canonicalize().map_err(|error| super::fault::reason(&error))?;
    let there = target.metadata().map_err(|error| super::fault::reason(&error))?;
    if !State::of(&there).is_same_file(&State::of(about)) {
        return Err("leads elsewhere while it is read".to_owned());
    }
    folder(&target)
}

/// A state of a file, and what it says.
struct Known {
    path: Arc<Path>,
    state: State,
    said: Result<Arc<Document>, Mistake>,
}

static KNOWN: Mutex<Vec<Known>> = Mutex::new(Vec::new());

fn known() -> MutexGuard<'static, Vec<Known>> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the file says; `None` if it changed while it was read.
fn read(path: &Path, file: &File, about: &Metadata) -> Result<Option<Part>, Fault> {
    let state = State::of(about);
    let answer = |path: &Arc<Path>, said: &Result<Arc<Document>, Mistake>| match said {
        Ok(document) => Ok(Some(Part {
            path: Arc::clone(path),
            document: Arc::clone(document),
        })),
        Err(mistake) => Err(mistake.clone().in_file(path)),
    };
    if let Some(one) = known().iter().find(|one| &*one.path == path && one.state == state) {
        return answer(&one.path, &one.said);
    }
    let text = text(path, file, about)?;
    let after = file.metadata().map_err(|error| Fault::system(path, &error))?;
    if !state.lasted(&after) {
        return Ok(None);
    }
    let said = parse(&text).map(Arc::new);
    let path: Arc<Path> = path.into();
    let outcome = answer(&path, &said);
    let mut known = known();
    known.retain(|one| one.path != path);
    if known.len() >= KNOWN_MAX {
        known.remove(0);
    }
    known.push(Known { path, state, said });
    outcome
}

fn text(path: &Path, file: &File, about: &Metadata) -> Result<Vec<u8>, Fault> {
    let too_long = || Fault::of(path, format!("longer than {SIZE_MAX} octets"));
    if about.len() > SIZE_MAX {
        return Err(too_long());
    }
    let mut text = Vec::new();
    file.take(SIZE_MAX + 1)
        .read_to_end(&mut text)
        .map_err(|error| Fault::system(path, &error))?;
    if u64::try_from(text.len()).is_ok_and(|length| length <= SIZE_MAX) {
        Ok(text)
    } else {
        Err(too_long())
    }
}

/// Reads a policy's text.
pub(super) fn parse(text: &[u8]) -> Result<Document, Mistake> {
    match std::str::from_utf8(text) {
        Ok(text) => Document::parse(text),
        Err(error) => {
            let valid = text.get(..error.valid_up_to()).unwrap_or_default();
            let valid = String::from_utf8_lossy(valid);
            let position = Position::of(&valid, valid.len());
            Err(Mistake { position, text: "not UTF-8".to_owned() })
        }
    }
}

/// A fault that was told of, and the state in which its file was.
type Told = (Option<PathBuf>, Option<State>, String);

static TOLD: Mutex<Vec<Told>> = Mutex::new(Vec::new());

/// Whether the system's log was not told yet of this fault of a file in its present state.
#[must_use]
pub fn is_news(fault: &Fault) -> bool {
    let path = fault.path().map(Path::to_owned);
    let state = path.as_deref().and_then(|path| path.metadata().ok()).map(|about| State::of(&about));
    let this = (path, state, fault.to_string());
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    if told.contains(&this) {
        return false;
    }
    if told.len() >= KNOWN_MAX {
        told.remove(0);
    }
    told.push(this);
    true
}

/// Forgets what was read: at the end of the process, or of the library in it. Nobody is waited for.
pub fn forget() {
    if let Ok(mut known) = KNOWN.try_lock() {
        *known = Vec::new();
    }
    if let Ok(mut told) = TOLD.try_lock() {
        *told = Vec::new();
    }
}
