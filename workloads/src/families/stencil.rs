//! A stencil in one dimension over time.

use super::model::{CostModel, with_costs};
use super::sketch::{Flow, Sketch, UNIT};
use crate::registry::{Family, Workload, WorkloadError, WorkloadInfo};
use crate::registry::{check_edges, check_tasks, count};
use runtime::registry::{ParameterInfo, Parameters};

/// The registry's entry.
pub const INFO: WorkloadInfo = WorkloadInfo {
    name: "stencil",
    family: Family::Classic,
    summary: "a row of blocks over time: each step of a block reads the step before of the blocks \
              within the radius, itself included; borders are not periodic",
    source: "iterative methods on grids; Slaughter et al. 2020 (Task Bench)",
    parameters: &PARAMETERS,
    build,
};

const PARAMETERS: [ParameterInfo; 11] = with_costs([
    count("blocks", "blocks of the row", 20, 1, 1_000_000),
    count("steps", "steps in time", 20, 1, 1_000_000),
    count("radius", "how far a block reads to either side", 1, 0, 100),
]);

fn build(parameters: &Parameters, seed: u64) -> Result<Workload, WorkloadError> {
    let model = CostModel::new(parameters)?;
    let [blocks, steps, radius] = ["blocks", "steps", "radius"].map(|name| parameters.int(name));
    let tasks = blocks as f64 * steps as f64;
    check_tasks(INFO.name, tasks)?;
    check_edges(INFO.name, tasks * blocks.min(2 * radius + 1) as f64)?;
    let mut sketch = Sketch::new(INFO.name, &["step"]);
    let (blocks, radius) = (blocks as u32, radius as u32);
    let mut before = None;
    for _ in 0..steps {
        let first = sketch.len() as u32;
        for i in 0..blocks {
            let near = i.saturating_sub(radius)..(i + radius + 1).min(blocks);
            let from = |first: u32| first + near.start..first + near.end;
            sketch.task(0, UNIT, before.map(from).unwrap_or_default());
        }
        before = Some(first);
    }
    sketch.finish(&model, Flow::PerTask, seed)
}
