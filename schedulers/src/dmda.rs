//! dmda, the deque model with data awareness.
//!
//! C. Augonnet, S. Thibault, R. Namyst and P.-A. Wacrenier, "StarPU: a unified platform for task
//! scheduling on heterogeneous multicore architectures", Concurrency and Computation: Practice and
//! Experience 23(2), 2011; its transfers in C. Augonnet, J. Clet-Ortega, S. Thibault and R. Namyst,
//! "Data-aware task scheduling on multi-accelerator based platforms", ICPADS 2010.
//!
//! A ready task goes at once to the device of least `free + duration + beta * transfer`: when the
//! device is free of what was placed on it, the task's duration there, and the time its missing
//! inputs take, each alone on its route from the nearest copy. What was placed is expected to start
//! when its device is free and its inputs have arrived. *Insertion*: none. *Ties*: the first
//! device. *Complexity*: O(p) per task for `p` devices and as many look-ups of each input.
//!
//! With `priorities` a lane runs what is ready by decreasing bottom level on mean durations and
//! communication (StarPU's `dmdas`), computed for the tasks known when they were submitted.

use crate::backlog::Backlog;
use crate::candidates::Candidates;
use crate::immediate::{Immediate, Immediately};
use runtime::cluster::MeanTransfer;
use runtime::registry::{Kind, ParameterInfo, SchedulerInfo};
use runtime::{DeviceId, Event, Ns, TaskId, View};

/// The registry's entry.
pub const INFO: SchedulerInfo = SchedulerInfo {
    name: "dmda",
    summary: "each ready task at once where it completes first, its transfers counted",
    paper: "Augonnet, Thibault, Namyst and Wacrenier, CCPE 23(2), 2011",
    parameters: &[
        ParameterInfo {
            name: "beta",
            summary: "weight of the time that missing inputs take",
            kind: Kind::Float { default: 1.0, min: 0.0, max: 1000.0 },
        },
        ParameterInfo {
            name: "priorities",
            summary: "whether lanes run tasks by bottom level instead of in the order they came",
            kind: Kind::Bool { default: false },
        },
    ],
    build: |parameters, _| {
        Box::new(Immediately::new(Dmda {
            beta: parameters.float("beta"),
            levels: parameters.bool("priorities").then(Vec::new),
            mean: None,
            backlog: Backlog::default(),
        }))
    },
};

/// See the module's documentation.
pub struct Dmda {
    /// Weight of transfers.
    beta: f64,
    /// Bottom level of each known task, with priorities.
    levels: Option<Vec<f64>>,
    mean: Option<MeanTransfer>,
    backlog: Backlog,
}

impl Dmda {
    /// The bottom levels of new tasks; those of earlier ones stay as they are.
    fn rank(&mut self, view: &View<'_>) {
        let mean = *self.mean.get_or_insert_with(|| view.cluster().mean_transfer());
        let Some(levels) = self.levels.as_mut() else { return };
        let graph = view.graph();
        let known = levels.len();
        levels.resize(graph.len(), 0.0);
        for task in graph.task_ids().skip(known).rev() {
            let below = graph.outgoing(task).map(|e| {
                let transfer_ns = e.object.map_or(0.0, |o| mean.ns(graph.object(o).bytes));
                transfer_ns + levels[e.to.index()]
            });
            let below_ns = below.fold(0.0, f64::max);
            levels[task.index()] = view.costs().mean_ns(task) + below_ns;
        }
    }
}

impl Immediate for Dmda {
    fn choose(&mut self, candidates: &Candidates<'_>) -> Option<DeviceId> {
        let (view, task, cores) = (candidates.view(), candidates.task, candidates.cores);
        let (cluster, now_ns) = (view.cluster(), view.now_ns());
        let mut best: Option<(f64, DeviceId, Ns, Ns)> = None;
        for (device, duration_ns) in candidates.iter() {
            let free_ns = self.backlog.free_ns(cluster, device, cores, now_ns);
            let completion_ns = free_ns.saturating_add(duration_ns) as f64;
            // The transfer only makes it worse: look copies up where that can matter.
            if best.is_some_and(|b| completion_ns >= b.0) {
                continue;
            }
            let fetch_ns = view.fetch_ns(task, device);
            let penalty_ns = completion_ns + self.beta * fetch_ns as f64;
            if best.is_none_or(|b| penalty_ns < b.0) {
                best = Some((penalty_ns, device, fetch_ns, duration_ns));
            }
        }
        let (_, device, fetch_ns, duration_ns) = best?;
        let arrival_ns = now_ns.saturating_add(fetch_ns);
        self.backlog.place(cluster, task, device, cores, arrival_ns, duration_ns);
        Some(device)
    }

    fn priority(&self, task: TaskId) -> i64 {
        self.levels.as_ref().map_or(0, |levels| levels[task.index()] as i64)
    }

    fn observe(&mut self, event: &Event, view: &View<'_>) {
        self.backlog.observe(event, view);
        if matches!(event, Event::GraphGrew { .. }) && self.levels.is_some() {
            self.rank(view);
        }
    }
}
