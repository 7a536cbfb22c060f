//! The network of a cluster outside a simulation: transfers begin by somebody else's clock, and
//! the simulator's own model says when each of them arrives.

use crate::queue::{Class, Queue};
use crate::transfers::Transfers;
use runtime::{Cluster, CopyId, LinkModel, MemoryId, Ns};
use std::sync::Arc;

/// The transfers under way on a cluster's links, by the simulator's network model.
pub struct Wire {
    cluster: Arc<Cluster>,
    queue: Queue,
    transfers: Transfers,
}

impl Wire {
    /// A network that carries nothing yet, shared as the cluster says.
    pub fn new(cluster: Arc<Cluster>) -> Self {
        Self { transfers: Transfers::new(&cluster), queue: Queue::default(), cluster }
    }
}

impl LinkModel for Wire {
    fn issue(&mut self, now_ns: Ns, copy: CopyId, source: MemoryId, target: MemoryId, bytes: u64) {
        let ends = (source, target);
        self.transfers.issue(&self.cluster, &mut self.queue, now_ns, copy, ends, bytes);
    }

    fn arrive_by(&mut self, now_ns: Ns) -> Option<(Ns, CopyId)> {
        loop {
            let event_ns = self.queue.peek().map_or(Ns::MAX, |e| e.at_ns);
            if let Some((at_ns, flow)) = self.transfers.next_end_by(event_ns.min(now_ns)) {
                return Some((at_ns, self.transfers.end(at_ns, flow)));
            }
            if event_ns > now_ns {
                return None;
            }
            let event = self.queue.pop()?;
            debug_assert_eq!(event.class, Class::Copy, "nothing else is ever queued");
            let copy = CopyId(event.index);
            if self.transfers.ring(&self.cluster, event.at_ns, copy, event.sequence) {
                return Some((event.at_ns, copy));
            }
        }
    }

    fn next_ns(&mut self) -> Option<Ns> {
        let event_ns = self.queue.peek().map(|e| e.at_ns);
        let end_ns = self.transfers.next_end_by(Ns::MAX).map(|(at_ns, _)| at_ns);
        event_ns.into_iter().chain(end_ns).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime::ClusterSpec;
    use runtime::cluster::{DeviceSpec, LinkSpec, MemorySpec, NetworkModel, SwitchSpec};

    /// Three memories around a switch, 1 byte per nanosecond and 100 ns on each link.
    fn star(network: NetworkModel) -> Wire {
        let memory = |i: usize| MemorySpec { name: format!("m{i}"), ..Default::default() };
        let link = |i: usize| LinkSpec {
            name: format!("l{i}"),
            a: format!("m{i}"),
            b: "switch".into(),
            bytes_per_s: 1e9,
            latency_ns: 100,
            ..Default::default()
        };
        let device = DeviceSpec {
            name: "d".into(),
            memory: "m0".into(),
            lanes: 1,
            speed: 1.0,
            ..Default::default()
        };
        let spec = ClusterSpec {
            name: "star".into(),
            memories: (0..3).map(memory).collect(),
            devices: vec![device],
            switches: vec![SwitchSpec { name: "switch".into(), bytes_per_s: None }],
            links: (0..3).map(link).collect(),
            network,
            ..Default::default()
        };
        Wire::new(Arc::new(Cluster::new(spec).unwrap()))
    }

    fn drain(wire: &mut Wire) -> Vec<(Ns, u32)> {
        let mut arrivals = Vec::new();
        while let Some(next_ns) = wire.next_ns() {
            while let Some((at_ns, copy)) = wire.arrive_by(next_ns) {
                assert_eq!(at_ns, next_ns, "it was announced");
                arrivals.push((at_ns, copy.0));
            }
        }
        arrivals
    }

    #[test]
    fn two_transfers_into_one_memory_share_its_link() {
        let mut wire = star(NetworkModel::MaxMin);
        wire.issue(1000, CopyId(7), MemoryId(0), MemoryId(2), 1000);
        wire.issue(1000, CopyId(8), MemoryId(1), MemoryId(2), 3000);
        // After 200 ns of latency both have half; the second has the rest to itself.
        assert_eq!(drain(&mut wire), [(3200, 7), (5200, 8)]);
        let mut wire = star(NetworkModel::ContentionFree);
        wire.issue(0, CopyId(0), MemoryId(0), MemoryId(2), 1000);
        wire.issue(0, CopyId(1), MemoryId(1), MemoryId(2), 3000);
        assert_eq!(drain(&mut wire), [(1200, 0), (3200, 1)]);
    }

    #[test]
    fn whoever_looks_late_is_told_the_right_instants() {
        let mut wire = star(NetworkModel::MaxMin);
        wire.issue(0, CopyId(0), MemoryId(0), MemoryId(1), 1000);
        assert_eq!(wire.arrive_by(1199), None);
        wire.issue(1199, CopyId(1), MemoryId(0), MemoryId(1), 500);
        assert_eq!(wire.arrive_by(9000), Some((1200, CopyId(0))));
        assert_eq!(wire.arrive_by(9000), Some((1899, CopyId(1))));
        assert_eq!((wire.arrive_by(9000), wire.next_ns()), (None, None));
    }
}
