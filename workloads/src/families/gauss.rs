//! Gaussian elimination by columns.
//!
//! Step k of m - 1 has a pivot task, which makes the multipliers of column k, and one update task
//! per column j > k. In all (m^2 + m - 2) / 2 tasks. Relative durations are operations on the m - k
//! rows below the pivot: one division each for the pivot task, one multiplication and one
//! subtraction each for an update; both send those m - k elements.

use super::model::{CostModel, with_costs};
use super::sketch::{Flow, Sketch, Weight};
use crate::registry::{Family, Workload, WorkloadError, WorkloadInfo};
use crate::registry::{check_tasks, count};
use runtime::registry::{ParameterInfo, Parameters};

/// The registry's entry.
pub const INFO: WorkloadInfo = WorkloadInfo {
    name: "gaussian-elimination",
    family: Family::Classic,
    summary: "Gaussian elimination by columns: a pivot and the updates of the columns behind it, \
              step by step; durations and sizes shrink as the matrix does",
    source: "Cosnard, Marrakchi, Robert and Trystram 1988; Topcuoglu, Hariri and Wu 2002",
    parameters: &PARAMETERS,
    build,
};

const PARAMETERS: [ParameterInfo; 9] =
    with_costs([count("size", "order m of the matrix", 15, 2, 100_000)]);

fn build(parameters: &Parameters, seed: u64) -> Result<Workload, WorkloadError> {
    let model = CostModel::new(parameters)?;
    let size = parameters.int("size");
    let m = size as f64;
    check_tasks(INFO.name, (m * m + m - 2.0) / 2.0)?;
    let mut sketch = Sketch::new(INFO.name, &["pivot", "update"]);
    // The tasks that last changed the columns from k on; none before the first step.
    let mut columns: Vec<u32> = Vec::new();
    for k in 1..size {
        let rows = (size - k) as f64;
        let pivot_weight = Weight { work: rows, data: rows };
        let update_weight = Weight { work: 2.0 * rows, data: rows };
        let pivot = sketch.task(0, pivot_weight, columns.first().copied());
        columns = (1..=(size - k) as usize)
            .map(|j| {
                sketch.task(1, update_weight, [pivot].into_iter().chain(columns.get(j).copied()))
            })
            .collect();
    }
    sketch.finish(&model, Flow::PerTask, seed)
}
