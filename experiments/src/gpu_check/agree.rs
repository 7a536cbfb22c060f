//! Every kernel on the device against its twin on the host.

use super::bed::Bed;
use super::{Figure, Findings, Goal, Open, Outcome};
use crate::machine::Effort;
use gpu::bind::bits;
use gpu::twin::Twin;
use gpu::{GpuArgs, Span, library};
use rand::Rng;
use rand_pcg::Pcg64;
use runtime::kernel::{Kernel, KernelArgs, KernelBuffer};
use std::sync::Arc;

/// What a buffer holds before.
#[derive(Clone, Copy)]
enum Content {
    F32,
    F64,
    /// Positive, for optimizers' squares.
    Positive,
    /// Row numbers, some of them out of range.
    Index(u32),
    /// A symmetric positive definite matrix of that order.
    Definite(usize),
    /// Written only: not a number, before.
    Poison,
}

/// A kernel with a task for it.
struct Case {
    kernel: &'static str,
    shape: [u32; 4],
    params: Vec<i64>,
    buffers: Vec<(Content, usize)>,
    is_f64: bool,
    /// Only the lower triangle of the last buffer, of that order, is compared.
    lower: Option<usize>,
}

fn case(kernel: &'static str, shape: [u32; 4], buffers: &[(Content, usize)]) -> Case {
    let buffers = buffers.to_vec();
    Case { kernel, shape, params: Vec::new(), buffers, is_f64: false, lower: None }
}

/// Tasks of odd sizes for every kernel of the library that computes something.
fn cases() -> Vec<Case> {
    use Content::{Definite, F32, F64, Index, Poison, Positive};
    let mut all = Vec::new();
    for (prefix, content, is_f64) in [("", F64, true), ("s", F32, false)] {
        let named = |name: &'static str| -> &'static str {
            library_names().iter().find(|n| **n == format!("{prefix}{name}")).expect("it is there")
        };
        let mut add = |name, shape, buffers: &[(Content, usize)], lower| {
            all.push(Case { is_f64, lower, ..case(named(name), shape, buffers) });
        };
        let (m, n, k) = (37usize, 53usize, 41usize);
        let shape = [m as u32, n as u32, k as u32, 0];
        let (a, bt, b, c) =
            ((content, m * k), (content, n * k), (content, k * n), (content, m * n));
        add("potrf", [n as u32, 0, 0, 0], &[(Definite(n), n * n)], Some(n));
        add("trsm", [m as u32, n as u32, 0, 0], &[(Definite(n), n * n), c], None);
        let square = [(content, n * k), (content, n * n)];
        add("syrk", [n as u32, k as u32, 0, 0], &square, Some(n));
        add("syrk_first", [n as u32, k as u32, 0, 0], &[square[0], (Poison, n * n)], Some(n));
        add("gemm", shape, &[a, bt, c], None);
        add("gemm_first", shape, &[a, bt, (Poison, m * n)], None);
        add("multiply", shape, &[a, b, (Poison, m * n)], None);
        add("multiply_add", shape, &[a, b, c], None);
        add("multiply_subtract", shape, &[a, b, c], None);
        add("add", [m as u32, n as u32, 0, 0], &[c, c], None);
        add("copy", [m as u32, n as u32, 0, 0], &[c, (Poison, m * n)], None);
    }
    let n = 1037usize;
    let flat = [n as u32, 0, 0, 0];
    let (rows, columns) = (19usize, 300usize);
    let table = [rows as u32, columns as u32, 0, 0];
    all.push(Case { params: vec![bits(-0.75)], ..case("axpy", flat, &[(F32, n), (F32, n)]) });
    all.push(case("relu", flat, &[(F32, n), (Poison, n)]));
    all.push(case("gelu", flat, &[(F32, n), (Poison, n)]));
    all.push(case("row-sums", table, &[(F32, rows * columns), (Poison, rows)]));
    all.push(case("softmax", table, &[(F32, rows * columns), (Poison, rows * columns)]));
    let source = 11usize;
    let shape = [rows as u32, columns as u32, source as u32, 3];
    let (x, y) = ((F32, source * columns), (Poison, rows * columns));
    all.push(case("gather", shape, &[(Index(12), rows), x, y]));
    all.push(case("combine", shape, &[(Index(12), 3 * rows), (F32, 3 * rows), x, y]));
    let rates = vec![bits(0.01), bits(0.9)];
    all.push(Case { params: rates, ..case("momentum", flat, &[(F32, n); 3]) });
    let adam = [0.001, 0.9, 0.999, 1e-8, 0.1, 0.001].map(bits).to_vec();
    let buffers = [(F32, n), (F32, n), (Positive, n), (F32, n)];
    all.push(Case { params: adam, ..case("adam", flat, &buffers) });
    all.push(case("sweep", [n as u32, 3, 2, 0], &[(F32, n), (Poison, n)]));
    all
}

