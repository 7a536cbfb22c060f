//! Fork-join graphs.

use super::model::{CostModel, with_costs};
use super::sketch::{Flow, Sketch, UNIT};
use crate::registry::{Family, Workload, WorkloadError, WorkloadInfo};
use crate::registry::{check_tasks, count};
use runtime::registry::{ParameterInfo, Parameters};

/// The registry's entry.
pub const INFO: WorkloadInfo = WorkloadInfo {
    name: "fork-join",
    family: Family::Classic,
    summary: "stages of parallel tasks with a joining task after each, which forks the next",
    source: "bulk-synchronous programs; Valiant 1990",
    parameters: &PARAMETERS,
    build,
};

const PARAMETERS: [ParameterInfo; 10] = with_costs([
    count("stages", "number of stages", 10, 1, 1_000_000),
    count("width", "parallel tasks of a stage", 20, 1, 1_000_000),
]);

fn build(parameters: &Parameters, seed: u64) -> Result<Workload, WorkloadError> {
    let model = CostModel::new(parameters)?;
    let (stages, width) = (parameters.int("stages"), parameters.int("width"));
    check_tasks(INFO.name, stages as f64 * (width + 1) as f64 + 1.0)?;
    let mut sketch = Sketch::new(INFO.name, &["fork", "work", "join"]);
    let mut fork = sketch.task(0, UNIT, []);
    for _ in 0..stages {
        let first = sketch.len() as u32;
        for _ in 0..width {
            sketch.task(1, UNIT, [fork]);
        }
        fork = sketch.task(2, UNIT, first..first + width as u32);
    }
    sketch.finish(&model, Flow::PerTask, seed)
}
