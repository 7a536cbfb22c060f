//! Copies under kernels: 64 chunks, each copied in and worked on as long as its copy takes.

use super::bed::Bed;
use super::runs::{self, Way};
use super::{Figure, Findings, Goal, Open, Outcome};
use crate::machine::Effort;
use gpu::{GpuError, Op};
use runtime::graph::ObjectSpec;
use runtime::{Cost, Mode, TaskGraph, TaskSpec};

const CHUNKS: u32 = 64;

pub fn part(open: Open<'_>, effort: Effort, findings: &mut Findings) -> Outcome {
    let (bytes, repetitions) = match effort {
        Effort::Quick => (512 << 10, 2),
        Effort::Full => (16 << 20, 7),
    };
    let copy_ns = copy_ns(open, bytes).map_err(|e| e.to_string())?;
    let processors = open().map_err(|e| e.to_string())?.facts()[0].processors;
    let mut graph = TaskGraph::new("pipeline");
    let kernel = graph.kernel("spin");
    for _ in 0..CHUNKS {
        let object = ObjectSpec { bytes, initial: true, ..ObjectSpec::default() };
        let chunk = graph.add_object(object).map_err(|e| e.to_string())?;
        let task = TaskSpec {
            shape: [2 * processors, 1024, 0, 0],
            params: &[copy_ns as i64],
            cost: Cost::Work(1.0),
            accesses: &[(chunk, Mode::Read)],
            ..TaskSpec::new(kernel)
        };
        graph.submit(task).map_err(|e| e.to_string())?;
    }
    for (streams, copies) in [(1, 1), (1, 2), (2, 2), (4, 2), (4, 4)] {
        let cluster = runs::cluster(open, &Way { streams, copies, ..Way::default() })?;
        let mut shares = Vec::new();
        for run in 0..=repetitions {
            let output = runs::run(open, &cluster, &graph, None, "ready")?;
            if run > 0 {
                let best_ns = f64::from(CHUNKS) * copy_ns as f64;
                shares.push(best_ns / output.makespan_ns.max(1) as f64);
            }
            if run == repetitions {
                let name = format!("pipeline-{streams}-{copies}");
                findings.traces.push((name, output.trace));
            }
        }
        let name = format!("max(copy, compute) / measured, {streams} streams, {copies} copies");
        let figure = Figure::new(name, &shares, "");
        // The best of these is what the pipeline can do.
        let is_wanted = (streams, copies) == (4, 2);
        findings.figures.push(match is_wanted {
            true => figure.goal(Goal::Least(0.95)),
            false => figure,
        });
    }
    Ok(())
}

/// How long the copy of a chunk takes.
fn copy_ns(open: Open<'_>, bytes: u64) -> Result<u64, GpuError> {
    let mut bed = Bed::new(open()?)?;
    let span = bed.block(bytes)?;
    let mut host = bed.gpus.pinned(bytes)?;
    let mut times = Vec::new();
    for _ in 0..9 {
        let done = bed.run(Op::CopyIn { from: host, to: span })?;
        times.push(done.ended_ns.saturating_sub(done.started_ns).max(1));
        host = done.host.expect("a copy gives its memory back");
    }
    times.sort_unstable();
    Ok(times[times.len() / 2])
}
