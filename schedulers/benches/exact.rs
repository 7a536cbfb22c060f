//! How far the exact planner proves optima, family by family: `cargo bench -p schedulers --bench
//! exact [-- SECONDS [each]]`, 60 seconds an instance if nothing is said; `each` shows makespans
//! and bound. `scripts/cp-sat` prints the same rows for OR-Tools.
//!
//! The families are those of published instances with proved optima, drawn anew: costs of 5 to 25,
//! half as much to half as much again on each processor, transfers of 0.3 or 1 times a mean cost
//! at bandwidth 1, pairs with bandwidth 1 or 2 and latency 0 to 2, 3 or 4 processors. `fine` takes
//! the same instances in units of a millionth with the last digits drawn too, as measured
//! durations have. CPU seconds of one thread.

#![expect(clippy::print_stdout, reason = "prints figures")]

#[path = "../tests/suite/import.rs"]
#[expect(dead_code, reason = "readers of published instances")]
mod import;

use import::{Plain, PlainCost, processors};
use runtime::registry::Clock;
use runtime::{Cluster, Costs, Problem, TaskGraph};
use schedulers::exact::{Exact, Limits};
use std::sync::Arc;
use std::time::Instant;

/// Instances per row.
const SEEDS: u64 = 6;

struct Draws(u64);

impl Draws {
    fn from(&mut self, low: u64, high: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        low + (z ^ (z >> 31)) % (high - low + 1)
    }

    /// A number around `middle`: half as much to half as much again.
    fn around(&mut self, middle: u64) -> u64 {
        (middle * self.from(500_000, 1_500_000) / 1_000_000).max(1)
    }
}

/// Pairs of tasks that depend on each other.
fn pairs(family: &str, n: usize, m: usize, draws: &mut Draws) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    match family {
        "rand" => {
            for j in 0..n {
                pairs.extend((0..j).filter(|_| draws.from(1, 100) <= 7).map(|i| (i, j)));
            }
        }
        "layer" => {
            let (mut before, mut start) = (0..0, 0);
            while start < n {
                let end = n.min(start + draws.from(1, m as u64 + 1) as usize);
                for j in start..end {
                    for _ in 0..draws.from(1, 2).min(before.len() as u64) {
                        let from = (before.start as u64, before.end as u64 - 1);
                        pairs.push((draws.from(from.0, from.1) as usize, j));
                    }
                }
                (before, start) = (start..end, end);
            }
        }
        _ => {
            let mut start = 0;
            while start + 1 < n {
                let end = (n - 1).min(start + 1 + draws.from(3, 8) as usize);
                (start + 1..end).for_each(|i| pairs.extend([(start, i), (i, end)]));
                if end == start + 1 {
                    pairs.push((start, end));
                }
                start = end;
            }
        }
    }
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}

fn instance(
    family: &str,
    n: usize,
    m: usize,
    ccr: f64,
    unit: u64,
    seed: u64,
) -> (TaskGraph, Cluster) {
    let mut draws = Draws(seed * 1_000 + n as u64);
    let mut plain = Plain::default();
    for _ in 0..n {
        let base = draws.from(5, 25) * unit;
        plain.costs.push(PlainCost::Table((0..m).map(|_| draws.around(base)).collect()));
    }
    let bytes = (15.0 * ccr * unit as f64) as u64;
    for (from, to) in pairs(family, n, m, &mut draws) {
        plain.edges.push((from, to, Some(draws.around(bytes))));
    }
    let pairs = (0..m).flat_map(|b| (0..b).map(move |a| (a, b)));
    let links: Vec<_> = pairs
        .map(|(a, b)| (a, b, draws.from(1, 2) as f64 * 1e9, draws.from(0, 2) * unit))
        .collect();
    (plain.graph(m), processors(&vec![1.0; m], &links))
}

/// CPU seconds of this process; where the system does not say, wall time.
fn cpu_seconds(begin: Instant) -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|f| f.parse::<f64>().ok());
    match (ticks(11), ticks(12)) {
        (Some(user), Some(system)) => (user + system) / 100.0,
        _ => begin.elapsed().as_secs_f64(),
    }
}

fn main() {
    let seconds = std::env::args().skip(1).find_map(|a| a.parse::<u64>().ok()).unwrap_or(60);
    let shows_each = std::env::args().any(|a| a == "each");
    let begin = Instant::now();
    let clock: Clock = Arc::new(move || begin.elapsed().as_nanos() as u64);
    println!("family  n   m  ccr  unit     proved  median s  most s  open gaps in percent");
    for (n, m, unit) in [
        (30, 3, 1),
        (30, 4, 1),
        (40, 3, 1),
        (40, 4, 1),
        (60, 4, 1),
        (100, 8, 1),
        (40, 4, 1_000_000),
    ] {
        for family in ["rand", "layer", "fork"] {
            for ccr in [0.3, 1.0] {
                let (mut times, mut gaps) = (Vec::new(), Vec::new());
                for seed in 1..=SEEDS {
                    let (graph, cluster) = instance(family, n, m, ccr, unit, seed);
                    let costs = Costs::resolve(&graph, &cluster, None).expect("all are able");
                    let problem = Problem::fresh(&graph, &cluster, &costs);
                    let before = cpu_seconds(begin);
                    let limits =
                        Limits { conflicts: u64::MAX, time_ns: Some(seconds * 1_000_000_000) };
                    let exact = Exact::new(limits).with_clock(Some(clock.clone()));
                    let solution = exact.solve(&problem).expect("there is a plan");
                    times.push(cpu_seconds(begin) - before);
                    if shows_each {
                        let (makespan_ns, bound_ns) = (solution.makespan_ns, solution.bound_ns);
                        println!("  seed {seed}: {makespan_ns}, bound {bound_ns}");
                    }
                    if !solution.is_proved() {
                        gaps.push(format!("{:.2}", 100.0 * solution.gap()));
                    }
                }
                times.sort_by(f64::total_cmp);
                let proved = times.len() - gaps.len();
                let (median, most) = (times[times.len() / 2], times[times.len() - 1]);
                println!(
                    "{family:6} {n:3}  {m}  {ccr:.1}  {unit:7}  {proved} of {SEEDS}  {median:8.2}  {most:6.2}  {}",
                    gaps.join(" ")
                );
            }
        }
    }
}
