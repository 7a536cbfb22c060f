//! How fast graphs are made.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use runtime::registry::Value;
use std::time::Duration;
use workloads::registry::find;

fn layered(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("generate/layered");
    group.sample_size(10).measurement_time(Duration::from_secs(5));
    let info = find("layered").expect("layered is registered");
    for tasks in [1_000i64, 10_000, 100_000, 1_000_000] {
        group.throughput(Throughput::Elements(tasks as u64));
        let given = [("tasks".to_owned(), Value::Int(tasks))];
        group.bench_with_input(BenchmarkId::from_parameter(tasks), &given, |bencher, given| {
            bencher.iter(|| info.make(given, 1).expect("the parameters fit"));
        });
    }
    group.finish();
}

fn cholesky(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("generate/cholesky");
    group.sample_size(10);
    let info = find("cholesky").expect("cholesky is registered");
    for tiles in [8i64, 32, 84] {
        group.throughput(Throughput::Elements((tiles * (tiles + 1) * (tiles + 2) / 6) as u64));
        let given = [("n".to_owned(), Value::Int(256 * tiles))];
        group.bench_with_input(BenchmarkId::new("tiles", tiles), &given, |bencher, given| {
            bencher.iter(|| info.make(given, 1).expect("the parameters fit"));
        });
    }
    group.finish();
}

criterion_group!(benches, layered, cholesky);
criterion_main!(benches);
