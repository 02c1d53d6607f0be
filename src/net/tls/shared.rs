// SPDX-License-Identifier: LGPL-2.1-or-later
//! The context of sessions that bring none of their own, made once and again when the CA
//! lists have changed. To make one costs as much as the handshake.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::config_dir::{self, ConfigDir};
use super::context::TlsContext;
use super::sys;
use super::trust::{self, Loading};
use crate::error::Result;

/// A context and what it was made of.
struct Shared {
    context: TlsContext,
    user: u32,
    sources: Vec<Source>,
}

/// A file or directory as it was found.
#[derive(Debug, PartialEq, Eq)]
struct Source {
    path: PathBuf,
    state: Option<State>,
}

/// What is another after each change of a file, or of a directory's entries.
#[derive(Debug, PartialEq, Eq)]
struct State {
    file: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

static SHARED: Mutex<Option<Shared>> = Mutex::new(None);

fn lock() -> MutexGuard<'static, Option<Shared>> {
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The context for the user's files in this directory.
pub(super) fn context(directory: Option<&ConfigDir>) -> Result<TlsContext> {
    let (user, sources) = (config_dir::user(), sources(directory));
    let is_current = |shared: &&Shared| shared.user == user && shared.sources == sources;
    if let Some(shared) = lock().as_ref().filter(is_current) {
        return Ok(shared.context.clone());
    }
    // Their state was noted before: what changes meanwhile is seen the next time.
    let context = TlsContext::with_config(directory, Loading::OnDemand)?;
    if context.lacks_trust() {
        // Descriptors or memory may be there again for the next session.
        return Ok(context);
    }
    let context = context.resuming();
    release_in_the_end();
    let shared = Shared { context: context.clone(), user, sources };
    drop(lock().replace(shared));
    Ok(context)
}

fn sources(directory: Option<&ConfigDir>) -> Vec<Source> {
    let user = directory.into_iter().flat_map(ConfigDir::ca_paths);
    let paths = user.chain(trust::default_dirs()).chain([trust::default_file()]);
    let source = |path: PathBuf| Source { state: state(&path), path };
    paths.map(source).collect()
}

fn state(path: &Path) -> Option<State> {
    let about = path.metadata().ok()?;
    Some(State {
        file: (about.dev(), about.ino()),
        size: about.size(),
        modified: (about.mtime(), about.mtime_nsec()),
        changed: (about.ctime(), about.ctime_nsec()),
    })
}

/// Gives the context back when the library is unloaded, or the process ends.
fn release_in_the_end() {
    static REGISTERED: AtomicBool = AtomicBool::new(false);
    if !REGISTERED.swap(true, Ordering::Relaxed) {
        // SAFETY: the function is called at most once; the C library forgets it when it has
        // called it because this library is unloaded.
        unsafe { libc::atexit(release) };
    }
}

extern "C" fn release() {
    // OpenSSL says so if it has been shut down already; then nothing is left to give back.
    // SAFETY: the function may be called at any time.
    let alive = unsafe { sys::OPENSSL_init_crypto(openssl_sys::OPENSSL_INIT_NO_ATEXIT, std::ptr::null()) };
    // Nobody else is waited for while the process ends.
    let slot = SHARED.try_lock().ok().and_then(|mut slot| slot.take());
    if alive != 1 {
        std::mem::forget(slot);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Folder, Template};
    use super::*;

    #[test]
    fn a_context_is_shared_until_the_list_changes() {
        let folder = Folder::trusting(&Template::authority().certificate_pem());
        let config = folder.config();
        let same = |sources: &[Source]| sources == super::sources(Some(&config));
        let before = sources(Some(&config));
        assert!(same(&before));
        folder.write("ca.pem", &Template::authority_named("Another").certificate_pem(), 0o644);
        assert!(!same(&before));
        let before = sources(Some(&config));
        folder.set_mode("ca.pem", 0o640);
        assert!(!same(&before));
        let before = sources(Some(&config));
        std::fs::create_dir(folder.path().join("ca")).expect("creates");
        assert!(!same(&before));
        let before = sources(Some(&config));
        folder.write("ca/12345678.0", b"a certificate", 0o644);
        assert!(!same(&before));
        assert!(same(&sources(Some(&config))));
        assert!(!same(&sources(None)));
    }
}
