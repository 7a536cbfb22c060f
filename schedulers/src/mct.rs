//! MCT, Minimum Completion Time.
//!
//! M. Maheswaran, S. Ali, H. J. Siegel, D. Hensgen and R. F. Freund, "Dynamic mapping of a class of
//! independent tasks onto heterogeneous computing systems", Journal of Parallel and Distributed
//! Computing 59(2), 1999 (immediate mode).
//!
//! A ready task goes at once to the device where it is expected to complete first: when the device
//! is free of what was placed on it, plus the task's duration there. As in the paper the time of
//! moving data does not count; [`crate::dmda`] counts it. *Insertion*: none, tasks queue in the
//! order of their coming. *Ties*: the first device. *Complexity*: O(p) per task for `p` devices.
//!
//! Beyond the paper: a device with several lanes is free when enough of them are expected to be.

use crate::backlog::Backlog;
use crate::candidates::Candidates;
use crate::immediate::{Immediate, Immediately};
use runtime::registry::SchedulerInfo;
use runtime::{DeviceId, Event, View};

/// The registry's entry.
pub const INFO: SchedulerInfo = SchedulerInfo {
    name: "mct",
    summary: "each ready task at once where it completes first, data not counted",
    paper: "Maheswaran, Ali, Siegel, Hensgen and Freund, JPDC 59(2), 1999",
    parameters: &[],
    build: |_, _| Box::new(Immediately::new(Mct::default())),
};

/// See the module's documentation.
#[derive(Default)]
pub struct Mct {
    backlog: Backlog,
}

impl Immediate for Mct {
    fn choose(&mut self, candidates: &Candidates<'_>) -> Option<DeviceId> {
        let (cluster, now_ns) = (candidates.view().cluster(), candidates.view().now_ns());
        let cores = candidates.cores;
        let completion = |(device, duration_ns)| {
            let free_ns = self.backlog.free_ns(cluster, device, cores, now_ns);
            (free_ns.saturating_add(duration_ns), device, duration_ns)
        };
        let (_, device, duration_ns) = candidates.iter().map(completion).min()?;
        self.backlog.place(cluster, candidates.task, device, cores, now_ns, duration_ns);
        Some(device)
    }

    fn observe(&mut self, event: &Event, view: &View<'_>) {
        self.backlog.observe(event, view);
    }
}