/// Names that live as long as the program.
fn library_names() -> &'static [String] {
    static NAMES: std::sync::OnceLock<Vec<String>> = std::sync::OnceLock::new();
    NAMES.get_or_init(|| library().names().map(str::to_owned).collect())
}

/// Kernels whose only effect is time.
const TIMED: [&str; 1] = ["spin"];

pub fn part(open: Open<'_>, effort: Effort, findings: &mut Findings) -> Outcome {
    let mut bed = Bed::new(open().map_err(|e| e.to_string())?).map_err(|e| e.to_string())?;
    let seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let seed = seed.map_or(1, |since| since.as_nanos());
    findings.notes.push(format!("seed {seed}"));
    let mut random = Pcg64::new(seed, 0xA9EE);
    let (mut failures, mut tried) = (Vec::new(), Vec::new());
    let rounds = if effort == Effort::Quick { 1 } else { 5 };
    for case in cases() {
        let mut worst = 0.0f64;
        for _ in 0..rounds {
            match compare(&mut bed, &case, &mut random) {
                Ok(error) => worst = worst.max(error),
                Err(why) => failures.push(format!("{}: {why}", case.kernel)),
            }
            bed.clear();
        }
        let limit = if case.is_f64 { 1e-11 } else { 2e-4 };
        // An error that is no number is infinite here.
        if worst > limit {
            failures.push(format!("{}: off by {worst:.2e}, {limit:.0e} is allowed", case.kernel));
        }
        let figure = Figure::new(case.kernel, &[worst], "relative error");
        findings.figures.push(figure.goal(Goal::Most(limit)));
        tried.push(case.kernel);
    }
    for name in library_names().iter().map(String::as_str) {
        if !tried.contains(&name) && !TIMED.contains(&name) {
            failures.push(format!("{name} is compared with nothing"));
        }
    }
    failures.dedup();
    if failures.is_empty() { Ok(()) } else { Err(failures.join("; ")) }
}

