//! Tiled Cholesky on the device against one call of cuSOLVER; out of core against in core; and what
//! the simulator makes of the same runs.

use super::bed::Bed;
use super::runs::{self, Way};
use super::{Figure, Findings, Goal, Open, Outcome};
use crate::machine::Effort;
use gpu::{Call, GpuError, Precision};
use real_backend::RunOutput;
use runtime::cost::History;
use runtime::registry::Value;
use runtime::{Cluster, Costs, ObjectId};
use sim::SimSpec;
use std::sync::Arc;
use workloads::{App, Workload};

/// Orders up to which results are checked on the host, which takes long.
const MAX_CHECKED: i64 = 4096;

fn workload(n: i64, tile: i64) -> Result<Workload, String> {
    let info = workloads::registry::find("cholesky").ok_or("no cholesky")?;
    let given = [("n", n), ("tile", tile)];
    let given: Vec<(String, Value)> =
        given.iter().map(|(name, value)| ((*name).to_owned(), Value::Int(*value))).collect();
    info.make(&given, 1).map_err(|e| e.to_string())
}

/// Factors once; the result is judged where that does not take long.
fn factor(
    open: Open<'_>,
    cluster: &Arc<Cluster>,
    (n, workload): (i64, &Workload),
    scheduler: &str,
) -> Result<RunOutput, String> {
    let app = Arc::clone(workload.app.as_ref().ok_or("no app")?);
    let inputs = Arc::clone(&app);
    let fill = move |object: ObjectId, bytes: &mut [u8]| inputs.fill(object, bytes);
    let output = runs::run(open, cluster, &workload.graph, Some(Box::new(fill)), scheduler)?;
    if n <= MAX_CHECKED {
        judge(app.as_ref(), &output)?;
    }
    Ok(output)
}

fn judge(app: &dyn App, output: &RunOutput) -> Outcome {
    let graph = &output.trace.graph;
    let kept = graph.object_ids().filter(|o| graph.object(*o).keep);
    let results: Vec<(ObjectId, &[u8])> =
        kept.filter_map(|o| Some((o, output.object_bytes(o)?))).collect();
    app.check(&results).map(|_| ()).map_err(|e| e.to_string())
}

pub fn part(open: Open<'_>, effort: Effort, findings: &mut Findings) -> Outcome {
    let (n, tiles, repetitions, apart): (i64, &[i64], usize, (i64, i64)) = match effort {
        Effort::Quick => (192, &[64], 2, (256, 32)),
        Effort::Full => (32_768, &[4096, 2048, 1024], 3, (16_384, 1024)),
    };
    // One whose numbers are checked first.
    let (small, tile) = if effort == Effort::Quick { (160, 32) } else { (MAX_CHECKED, 512) };
    let checked = workload(small, tile)?;
    for (is_home, capacity_bytes) in [(true, None), (false, quarter(&checked))] {
        let way = Way { is_home, capacity_bytes, ..Way::default() };
        let cluster = runs::cluster(open, &way)?;
        factor(open, &cluster, (small, &checked), "mct")?;
    }
    out_of_core(open, apart, repetitions, findings)?;
    let flops = (n as f64).powi(3) / 3.0;
    let rate = |ns: f64| flops / ns / 1e3;
    let one = one_call(open, n as u32, repetitions).map_err(|e| e.to_string());
    let best = match one {
        Ok(times) => {
            let rates: Vec<f64> = times.iter().map(|ns| rate(*ns)).collect();
            let figure = Figure::new(format!("cuSOLVER potrf of {n}"), &rates, "TFLOP/s");
            let best = figure.value.median;
            findings.figures.push(figure);
            Some(best)
        }
        Err(why) => {
            findings.notes.push(format!("no potrf to compare with: {why}"));
            None
        }
    };
    for &tile in tiles {
        let workload = workload(n, tile)?;
        let cluster = runs::cluster(open, &Way { is_home: true, ..Way::default() })?;
        let mut rates = Vec::new();
        for run in 0..=repetitions {
            let output = factor(open, &cluster, (n, &workload), "mct")?;
            if run > 0 {
                rates.push(rate(output.makespan_ns.max(1) as f64));
            }
            if run == repetitions {
                findings.traces.push((format!("cholesky-{n}-{tile}"), output.trace));
            }
        }
        let name = format!("tiled Cholesky of {n}, tile {tile}");
        if let Some(best) = best {
            let shares: Vec<f64> = rates.iter().map(|r| r / best).collect();
            let share = Figure::new(format!("{name}: share of cuSOLVER"), &shares, "");
            findings.figures.push(share.goal(Goal::Least(0.9)));
        }
        findings.figures.push(Figure::new(name, &rates, "TFLOP/s"));
    }
    Ok(())
}

/// A quarter of the matrix.
fn quarter(workload: &Workload) -> Option<u64> {
    Some(workload.graph.summary().object_bytes / 4)
}

