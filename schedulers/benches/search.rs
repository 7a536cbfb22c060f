//! Schedules evaluated per second: layered graphs of 100 and 1 000 tasks on 8 processors, random
//! moves. *All* are computed to the end and every second one is kept; of a *descent*, those that
//! make the schedule longer are given up where they show it; *from nothing* computes every task.

#[allow(dead_code, reason = "the example needs all of it")]
#[path = "../examples/search/generated.rs"]
mod generated;
#[allow(dead_code, clippy::print_stdout, reason = "tests need all of it")]
#[path = "../tests/suite/import.rs"]
mod import;

use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use runtime::partial_schedule::Policy;
use runtime::{Costs, Ns, Planner, Problem};
use schedulers::heft::Heft;
use schedulers::instance::Instance;
use schedulers::search::decode::Decoder;
use schedulers::search::evaluator::Evaluator;
use schedulers::search::moves::random_move;
use schedulers::search::routes::{Exclusive, Routes};
use schedulers::search::timing::{Memory, Model};
use schedulers::stream::Stream;

/// One random move, kept every second time; with `limited`, only where it is not longer.
fn change(evaluator: &mut Evaluator<'_>, stream: &mut Stream, limited: bool) {
    random_move(evaluator, 50, stream);
    let limit_ns = if limited { evaluator.score().makespan_ns } else { Ns::MAX };
    match evaluator.evaluate(limit_ns) {
        Some(_) if limited || stream.index(2) == 0 => evaluator.commit(),
        _ => evaluator.undo(),
    }
}

/// The same on a star whose links transfers share.
fn on_links(group: &mut BenchmarkGroup<'_, WallTime>, tasks: usize) {
    let made = generated::star(tasks, 8, 1.0, 7);
    let costs = Costs::resolve(&made.graph, &made.cluster, None).expect("it runs everywhere");
    let problem = Problem::fresh(&made.graph, &made.cluster, &costs);
    let plan = Heft { policy: Policy::Insertion }.plan(&problem).expect("there is a plan");
    let instance = Instance::new(&problem).expect("it has one");
    let (order, placed) = instance.placements(&plan).expect("it is whole");
    let lanes: Vec<u32> = placed.iter().map(|p| p.lane).collect();
    let model = Model { routes: Routes::of(&problem, &instance), ..Model::default() };
    for (name, is_descent) in [("links/all", false), ("links/descent", true)] {
        let mut evaluator = Evaluator::with_model(&instance, &order, &lanes, model.clone());
        let mut stream = Stream::new(1, "bench");
        group.bench_function(BenchmarkId::new(name, tasks), |bencher| {
            bencher.iter(|| change(&mut evaluator, &mut stream, is_descent));
        });
    }
    let mut evaluator = Evaluator::with_model(&instance, &order, &lanes, model);
    group.bench_function(BenchmarkId::new("links/from nothing", tasks), |bencher| {
        bencher.iter(|| evaluator.set(&order, &lanes));
    });
}

fn evaluations(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("evaluate");
    group.sample_size(20);
    group.throughput(Throughput::Elements(1));
    for tasks in [100, 1_000] {
        let made = generated::layered(tasks, 8, 1.0, 7);
        let costs = Costs::resolve(&made.graph, &made.cluster, None).expect("it runs everywhere");
        let problem = Problem::fresh(&made.graph, &made.cluster, &costs);
        let plan = Heft { policy: Policy::Insertion }.plan(&problem).expect("there is a plan");
        let instance = Instance::new(&problem).expect("it has one");
        let (order, placed) = instance.placements(&plan).expect("it is whole");
        let lanes: Vec<u32> = placed.iter().map(|p| p.lane).collect();
        let capacity_bytes = vec![Some(200); instance.memory_count()];
        let limited = Model { memory: Memory::Buffers, capacity_bytes, ..Model::default() };
        let ports = Routes::exclusive(&problem, &instance, Exclusive::Ports);
        let one_port = Model { routes: Some(ports), ..Model::default() };
        for (name, model, is_descent) in [
            ("all", Model::default(), false),
            ("descent", Model::default(), true),
            ("memory/all", limited.clone(), false),
            ("memory/descent", limited, true),
            ("one-port/all", one_port.clone(), false),
            ("one-port/descent", one_port, true),
        ] {
            let mut evaluator = Evaluator::with_model(&instance, &order, &lanes, model);
            let mut stream = Stream::new(1, "bench");
            group.bench_function(BenchmarkId::new(name, tasks), |bencher| {
                bencher.iter(|| change(&mut evaluator, &mut stream, is_descent));
            });
        }
        on_links(&mut group, tasks);
        let mut evaluator = Evaluator::new(&instance, &order, &lanes);
        group.bench_function(BenchmarkId::new("from nothing", tasks), |bencher| {
            bencher.iter(|| evaluator.set(&order, &lanes));
        });
        let mut decoder = Decoder::new(&instance);
        let priority = instance.ranks_ns();
        group.bench_function(BenchmarkId::new("earliest finish", tasks), |bencher| {
            bencher.iter(|| decoder.decode(&priority));
        });
    }
    group.finish();
}

criterion_group!(benches, evaluations);
criterion_main!(benches);
