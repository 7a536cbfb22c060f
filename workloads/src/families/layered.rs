//! Layered random graphs: every task has its parents in the layers before its own.

use super::model::{CostModel, with_costs};
use super::sketch::{Flow, Sketch, UNIT};
use crate::random::Stream;
use crate::registry::{Family, Workload, WorkloadError, WorkloadInfo};
use crate::registry::{check_edges, conflict, count};
use runtime::registry::{Kind, ParameterInfo, Parameters};

/// The registry's entry.
pub const INFO: WorkloadInfo = WorkloadInfo {
    name: "layered",
    family: Family::Classic,
    summary: "random graph in layers; each task has a few parents in the layers before, and every \
              edge is an object of its own",
    source: "Tobita and Kasahara 2002 (layrpred); alpha and class_range as in Topcuoglu, Hariri \
             and Wu 2002",
    parameters: &PARAMETERS,
    build,
};

const PARAMETERS: [ParameterInfo; 15] = with_costs([
    count("tasks", "number of tasks", 1000, 1, 20_000_000),
    count("width", "tasks per layer; 0 = alpha times the root of tasks", 0, 0, 20_000_000),
    ParameterInfo {
        name: "alpha",
        summary: "without width: tasks per layer over the root of tasks; large is parallel",
        kind: Kind::Float { default: 1.0, min: 0.001, max: 1000.0 },
    },
    ParameterInfo {
        name: "width_spread",
        summary: "layers have from 1 - width_spread to 1 + width_spread times width tasks",
        kind: Kind::Float { default: 0.0, min: 0.0, max: 1.0 },
    },
    count("min_parents", "fewest parents of a task, as far as there are so many", 1, 1, 256),
    count("max_parents", "most parents of a task", 3, 1, 256),
    count("reach", "layers before its own in which a task may have parents", 1, 1, 1000),
]);

fn build(parameters: &Parameters, seed: u64) -> Result<Workload, WorkloadError> {
    let model = CostModel::new(parameters)?;
    let tasks = parameters.int("tasks") as u32;
    let width = match parameters.int("width") as f64 {
        0.0 => parameters.float("alpha") * f64::from(tasks).sqrt(),
        width => width,
    };
    let layers = Layers {
        tasks,
        width: width.clamp(1.0, f64::from(tasks)),
        width_spread: parameters.float("width_spread"),
        min_parents: parameters.int("min_parents") as u64,
        max_parents: parameters.int("max_parents") as u64,
        reach: parameters.int("reach") as usize,
    };
    if layers.min_parents > layers.max_parents {
        let expected = format!("at most max_parents = {}", layers.max_parents);
        return Err(conflict("min_parents", layers.min_parents, expected));
    }
    check_edges(INFO.name, f64::from(tasks) * layers.max_parents as f64)?;
    layers.sketch(seed).finish(&model, Flow::PerEdge, seed)
}

struct Layers {
    tasks: u32,
    width: f64,
    width_spread: f64,
    min_parents: u64,
    max_parents: u64,
    reach: usize,
}

impl Layers {
    fn sketch(&self, seed: u64) -> Sketch {
        let mut widths = Stream::new(seed, "layer widths");
        let mut stream = Stream::new(seed, "parents");
        let mut sketch = Sketch::new("layered", &["task"]);
        // First tasks of the layers so far; the last entry is the layer being drawn.
        let mut starts: Vec<u32> = Vec::new();
        let mut parents = Vec::new();
        while (sketch.len() as u32) < self.tasks {
            let start = sketch.len() as u32;
            starts.push(start);
            let width = (self.width * widths.factor(self.width_spread)).round().max(1.0);
            let end = self.tasks.min(start.saturating_add(width as u32));
            let earliest = starts[starts.len().saturating_sub(1 + self.reach)];
            let previous = starts[starts.len().saturating_sub(2)];
            for _ in start..end {
                self.draw_parents(&mut stream, earliest, previous, start, &mut parents);
                sketch.task(0, UNIT, parents.iter().copied());
            }
        }
        sketch
    }

    /// Different parents from `earliest..start`, the first of them from the layer just before,
    /// which is `previous..start`, so that the number of layers is the graph's depth.
    fn draw_parents(
        &self,
        stream: &mut Stream,
        earliest: u32,
        previous: u32,
        start: u32,
        parents: &mut Vec<u32>,
    ) {
        parents.clear();
        if start == 0 {
            return;
        }
        let wanted = stream.between(self.min_parents, self.max_parents);
        let wanted = wanted.min(u64::from(start - earliest)) as usize;
        parents.push(stream.between(u64::from(previous), u64::from(start - 1)) as u32);
        while parents.len() < wanted {
            let parent = stream.between(u64::from(earliest), u64::from(start - 1)) as u32;
            if !parents.contains(&parent) {
                parents.push(parent);
            }
        }
    }
}
