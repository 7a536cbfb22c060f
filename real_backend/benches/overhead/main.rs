//! What a task costs besides its kernel, on real workers.
//!
//! Prints tables; an argument that names a section (`tasks`, `workers`, `metg`) runs it alone. Wall
//! times on a machine that others use are upper bounds, so processor time stands beside them, and
//! the load is printed first.
//!
//! - `tasks`: 100 000 empty tasks on 2 workers, traced, in four shapes whose order comes from
//!   control edges, from one object per task, or from tasks that change shared objects.
//! - `workers`: tasks per second with 1 to 8 workers, and what the lock has of it.
//! - `metg`: the smallest granularity at which half of the time is work, for patterns of Task Bench
//!   (Slaughter et al., SC 2020).

mod measure;
mod metg;
mod shapes;

use measure::{Who, machine, measure, median};
use shapes::{Order, SHAPES, shape};
use std::io::Write;

/// Tasks of a run.
const TASKS: u32 = 100_000;
/// Runs of which the median is told.
const RUNS: usize = 11;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let named: Vec<&String> = arguments.iter().filter(|a| !a.starts_with('-')).collect();
    type Section = fn();
    let sections: [(&str, Section); 3] =
        [("tasks", tasks), ("workers", workers), ("metg", metg::print)];
    let is_wanted =
        |name: &str| named.is_empty() || named.iter().any(|n| name.contains(n.as_str()));
    let wanted: Vec<_> = sections.iter().filter(|(name, _)| is_wanted(name)).collect();
    if wanted.is_empty() {
        return;
    }
    say(&machine());
    wanted.iter().for_each(|(_, print)| print());
}

fn say(line: &str) {
    // Who closed the pipe does not want to know.
    _ = writeln!(std::io::stdout(), "{line}");
}

fn tasks() {
    say("\nns per task x workers, 2 workers, medians of 11: submission, run, both; processor time");
    say("scheduler  order    shape         submit     run  submit+run   processor  planning");
    for who in [Who::Static, Who::Online] {
        for order in [Order::Edges, Order::Objects, Order::Shared] {
            for name in SHAPES {
                let runs: Vec<_> = (0..RUNS)
                    .map(|_| measure(|| shape(name, order, TASKS), who, 2, false))
                    .collect();
                let per_task = |ns: fn(&measure::Measured) -> u64, workers: u64| {
                    median(runs.iter().map(ns)) * workers / u64::from(TASKS)
                };
                let submit = per_task(|m| m.submit_ns, 2);
                let run = per_task(|m| m.run_ns, 2);
                let all = per_task(|m| m.submit_ns + m.run_ns, 2);
                let cpu = per_task(|m| m.cpu_ns, 1);
                let plan = per_task(|m| m.planning_ns, 1);
                say(&format!(
                    "{:<10} {:<8} {name:<12} {submit:>7} {run:>7}  {all:>10}  {cpu:>10}  {plan:>8}",
                    who.name(),
                    order.name()
                ));
            }
        }
    }
}

fn workers() {
    say("\nmillions of tasks per second by workers, an object per task, medians of 11;");
    say("of the workers' time, in per cent: with the lock, without a task");
    say("scheduler  shape        workers  Mtasks/s  with lock     idle");
    for who in [Who::Static, Who::Online] {
        for name in ["independent", "random"] {
            for workers in [1, 2, 4, 8] {
                let graph = || shape(name, Order::Objects, TASKS);
                let runs: Vec<_> = (0..RUNS).map(|_| measure(graph, who, workers, false)).collect();
                let profiled: Vec<_> =
                    (0..RUNS).map(|_| measure(graph, who, workers, true)).collect();
                let run_ns = median(runs.iter().map(|m| m.run_ns));
                let share = |part: fn(&measure::Measured) -> u64| {
                    let of = |m| 1000 * part(m) / (m.run_ns * u64::from(workers)).max(1);
                    median(profiled.iter().map(of)) as f64 / 10.0
                };
                say(&format!(
                    "{:<10} {name:<12} {workers:>7}  {:>8.2}  {:>9.1}  {:>7.1}",
                    who.name(),
                    f64::from(TASKS) * 1e3 / run_ns as f64,
                    share(|m| m.stepping_ns),
                    share(|m| m.idle_ns)
                ));
            }
        }
    }
}
