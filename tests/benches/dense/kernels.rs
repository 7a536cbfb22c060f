//! Each kernel alone, on one core, on tiles that are warm.

use crate::roof::Roof;
use crate::stopwatch::least;
use runtime::kernel::{Kernel, KernelArgs, KernelBuffer};
use workloads::kernels::dense;

/// Budget of time for each line.
const BUDGET_S: f64 = 0.3;

/// A symmetric tile that is positive definite.
fn tile(n: usize) -> Vec<f64> {
    let element = |at: usize| if at / n == at % n { n as f64 } else { 1.0 / (1 + at % 7) as f64 };
    let any: Vec<f64> = (0..n * n).map(element).collect();
    (0..n * n).map(|at| any[(at / n).max(at % n) * n + (at / n).min(at % n)]).collect()
}

/// A kernel to be measured: tiles of order n that it reads and writes, and its operations.
struct Measured<'a> {
    name: &'static str,
    kernel: &'a dyn Kernel,
    reads: &'a [&'a [f64]],
    /// Content of the tile that it writes.
    written: &'a [f64],
    flops: f64,
}

impl Measured<'_> {
    fn print(&self, n: usize, roof: &Roof) {
        let mut out = self.written.to_vec();
        let refill = std::cell::RefCell::new(&mut out);
        let best = least(
            BUDGET_S,
            || refill.borrow_mut().copy_from_slice(self.written),
            || run(self.kernel, n, self.reads, &mut refill.borrow_mut()),
        );
        let bytes = 8.0 * (n * n * (self.reads.len() + 2)) as f64;
        roof.print_kernel(self.name, n, self.flops, bytes, best);
    }
}

fn run(kernel: &dyn Kernel, n: usize, reads: &[&[f64]], write: &mut [f64]) {
    let mut buffers: Vec<_> =
        reads.iter().map(|read| KernelBuffer::Read(bytemuck::cast_slice(read))).collect();
    buffers.push(KernelBuffer::Write(bytemuck::cast_slice_mut(write)));
    let (shape, scratch) = ([n as u32; 4], &mut []);
    let mut args = KernelArgs { shape, params: &[], cores: 1, buffers: &mut buffers, scratch };
    kernel.run(&mut args).expect("the arguments fit");
}

/// Prints all kernels at several orders of tiles.
pub fn print(roof: &Roof) {
    roof.print_head();
    for n in [128, 192, 256, 384, 512] {
        let (a, f) = (tile(n), n as f64);
        let mut factor = a.clone();
        run(&dense::potrf, n, &[], &mut factor);
        let all = [
            ("potrf", &dense::potrf as &dyn Kernel, dense::potrf_flops(f), &[][..]),
            ("trsm", &dense::trsm, dense::trsm_flops(f, f), &[&factor[..]][..]),
            ("syrk", &dense::syrk, dense::syrk_flops(f, f), &[&a[..]][..]),
            ("gemm", &dense::gemm, dense::gemm_flops(f, f, f), &[&a[..], &a[..]][..]),
            (
                "multiply_add",
                &dense::multiply_add,
                dense::gemm_flops(f, f, f),
                &[&a[..], &a[..]][..],
            ),
            ("add", &dense::add, f * f, &[&a[..]][..]),
        ];
        for (name, kernel, flops, reads) in all {
            Measured { name, kernel, reads, written: &a, flops }.print(n, roof);
        }
    }
}
