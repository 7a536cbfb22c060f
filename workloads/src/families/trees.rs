//! Complete trees: results that flow together (in-tree) or work that fans out (out-tree).

use super::model::{CostModel, with_costs};
use super::sketch::{Flow, Sketch, UNIT};
use crate::registry::{Family, Workload, WorkloadError, WorkloadInfo};
use crate::registry::{check_tasks, count};
use runtime::registry::{ParameterInfo, Parameters};

/// The registry's entry for in-trees.
pub const IN_TREE: WorkloadInfo = WorkloadInfo {
    name: "in-tree",
    family: Family::Classic,
    summary: "complete tree from leaves to root; each task combines `degree` results",
    source: "Hu 1961",
    parameters: &PARAMETERS,
    build: in_tree,
};

/// The registry's entry for out-trees.
pub const OUT_TREE: WorkloadInfo = WorkloadInfo {
    name: "out-tree",
    family: Family::Classic,
    summary: "complete tree from root to leaves; `degree` tasks read each result",
    source: "Hu 1961",
    parameters: &PARAMETERS,
    build: out_tree,
};

const PARAMETERS: [ParameterInfo; 10] = with_costs([
    count("levels", "levels of the tree; one level is the root alone", 7, 1, 1_000_000),
    count("degree", "subtrees of a task that is no leaf", 2, 1, 100_000),
]);

/// Tasks at each level, root first.
fn levels(name: &'static str, parameters: &Parameters) -> Result<Vec<u32>, WorkloadError> {
    let (levels, degree) = (parameters.int("levels"), parameters.int("degree") as f64);
    let (mut widths, mut tasks, mut width) = (Vec::new(), 0.0, 1.0);
    for _ in 0..levels {
        tasks += width;
        check_tasks(name, tasks)?;
        widths.push(width as u32);
        width *= degree;
    }
    Ok(widths)
}

fn in_tree(parameters: &Parameters, seed: u64) -> Result<Workload, WorkloadError> {
    let model = CostModel::new(parameters)?;
    let widths = levels(IN_TREE.name, parameters)?;
    let degree = parameters.int("degree") as u32;
    let mut sketch = Sketch::new(IN_TREE.name, &["task"]);
    // First task of the level below, which was added before.
    let mut below = None;
    for &width in widths.iter().rev() {
        let first = sketch.len() as u32;
        for i in 0..width {
            let from = |first: u32| first + i * degree..first + (i + 1) * degree;
            sketch.task(0, UNIT, below.map(from).unwrap_or_default());
        }
        below = Some(first);
    }
    sketch.finish(&model, Flow::PerTask, seed)
}

fn out_tree(parameters: &Parameters, seed: u64) -> Result<Workload, WorkloadError> {
    let model = CostModel::new(parameters)?;
    let widths = levels(OUT_TREE.name, parameters)?;
    let degree = parameters.int("degree") as u32;
    let mut sketch = Sketch::new(OUT_TREE.name, &["task"]);
    let mut above = None;
    for &width in &widths {
        let first = sketch.len() as u32;
        for i in 0..width {
            sketch.task(0, UNIT, above.map(|first: u32| first + i / degree));
        }
        above = Some(first);
    }
    sketch.finish(&model, Flow::PerTask, seed)
}
