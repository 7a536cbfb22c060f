//! The minimum effective task granularity: how short tasks may be if half of the workers' time is
//! to be work.

use crate::measure::{Who, median, run_graph};
use crate::say;
use runtime::graph::ObjectSpec;
use runtime::kernel::{KernelArgs, KernelSet};
use runtime::{Mode, ObjectId, TaskGraph, TaskSpec};
use std::hint::black_box;
use std::time::Instant;

const PATTERNS: [&str; 6] = ["trivial", "stencil", "fft", "tree", "random nearest", "all to all"];
const WORKERS: u32 = 2;
/// Tasks of a run, about.
const TASKS: u32 = 10_000;
/// Granularity beyond which nobody looks: the machine is too busy to tell.
const MOST_US: f64 = 50.0;
/// Runs of which the median counts.
const RUNS: usize = 3;

pub fn print() {
    let spins_per_us = spins_per_us();
    say("\nMETG(50 %) in us: half of the time of 2 workers is work; medians of 3 runs");
    say("scheduler  pattern          width 2  width 8");
    for who in [Who::Static, Who::Online] {
        for pattern in PATTERNS {
            let metg = [WORKERS, 4 * WORKERS].map(|w| metg_us(pattern, w, who, spins_per_us));
            let shown = |us: Option<f64>| us.map_or("over 50".to_owned(), |us| format!("{us:.2}"));
            let [narrow, wide] = metg.map(shown);
            say(&format!("{:<10} {pattern:<15} {narrow:>8} {wide:>8}", who.name()));
        }
    }
}

/// The work that a task does.
fn spin(times: i64) -> u64 {
    let mut x = 1u64;
    for _ in 0..times {
        x = black_box(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    }
    x
}

/// Measured in pieces, the fastest of which nobody interrupted.
fn spins_per_us() -> f64 {
    const SPINS: i64 = 100_000;
    let best = (0..50).map(|_| {
        let begun = Instant::now();
        black_box(spin(SPINS));
        begun.elapsed().as_nanos() as f64 / 1e3
    });
    SPINS as f64 / best.fold(f64::MAX, f64::min)
}

/// Doubles the granularity from a tenth of a microsecond until half of the time is work, and
/// interpolates the last step; `None` when it never is.
fn metg_us(pattern: &str, width: u32, who: Who, spins_per_us: f64) -> Option<f64> {
    let (mut us, mut below) = (0.1, None);
    loop {
        let efficiency = efficiency(pattern, width, who, (us * spins_per_us) as i64, us);
        if efficiency < 0.5 && us > MOST_US {
            return None;
        }
        if efficiency >= 0.5 {
            let Some((before_us, before)) = below else { return Some(us) };
            return Some(before_us + (us - before_us) * (0.5 - before) / (efficiency - before));
        }
        below = Some((us, efficiency));
        us *= 2.0;
    }
}

fn efficiency(pattern: &str, width: u32, who: Who, spins: i64, us: f64) -> f64 {
    let mut kernels = KernelSet::default();
    kernels.insert("spin", |args: &mut KernelArgs<'_, '_>| {
        black_box(spin(args.params[0]));
        Ok(None)
    });
    let steps = TASKS / width;
    let graph = graph(pattern, width, steps, spins);
    let run = |_| run_graph(graph.clone(), kernels.clone(), who, WORKERS, false).run_ns;
    let run_us = median((0..RUNS).map(run)) as f64 / 1e3;
    let tasks = f64::from(steps * width);
    tasks * us / (run_us * f64::from(WORKERS.min(width)))
}

/// `width` tasks in each of `steps` steps: each writes an object that the next step reads, as the
/// pattern says.
fn graph(pattern: &str, width: u32, steps: u32, spins: i64) -> TaskGraph {
    let mut graph = TaskGraph::new(pattern);
    let kernel = graph.kernel("spin");
    let bytes = ObjectSpec { bytes: 16, ..Default::default() };
    let mut state = 1u64;
    for step in 0..steps {
        for point in 0..width {
            let mut accesses: Vec<(ObjectId, Mode)> = (0..width)
                .filter(|from| step > 0 && depends(pattern, width, step, point, *from, &mut state))
                .map(|from| (ObjectId((step - 1) * width + from), Mode::Read))
                .collect();
            accesses.push((graph.add_object(bytes).expect("it fits"), Mode::Write));
            let spec = TaskSpec { params: &[spins], accesses: &accesses, ..TaskSpec::new(kernel) };
            graph.submit(spec).expect("the bench's graphs are right");
        }
    }
    graph
}

/// Whether a point reads what another one wrote a step before.
fn depends(pattern: &str, width: u32, step: u32, to: u32, from: u32, state: &mut u64) -> bool {
    match pattern {
        "trivial" => false,
        "stencil" => to.abs_diff(from) <= 1,
        "fft" => {
            let stride = 1 << ((step - 1) % width.ilog2().max(1));
            to == from || to.abs_diff(from) == stride
        }
        // From one point to all, then each goes on alone.
        "tree" if step < 32 && 1 << step <= width => to / 2 == from,
        "tree" => to == from,
        "random nearest" => {
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            to == from || (to.abs_diff(from) <= 2 && *state >> 63 == 0)
        }
        _ => true,
    }
}
