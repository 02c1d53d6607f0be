// SPDX-License-Identifier: LGPL-2.1-or-later
//! The file of a site policy, as anybody may have written it.

use std::path::PathBuf;

use esmtp::policy::{Circumstances, Document, Host, Part, Policy, Sender};

use super::Target;

pub(crate) const POLICY: Target = Target {
    name: "policy",
    run: policy,
    seeds: &[
        include_bytes!("../../examples/policy.toml"),
        b"version = 1\n[[rule]]\nserver = \"*:25\"\nrefuse = \"no\"\n",
        b"version = 1\n[relay.a]\ntimeout = { reply = \"10s\" }\n[[rule]]\nrelays = [\"a\"]\n",
        b"version = 1\n[relay.a]\nproxy = \"socks5h://me%40x@p:1\"\nproxy-secret = { file = \"/a\" }\n",
    ],
};

/// A mistake is one line with a place within the text; without one, each session gets an answer.
fn policy(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let path: std::sync::Arc<std::path::Path> = std::path::Path::new("/etc/policy.toml").into();
    match Document::parse(text) {
        Err(mistake) => {
            let lines = text.split('\n').count();
            assert!((1..=lines).contains(&mistake.position.line), "{mistake:?}");
            assert!(mistake.position.column >= 1);
            assert!(!mistake.text.is_empty() && !mistake.text.chars().any(char::is_control), "{mistake:?}");
        }
        Ok(document) => {
            let rules = document.rules.len();
            let part = Part { path, document: document.into() };
            let Ok(policy) = Policy::new(vec![part]) else {
                return;
            };
            if rules > 0 {
                let _ = policy.decide(&Anybody);
            }
        }
    }
}

/// A session that looks like those of the seeds.
struct Anybody;

impl Circumstances for Anybody {
    fn host(&self) -> Option<&Host> {
        None
    }

    fn port(&self) -> Option<u16> {
        Some(25)
    }

    fn service(&self, _: &str) -> Result<u16, String> {
        Ok(25)
    }

    fn program(&self) -> Result<PathBuf, String> {
        Ok(PathBuf::from("/usr/sbin/collectd"))
    }

    fn user(&self) -> u32 {
        0
    }

    fn user_named(&self, _: &str) -> Result<Option<u32>, String> {
        Ok(Some(0))
    }

    fn every_sender(&self, fits: &mut dyn FnMut(&Sender) -> bool) -> bool {
        fits(&Sender::of_path(b"a@example.org"))
    }
}
