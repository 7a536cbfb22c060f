//! How fast kernels are on one core: elements are operations in the unit of their cost, so that
//! the throughput is the speed a device should be given.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use runtime::kernel::{Kernel, KernelArgs, KernelBuffer};
use workloads::kernels::{dense, sort};

/// A symmetric tile that is positive definite.
fn tile(n: usize) -> Vec<f64> {
    let element = |at: usize| if at / n == at % n { n as f64 } else { 1.0 / (1 + at % 7) as f64 };
    let any: Vec<f64> = (0..n * n).map(element).collect();
    (0..n * n).map(|at| any[(at / n).max(at % n) * n + (at / n).min(at % n)]).collect()
}

fn run(kernel: &dyn Kernel, n: usize, reads: &[&[f64]], write: &mut [f64]) {
    let mut buffers: Vec<_> =
        reads.iter().map(|read| KernelBuffer::Read(bytemuck::cast_slice(read))).collect();
    buffers.push(KernelBuffer::Write(bytemuck::cast_slice_mut(write)));
    let (shape, scratch) = ([n as u32; 4], &mut []);
    let mut args = KernelArgs { shape, params: &[], cores: 1, buffers: &mut buffers, scratch };
    kernel.run(&mut args).expect("the arguments fit");
}

fn linear_algebra(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("kernel");
    for n in [128usize, 256, 512] {
        let (a, f) = (tile(n), n as f64);
        let mut factor = a.clone();
        run(&dense::potrf, n, &[], &mut factor);
        let mut measure = |name, kernel: &dyn Kernel, flops: f64, reads: &[&[f64]]| {
            group.throughput(Throughput::Elements(flops as u64));
            let mut out = a.clone();
            group.bench_function(BenchmarkId::new(name, n), |bencher| {
                bencher.iter(|| {
                    out.copy_from_slice(&a);
                    run(kernel, n, reads, &mut out);
                });
            });
        };
        measure("potrf", &dense::potrf, dense::potrf_flops(f), &[]);
        measure("trsm", &dense::trsm, dense::trsm_flops(f, f), &[&factor]);
        measure("syrk", &dense::syrk, dense::syrk_flops(f, f), &[&a]);
        measure("gemm", &dense::gemm, dense::gemm_flops(f, f, f), &[&a, &a]);
    }
    group.finish();
}

fn sorting(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("kernel");
    let n = 65_536usize;
    let numbers: Vec<f64> =
        (0..n).map(|i| f64::from_bits((i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    let mut out = numbers.clone();
    group.throughput(Throughput::Elements(sort::sort_work(n as f64) as u64));
    group.bench_function(BenchmarkId::new("sort", n), |bencher| {
        bencher.iter(|| {
            out.copy_from_slice(&numbers);
            run(&sort::sort, n, &[], &mut out);
        });
    });
    let sorted = out;
    let mut merged = vec![0.0; 2 * n];
    group.throughput(Throughput::Elements(sort::merge_work(2.0 * n as f64) as u64));
    group.bench_function(BenchmarkId::new("merge", n), |bencher| {
        bencher.iter(|| run(&sort::merge, n, &[&sorted, &sorted], &mut merged));
    });
    group.finish();
}

criterion_group!(benches, linear_algebra, sorting);
criterion_main!(benches);
