//! Factorisations and products on GPUs that are made up, whose kernels are the CPU's twins.

use crate::support::{cholesky, make, result, spec};
use gpu::fake::{FakeGpus, FakeSpec};
use real_backend::{GpuShape, GpuSpec, Machine, RunOutput, gpu_cluster};
use runtime::trace::CopyReason;
use runtime::{Cluster, validator};
use std::sync::Arc;
use workloads::Workload;

/// A run with one CPU lane, or none, and GPUs of four streams.
fn run(
    workload: &Workload,
    (cores, gpus): (u32, u32),
    capacity_bytes: Option<u64>,
    scheduler: &str,
) -> RunOutput {
    let fake = FakeSpec { gpus, longest_ns: 50_000, ..FakeSpec::default() };
    let fake = FakeGpus::new(fake).unwrap();
    let shape = GpuShape { streams: 4, speed: 1e10, capacity_bytes, ..GpuShape::default() };
    let facts = gpu::Gpus::facts(&fake).to_vec();
    let cluster = gpu_cluster(&Machine::detect(), cores, 1e10, &facts, &shape);
    let cluster = Arc::new(Cluster::new(cluster).unwrap());
    let scheduler = schedulers::find(scheduler).unwrap().build_default(1);
    let mut spec = spec(workload, &cluster, scheduler);
    spec.gpus = Some(GpuSpec::new(Box::new(fake)));
    let output = real_backend::run(spec).unwrap();
    assert_eq!(validator::validate(&output.trace), []);
    // The application judges the numbers.
    result(workload.app.as_ref().unwrap().as_ref(), &output);
    output
}

#[test]
fn a_factorisation_on_cpu_and_gpus_passes_its_check() {
    let workload = cholesky(300, 64, 1);
    for scheduler in ["mct", "heft", "work-stealing"] {
        let output = run(&workload, (1, 2), None, scheduler);
        let on_gpus = output.trace.tasks.iter().filter(|t| t.device.0 > 0).count();
        assert!(on_gpus > 0, "{scheduler}: GPUs took part");
    }
}

#[test]
fn a_factorisation_of_four_times_a_gpus_memory_passes_its_check() {
    let workload = cholesky(512, 64, 1);
    let bytes = workload.graph.summary().object_bytes;
    for scheduler in ["mct", "heft"] {
        let output = run(&workload, (0, 1), Some(bytes / 4), scheduler);
        let copies = &output.trace.copies;
        assert!(copies.iter().any(|c| c.reason == CopyReason::WriteBack), "{scheduler}");
    }
}

#[test]
fn a_product_passes_its_check_in_core_and_out() {
    let workload = make("gemm", &[("n", 256), ("tile", 64)], &[]);
    let bytes = workload.graph.summary().object_bytes;
    for capacity_bytes in [None, Some(bytes / 4)] {
        run(&workload, (0, 1), capacity_bytes, "mct");
    }
}
