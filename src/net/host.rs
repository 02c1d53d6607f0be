// SPDX-License-Identifier: LGPL-2.1-or-later
//! What this host calls itself, and its offset from universal time.

use std::ffi::CString;

use super::resolve;
use crate::host::node_name;

/// The name for EHLO: the node name, or the full name that the resolver gives for it, if the
/// node name has no dot (RFC 5321 §4.1.1.1 asks for a full name).
#[must_use]
pub fn mail_name() -> CString {
    let node = node_name();
    if node.as_bytes().contains(&b'.') {
        return node;
    }
    let full = resolve::canonical_name(&node).filter(|name| {
        let name = name.as_bytes();
        let is_local = name.get(..9).is_some_and(|start| start.eq_ignore_ascii_case(b"localhost"));
        name.contains(&b'.') && !is_local
    });
    full.unwrap_or(node)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_never_empty() {
        assert!(!mail_name().is_empty());
    }
}
