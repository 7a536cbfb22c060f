//! Collective operations as graphs of transfers and reductions.
//!
//! Every rank is bound to one device (see [`INFO`]). A message is an object that a task of the
//! receiving rank reads: the copy is the transfer, which takes a latency (alpha) and a time per
//! byte (beta); where the message is reduced into what the rank holds, the task takes a time per
//! byte (gamma), and none otherwise. A rank sends and receives one message at a time: where data
//! alone would let it send several at once, control edges keep their order.
//!
//! Map: `ranks` builds tasks of ranks; `ring`, `doubling` (recursive doubling and halving,
//! Rabenseifner), `tree` (binomial) and `exchange` (pairwise) are the algorithms.
//!
//! R. Thakur, R. Rabenseifner and W. Gropp, Optimization of collective communication operations in
//! MPICH, International Journal of High Performance Computing Applications 19(1), 2005, has all of
//! them with their formulas, which `docs/collectives.md` repeats.

mod doubling;
mod exchange;
mod ranks;
mod ring;
mod tree;

use crate::registry::{Family, Workload, WorkloadError, WorkloadInfo};
use crate::registry::{check_tasks, conflict, count};
use ranks::Ranks;
use runtime::registry::{Dimension, Kind, ParameterInfo, Parameters};

/// The registry's entry.
pub const INFO: WorkloadInfo = WorkloadInfo {
    name: "collective",
    family: Family::Exact,
    summary: "a collective operation as transfers and reductions: rank r runs on the device named \
              node{r}, gpu{r} or p{r}, or on the devices of class class{r}",
    source: "Thakur, Rabenseifner and Gropp 2005; Rabenseifner 2004",
    parameters: &PARAMETERS,
    build,
};

const OPERATIONS: [&str; 5] =
    ["all-reduce", "reduce-scatter", "all-gather", "broadcast", "all-to-all"];
const ALGORITHMS: [&str; 7] = [
    "ring",
    "recursive-doubling",
    "recursive-halving",
    "rabenseifner",
    "binomial",
    "hierarchical",
    "pairwise",
];

const PARAMETERS: [ParameterInfo; 6] = [
    ParameterInfo {
        name: "operation",
        summary: "what is done",
        kind: Kind::Choice { default: "all-reduce", options: &OPERATIONS },
    },
    ParameterInfo {
        name: "algorithm",
        summary: "how: ring (all-reduce, reduce-scatter, all-gather), recursive-doubling \
                  (all-reduce, all-gather), recursive-halving (reduce-scatter), rabenseifner \
                  (all-reduce), binomial (all-reduce, broadcast), hierarchical (all-reduce), \
                  pairwise (all-to-all)",
        kind: Kind::Choice { default: "ring", options: &ALGORITHMS },
    },
    count("ranks", "ranks", 4, 1, 512),
    ParameterInfo {
        name: "bytes",
        summary: "the whole vector: what each rank begins with in all-reduce, reduce-scatter and \
                  all-to-all, what each ends with in all-gather and broadcast",
        kind: Kind::Quantity { default: "64 MiB", dimension: Dimension::Size },
    },
    ParameterInfo {
        name: "reduction",
        summary: "rate at which a rank reduces a message into what it holds (1/gamma)",
        kind: Kind::Quantity { default: "100 GB/s", dimension: Dimension::Rate },
    },
    count("group", "hierarchical: neighbouring ranks of a group, a divisor of ranks", 2, 1, 512),
];

fn build(parameters: &Parameters, _: u64) -> Result<Workload, WorkloadError> {
    let count = parameters.int("ranks") as usize;
    let bytes = parameters.quantity("bytes", Dimension::Size);
    let bytes = bytes.ok_or_else(|| conflict("bytes", "unlimited", "a size"))?;
    let (operation, algorithm) = (parameters.text("operation"), parameters.text("algorithm"));
    // No algorithm has more messages than the ring's all-reduce.
    check_tasks(INFO.name, 2.0 * (count * count) as f64 + count as f64)?;
    crate::registry::check_bytes(INFO.name, bytes as f64 * 4.0 * count as f64)?;
    let rate = parameters.quantity("reduction", Dimension::Rate).unwrap_or(u64::MAX).max(1);
    let mut ranks = Ranks::new(&format!("{operation}, {algorithm}"), count, rate as f64);
    let all: Vec<usize> = (0..count).collect();
    match (operation, algorithm) {
        ("all-reduce", "ring") => ring::all_reduce(&mut ranks, &all, bytes)?,
        ("reduce-scatter", "ring") => {
            ring::reduce_scatter(&mut ranks, &all, bytes)?;
        }
        ("all-gather", "ring") => ring::all_gather(&mut ranks, &all, bytes)?,
        ("all-reduce", "recursive-doubling") => doubling::all_reduce(&mut ranks, bytes)?,
        ("all-gather", "recursive-doubling") => {
            power_of_two(count)?;
            doubling::all_gather(&mut ranks, bytes)?;
        }
        ("reduce-scatter", "recursive-halving") => {
            power_of_two(count)?;
            doubling::reduce_scatter(&mut ranks, bytes)?;
        }
        ("all-reduce", "rabenseifner") => doubling::rabenseifner(&mut ranks, bytes)?,
        ("all-reduce", "binomial") => tree::all_reduce(&mut ranks, bytes)?,
        ("broadcast", "binomial") => tree::broadcast_from_the_first(&mut ranks, bytes)?,
        ("all-reduce", "hierarchical") => {
            let group = group(parameters.int("group") as usize, count)?;
            ring::hierarchical(&mut ranks, group, bytes)?;
        }
        ("all-to-all", "pairwise") => exchange::all_to_all(&mut ranks, bytes)?,
        _ => return Err(conflict("algorithm", algorithm, algorithms_of(operation))),
    }
    Ok(Workload { graph: ranks.graph, program: None, app: None })
}

/// What an operation can be done by, for people.
fn algorithms_of(operation: &str) -> String {
    let known = match operation {
        "all-reduce" => "ring, recursive-doubling, rabenseifner, binomial, hierarchical",
        "reduce-scatter" => "ring, recursive-halving",
        "all-gather" => "ring, recursive-doubling",
        "broadcast" => "binomial",
        _ => "pairwise",
    };
    format!("one of these for {operation}: {known}")
}

fn power_of_two(ranks: usize) -> Result<(), WorkloadError> {
    if ranks.is_power_of_two() {
        return Ok(());
    }
    let above = ranks.next_power_of_two();
    let expected = format!("a power of two here; the nearest are {} and {above}", above / 2);
    Err(conflict("ranks", ranks, expected))
}

/// Ranks of a group, which must divide them all.
fn group(given: usize, ranks: usize) -> Result<usize, WorkloadError> {
    if ranks.is_multiple_of(given) {
        return Ok(given);
    }
    let divisors = (1..=ranks).filter(|d| ranks.is_multiple_of(*d));
    let near = divisors.min_by_key(|d| d.abs_diff(given)).unwrap_or(1);
    Err(conflict("group", given, format!("a divisor of {ranks} ranks; the nearest is {near}")))
}

/// Part `index` of `parts` about equal ones: those before the remainder have one byte more.
fn part(bytes: u64, parts: usize, index: usize) -> u64 {
    let (parts, index) = (parts as u64, index as u64);
    bytes / parts + u64::from(index < bytes % parts)
}
