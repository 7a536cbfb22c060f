//! The multistream shape: an f32 product in tiles, with the data on the device.
//!
//! The same gemms three ways: by the runtime with an online scheduler, by a loop that puts each
//! tile of C on a stream of its own, and as one call of cuBLAS for the whole matrix. No TF32
//! anywhere.

use super::bed::Bed;
use super::runs::{self, Way};
use super::{Figure, Findings, Goal, Open, Outcome};
use crate::machine::Effort;
use gpu::{Call, GpuError, Op, Precision, Span};
use runtime::graph::ObjectSpec;
use runtime::{Cost, Mode, ObjectId, TaskGraph, TaskSpec};
use std::time::Instant;

pub fn part(open: Open<'_>, effort: Effort, findings: &mut Findings) -> Outcome {
    let (n, tiles, repetitions): (u32, &[(u32, f64)], usize) = match effort {
        Effort::Quick => (128, &[(64, 0.9), (32, 0.5)], 2),
        Effort::Full => (4096, &[(2048, 0.9), (1024, 0.8), (512, 0.5)], 9),
    };
    let flops = 2.0 * f64::from(n).powi(3);
    let rate = |ns: &f64| flops / ns / 1e3;
    let whole = whole(open, n, repetitions).map_err(|e| e.to_string())?;
    let whole = Figure::new(
        format!("one sgemm of {n}"),
        &whole.iter().map(rate).collect::<Vec<_>>(),
        "TFLOP/s",
    );
    let best = whole.value.median;
    findings.figures.push(whole);
    for &(tile, goal) in tiles {
        let by_hand = by_hand(open, (n, tile), repetitions).map_err(|e| e.to_string())?;
        let by_hand: Vec<f64> = by_hand.iter().map(rate).collect();
        let by_hand = Figure::new(format!("by hand, tile {tile}"), &by_hand, "TFLOP/s");
        let of_hand = by_hand.value.median;
        findings.figures.push(by_hand);
        for scheduler in ["ready", "mct"] {
            let times = by_runtime(open, (n, tile), scheduler, repetitions, findings)?;
            let rates: Vec<f64> = times.iter().map(rate).collect();
            let name = format!("runtime, {scheduler}, tile {tile}");
            findings.figures.push(Figure::new(&name, &rates, "TFLOP/s"));
            let shares: Vec<f64> = rates.iter().map(|r| r / best).collect();
            let share = Figure::new(format!("{name}: share of one sgemm"), &shares, "");
            findings.figures.push(share.goal(Goal::Least(goal)));
            let shares: Vec<f64> = rates.iter().map(|r| r / of_hand).collect();
            let share = Figure::new(format!("{name}: share of by hand"), &shares, "");
            findings.figures.push(share.goal(Goal::Least(0.95)));
        }
    }
    Ok(())
}

fn element(object: u32, at: usize) -> f32 {
    ((object as usize * 13 + at * 7) % 17) as f32 / 16.0 - 0.5
}

fn fill(object: ObjectId, bytes: &mut [u8]) {
    for (at, four) in bytes.chunks_exact_mut(4).enumerate() {
        four.copy_from_slice(&element(object.0, at).to_ne_bytes());
    }
}

fn call(size: u32, a: Span, b: Span, c: Span) -> Call {
    let (precision, transposed, factors) = (Precision::F32, (false, false), (1.0, 1.0));
    Call::Gemm { precision, transposed, size: [size; 3], factors, a, b, c }
}

/// Random matrices: a GPU is faster on zeroes.
fn matrix(bed: &mut Bed, seed: u32, elements: usize) -> Result<Span, GpuError> {
    let mut bytes = vec![0; 4 * elements];
    fill(ObjectId(seed), &mut bytes);
    bed.put(&bytes)
}

