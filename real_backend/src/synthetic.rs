//! What tasks without a body do: touch their bytes and last their cost.

use crate::crew::Crew;
use runtime::Ns;
use runtime::kernel::KernelBuffer;
use std::hint::black_box;
use std::sync::atomic::Ordering;

/// Bytes per cache line: one of each line is touched.
const LINE_BYTES: usize = 64;

/// Touches every cache line of the buffers, then spins until `until_ns` or until the run stops.
/// Lasts longer when touching alone takes longer.
pub(crate) fn synthetic(crew: &Crew, buffers: &mut [KernelBuffer<'_>], until_ns: Ns) {
    let mut sum = 0u8;
    for buffer in buffers.iter() {
        if let KernelBuffer::Read(bytes) = buffer {
            sum = bytes.iter().step_by(LINE_BYTES).fold(sum, |sum, b| sum.wrapping_add(*b));
        }
    }
    let sum = black_box(sum);
    for buffer in buffers {
        match buffer {
            KernelBuffer::Read(_) => {}
            KernelBuffer::Write(bytes) => {
                bytes.iter_mut().step_by(LINE_BYTES).for_each(|b| *b = b.wrapping_add(sum | 1));
            }
            KernelBuffer::Racy(words) => {
                for word in words.iter().step_by(LINE_BYTES / size_of::<u64>()) {
                    word.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }
    while crew.clock.now_ns() < until_ns && !crew.stop.load(Ordering::Relaxed) {
        std::hint::spin_loop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crew::CrewSizes;
    use std::sync::atomic::AtomicU64;

    #[test]
    fn every_line_is_touched_and_the_time_is_filled() {
        let crew = Crew::new(CrewSizes::default(), None, Vec::new());
        crew.clock.start(0);
        let (mut written, racy) = ([0u8; 200], [const { AtomicU64::new(0) }; 9]);
        let mut buffers = [
            KernelBuffer::Read(&[1; 100]),
            KernelBuffer::Write(&mut written),
            KernelBuffer::Racy(&racy),
        ];
        synthetic(&crew, &mut buffers, 2_000_000);
        assert!(crew.clock.now_ns() >= 2_000_000);
        let touched: Vec<usize> = (0..200).filter(|i| written[*i] != 0).collect();
        assert_eq!(touched, [0, 64, 128, 192]);
        let words: Vec<u64> = racy.iter().map(|w| w.load(Ordering::Relaxed)).collect();
        assert_eq!(words, [1, 0, 0, 0, 0, 0, 0, 0, 1]);
    }
}
