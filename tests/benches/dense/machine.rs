//! The roof that kernels run under: what a core computes and what memory delivers, measured.

use crate::stopwatch::{least, seconds};
use pulp::{Arch, Simd, WithSimd};
use rustix::time::ClockId;
use std::hint::black_box;

/// Independent chains of multiply-adds: more than the latency times the units of any core, and few
/// enough to stay in registers.
const CHAINS: usize = 12;
const ROUNDS: usize = 1_000_000;

struct MultiplyAdds;

impl WithSimd for MultiplyAdds {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let (factor, addend) = (simd.splat_f64s(0.999_999), simd.splat_f64s(1e-6));
        let mut sums: [S::f64s; CHAINS] = std::array::from_fn(|i| simd.splat_f64s(i as f64));
        for _ in 0..ROUNDS {
            for sum in &mut sums {
                *sum = simd.mul_add_f64s(*sum, factor, addend);
            }
        }
        let total = |sum: S::f64s| simd.reduce_sum_f64s(sum);
        black_box(sums.into_iter().map(total).sum::<f64>());
        (2 * CHAINS * ROUNDS * S::F64_LANES) as f64
    }
}

/// Most floating-point operations per second of one core: by wall time, by processor time.
pub fn peak_flops() -> (f64, f64) {
    let arch = Arch::new();
    let mut flops = 0.0;
    let best = least(2.0, || (), || flops = arch.dispatch(MultiplyAdds));
    (flops / best.wall, flops / best.cpu)
}

/// Numbers per array: three arrays of 128 MiB, beyond every cache.
const NUMBERS: usize = 1 << 24;

/// Bytes per second that `threads` threads move together in a triad `a = b + s c` (McCalpin's
/// STREAM, 1995: 24 bytes counted per element), by wall time.
pub fn triad_bytes_per_s(threads: usize) -> f64 {
    let mut a = vec![0.0; NUMBERS];
    let (b, c) = (vec![1.0; NUMBERS], vec![2.0; NUMBERS]);
    let part = NUMBERS.div_ceil(threads);
    let mut best_s = f64::INFINITY;
    for _ in 0..8 {
        let started_s = seconds(ClockId::Monotonic);
        std::thread::scope(|scope| {
            for ((a, b), c) in a.chunks_mut(part).zip(b.chunks(part)).zip(c.chunks(part)) {
                scope.spawn(move || {
                    a.iter_mut().zip(b.iter().zip(c)).for_each(|(a, (b, c))| *a = b + 3.0 * c);
                });
            }
        });
        black_box(&a);
        best_s = best_s.min(seconds(ClockId::Monotonic) - started_s);
    }
    24.0 * NUMBERS as f64 / best_s
}
