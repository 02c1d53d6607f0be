// SPDX-License-Identifier: LGPL-2.1-or-later
//! What is wrong with a policy, and where.

use std::ffi::c_int;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A place in a text, both counted from 1; columns are characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

impl Position {
    /// The place of an octet of a text.
    #[must_use]
    pub fn of(text: &str, offset: usize) -> Self {
        let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
        let start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        // Octets that go on with a character are not counted.
        let characters = before.iter().skip(start).filter(|byte| **byte & 0xc0 != 0x80);
        Self { line, column: characters.count() + 1 }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A mistake in the text of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where it is.
    pub position: Position,
    /// What it is.
    pub text: String,
}

impl Mistake {
    /// The mistake as one of a file.
    #[must_use]
    pub fn in_file(self, path: &Arc<Path>) -> Fault {
        Fault {
            path: Some(Arc::clone(path)),
            position: Some(self.position),
            text: self.text,
            errno: None,
        }
    }
}

/// Why a policy, or a part of it, cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    path: Option<Arc<Path>>,
    position: Option<Position>,
    text: String,
    errno: Option<c_int>,
}

impl Fault {
    /// A fault of no file in particular.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            path: None,
            position: None,
            text: text.into(),
            errno: None,
        }
    }

    /// A fault of a file as a whole.
    #[must_use]
    pub fn of(path: &Path, text: impl Into<String>) -> Self {
        Self {
            path: Some(path.into()),
            ..Self::new(text)
        }
    }

    /// A file that the system does not let us have.
    #[must_use]
    pub fn system(path: &Path, error: &std::io::Error) -> Self {
        Self {
            errno: error.raw_os_error(),
            ..Self::of(path, reason(error))
        }
    }

    /// The same with the `errno` that the caller is to see.
    #[must_use]
    pub fn with_errno(self, errno: c_int) -> Self {
        Self { errno: Some(errno), ..self }
    }

    /// The system's error, if it was one.
    #[must_use]
    pub const fn errno(&self) -> Option<c_int> {
        self.errno
    }

    /// The file, if it is about one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// For a program's log, whose lines are short: only the last part of the path.
    #[must_use]
    pub fn brief(&self) -> String {
        let name = self.path.as_deref().and_then(Path::file_name).map(PathBuf::from);
        self.text_for(name.as_deref())
    }

    fn text_for(&self, path: Option<&Path>) -> String {
        let path = path.map_or_else(String::new, |path| path.display().to_string());
        match (path.as_str(), self.position) {
            ("", _) => self.text.clone(),
            (path, Some(position)) => format!("{path}:{position}: {}", self.text),
            (path, None) => format!("{path}: {}", self.text),
        }
    }
}

/// With the path in full.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text_for(self.path.as_deref()))
    }
}

/// The system's words without Rust's number behind them.
pub(super) fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error ") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}

/// A key or value as a message shows it: one line, and not all of what may be long.
pub(super) fn shown(text: &str) -> String {
    const SHOWN_MAX: usize = 60;
    let mut shown: String = text.chars().take(SHOWN_MAX).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN_MAX).is_some() {
        shown.push_str("...");
    }
    format!("\"{shown}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_from_one() {
        let text = "a = 1\n\u{fc}\u{fc} = 2\r\nc";
        let at = |offset| Position::of(text, offset).to_string();
        assert_eq!(at(0), "1:1");
        assert_eq!(at(4), "1:5");
        assert_eq!(at(5), "1:6");
        assert_eq!(at(6), "2:1");
        assert_eq!(at(10), "2:3");
        assert_eq!(at(text.len()), "3:2");
        assert_eq!(at(1000), "3:2");
        assert_eq!(Position::of("", 0).to_string(), "1:1");
    }

    #[test]
    fn a_brief_fault_has_the_files_name() {
        let path: Arc<Path> = Path::new("/etc/libesmtp/policy.toml").into();
        let position = Position { line: 14, column: 1 };
        let mistake = Mistake {
            position,
            text: "unknown key \"usr\"".to_owned(),
        };
        let fault = mistake.in_file(&path);
        assert_eq!(fault.brief(), "policy.toml:14:1: unknown key \"usr\"");
        assert_eq!(fault.to_string(), "/etc/libesmtp/policy.toml:14:1: unknown key \"usr\"");
        assert_eq!(Fault::new("no").brief(), "no");
    }

    #[test]
    fn what_is_shown_is_one_short_line() {
        assert_eq!(shown("a\n\"b\u{1b}"), r#""a\n\"b\u{1b}""#);
        assert_eq!(shown(&"x".repeat(61)), format!("\"{}...\"", "x".repeat(60)));
    }
}