/// Times of one call, in nanoseconds of the device's clock.
fn whole(open: Open<'_>, n: u32, repetitions: usize) -> Result<Vec<f64>, GpuError> {
    let mut bed = Bed::new(open()?)?;
    let elements = n as usize * n as usize;
    let [a, b, c] = [0, 1, 2].map(|seed| matrix(&mut bed, seed, elements));
    let calls = [call(n, a?, b?, c?)];
    let mut times = Vec::new();
    for run in 0..repetitions + 2 {
        let done = bed.call(&calls)?;
        if run >= 2 {
            times.push((done.ended_ns - done.started_ns).max(1) as f64);
        }
    }
    Ok(times)
}

/// Wall times of the loop, from its first submission until the last end is seen.
fn by_hand(
    open: Open<'_>,
    (n, tile): (u32, u32),
    repetitions: usize,
) -> Result<Vec<f64>, GpuError> {
    const STREAMS: usize = 16;
    let mut bed = Bed::new(open()?)?;
    let streams = (0..STREAMS).map(|_| bed.stream()).collect::<Result<Vec<_>, _>>()?;
    let t = (n / tile) as usize;
    let elements = tile as usize * tile as usize;
    let mut grids = [Vec::new(), Vec::new(), Vec::new()];
    for (seed, grid) in grids.iter_mut().enumerate() {
        for at in 0..t * t {
            grid.push(matrix(&mut bed, (seed * t * t + at) as u32, elements)?);
        }
    }
    let [a, b, c] = grids;
    let mut times = Vec::new();
    for run in 0..repetitions + 2 {
        let begun = Instant::now();
        let mut tickets = Vec::with_capacity(t * t * t);
        for k in 0..t {
            for (at, target) in c.iter().enumerate() {
                let (i, j) = (at / t, at % t);
                let calls = [call(tile, a[i * t + k], b[k * t + j], *target)];
                let op = Op::Launch { calls: &calls };
                let ticket = bed.gpus.submit(streams[at % STREAMS], op, &[]);
                tickets.push(ticket.map_err(|r| r.error)?);
            }
        }
        for ticket in tickets {
            bed.wait(ticket)?;
        }
        if run >= 2 {
            times.push(begun.elapsed().as_nanos() as f64);
        }
    }
    Ok(times)
}

/// The product as a graph; objects are A, B and C, each by row.
pub fn graph(n: u32, tile: u32) -> Result<TaskGraph, String> {
    let t = (n / tile) as usize;
    let mut graph = TaskGraph::new("multistream");
    let bytes = 4 * u64::from(tile) * u64::from(tile);
    for _ in 0..3 * t * t {
        let object = ObjectSpec { bytes, initial: true, ..ObjectSpec::default() };
        graph.add_object(object).map_err(|e| e.to_string())?;
    }
    let kernel = graph.kernel("smultiply_add");
    let object = |grid: usize, i: usize, j: usize| ObjectId::from_index((grid * t + i) * t + j);
    for k in 0..t {
        for i in 0..t {
            for j in 0..t {
                let accesses = [
                    (object(0, i, k), Mode::Read),
                    (object(1, k, j), Mode::Read),
                    (object(2, i, j), Mode::ReadWrite),
                ];
                let task = TaskSpec {
                    shape: [tile, tile, tile, 0],
                    cost: Cost::Work(2.0 * f64::from(tile).powi(3)),
                    accesses: &accesses,
                    ..TaskSpec::new(kernel)
                };
                graph.submit(task).map_err(|e| e.to_string())?;
            }
        }
    }
    Ok(graph)
}

/// Makespans.
fn by_runtime(
    open: Open<'_>,
    (n, tile): (u32, u32),
    scheduler: &str,
    repetitions: usize,
    findings: &mut Findings,
) -> Result<Vec<f64>, String> {
    let graph = graph(n, tile)?;
    let way = Way { is_home: true, ..Way::default() };
    let cluster = runs::cluster(open, &way)?;
    let mut times = Vec::new();
    for run in 0..=repetitions {
        let output = runs::run(open, &cluster, &graph, Some(Box::new(fill)), scheduler)?;
        if run > 0 {
            times.push(output.makespan_ns.max(1) as f64);
        }
        if run == repetitions {
            findings.notes.extend(output.notes);
            findings.traces.push((format!("multistream-{tile}-{scheduler}"), output.trace));
        }
    }
    Ok(times)
}
