// SPDX-License-Identifier: LGPL-2.1-or-later
//! Passwords and tokens from where the policy says they are. Nothing is run for them: in the
//! process of somebody else a child would be reaped, forbidden or missed.

mod content;
mod lookup;
mod socket;

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::fault::Fault;
use super::relay::SecretSource;
use super::trust::{self, Opened, Trust};
use content::Content;

/// What a look-up needs to know of the process.
#[derive(Debug, Clone)]
pub struct Access {
    /// The effective user.
    pub user: u32,
    /// The folder of systemd's credentials (`CREDENTIALS_DIRECTORY`).
    pub credentials: Option<PathBuf>,
    /// Who is at the other end of a socket.
    pub peer: fn(BorrowedFd<'_>) -> io::Result<u32>,
}

/// Where a secret came from, for the trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A file, read for this session.
    File(PathBuf),
    /// A socket, and how long ago.
    Socket(PathBuf, Duration),
}

#[derive(Clone)]
pub struct Secret {
    token: Arc<Token>,
    origin: Origin,
}

/// What a source gave, and when.
struct Token {
    content: Content,
    fetched: Instant,
}

impl Secret {
    /// The secret itself.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.token.content.secret
    }

    /// Where it came from.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Until when it is good, in seconds since 1970, if that is known.
    #[must_use]
    pub fn expires(&self) -> Option<u64> {
        self.token.content.expires
    }

    /// It was refused: it is not used again, by nobody. `true`: a fresh one may be had.
    #[must_use]
    pub fn refused(&self) -> bool {
        match &self.origin {
            Origin::File(_) => false,
            Origin::Socket(path, _) => {
                lookup::drop_token(path, &self.token);
                true
            }
        }
    }
}

/// A trace must not show it.
impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secret({} octets from {:?})", self.bytes().len(), self.origin)
    }
}

/// Fetches a secret.
pub fn fetch(source: &SecretSource, access: &Access) -> Result<Secret, Fault> {
    match source {
        SecretSource::File(path) => from_file(path, access),
        SecretSource::Credential(name) => match &access.credentials {
            Some(folder) => from_file(&folder.join(name), access),
            None => Err(Fault::new(format!("credential {name}: CREDENTIALS_DIRECTORY is not set"))),
        },
        SecretSource::Socket(path) => {
            let token = lookup::token(path, access)?;
            let origin = Origin::Socket(path.clone(), token.fetched.elapsed());
            Ok(Secret { token, origin })
        }
    }
}

/// Forgets what is kept: at the end of the process, or of the library in it.
pub fn forget() {
    lookup::forget();
}

fn from_file(path: &Path, access: &Access) -> Result<Secret, Fault> {
    let text = read_checked(path, access.user, |trust, about| trust.check_secret(about))?;
    let content = Content::parse(&text).map_err(|text| Fault::of(path, text))?;
    let token = Token { content, fetched: Instant::now() };
    Ok(Secret {
        token: Arc::new(token),
        origin: Origin::File(path.to_owned()),
    })
}

/// A private key, which has a secret's rules.
pub fn read_key(path: &Path, user: u32) -> Result<Zeroizing<Vec<u8>>, Fault> {
    read_checked(path, user, |trust, about| trust.check_secret(about))
}

/// A file that is not secret, such as a certificate.
pub fn read_public(path: &Path) -> Result<Zeroizing<Vec<u8>>, Fault> {
    read_checked(path, 0, |_, about| {
        if about.is_file() {
            trust::check_public(about)
        } else {
            Err("is no regular file".to_owned())
        }
    })
}

/// Checks that a file or folder of authorities was not written by just anybody.
pub fn check_public(path: &Path) -> Result<(), Fault> {
    let about = path.metadata().map_err(|error| Fault::system(path, &error))?;
    trust::check_public(&about).map_err(|text| Fault::of(path, text))
}

type Check = fn(Trust, &std::fs::Metadata) -> Result<(), String>;

fn read_checked(path: &Path, user: u32, check: Check) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let system = |error: io::Error| Fault::system(path, &error);
    let Opened::There(file, _) = trust::open(path).map_err(system)? else {
        return Err(system(io::Error::from_raw_os_error(libc::ENOENT)));
    };
    let about = file.metadata().map_err(system)?;
    check(Trust { user }, &about).map_err(|text| Fault::of(path, text))?;
    read(&file, path)
}

/// Longest file that is read here: certificates, or a secret.
const FILE_MAX: usize = 1 << 20;

/// Reads with room for all of it from the start, so that no copy is left behind by a buffer that
/// grew.
fn read(mut file: &File, path: &Path) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let system = |error: io::Error| Fault::system(path, &error);
    let length = file.metadata().map_err(system)?.len();
    let length = usize::try_from(length).ok().filter(|length| *length <= FILE_MAX);
    let Some(length) = length else {
        return Err(Fault::of(path, format!("longer than {FILE_MAX} octets")));
    };
    let mut text = Zeroizing::new(vec![0; length]);
    let mut filled = 0;
    while let Some(rest) = text.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(system(error)),
        }
    }
    text.truncate(filled);
    Ok(text)
}
