//! Copies, launches, and how kernels share the device; a cluster file of what was found.

use super::bed::{Bed, pageable};
use super::{Figure, Findings, Open, Outcome};
use crate::machine::Effort;
use gpu::{Arg, Args, Call, Duty, GpuError, GpuId, HostBox, Op, Priority, Span, StreamId};
use real_backend::{GpuShape, Machine, gpu_cluster};
use std::time::Instant;

/// A kernel that takes so many blocks for so long.
pub fn spin(blocks: u32, length_ns: u64) -> Call {
    let args = Args::new(&[Arg::U64(length_ns)]);
    Call::Kernel { name: "spin", grid: blocks, threads: 1024, args }
}

pub fn part(open: Open<'_>, effort: Effort, findings: &mut Findings) -> Outcome {
    measure(open, effort, findings).map_err(|e| e.to_string())
}

fn measure(open: Open<'_>, effort: Effort, findings: &mut Findings) -> Result<(), GpuError> {
    let mut bed = Bed::new(open()?)?;
    let sizes: &[u64] = match effort {
        Effort::Quick => &[4 << 10, 1 << 20],
        Effort::Full => &[4 << 10, 64 << 10, 1 << 20, 16 << 20, 256 << 20],
    };
    let repetitions = if effort == Effort::Quick { 3 } else { 11 };
    let mut fastest = [0.0f64; 2];
    let mut latency_ns = f64::INFINITY;
    for &bytes in sizes {
        let span = bed.block(bytes)?;
        for is_pinned in [true, false] {
            for (at, direction) in ["in", "out"].into_iter().enumerate() {
                let rates = copies(&mut bed, span, is_pinned, at == 0, repetitions)?;
                let kind = if is_pinned { "pinned" } else { "pageable" };
                let name = format!("copy {direction}, {kind}, {}", crate::shown::size(bytes));
                let figure = Figure::new(name, &rates, "GB/s");
                if is_pinned {
                    fastest[at] = fastest[at].max(figure.value.median);
                    latency_ns = latency_ns.min(bytes as f64 / figure.value.median);
                }
                findings.figures.push(figure);
            }
        }
        bed.clear();
    }
    launches(&mut bed, repetitions * 100, findings)?;
    concurrency(&mut bed, repetitions, findings)?;
    let facts = bed.gpus.facts().to_vec();
    let shape = GpuShape {
        bytes_per_s: fastest[0].min(fastest[1]) * 1e9,
        latency_ns: latency_ns as u64,
        ..GpuShape::default()
    };
    let machine = Machine::detect();
    let cluster = gpu_cluster(&machine, 1, 1e9, &facts, &shape);
    findings.cluster = Some(crate::clusters::text::write(
        &cluster,
        &["Links as gpu-check measured them.".to_owned()],
    ));
    Ok(())
}

/// Bandwidths of copies, by the device's clock.
fn copies(
    bed: &mut Bed,
    span: Span,
    is_pinned: bool,
    is_inward: bool,
    repetitions: usize,
) -> Result<Vec<f64>, GpuError> {
    let mut rates = Vec::new();
    let mut host: HostBox =
        if is_pinned { bed.gpus.pinned(span.bytes)? } else { pageable(span.bytes) };
    for run in 0..=repetitions {
        let op = match is_inward {
            true => Op::CopyIn { from: host, to: span },
            false => Op::CopyOut { from: span, to: host },
        };
        let done = bed.run(op)?;
        host = done.host.expect("a copy gives its memory back");
        let ns = done.ended_ns.saturating_sub(done.started_ns).max(1);
        if run > 0 {
            rates.push(span.bytes as f64 / ns as f64);
        }
    }
    Ok(rates)
}

/// What a launch takes of the host, and a round trip.
fn launches(bed: &mut Bed, count: usize, findings: &mut Findings) -> Result<(), GpuError> {
    let call = [spin(1, 0)];
    let (mut submits, mut trips) = (Vec::new(), Vec::new());
    for run in 0..count + 10 {
        let begun = Instant::now();
        let op = Op::Launch { calls: &call };
        let ticket = bed.gpus.submit(bed.stream, op, &[]).map_err(|r| r.error)?;
        let submitted = begun.elapsed();
        bed.wait(ticket)?;
        if run >= 10 {
            submits.push(submitted.as_nanos() as f64 / 1e3);
            trips.push(begun.elapsed().as_nanos() as f64 / 1e3);
        }
    }
    findings.figures.push(Figure::new("launch with its two events", &submits, "us"));
    findings.figures.push(Figure::new("launch until its end is seen", &trips, "us"));
    Ok(())
}

/// How many kernels of a part of the device run at once on eight streams.
fn concurrency(bed: &mut Bed, repetitions: usize, findings: &mut Findings) -> Result<(), GpuError> {
    const STREAMS: usize = 8;
    const LENGTH_NS: u64 = 500_000;
    let gpu = GpuId(0);
    let streams: Vec<StreamId> = (0..STREAMS)
        .map(|_| bed.gpus.stream(gpu, Priority::Normal, Duty::Kernels))
        .collect::<Result<_, _>>()?;
    let processors = bed.gpus.facts()[0].processors;
    for part in [8, 4, 2, 1] {
        // Two blocks of 1024 threads fill a multiprocessor.
        let call = [spin((2 * processors / part).max(1), LENGTH_NS)];
        let mut at_once = Vec::new();
        for _ in 0..repetitions {
            let mut tickets = Vec::new();
            for stream in &streams {
                let op = Op::Launch { calls: &call };
                tickets.push(bed.gpus.submit(*stream, op, &[]).map_err(|r| r.error)?);
            }
            let (mut first_ns, mut last_ns, mut busy_ns) = (u64::MAX, 0, 0);
            for ticket in tickets {
                let done = bed.wait(ticket)?;
                first_ns = first_ns.min(done.started_ns);
                last_ns = last_ns.max(done.ended_ns);
                busy_ns += LENGTH_NS;
            }
            at_once.push(busy_ns as f64 / (last_ns - first_ns).max(1) as f64);
        }
        let name = format!("kernels of 1/{part} of the device at once, of {STREAMS}");
        findings.figures.push(Figure::new(name, &at_once, "kernels"));
    }
    Ok(())
}
