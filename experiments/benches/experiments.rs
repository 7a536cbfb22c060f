//! What surrounds the simulations: reading an experiment, running many small cells, the report.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use experiments::plan::{Plan, check_feasible};
use experiments::registry::Registry;
use experiments::report;
use experiments::runner::{self, RunOptions};
use std::path::Path;

/// 11 schedulers x 2 workloads x 2 clusters x `seeds`.
fn grid(seeds: u32) -> String {
    format!(
        "name: bench\n\
         workloads:\n  - layered: {{tasks: 50}}\n  - fork-join\n\
         clusters:\n  - star\n  - classic\n\
         schedulers: [heft, cpop, peft, etf, min-min, mct, dmda, work-stealing, first-fit, random, \
         round-robin]\n\
         seeds: {seeds}\n"
    )
}

fn plan(seeds: u32) -> Plan {
    Plan::read(&Registry::new(&[]), Path::new("bench.yaml"), &grid(seeds)).expect("no mistakes")
}

fn run(plan: &Plan, out: &Path) {
    let shapes = check_feasible(plan).expect("everything fits");
    let options = RunOptions {
        jobs: 1,
        is_fresh: true,
        retries_failed: false,
        is_quiet: true,
        costs: None,
        spec_path: "bench.yaml".into(),
    };
    let summary = runner::run(plan, &shapes, out, &options).expect("the disk has room");
    assert_eq!(summary.failed, 0);
}

fn experiments(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("experiments");
    group.sample_size(10);
    let cells = |seeds: u32| u64::from(44 * seeds);
    group.throughput(Throughput::Elements(cells(250)));
    group.bench_function("read and expand 11 000 cells", |b| b.iter(|| plan(250)));

    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("run");
    let small = plan(10);
    group.throughput(Throughput::Elements(cells(10)));
    group.bench_function("run 440 cells of about 50 tasks", |bencher| {
        bencher.iter_batched(|| (), |()| run(&small, &out), BatchSize::PerIteration);
    });
    group.bench_function("report of 440 cells", |bencher| {
        let options = report::Options::default();
        bencher.iter(|| report::write(&out, &options).expect("the directory is whole"));
    });
    group.finish();
}

criterion_group!(benches, experiments);
criterion_main!(benches);
