//! Shape of a graph: depth, width, degrees, CCR's ingredients.

use super::model::TaskGraph;
use serde::{Deserialize, Serialize};

/// A graph in a few numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GraphSummary {
    /// Number of tasks.
    pub tasks: usize,
    /// Number of objects.
    pub objects: usize,
    /// Number of edges.
    pub edges: usize,
    /// Tasks on the longest path.
    pub depth: usize,
    /// Most tasks at one depth.
    pub width: usize,
    /// Bytes over all edges along which data flows.
    pub flow_bytes: u64,
    /// Bytes of all objects.
    pub object_bytes: u64,
    /// Largest working set of a task.
    pub max_working_set_bytes: u64,
}

impl TaskGraph {
    /// Depth of each task: 0 for tasks without predecessors, else one more than the deepest.
    pub fn depths(&self) -> Vec<u32> {
        let mut depths = vec![0; self.len()];
        for task in self.task_ids() {
            let deepest = self.incoming(task).iter().map(|e| depths[e.from.index()] + 1).max();
            depths[task.index()] = deepest.unwrap_or(0);
        }
        depths
    }

    /// The graph in a few numbers; linear in tasks, edges and accesses.
    pub fn summary(&self) -> GraphSummary {
        let depths = self.depths();
        let depth = depths.iter().max().map_or(0, |d| *d as usize + 1);
        let mut at_depth = vec![0usize; depth];
        for d in &depths {
            at_depth[*d as usize] += 1;
        }
        GraphSummary {
            tasks: self.len(),
            objects: self.object_count(),
            edges: self.edge_count(),
            depth,
            width: at_depth.into_iter().max().unwrap_or(0),
            flow_bytes: self.edges.iter().map(|e| self.edge_bytes(e)).sum(),
            object_bytes: self.objects.iter().map(|o| o.bytes).sum(),
            max_working_set_bytes: (self.task_ids().map(|t| self.working_set_bytes(t)).max())
                .unwrap_or(0),
        }
    }
}
