//! A file, written and read as the real backend does it: whole objects, through the system's cache.

use super::robust::{Line, Sample};
use super::{BySize, DiskSpeed, Effort};
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
    let file = tempfile::tempfile_in(folder)?;
    let (mut reads, mut writes) = (Vec::new(), Vec::new());
    let mut offset = 0;
    for power in (14..=largest_power).step_by(2) {
        let mut content = vec![7u8; 1 << power];
        let (mut write_ns, mut read_ns) = (Vec::new(), Vec::new());
        for _ in 0..repetitions {
            let begun = Instant::now();
            file.write_all_at(&content, offset)?;
            write_ns.push(begun.elapsed().as_nanos() as f64);
            let begun = Instant::now();
            file.read_exact_at(&mut content, offset)?;
            read_ns.push(begun.elapsed().as_nanos() as f64);
            offset += content.len() as u64;
        }
        let bytes = content.len() as u64;
        writes.push(BySize { bytes, ns: Sample::of(&write_ns) });
        reads.push(BySize { bytes, ns: Sample::of(&read_ns) });
    }
    let (read_line, write_line) = (line(&reads), line(&writes));
    Ok(DiskSpeed { reads, writes, read_line, write_line })
}

fn line(times: &[BySize]) -> Line {
    let points: Vec<(f64, f64)> = times.iter().map(|t| (t.bytes as f64, t.ns.median)).collect();
    Line::through(&points)
}
