//! What the MILP proves in a minute: fresh instances of three families, family by family.
//!
//! usage: `cargo run --release -p milp --example prove [SECONDS] [SIZES] [SEEDS] [MODEL]`, for
//! instance `prove 60 12,20,30 2 assignment`. Seconds are CPU seconds of one thread.

#![allow(clippy::print_stdout, dead_code, reason = "prints a table; shares files with the tests")]

#[path = "../tests/suite/families.rs"]
mod families;
#[path = "../tests/suite/import.rs"]
mod import;

use families::{FAMILIES, fresh};
use import::Case;
use milp::decode::timetable_of;
use milp::instance::Instance;
use milp::local::{Local, improve};
use milp::model::Formulation;
use milp::optimise::{Settings, optimise};
use milp::plan::Plan;
use milp::solver::{Interrupt, Limits};
use runtime::Problem;
use runtime::partial_schedule::Policy;
use runtime::planner::Planner;
use rustix::time::{ClockId, clock_gettime};
use schedulers::heft::Heft;
use schedulers::instance::Instance as Flat;
use schedulers::stream::Stream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

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
                let started_s = cpu_s();
                let (heft_ns, found_ns, bound_ns, nodes) =
                    prove(&file.case(), formulation, seconds);
                let mark = if found_ns == bound_ns { "proved" } else { "open" };
                println!(
                    "{family:6} {size:3} {processors:2} {travel:4} {seed:5} {heft_ns:6} {found_ns:6} \
                     {bound_ns:6} {nodes:6} {:8.2} {mark}",
                    cpu_s() - started_s
                );
            }
        }
    }
}

/// Best schedule of the list schedulers, then windows, then the whole model; the process is ended
/// by CPU time, not by wall time: the machine may be shared.
fn prove(case: &Case, formulation: Formulation, seconds: f64) -> (u64, u64, u64, u64) {
    let problem = Problem::fresh(&case.graph, &case.cluster, &case.costs);
    let flat = Flat::new(&problem).expect("it fits");
    let instance = Instance::new(&flat).expect("there are no gangs");
    let interrupt = Interrupt::new();
    let watching = Arc::new(AtomicBool::new(true));
    let watcher = {
        let (interrupt, watching, end_s) = (interrupt.clone(), watching.clone(), cpu_s() + seconds);
        std::thread::spawn(move || {
            while watching.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(20));
                if cpu_s() >= end_s {
                    interrupt.raise();
                }
            }
        })
    };
    let mut heft = Heft { policy: Policy::Insertion };
    let start = heft.plan(&problem).expect("there is a plan");
    let (order, placed) = flat.placements(&start).expect("it is whole");
    let mut plan = Plan::new(&flat, &order, placed);
    let heft_ns = plan.makespan_ns();
    let limits = Limits { interrupt, ..Limits::default() };
    let whole = Settings {
        formulation,
        limits: limits.clone(),
        budget_bytes: 4_000_000_000,
        secondary: false,
        warm_start: false,
    };
    let limits = Limits { iterations: Some(2000), ..limits };
    let window = Settings { limits, secondary: true, ..whole.clone() };
    let local = Local { tasks: 12, lanes: 4, windows: case.graph.len() as u64 / 3, horizon: None };
    let mut stream = Stream::new(1, "prove");
    improve(&mut plan, &local, &window, &mut stream, |_, _| true).expect("the solver works");
    let known = timetable_of(&instance, plan.placed());
    let found = optimise(&instance, &known, 0, &whole).expect("the solver works");
    watching.store(false, Ordering::Relaxed);
    watcher.join().expect("it ends");
    let found_ns = found.better.map_or(known.makespan_ns, |b| b.makespan_ns);
    (heft_ns, found_ns, found.bound_ns, found.nodes)
}

/// CPU time of this process.
fn cpu_s() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