/// The largest error of a kernel on fresh input, relative to the largest element.
fn compare(bed: &mut Bed, case: &Case, random: &mut Pcg64) -> Result<f64, String> {
    let mut on_host: Vec<Vec<u64>> =
        case.buffers.iter().map(|buffer| content(*buffer, case.is_f64, random)).collect();
    let bytes = |at: usize| case.buffers[at].1 * if case.is_f64 { 8 } else { 4 };
    let mut spans: Vec<Span> = Vec::new();
    for (at, words) in on_host.iter().enumerate() {
        let content: &[u8] = bytemuck::cast_slice(words);
        spans.push(bed.put(&content[..bytes(at)]).map_err(|e| e.to_string())?);
    }
    let set = library();
    let kernel = set.get(case.kernel).ok_or("it is not in the library")?;
    let mut calls = Vec::new();
    let args = GpuArgs { shape: case.shape, params: &case.params, spans: &spans };
    kernel.calls(&args, &mut calls).map_err(|e| e.to_string())?;
    let done = bed.call(&calls).map_err(|e| e.to_string())?;
    if done.info != 0 {
        return Err(format!("it says {}", done.info));
    }
    let mut buffers: Vec<KernelBuffer<'_>> = (on_host.iter_mut().enumerate())
        .map(|(at, words)| {
            KernelBuffer::Write(&mut bytemuck::cast_slice_mut::<u64, u8>(words)[..bytes(at)])
        })
        .collect();
    let (shape, params) = (case.shape, case.params.as_slice());
    let mut args = KernelArgs { shape, params, cores: 1, buffers: &mut buffers, scratch: &mut [] };
    Twin(Arc::clone(kernel)).run(&mut args).map_err(|e| e.to_string())?;
    let mut worst = 0.0f64;
    for (at, (span, words)) in spans.iter().zip(&on_host).enumerate() {
        let found = numbers(&bed.get(*span).map_err(|e| e.to_string())?, case.is_f64);
        let expected = numbers(&bytemuck::cast_slice::<u64, u8>(words)[..bytes(at)], case.is_f64);
        let order = case.lower.filter(|_| at + 1 == spans.len());
        worst = worst.max(distance(&found, &expected, order));
    }
    Ok(worst)
}

fn distance(found: &[f64], expected: &[f64], lower: Option<usize>) -> f64 {
    let counts = |at: usize| lower.is_none_or(|order| at % order >= at / order);
    let largest = expected.iter().map(|x| x.abs()).fold(1.0, f64::max);
    let errors = found.iter().zip(expected).enumerate().filter(|(at, _)| counts(*at));
    let errors = errors.map(|(_, (a, b))| {
        // Indices are read as numbers that may be none: the same bits are no error.
        let error = if a.to_bits() == b.to_bits() { 0.0 } else { (a - b).abs() / largest };
        if error.is_nan() { f64::INFINITY } else { error }
    });
    errors.max_by(f64::total_cmp).unwrap_or(0.0)
}

fn numbers(bytes: &[u8], is_f64: bool) -> Vec<f64> {
    match is_f64 {
        true => bytes.chunks_exact(8).map(bytemuck::pod_read_unaligned::<f64>).collect(),
        false => {
            let all = bytes.chunks_exact(4).map(bytemuck::pod_read_unaligned::<f32>);
            all.map(f64::from).collect()
        }
    }
}

/// A buffer's content in whole words.
fn content((content, count): (Content, usize), is_f64: bool, random: &mut Pcg64) -> Vec<u64> {
    let mut unit = || (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64 - 0.5;
    let mut reals: Vec<f64> = (0..count).map(|_| unit()).collect();
    match content {
        Content::F32 | Content::F64 => {}
        Content::Positive => reals.iter_mut().for_each(|x| *x = x.abs() + 1e-3),
        Content::Poison => reals.fill(f64::NAN),
        Content::Index(limit) => {
            let index: Vec<u32> =
                reals.iter().map(|x| ((x + 0.5) * f64::from(limit)) as u32).collect();
            return words(bytemuck::cast_slice(&index));
        }
        Content::Definite(order) => {
            for row in 0..order {
                for column in 0..row {
                    reals[row * order + column] = reals[column * order + row];
                }
                reals[row * order + row] += order as f64;
            }
        }
    }
    if is_f64 {
        return words(bytemuck::cast_slice(&reals));
    }
    let reals: Vec<f32> = reals.into_iter().map(|x| x as f32).collect();
    words(bytemuck::cast_slice(&reals))
}

/// Bytes in whole words, the last one padded.
fn words(bytes: &[u8]) -> Vec<u64> {
    let mut words = vec![0u64; bytes.len().div_ceil(8)];
    bytemuck::cast_slice_mut::<u64, u8>(&mut words)[..bytes.len()].copy_from_slice(bytes);
    words
}
