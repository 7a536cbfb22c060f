//! What the MILP proves in a minute: fresh instances of three families, family by family.
//!
//! usage: `cargo run --release -p milp --example prove [SECONDS] [SIZES] [SEEDS] [MODEL]`, for
//! instance `prove 60 12,20,30 2 assignment`. Times are of one thread; the wall limit is not
//! deterministic.

#![allow(clippy::print_stdout, dead_code, reason = "prints a table; shares files with the tests")]

#[path = "../tests/suite/families.rs"]
mod families;
#[path = "../tests/suite/import.rs"]
mod import;

use families::{FAMILIES, fresh};
use import::Case;
use milp::decode::{Timetable, timetable_of};
use milp::instance::Instance;
use milp::model::Formulation;
use milp::optimise::{Settings, optimise};
use milp::solver::Limits;
use runtime::Problem;
use runtime::partial_schedule::Policy;
use runtime::planner::Planner;
use schedulers::instance::Instance as Flat;
use std::time::{Duration, Instant};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |at: usize, default: &str| arguments.get(at).cloned().unwrap_or(default.into());
    let seconds: f64 = argument(0, "60").parse().expect("seconds");
    let sizes = argument(1, "12,20,30");
    let seeds: u64 = argument(2, "2").parse().expect("a number of seeds");
    let formulation = match argument(3, "assignment").as_str() {
        "sigma" => Formulation::Sigma,
        _ => Formulation::Assignment,
    };
    println!("family  n   m  ccr  seed  heft  found  bound  nodes  seconds");
    for size in sizes.split(',').map(|s| s.parse::<usize>().expect("a size")) {
        for family in FAMILIES {
            for seed in 1..=seeds {
                let (processors, travel) = if seed % 2 == 0 { (4, 0.3) } else { (3, 1.0) };
                let file = fresh(family, size, processors, travel, 1000 + seed);
                let started = Instant::now();
                let (heft_ns, found_ns, bound_ns, nodes) =
                    prove(&file.case(), formulation, seconds);
                let mark = if found_ns == bound_ns { "proved" } else { "open" };
                println!(
                    "{family:6} {size:3} {processors:2} {travel:4} {seed:5} {heft_ns:6} {found_ns:6} \
                     {bound_ns:6} {nodes:6} {:8.2} {mark}",
                    started.elapsed().as_secs_f64()
                );
            }
        }
    }
}

fn prove(case: &Case, formulation: Formulation, seconds: f64) -> (u64, u64, u64, u64) {
    let problem = Problem::fresh(&case.graph, &case.cluster, &case.costs);
    let flat = Flat::new(&problem).expect("it fits");
    let instance = Instance::new(&flat).expect("there are no gangs");
    let mut known = heft(&instance, &flat, &problem);
    let heft_ns = known.makespan_ns;
    let limits = Limits { wall: Some(Duration::from_secs_f64(seconds)), ..Limits::default() };
    let settings = Settings {
        formulation,
        limits,
        budget_bytes: 4_000_000_000,
        secondary: false,
        warm_start: false,
    };
    let found = optimise(&instance, &known, 0, &settings).expect("the solver works");
    if let Some(better) = found.better {
        known = better;
    }
    (heft_ns, known.makespan_ns, found.bound_ns, found.nodes)
}

fn heft(instance: &Instance, flat: &Flat, problem: &Problem<'_>) -> Timetable {
    let mut heft = schedulers::heft::Heft { policy: Policy::Insertion };
    let plan = heft.plan(problem).expect("there is a plan");
    timetable_of(instance, &flat.placements(&plan).expect("it is whole").1)
}
