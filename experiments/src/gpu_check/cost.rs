//! What the host takes per task: empty kernels, as many as a run can take.

use super::bed::Bed;
use super::rates::spin;
use super::runs::{self, Way};
use super::{Figure, Findings, Goal, Open, Outcome};
use crate::machine::Effort;
use gpu::{GpuError, Op};
use runtime::{Cost, TaskGraph, TaskSpec};
use std::time::Instant;

pub fn part(open: Open<'_>, effort: Effort, findings: &mut Findings) -> Outcome {
    let (tasks, repetitions) = match effort {
        Effort::Quick => (200, 2),
        Effort::Full => (20_000, 7),
    };
    let bare = bare(open, tasks, repetitions).map_err(|e| e.to_string())?;
    let bare = Figure::new("bare launch with its events, in a loop", &bare, "us");
    let bare_us = bare.value.median;
    findings.figures.push(bare);
    let mut graph = TaskGraph::new("empty kernels");
    let kernel = graph.kernel("spin");
    for _ in 0..tasks {
        let task = TaskSpec {
            shape: [1, 32, 0, 0],
            params: &[0],
            cost: Cost::Work(1.0),
            ..TaskSpec::new(kernel)
        };
        graph.submit(task).map_err(|e| e.to_string())?;
    }
    for scheduler in ["ready", "mct"] {
        for streams in [4, 16, 32] {
            let cluster = runs::cluster(open, &Way { streams, ..Way::default() })?;
            let mut times = Vec::new();
            for run in 0..=repetitions {
                let output = runs::run(open, &cluster, &graph, None, scheduler)?;
                if run > 0 {
                    times.push(output.makespan_ns as f64 / f64::from(tasks) / 1e3);
                }
            }
            let name = format!("per task, {scheduler}, {streams} streams");
            let figure = Figure::new(&name, &times, "us");
            let over: Vec<f64> = times.iter().map(|t| t - bare_us).collect();
            let over = Figure::new(format!("{name}: over a bare launch"), &over, "us");
            let is_wanted = streams == 16 && scheduler == "ready";
            findings.figures.push(match is_wanted {
                true => figure.goal(Goal::Most(8.0)),
                false => figure,
            });
            findings.figures.push(if is_wanted { over.goal(Goal::Most(4.0)) } else { over });
        }
    }
    Ok(())
}

/// Microseconds per launch of a loop over streams, the last end included.
fn bare(open: Open<'_>, tasks: u32, repetitions: usize) -> Result<Vec<f64>, GpuError> {
    let mut bed = Bed::new(open()?)?;
    let streams = (0..16).map(|_| bed.stream()).collect::<Result<Vec<_>, _>>()?;
    let calls = [spin(1, 0)];
    let mut times = Vec::new();
    for run in 0..=repetitions {
        let begun = Instant::now();
        let mut tickets = std::collections::VecDeque::new();
        for at in 0..tasks as usize {
            let op = Op::Launch { calls: &calls };
            let ticket = bed.gpus.submit(streams[at % streams.len()], op, &[]);
            tickets.push_back(ticket.map_err(|r| r.error)?);
            if tickets.len() >= 1024 {
                bed.wait(tickets.pop_front().expect("it is full"))?;
            }
        }
        for ticket in tickets {
            bed.wait(ticket)?;
        }
        if run > 0 {
            times.push(begun.elapsed().as_nanos() as f64 / f64::from(tasks) / 1e3);
        }
    }
    Ok(times)
}
