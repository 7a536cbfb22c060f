//! The fast Fourier transform: a tree of recursive calls, then levels of butterflies.
//!
//! For m points 2m - 1 calls and m log2 m butterflies. All tasks of a level take equally long and
//! send equally much, so that every path is critical, as in Topcuoglu, Hariri and Wu.

use super::model::{CostModel, with_costs};
use super::sketch::{Flow, Sketch, Weight};
use crate::random::Stream;
use crate::registry::{Family, Workload, WorkloadError, WorkloadInfo};
use crate::registry::{check_tasks, conflict, count};
use runtime::registry::{ParameterInfo, Parameters};

/// The registry's entry.
pub const INFO: WorkloadInfo = WorkloadInfo {
    name: "fft",
    family: Family::Classic,
    summary: "fast Fourier transform: recursive calls, then butterflies; all tasks of a level are \
              alike, so task_spread and data_spread differ by level only",
    source: "Chung and Ranka 1992; Topcuoglu, Hariri and Wu 2002",
    parameters: &PARAMETERS,
    build,
};

const PARAMETERS: [ParameterInfo; 9] =
    with_costs([count("points", "points of the transform, a power of two", 32, 2, 1 << 20)]);

fn build(parameters: &Parameters, seed: u64) -> Result<Workload, WorkloadError> {
    let model = CostModel::new(parameters)?;
    let points = parameters.int("points") as u32;
    if !points.is_power_of_two() {
        return Err(conflict("points", points, "a power of two"));
    }
    let stages = points.ilog2();
    check_tasks(INFO.name, f64::from(points) * f64::from(stages + 2) - 1.0)?;
    let mut sketch = Sketch::new(INFO.name, &["call", "butterfly"]);
    let mut work = Stream::new(seed, "fft level durations");
    let mut data = Stream::new(seed, "fft level sizes");
    let mut level =
        || Weight { work: work.factor(model.task_spread), data: data.factor(model.data_spread) };
    let mut first = sketch.task(0, level(), []);
    for depth in 1..=stages {
        let (above, weight) = (first, level());
        first = sketch.len() as u32;
        for i in 0..1 << depth {
            sketch.task(0, weight, [above + i / 2]);
        }
    }
    for stage in 0..stages {
        let (above, weight) = (first, level());
        first = sketch.len() as u32;
        for i in 0..points {
            sketch.task(1, weight, [above + i, above + (i ^ 1 << stage)]);
        }
    }
    let drawn = CostModel { task_spread: 0.0, data_spread: 0.0, ..model };
    sketch.finish(&drawn, Flow::PerTask, seed)
}
