// SPDX-License-Identifier: LGPL-2.1-or-later
//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::error::{Error, Kind, Result};
use crate::name::Name;

pub(crate) const USAGE: &str = "\
usage: esmtp-token [OPTION...] NAME            print a token for NAME
       esmtp-token [OPTION...] --socket        the same, NAME from the socket on standard input
       esmtp-token [OPTION...] authorize NAME  let the owner of a mailbox agree
       esmtp-token [OPTION...] import NAME     keep the refresh token on standard input
       esmtp-token [OPTION...] check           look for mistakes in the configuration
  --config FILE    instead of /etc/libesmtp/token.toml
  --state FOLDER   instead of /var/lib/esmtp-token
  --help, --version
";

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Print(Name),
    PrintForSocket,
    Authorize(Name),
    Import(Name),
    Check,
    Help,
    Version,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) task: Task,
    pub(crate) config: Option<PathBuf>,
    pub(crate) state: Option<PathBuf>,
}

impl Arguments {
    pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Self> {
        let mut parser = lexopt::Parser::from_args(words);
        let (mut config, mut state, mut socket) = (None, None, false);
        let mut words: Vec<String> = Vec::new();
        while let Some(argument) = parser.next().map_err(wrong)? {
            match argument {
                lexopt::Arg::Long("config") => config = Some(PathBuf::from(parser.value().map_err(wrong)?)),
                lexopt::Arg::Long("state") => state = Some(PathBuf::from(parser.value().map_err(wrong)?)),
                lexopt::Arg::Long("socket") => socket = true,
                lexopt::Arg::Long("help") | lexopt::Arg::Short('h') => return Ok(Self::only(Task::Help)),
                lexopt::Arg::Long("version") => return Ok(Self::only(Task::Version)),
                lexopt::Arg::Value(word) => words.push(word.to_string_lossy().into_owned()),
                other => return Err(wrong(other.unexpected())),
            }
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let name = |text: &str| Name::parse(text).map_err(wrong);
        let task = match (socket, words.as_slice()) {
            (true, []) => Task::PrintForSocket,
            (false, ["check"]) => Task::Check,
            (false, ["authorize", text]) => Task::Authorize(name(text)?),
            (false, ["import", text]) => Task::Import(name(text)?),
            (false, [text]) => Task::Print(name(text)?),
            _ => return Err(wrong("one NAME is needed, or --socket; see --help")),
        };
        Ok(Self { task, config, state })
    }

    fn only(task: Task) -> Self {
        Self { task, config: None, state: None }
    }
}

fn wrong(error: impl Into<Box<dyn std::error::Error>>) -> Error {
    Error::new(Kind::Usage, error.into().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments> {
        Arguments::parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn tasks() {
        let name = || Name::parse("x").unwrap();
        assert_eq!(parse("x").unwrap().task, Task::Print(name()));
        assert_eq!(parse("--socket").unwrap().task, Task::PrintForSocket);
        assert_eq!(parse("authorize x").unwrap().task, Task::Authorize(name()));
        assert_eq!(parse("import -- x").unwrap().task, Task::Import(name()));
        assert_eq!(parse("check --config=/a --state /b").unwrap().config, Some(PathBuf::from("/a")));
        for bad in [
            "",
            "x y",
            "--socket x",
            "--what",
            "-x",
            "authorize",
            "authorize ../x",
            "check x",
            "--config",
        ] {
            assert_eq!(parse(bad).unwrap_err().kind, Kind::Usage, "{bad}");
        }
    }
}
