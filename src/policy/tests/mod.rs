// SPDX-License-Identifier: LGPL-2.1-or-later
//! What holds for policies.

mod decisions;
mod files;
mod keys;
mod mistakes;
mod secrets;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::document::Document;
use super::relay::Relay;

/// The example of the manual.
pub(super) const EXAMPLE: &str = include_str!("../../../examples/policy.toml");

fn parse(text: &str) -> Result<Document, String> {
    Document::parse(text).map_err(|mistake| format!("{}: {}", mistake.position, mistake.text))
}

fn relay(keys: &str) -> Arc<Relay> {
    let document = parse(&format!("version = 1\n[relay.a]\n{keys}\n")).expect("a relay");
    Arc::clone(document.relay("a").expect("it is there"))
}

/// A folder for a test, with the files that are put there.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("esmtp-policy-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("creates");
        set_mode(&path, 0o755);
        Self(path.canonicalize().expect("it is there"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>, mode: u32) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("writes");
        set_mode(&path, mode);
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("sets");
}

/// As whom the tests run: the owner of what they make.
fn user() -> u32 {
    use std::os::unix::fs::MetadataExt as _;
    let folder = Folder::new();
    folder.0.metadata().expect("it is there").uid()
}
