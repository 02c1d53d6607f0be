// SPDX-License-Identifier: LGPL-2.1-or-later
//! esmtp-policy: looks for mistakes in a site policy, and says what it decides.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it is a program for the terminal"
)]

mod check;
mod explain;
mod options;
mod probe;

use std::process::ExitCode;

use options::Task;

/// How it ended, for scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finding {
    Nothing,
    Something,
}

fn main() -> ExitCode {
    let task = match options::parse() {
        Ok(task) => task,
        Err(error) => {
            eprintln!("esmtp-policy: {error}\n{}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    let finding = match task {
        Task::Help => {
            println!("{}", options::USAGE);
            Finding::Nothing
        }
        Task::Version => {
            println!("esmtp-policy {}", env!("CARGO_PKG_VERSION"));
            Finding::Nothing
        }
        Task::Check(options) => check::run(&options),
        Task::Explain(options) => explain::run(&options),
        Task::Probe(options) => probe::run(&options),
    };
    match finding {
        Finding::Nothing => ExitCode::SUCCESS,
        Finding::Something => ExitCode::from(1),
    }
}