fn out_of_core(
    open: Open<'_>,
    (n, tile): (i64, i64),
    repetitions: usize,
    findings: &mut Findings,
) -> Outcome {
    let workload = workload(n, tile)?;
    let mut medians = Vec::new();
    for (capacity_bytes, what) in [(None, "in core"), (quarter(&workload), "in a quarter")] {
        let cluster = runs::cluster(open, &Way { capacity_bytes, ..Way::default() })?;
        let mut times = Vec::new();
        for _ in 0..repetitions {
            let output = factor(open, &cluster, (n, &workload), "mct")?;
            times.push(output.makespan_ns as f64 / 1e6);
        }
        let name = format!("Cholesky of {n}, tile {tile}, data at home on the host, {what}");
        let figure = Figure::new(name, &times, "ms");
        medians.push(figure.value.median);
        findings.figures.push(figure);
    }
    let ratio = Figure::new("out of core over in core", &[medians[1] / medians[0].max(1e-9)], "");
    findings.figures.push(ratio.goal(Goal::Most(1.25)));
    Ok(())
}

/// Times of cuSOLVER's factorisation of a whole matrix, made again before each.
fn one_call(open: Open<'_>, n: u32, repetitions: usize) -> Result<Vec<f64>, GpuError> {
    let mut bed = Bed::new(open()?)?;
    let column_bytes = 8 * u64::from(n);
    let matrix = bed.block(column_bytes * u64::from(n))?;
    let columns = (n as usize).min(64);
    let mut times = Vec::new();
    for run in 0..=repetitions {
        for first in (0..n as usize).step_by(columns) {
            let count = columns.min(n as usize - first);
            let mut chunk = vec![0.0f64; count * n as usize];
            for (at, x) in chunk.iter_mut().enumerate() {
                let (row, column) = (at % n as usize, first + at / n as usize);
                // Symmetric, since only the sum and the product of row and column count.
                let mixed = (row + column).wrapping_mul(2_654_435_761) ^ (row * column);
                *x = (mixed % 1024) as f64 / 1024.0 - 0.5;
                if row == column {
                    *x += f64::from(n);
                }
            }
            let offset = first as u64 * column_bytes;
            bed.refill(
                matrix.part(offset, count as u64 * column_bytes),
                bytemuck::cast_slice(&chunk),
            )?;
        }
        let done = bed.call(&[Call::Potrf { precision: Precision::F64, n, a: matrix }])?;
        if done.info != 0 {
            let why = format!("it says {}", done.info);
            return Err(GpuError::Call { call: "potrf", why });
        }
        if run > 0 {
            times.push((done.ended_ns - done.started_ns).max(1) as f64);
        }
    }
    Ok(times)
}

/// Makespans simulated with durations of kernels alone on the device, beside those that came.
pub fn predicted(open: Open<'_>, effort: Effort, findings: &mut Findings) -> Outcome {
    let (n, tile, repetitions) =
        if effort == Effort::Quick { (192, 64, 1) } else { (16_384, 1024, 5) };
    let workload = workload(n, tile)?;
    let mut history = History::new();
    let alone = runs::cluster(open, &Way { streams: 1, ..Way::default() })?;
    history.learn(&factor(open, &alone, (n, &workload), "ready")?.trace);
    let about =
        [format!("Kernels of a tiled Cholesky of {n}, tile {tile}, each alone on the GPU.")];
    let model = crate::costs::from_history("gpu", &history);
    findings.costs = Some(crate::costs::write(&model, &about));
    let cluster = runs::cluster(open, &Way { streams: 8, ..Way::default() })?;
    let costs = Costs::resolve(&workload.graph, &cluster, Some(&history));
    let costs = costs.map_err(|e| e.to_string())?;
    let mut errors = Vec::new();
    for name in ["ready", "mct", "heft", "work-stealing"] {
        let spec = SimSpec::new(
            workload.graph.clone(),
            Arc::clone(&cluster),
            costs.clone(),
            runs::scheduler(name)?,
        );
        let simulated = sim::run(spec).map_err(|e| e.to_string())?.makespan_ns;
        let mut times = Vec::new();
        for _ in 0..repetitions {
            let output = factor(open, &cluster, (n, &workload), name)?;
            times.push(output.makespan_ns as f64 / 1e6);
        }
        let measured = Figure::new(format!("{name}, measured"), &times, "ms");
        let simulated_ms = simulated as f64 / 1e6;
        errors.push((simulated_ms - measured.value.median).abs() / measured.value.median.max(1e-9));
        findings.figures.push(measured);
        findings.figures.push(Figure::new(format!("{name}, simulated"), &[simulated_ms], "ms"));
    }
    let mean = errors.iter().sum::<f64>() / errors.len() as f64;
    let figure = Figure::new("mean absolute error of the makespan", &[100.0 * mean], "%");
    findings.figures.push(figure.goal(Goal::Most(8.0)));
    Ok(())
}
