// SPDX-License-Identifier: LGPL-2.1-or-later
//! What the fuzzer begins with, and what is kept of what it found.
//!   corpus lay-out FOLDER           writes each target's seeds and kept inputs into FOLDER/TARGET
//!   corpus keep FOLDER TARGET...    keeps what is in FOLDER/TARGET

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, fs, io};

use esmtp_fuzz::{TARGETS, kept, run};

/// What takes longer is not kept: each test runs all of it, and a proof of a password may take as many rounds
/// as a server likes.
const LONGEST: Duration = Duration::from_millis(5);

fn main() -> io::Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["lay-out", folder] => lay_out(Path::new(folder)),
        ["keep", folder, targets @ ..] => {
            targets.iter().try_for_each(|target| keep(Path::new(folder), target))
        }
        _ => Err(io::Error::other("lay-out FOLDER, or keep FOLDER TARGET...")),
    }
}

fn lay_out(folder: &Path) -> io::Result<()> {
    for target in TARGETS {
        let corpus = folder.join(target.name);
        fs::create_dir_all(&corpus)?;
        for (at, seed) in target.seeds.iter().enumerate() {
            fs::write(corpus.join(format!("seed-{at}")), seed)?;
        }
        let file = match fs::read(kept::file(target.name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            file => file?,
        };
        let inputs =
            kept::unpacked(&file).ok_or_else(|| io::Error::other(format!("{} is cut off", target.name)))?;
        for (at, input) in inputs.iter().enumerate() {
            fs::write(corpus.join(format!("kept-{at}")), input)?;
        }
    }
    Ok(())
}

fn keep(folder: &Path, target: &str) -> io::Result<()> {
    let files: io::Result<Vec<PathBuf>> =
        fs::read_dir(folder.join(target))?.map(|entry| Ok(entry?.path())).collect();
    let inputs: io::Result<Vec<Vec<u8>>> = files?.iter().map(fs::read).collect();
    let is_quick = |input: &Vec<u8>| {
        let begun = Instant::now();
        run(target, input);
        begun.elapsed() < LONGEST
    };
    let file = kept::file(target);
    if let Some(parent) = file.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(file, kept::packed(inputs?.into_iter().filter(is_quick).collect()))
}
