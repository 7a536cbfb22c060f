//! StarPU's measured machines: performance models of kernels and of the bus.
//!
//! StarPU (Augonnet, Thibault, Namyst and Wacrenier, CCPE 23(2), 2011) keeps what it measured on a
//! machine as text: `codelets/45/<kernel>.<machine>` holds mean, deviation and count of a kernel's
//! durations for each device and size, `bus/<machine>.*` the bandwidth and latency between each
//! pair of memories. [`read`] makes a cluster and a cost model of them.
//!
//! Map: `codelet` reads kernels, `bus` the bus, `platform` what SimGrid is told of the machine
//! (memory sizes, shared buses), `lines` are numbers in lines with their places, `machine` puts the
//! parts together.
//!
//! Some sampling folders come with symbolic links that were checked out as text: a file that holds
//! nothing but the name of a file beside it stands for that file.

mod bus;
mod codelet;
mod error;
mod lines;
mod machine;
mod platform;

pub use error::StarpuError;
pub use machine::{Bus, Options, Sampled, machines, read};

use std::path::{Path, PathBuf};

/// Links that were checked out as text are followed this often.
const MAX_LINKS: usize = 4;

/// The text of a file, or of the file that it names, and that file.
fn text_of(path: &Path) -> Result<(PathBuf, String), StarpuError> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        let text = std::fs::read_to_string(&path)
            .map_err(|source| StarpuError::Io { file: path.display().to_string(), source })?;
        let beside = match text.trim() {
            name if !name.is_empty() && !name.contains(['/', '\\', '\n', ' ']) => {
                path.with_file_name(name)
            }
            _ => return Ok((path, text)),
        };
        if beside == path || !beside.is_file() {
            return Ok((path, text));
        }
        path = beside;
    }
    Err(StarpuError::LinkLoop { file: path.display().to_string() })
}
