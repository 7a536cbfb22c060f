//! What searches reach in a given time: `search FAMILY SECONDS [name=value ..]`.

#![expect(clippy::print_stdout, reason = "it prints a table")]

mod generated;
#[allow(dead_code, reason = "tests need all of it")]
#[path = "../../tests/suite/import.rs"]
mod import;

use generated::Instance as Generated;
use runtime::partial_schedule::Policy;
use runtime::{Costs, Ns, Planner, Problem};
use rustix::time::{ClockId, clock_gettime};
use schedulers::heft::Heft;
use schedulers::instance::Instance;
use schedulers::search::annealing::Annealing;
use schedulers::search::evaluator::Evaluator;
use schedulers::search::planner::Search;
use schedulers::search::run::{Budget, Run};
use schedulers::stream::Stream;
use std::sync::Arc;

fn cpu_ns() -> Ns {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as Ns * 1_000_000_000 + time.tv_nsec as Ns
}

fn instances(family: &str) -> Vec<Generated> {
    match family {
        "small" => ["rand", "layer", "fork"]
            .into_iter()
            .flat_map(|f| {
                [(10, 3, 0.3), (15, 4, 1.0), (20, 3, 0.3), (20, 4, 1.0), (30, 3, 0.3), (30, 4, 1.0)]
                    .into_iter()
                    .flat_map(move |(n, m, ccr)| (0..2).map(move |s| (f, n, m, ccr, s)))
            })
            .map(|(f, n, m, ccr, s)| generated::small(f, n, m, ccr, s))
            .collect(),
        "planted" => (0..2).map(|s| generated::planted(1000, 8, 1.0, s)).collect(),
        "layered" => (0..2).map(|s| generated::layered(1000, 8, 1.0, s)).collect(),
        _ => panic!("no such family"),
    }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (family, seconds) = (&args[0], args[1].parse::<f64>().expect("seconds"));
    let get = |name: &str, default: f64| {
        let found = args[2..].iter().filter_map(|a| a.split_once('=')).find(|a| a.0 == name);
        found.map_or(default, |a| a.1.parse().expect("a number"))
    };
    let default = Annealing::default();
    let mut annealing = Annealing {
        hot: get("hot", default.hot),
        cooling: get("cooling", default.cooling),
        mean_weight: get("mean", default.mean_weight),
        cycles: get("cycles", f64::from(default.cycles)) as u32,
    };
    let seeds = get("seeds", 1.0) as u64;
    let (mut sum, mut count, mut hits) = (0.0, 0.0, 0);
    let path = format!("/tmp/search/best-{family}.txt");
    let known: Vec<u64> = std::fs::read_to_string(&path)
        .map(|t| t.lines().map(|l| l.parse().expect("a number")).collect())
        .unwrap_or_default();
    let mut best = Vec::new();
    for (at, generated) in instances(family).iter().enumerate() {
        let costs = Costs::resolve(&generated.graph, &generated.cluster, None).expect("costs");
        let problem = Problem::fresh(&generated.graph, &generated.cluster, &costs);
        let plan = Heft { policy: Policy::Insertion }.plan(&problem).expect("a plan");
        let instance = Instance::new(&problem).expect("an instance");
        let (order, placed) = instance.placements(&plan).expect("a plan");
        let lanes: Vec<u32> = placed.iter().map(|p| p.lane).collect();
        let reference = generated.optimum_ns.or(known.get(at).copied()).unwrap_or(0);
        let mut lowest = Ns::MAX;
        for seed in 0..seeds {
            let mut evaluator = Evaluator::new(&instance, &order, &lanes);
            let budget = Budget { evaluations: u64::MAX, time_ns: Some((seconds * 1e9) as Ns) };
            let stream = Stream::new(seed, "annealing");
            let mut run = Run::new(&evaluator, 0, budget, stream, Some(Arc::new(cpu_ns)));
            annealing.search(&mut run, &mut evaluator);
            let evaluations = evaluator.evaluations();
            let (incumbent, _) = run.finish(evaluations);
            let makespan_ns = incumbent.makespan_ns;
            lowest = lowest.min(makespan_ns);
            let against = if reference > 0 { reference } else { plan.makespan_ns() };
            let gap = makespan_ns as f64 / against as f64 * 100.0 - 100.0;
            sum += gap;
            count += 1.0;
            hits += u32::from(makespan_ns <= reference);
            if args.iter().any(|a| a == "each") {
                println!(
                    "{} heft {} found {makespan_ns} reference {reference} gap {gap:.2} % heft {:+.2} %, {:.2} M evaluations/s",
                    generated.name,
                    plan.makespan_ns(),
                    makespan_ns as f64 / plan.makespan_ns() as f64 * 100.0 - 100.0,
                    evaluations as f64 / seconds / 1e6,
                );
            }
        }
        best.push(known.get(at).copied().unwrap_or(Ns::MAX).min(lowest));
    }
    println!("mean gap {:.3} %, {hits} of {count} at the reference", sum / count);
    if args.iter().any(|a| a == "keep") {
        let text: Vec<String> = best.iter().map(u64::to_string).collect();
        std::fs::write(path, text.join("\n")).expect("it can be written");
    }
}
