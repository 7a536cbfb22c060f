//! The two extremes: no dependencies, and nothing but.

use super::model::{CostModel, with_costs};
use super::sketch::{Flow, Sketch, UNIT};
use crate::registry::{Family, Workload, WorkloadError, WorkloadInfo, count};
use runtime::registry::{ParameterInfo, Parameters};

/// The registry's entry for independent tasks.
pub const INDEPENDENT: WorkloadInfo = WorkloadInfo {
    name: "independent",
    family: Family::Classic,
    summary: "a bag of tasks without dependencies or data",
    source: "Ibarra and Kim 1977",
    parameters: &PARAMETERS,
    build: independent,
};

/// The registry's entry for chains.
pub const CHAIN: WorkloadInfo = WorkloadInfo {
    name: "chain",
    family: Family::Classic,
    summary: "tasks one after the other, each reading the result of the one before",
    source: "the extreme opposite of independent tasks",
    parameters: &PARAMETERS,
    build: chain,
};

const PARAMETERS: [ParameterInfo; 9] =
    with_costs([count("tasks", "number of tasks", 100, 1, 20_000_000)]);

fn independent(parameters: &Parameters, seed: u64) -> Result<Workload, WorkloadError> {
    let mut sketch = Sketch::new(INDEPENDENT.name, &["task"]);
    for _ in 0..parameters.int("tasks") {
        sketch.task(0, UNIT, []);
    }
    sketch.finish(&CostModel::new(parameters)?, Flow::PerTask, seed)
}

fn chain(parameters: &Parameters, seed: u64) -> Result<Workload, WorkloadError> {
    let mut sketch = Sketch::new(CHAIN.name, &["task"]);
    for i in 0..parameters.int("tasks") as u32 {
        sketch.task(0, UNIT, i.checked_sub(1));
    }
    sketch.finish(&CostModel::new(parameters)?, Flow::PerTask, seed)
}
