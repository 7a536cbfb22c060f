//! How fast dense linear algebra is on this machine: its roofline, each kernel's place under it,
//! and whole runs on one and two cores beside OpenBLAS with its core type forced.
//!
//! Not a criterion bench: these figures are shares of a measured peak. The machine may be shared,
//! so each is the least of several repetitions, by the clock and by the threads' processor time.

#![expect(clippy::print_stdout, reason = "figures are what it is for")]

mod kernels;
mod machine;
mod openblas;
mod roof;
mod runs;
mod stopwatch;

use openblas::OpenBlas;
use runs::Line;

fn gemm(blas: &OpenBlas, n: usize, c: &mut [f64], a: &[f64]) {
    blas.gemm(n, a, a, c);
}

fn potrf(blas: &OpenBlas, n: usize, a: &mut [f64], _: &[f64]) {
    blas.potrf(n, a);
}

fn getrf(blas: &OpenBlas, n: usize, a: &mut [f64], _: &[f64]) {
    blas.getrf(n, a);
}

fn geqrf(blas: &OpenBlas, n: usize, a: &mut [f64], _: &[f64]) {
    blas.geqrf(n, a);
}

fn main() {
    // As `cargo bench` passes them on: options of the harness, then a part of a name.
    let wanted = std::env::args().skip(1).find(|a| !a.starts_with('-')).unwrap_or_default();
    let is_wanted = |name: &str| name.contains(&wanted);
    if !["roofline", "kernels", "gemm", "cholesky", "lu", "qr"].iter().any(|name| is_wanted(name)) {
        return;
    }
    let blas = OpenBlas::load();
    let roof = roof::Roof::measure();
    if blas.is_none() {
        println!("skipped: no OpenBLAS to compare with");
    }
    if is_wanted("kernels") {
        kernels::print(&roof);
    }
    let cubed = |n: usize| (n as f64).powi(3);
    let mut lines = Vec::new();
    for (n, tile) in [(2048, 256), (4096, 256), (4096, 512)] {
        let flops = 2.0 * cubed(n);
        lines.push(Line { workload: "gemm", n, tile, counts: &[], flops, call: gemm });
    }
    for (n, tile) in [(2048, 192), (4096, 192), (4096, 256), (4096, 384)] {
        let flops = cubed(n) / 3.0;
        lines.push(Line { workload: "cholesky", n, tile, counts: &[], flops, call: potrf });
    }
    for (n, tile) in [(2048, 128), (2048, 192), (4096, 192)] {
        let flops = 2.0 / 3.0 * cubed(n);
        lines.push(Line { workload: "lu", n, tile, counts: &[], flops, call: getrf });
    }
    for (n, tile) in [(2048, 192), (2048, 256)] {
        let flops = 4.0 / 3.0 * cubed(n);
        lines.push(Line { workload: "qr", n, tile, counts: &[("inner", 32)], flops, call: geqrf });
    }
    lines.retain(|line| is_wanted(line.workload));
    runs::print(&lines, &roof, blas.as_ref());
}
