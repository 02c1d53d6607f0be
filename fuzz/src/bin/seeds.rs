// SPDX-License-Identifier: LGPL-2.1-or-later
//! Writes the seeds of each target where the fuzzer looks for them: `seeds DIRECTORY`.

use std::{env, fs, io, path::PathBuf};

fn main() -> io::Result<()> {
    let directory = PathBuf::from(env::args_os().nth(1).unwrap_or_else(|| "corpus".into()));
    for target in esmtp_fuzz::TARGETS {
        let corpus = directory.join(target.name);
        fs::create_dir_all(&corpus)?;
        for (at, seed) in target.seeds.iter().enumerate() {
            fs::write(corpus.join(format!("seed-{at}")), seed)?;
        }
    }
    Ok(())
}
