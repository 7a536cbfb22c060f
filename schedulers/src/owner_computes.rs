//! Owner computes: a task runs where what it writes is at home.
//!
//! D. Callahan and K. Kennedy, "Compiling programs for distributed-memory multiprocessors", The
//! Journal of Supercomputing 2(2), 1988. A distribution of data over processes thereby becomes a
//! mapping of tasks: inputs are fetched, results are at home when they are made.
//!
//! The owner is the home of the first object that the task writes, in the order of its accesses; of
//! the first that it reads where it writes none. Among the devices that compute in the owner's
//! memory the task goes to where it completes first, data not counted, as in [`crate::mct`].
//! *Ties*: the first device. *Complexity*: O(p) per task for `p` devices.
//!
//! Beyond the paper: where no device computes in a home (a disk, or main memory beside GPUs), home
//! number h belongs to device h modulo their number. A task that its owner cannot run, or that
//! accesses nothing, goes to where it completes first of all.

use crate::backlog::Backlog;
use crate::candidates::Candidates;
use crate::immediate::{Immediate, Immediately};
use runtime::registry::SchedulerInfo;
use runtime::{DeviceId, Event, Ns, View};

/// The registry's entry.
pub const INFO: SchedulerInfo = SchedulerInfo {
    name: "owner-computes",
    summary: "each ready task at once at the home of what it writes",
    paper: "Callahan and Kennedy, The Journal of Supercomputing 2(2), 1988",
    parameters: &[],
    build: |_, _| Box::new(Immediately::new(OwnerComputes::default())),
};

/// See the module's documentation.
#[derive(Default)]
pub struct OwnerComputes {
    backlog: Backlog,
}

impl Immediate for OwnerComputes {
    fn choose(&mut self, candidates: &Candidates<'_>) -> Option<DeviceId> {
        let owned = owner(candidates)
            .and_then(|owner| self.earliest(candidates, |device| owner.is(candidates, device)));
        let (device, duration_ns) = owned.or_else(|| self.earliest(candidates, |_| true))?;
        let (cluster, now_ns) = (candidates.view().cluster(), candidates.view().now_ns());
        let (task, cores) = (candidates.task, candidates.cores);
        self.backlog.place(cluster, task, device, cores, now_ns, duration_ns);
        Some(device)
    }

    fn observe(&mut self, event: &Event, view: &View<'_>) {
        self.backlog.observe(event, view);
    }
}

impl OwnerComputes {
    /// Where the task completes first, of the candidates that are `wanted`, and its duration there.
    fn earliest(
        &mut self,
        candidates: &Candidates<'_>,
        wanted: impl Fn(DeviceId) -> bool,
    ) -> Option<(DeviceId, Ns)> {
        let (cluster, now_ns) = (candidates.view().cluster(), candidates.view().now_ns());
        let completion = |(device, duration_ns): (DeviceId, Ns)| {
            let free_ns = self.backlog.free_ns(cluster, device, candidates.cores, now_ns);
            (free_ns.saturating_add(duration_ns), device, duration_ns)
        };
        let all = candidates.iter().filter(|(device, _)| wanted(*device));
        all.map(completion).min().map(|(_, device, duration_ns)| (device, duration_ns))
    }
}

/// Who owns an object.
enum Owner {
    /// The devices that compute in its home.
    Memory(runtime::MemoryId),
    /// None does: this one stands in.
    Device(DeviceId),
}

impl Owner {
    fn is(&self, candidates: &Candidates<'_>, device: DeviceId) -> bool {
        match *self {
            Self::Memory(memory) => candidates.view().cluster().memory_of(device) == memory,
            Self::Device(owner) => owner == device,
        }
    }
}

fn owner(candidates: &Candidates<'_>) -> Option<Owner> {
    let (graph, cluster) = (candidates.view().graph(), candidates.view().cluster());
    let accesses = graph.accesses(candidates.task);
    let access = accesses.iter().find(|a| a.mode.writes()).or_else(|| accesses.first())?;
    let home = graph.object(access.object).home;
    let memory = cluster.home(home);
    let mut devices = cluster.device_ids();
    Some(match devices.any(|device| cluster.memory_of(device) == memory) {
        true => Owner::Memory(memory),
        false => Owner::Device(DeviceId::from_index(home as usize % cluster.device_count())),
    })
}
