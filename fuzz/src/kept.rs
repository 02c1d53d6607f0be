// SPDX-License-Identifier: LGPL-2.1-or-later
//! Inputs of a target in one file, each behind its length in two octets, the more significant one first:
//! what fuzzing has found, small enough to be kept with the sources and run with each test.

use std::path::PathBuf;

/// Octets of the longest input that is kept. Those that reach something by their length alone are few, and
/// made by the targets themselves.
const LONGEST: usize = 512;

/// Where a target's file is.
#[must_use]
pub fn file(target: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    // This is compiled as a part of the properties' test, too.
    let folder = if env!("CARGO_PKG_NAME") == "esmtp" { root.join("fuzz") } else { root };
    folder.join("kept").join(target)
}

/// The inputs of such a file; `None`: it is cut off.
#[must_use]
pub fn unpacked(mut file: &[u8]) -> Option<Vec<&[u8]>> {
    let mut inputs = Vec::new();
    while let Some((length, rest)) = file.split_first_chunk::<2>() {
        let (input, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
        inputs.push(input);
        file = rest;
    }
    file.is_empty().then_some(inputs)
}

/// Such a file, the same whatever the order of the inputs; those that are too long for it are left out.
#[must_use]
pub fn packed(mut inputs: Vec<Vec<u8>>) -> Vec<u8> {
    inputs.sort_by(|one, other| (one.len(), one).cmp(&(other.len(), other)));
    inputs.dedup();
    let mut file = Vec::new();
    for input in inputs.iter().filter(|input| input.len() <= LONGEST) {
        if let Ok(length) = u16::try_from(input.len()) {
            file.extend_from_slice(&length.to_be_bytes());
            file.extend_from_slice(input);
        }
    }
    file
}
