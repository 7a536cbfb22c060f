//! A file, written and read as the real backend does it: whole objects, past the system's cache
//! where the file system allows it.

use super::robust::{Line, Sample};
use super::{BySize, DiskSpeed, Effort};
use real_backend::{Pages, ScratchFile};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Instant;

/// Measures in a temporary file in `folder`.
///
/// # Errors
/// When the file cannot be made, written or read.
pub(super) fn measure(effort: Effort, folder: &Path) -> io::Result<DiskSpeed> {
    let (largest_power, repetitions) = match effort {
        Effort::Quick => (20, 5),
        Effort::Full => (24, 9),
    };
    let ScratchFile { file, is_direct } = real_backend::scratch_file(folder)?;
    let mut pages = Pages::default();
    let (mut reads, mut writes) = (Vec::new(), Vec::new());
    let mut offset = 0;
    for power in (14..=largest_power).step_by(2) {
        let bytes = 1 << power;
        let content = pages.of(bytes).ok_or(io::ErrorKind::OutOfMemory)?;
        content.fill(7);
        let (mut write_ns, mut read_ns) = (Vec::new(), Vec::new());
        for _ in 0..repetitions {
            let begun = Instant::now();
            file.write_all_at(content, offset)?;
            write_ns.push(begun.elapsed().as_nanos() as f64);
            let begun = Instant::now();
            file.read_exact_at(content, offset)?;
            read_ns.push(begun.elapsed().as_nanos() as f64);
            offset += bytes as u64;
        }
        let bytes = bytes as u64;
        writes.push(BySize { bytes, ns: Sample::of(&write_ns) });
        reads.push(BySize { bytes, ns: Sample::of(&read_ns) });
    }
    let (read_line, write_line) = (line(&reads), line(&writes));
    Ok(DiskSpeed { is_direct, reads, writes, read_line, write_line })
}

fn line(times: &[BySize]) -> Line {
    let points: Vec<(f64, f64)> = times.iter().map(|t| (t.bytes as f64, t.ns.median)).collect();
    Line::through(&points)
}
