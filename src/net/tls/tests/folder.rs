// SPDX-License-Identifier: LGPL-2.1-or-later
//! A configuration directory made for a test.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::super::config_dir::ConfigDir;

/// A directory that goes with the value.
pub(in super::super) struct Folder(PathBuf);

impl Folder {
    pub(in super::super) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("esmtp-tls-{}-{number}", std::process::id()));
        fs::create_dir_all(path.join("private")).expect("creates");
        Self(path)
    }

    /// With this CA list.
    pub(in super::super) fn trusting(pem: &[u8]) -> Self {
        let folder = Self::new();
        folder.write("ca.pem", pem, 0o644);
        folder
    }

    pub(in super::super) fn path(&self) -> &Path {
        &self.0
    }

    pub(in super::super) fn config(&self) -> ConfigDir {
        ConfigDir::at(&self.0)
    }

    pub(in super::super) fn write(&self, name: &str, content: &[u8], mode: u32) {
        let path = self.0.join(name);
        fs::write(&path, content).expect("writes");
        self.set_mode(name, mode);
    }

    pub(in super::super) fn set_mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.0.join(name), fs::Permissions::from_mode(mode)).expect("chmod");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
