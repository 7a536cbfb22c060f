//! What searches reach: `search FAMILY SECONDS [SEARCH[:parameter=value..] ..]`, all searches when
//! none is named.
//!
//! Families: `small` (72 generated graphs of 10 to 30 tasks), `optimal` (graphs with proved optima,
//! where the shared data are there), `planted` (1 000 tasks with a known optimum) and
//! `planted-oracle` (the shared one), `layered` (1 000 tasks), `star` (the same on links that
//! transfers share; `small-star` 100 tasks, `light-star` little data), `tight` (memories hold four
//! layers; `small-tight` 100 tasks), `large` (10 000 tasks).
//! Seconds are processor time of one thread, for the search alone.
//! Makespans are compared with the optimum where it is known, and with HEFT.

#![expect(clippy::print_stdout, reason = "it prints a table")]

mod generated;
#[allow(dead_code, reason = "tests need all of it")]
#[path = "../../tests/suite/import.rs"]
mod import;

use generated::Instance;
use runtime::partial_schedule::Policy;
use runtime::registry::{BuildContext, Value};
use runtime::{Costs, Ns, Planner, Problem};
use rustix::time::{ClockId, clock_gettime};
use schedulers::heft::Heft;
use std::sync::Arc;

fn cpu_ns() -> Ns {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as Ns * 1_000_000_000 + time.tv_nsec as Ns
}

fn instances(family: &str) -> Vec<Instance> {
    let shapes =
        [(10, 3, 0.3), (15, 4, 1.0), (20, 3, 0.3), (20, 4, 1.0), (30, 3, 0.3), (30, 4, 1.0)];
    let small = |family| {
        let seeds = move |(n, m, ccr)| (0..4).map(move |s| generated::small(family, n, m, ccr, s));
        shapes.into_iter().flat_map(seeds).collect::<Vec<_>>()
    };
    match family {
        "small" => ["rand", "layer", "fork"].into_iter().flat_map(small).collect(),
        "optimal" => generated::optimal(),
        "planted" => (0..3).map(|s| generated::planted(1000, 8, 1.0, s)).collect(),
        "planted-oracle" => generated::planted_there(),
        "layered" => (0..3).map(|s| generated::layered(1000, 8, 1.0, s)).collect(),
        "star" => (0..3).map(|s| generated::star(1000, 8, 1.0, s)).collect(),
        "small-star" => (0..3).map(|s| generated::star(100, 8, 1.0, s)).collect(),
        "light-star" => (0..3).map(|s| generated::star(1000, 8, 0.2, s)).collect(),
        "tight" => (0..3).map(|s| generated::tight(1000, 8, 1.0, s)).collect(),
        "small-tight" => (0..3).map(|s| generated::tight(100, 8, 1.0, s)).collect(),
        "large" => vec![generated::layered(10_000, 16, 1.0, 0)],
        _ => panic!(
            "families are: small, optimal, planted, planted-oracle, layered, star, \
                     small-star, light-star, large"
        ),
    }
}

/// A search with its parameters as they were written.
fn planner(text: &str, seconds: f64, seed: u64) -> Box<dyn Planner> {
    let mut parts = text.split(':');
    let name = parts.next().unwrap_or_default();
    let mut given: Vec<(String, Value)> = vec![
        ("evaluations".into(), Value::Int(1_000_000_000_000)),
        ("time-limit".into(), Value::Text(format!("{seconds} s"))),
    ];
    for part in parts {
        let (name, value) = part.split_once('=').expect("parameters are written name=value");
        let value = match (value.parse::<i64>(), value.parse::<f64>()) {
            (Ok(number), _) => Value::Int(number),
            (_, Ok(number)) => Value::Float(number),
            _ if matches!(value, "true" | "false") => Value::Bool(value == "true"),
            _ => Value::Text(value.to_owned()),
        };
        given.push((name.to_owned(), value));
    }
    let context = BuildContext { clock: Some(Arc::new(cpu_ns)), ..BuildContext::new(seed) };
    let planner = schedulers::search::planner(name, &given, &context);
    Box::new(planner.expect("there is such a search").unwrap_or_else(|e| panic!("{e}")))
}

/// Prints what one search reaches on all instances.
fn compare(text: &str, instances: &[Instance], seconds: f64, shows_each: bool) {
    let (mut over, mut against_heft, mut hits, mut known) = (0.0, 0.0, 0, 0);
    let (mut evaluations, mut cpu) = (0, 0);
    for (seed, made) in (1..).zip(instances) {
        let costs = Costs::resolve(&made.graph, &made.cluster, None).expect("it runs everywhere");
        let problem = Problem::fresh(&made.graph, &made.cluster, &costs);
        let heft = Heft { policy: Policy::Insertion }.plan(&problem).expect("there is a plan");
        let mut planner = planner(text, seconds, seed);
        let began_ns = cpu_ns();
        let plan = planner.plan(&problem).expect("there is a plan");
        cpu += cpu_ns() - began_ns;
        let makespan_ns = plan.makespan_ns();
        let to_heft = makespan_ns as f64 / heft.makespan_ns() as f64 * 100.0 - 100.0;
        against_heft += to_heft;
        evaluations += planner.take_progress().map_or(0, |p| p.effort);
        let mut line = format!("{} {makespan_ns}, {to_heft:+.2} % against HEFT", made.name);
        if let Some(optimum_ns) = made.optimum_ns {
            let gap = makespan_ns as f64 / optimum_ns as f64 * 100.0 - 100.0;
            assert!(makespan_ns >= optimum_ns, "{}: {makespan_ns} is below", made.name);
            over += gap;
            known += 1;
            hits += u32::from(makespan_ns == optimum_ns);
            line += &format!(", {gap:.2} % above the optimum {optimum_ns}");
        }
        if shows_each {
            println!("{line}");
        }
    }
    let count = instances.len() as f64;
    let per_s = evaluations as f64 / (cpu as f64 / 1e9);
    print!("{text:<44} {:+8.2} % against HEFT", against_heft / count);
    if known > 0 {
        let mean = over / f64::from(known);
        print!(", {mean:7.3} % above the optimum, {hits:2} of {known} optimal");
    }
    println!(", {:.3} M evaluations/s", per_s / 1e6);
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [family, seconds, searches @ ..] = &args[..] else {
        panic!("usage: search FAMILY SECONDS [each] [SEARCH[:parameter=value..] ..]");
    };
    let seconds: f64 = seconds.parse().expect("seconds are a number");
    let instances = instances(family);
    let shows_each = searches.iter().any(|s| s == "each");
    let named: Vec<&str> = searches.iter().map(String::as_str).filter(|s| *s != "each").collect();
    let all: Vec<&str> = schedulers::search::names().collect();
    for search in if named.is_empty() { all } else { named } {
        compare(search, &instances, seconds, shows_each);
    }
}
