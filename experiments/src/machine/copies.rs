//! Copies in main memory by one core, by size.

use super::robust::Sample;
use super::{BySize, Effort};
use std::hint::black_box;
use std::time::Instant;

/// Bytes of the sizes, smallest first.
fn sizes(effort: Effort) -> impl Iterator<Item = usize> {
    let most = match effort {
        Effort::Quick => 1 << 22,
        Effort::Full => 1 << 26,
    };
    (12..=26).step_by(2).map(|power| 1 << power).filter(move |bytes| *bytes <= most)
}

/// Copies between two buffers that have been touched before.
pub(super) fn measure(effort: Effort) -> Vec<BySize> {
    let repetitions = match effort {
        Effort::Quick => 9,
        Effort::Full => 31,
    };
    let time = |bytes: usize| {
        let (from, mut to) = (vec![1u8; bytes], vec![2u8; bytes]);
        // Short copies are timed together: the clock steps are as long as one of them.
        let at_once = (65_536 / bytes).max(1);
        let mut times = Vec::with_capacity(repetitions);
        for _ in 0..repetitions {
            let begun = Instant::now();
            for _ in 0..at_once {
                to.copy_from_slice(black_box(&from));
                black_box(&mut to);
            }
            times.push(begun.elapsed().as_nanos() as f64 / at_once as f64);
        }
        BySize { bytes: bytes as u64, ns: Sample::of(&times) }
    };
    sizes(effort).map(time).collect()
}
