//! Machines and what is measured on them: collectives on uniform links against their formulas,
//! StarPU's sampled machines.

#![allow(clippy::print_stdout, reason = "tests without data say so, fits print their errors")]

mod collectives;
mod nccl;
mod starpu;

use std::path::PathBuf;

/// A folder of recorded data, or a line that says that the test was skipped.
fn shared(folder: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(folder);
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: no shared data at {}", path.display());
    None
}
