//! Random: each ready task at once on a random lane that can run it, all of them equally likely.
//!
//! The baseline that shows what deciding is worth. The numbers come from a stream of the run's seed
//! and are drawn in the order in which tasks are ready. *Insertion*: none. *Ties*: there are none.
//! *Complexity*: O(p) per task for `p` devices.

use crate::candidates::Candidates;
use crate::immediate::{Immediate, Immediately};
use crate::stream::Stream;
use runtime::DeviceId;
use runtime::registry::SchedulerInfo;

/// The registry's entry.
pub const INFO: SchedulerInfo = SchedulerInfo {
    name: "random",
    summary: "each ready task at once on a random lane that can run it",
    paper: "none: in common use as a baseline",
    parameters: &[],
    build: |_, context| {
        let stream = Stream::new(context.seed, "random");
        Box::new(Immediately::new(Random { stream }))
    },
};

/// See the module's documentation.
pub struct Random {
    stream: Stream,
}

impl Immediate for Random {
    fn choose(&mut self, candidates: &Candidates<'_>) -> Option<DeviceId> {
        let cluster = candidates.view().cluster();
        let lanes = |device: DeviceId| u64::from(cluster.device(device).lanes);
        let all: u64 = candidates.iter().map(|(device, _)| lanes(device)).sum();
        if all == 0 {
            return None;
        }
        let mut left = self.stream.below(all);
        let mut devices = candidates.iter().map(|(device, _)| device);
        devices.find(|device| {
            let is_here = left < lanes(*device);
            left = left.saturating_sub(lanes(*device));
            is_here
        })
    }
}
