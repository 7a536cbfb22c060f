//! Durations of the workloads' kernels, by shape, from real runs on all cores.

use super::learn::{Learnt, Patience};
use super::{Effort, MeasureError};
use real_backend::{Machine, host_cluster};
use runtime::Cluster;
use runtime::cost::History;
use runtime::registry::Value;
use std::sync::Arc;
use std::time::Duration;

/// A workload with its parameters.
type Run = (&'static str, &'static [(&'static str, i64)]);

const QUICK: [Run; 2] = [
    ("cholesky", &[("n", 256), ("tile", 64)]),
    ("merge-sort", &[("n", 65_536), ("block", 16_384)]),
];

const FULL: [Run; 7] = [
    ("cholesky", &[("n", 512), ("tile", 64)]),
    ("cholesky", &[("n", 1024), ("tile", 128)]),
    ("cholesky", &[("n", 1536), ("tile", 192)]),
    ("cholesky", &[("n", 2048), ("tile", 256)]),
    ("merge-sort", &[("n", 1_048_576), ("block", 65_536)]),
    ("merge-sort", &[("n", 2_097_152), ("block", 262_144)]),
    ("word-count", &[("chunks", 16)]),
];

/// Runs every workload as often as the effort says.
pub(super) fn measure(effort: Effort, machine: &Machine) -> Result<Learnt, MeasureError> {
    let (runs, repetitions): (&[Run], usize) = match effort {
        Effort::Quick => (&QUICK, 3),
        Effort::Full => (&FULL, 7),
    };
    let patience = Patience { fewest: repetitions, most: repetitions, time: Duration::ZERO };
    let lanes = machine.cores.len() as u32;
    let cluster = Cluster::new(host_cluster(machine, lanes, 1e9));
    let cluster = Arc::new(cluster.expect("a machine has cores"));
    let mut learnt = Learnt::default();
    for &(name, given) in runs {
        let info = workloads::registry::find(name).expect("it is registered");
        let given: Vec<(String, Value)> =
            given.iter().map(|(name, value)| ((*name).to_owned(), Value::Int(*value))).collect();
        let result = learnt.learn(&mut || info.make(&given, 1), &cluster, 1, patience);
        result.map_err(|source| MeasureError::Kernels { what: name, source })?;
    }
    Ok(learnt)
}

/// Work per second of the kernel `gemm` at the shape of most work, or of whatever kernel does most.
pub(super) fn speed(history: &History) -> f64 {
    let is_gemm = |name: &str| name == "gemm";
    let known = history.entries().iter().filter(|e| e.mean_work > 0.0 && e.mean_ns > 0.0);
    let best = known.max_by(|a, b| {
        let rank = |e: &runtime::cost::Entry| (is_gemm(&e.kernel), e.mean_work);
        let ((a_is, a), (b_is, b)) = (rank(a), rank(b));
        a_is.cmp(&b_is).then(a.total_cmp(&b))
    });
    best.map_or(1e9, |e| e.mean_work * 1e9 / e.mean_ns)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(entries: &[(&str, f64, f64)]) -> History {
        let entry = |(kernel, mean_work, mean_ns): &(&str, f64, f64)| {
            serde_json::json!({
                "kernel": kernel, "class": "cpu", "shape": [1, 0, 0, 0],
                "count": 1, "mean_ns": mean_ns, "squares_ns2": 0.0, "mean_work": mean_work,
            })
        };
        let entries: Vec<_> = entries.iter().map(entry).collect();
        serde_json::from_value(serde_json::json!({ "entries": entries })).unwrap()
    }

    #[test]
    fn speed_is_that_of_the_largest_gemm_or_else_of_most_work() {
        let (sort, small, large) = (("sort", 9e9, 1e9), ("gemm", 1e6, 1e6), ("gemm", 1e9, 1e8));
        assert_eq!(speed(&history(&[sort, small, large])), 1e10);
        assert_eq!(speed(&history(&[sort])), 9e9);
        assert_eq!(speed(&history(&[])), 1e9);
    }
}
