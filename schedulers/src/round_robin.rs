//! Round-robin: each ready task at once on the next lane in turn that can run it.
//!
//! The baseline that spreads tasks evenly by number, knowing nothing. The turn goes round the lanes
//! of the cluster, so a device of eight lanes gets eight tasks in a row; a lane of a device that
//! cannot run the task is passed over. *Insertion*: none. *Ties*: there are none. *Complexity*:
//! O(1) per task where most lanes can run it.

use crate::candidates::Candidates;
use crate::immediate::{Immediate, Immediately};
use runtime::registry::SchedulerInfo;
use runtime::{DeviceId, LaneId};

/// The registry's entry.
pub const INFO: SchedulerInfo = SchedulerInfo {
    name: "round-robin",
    summary: "each ready task at once on the next lane in turn",
    paper: "none: in common use as a baseline",
    parameters: &[],
    build: |_, _| Box::new(Immediately::new(RoundRobin::default())),
};

/// See the module's documentation.
#[derive(Default)]
pub struct RoundRobin {
    /// The lane whose turn it is.
    next: usize,
}

impl Immediate for RoundRobin {
    fn choose(&mut self, candidates: &Candidates<'_>) -> Option<DeviceId> {
        let cluster = candidates.view().cluster();
        for _ in 0..cluster.lane_count() {
            let device = cluster.device_of(LaneId::from_index(self.next));
            self.next = (self.next + 1) % cluster.lane_count();
            if candidates.duration_ns(device).is_some() {
                return Some(device);
            }
        }
        None
    }
}
