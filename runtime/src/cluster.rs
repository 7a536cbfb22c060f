//! The machine: memories, devices with lanes, links and switches, and the routes between memories.
//!
//! A [`ClusterSpec`] is plain data with names; [`Cluster::new`] checks it and resolves names to
//! ids, lanes and routes.

mod error;
mod routes;
mod spec;

pub use error::ClusterError;
pub use routes::Channel;
pub use spec::{
    Capacity, ClusterSpec, DeviceSpec, Duplex, LinkSpec, MemoryKind, MemorySpec, NetworkModel,
    Power, SwitchSpec,
};

use crate::{ChannelId, DeviceId, LaneId, LinkId, MemoryId, Ns};
use routes::Routes;
use serde::{Deserialize, Serialize};

/// What a link carries now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkState {
    /// Of its bandwidth, in millionths; 0 = transfers over it stand still.
    pub factor_ppm: u32,
    /// Whether it is gone for good: routes avoid it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_lost: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_false(is: &bool) -> bool {
    !is
}

impl Default for LinkState {
    /// All of its bandwidth.
    fn default() -> Self {
        Self { factor_ppm: 1_000_000, is_lost: false }
    }
}

/// A checked cluster. Ids are positions in the spec; lanes are numbered device by device.
#[derive(Clone, Debug)]
pub struct Cluster {
    spec: ClusterSpec,
    memory_of: Vec<MemoryId>,
    lane_device: Vec<DeviceId>,
    first_lane: Vec<u32>,
    homes: Vec<MemoryId>,
    routes: Routes,
}

impl Cluster {
    /// Checks a spec and resolves it.
    ///
    /// # Errors
    /// The first [`ClusterError`] found.
    pub fn new(spec: ClusterSpec) -> Result<Self, ClusterError> {
        spec::check(&spec)?;
        let memory_of = (spec.devices.iter())
            .map(|d| error::memory_named(&spec, &d.name, &d.memory))
            .collect::<Result<Vec<_>, _>>()?;
        let homes = match spec.homes.is_empty() {
            true => memory_of.first().copied().into_iter().collect(),
            false => (spec.homes.iter())
                .map(|name| error::memory_named(&spec, "homes", name))
                .collect::<Result<Vec<_>, _>>()?,
        };
        let mut lane_device = Vec::new();
        let mut first_lane = Vec::with_capacity(spec.devices.len() + 1);
        for (i, device) in spec.devices.iter().enumerate() {
            first_lane.push(lane_device.len() as u32);
            lane_device.extend((0..device.lanes).map(|_| DeviceId::from_index(i)));
        }
        first_lane.push(lane_device.len() as u32);
        let routes = Routes::new(&spec)?;
        routes.check_reachable(&spec, &memory_of, &homes)?;
        Ok(Self { spec, memory_of, lane_device, first_lane, homes, routes })
    }

    /// The same machine with its links in these states, by id. Routes avoid links that are lost,
    /// and are the same otherwise; bandwidths are what is left, a millionth where nothing is.
    ///
    /// Quadratic in memories, as the routes of a new cluster are.
    pub fn with_links(&self, links: &[LinkState]) -> Self {
        let routes = self.routes.with_links(&self.spec, links);
        Self { routes, ..self.clone() }
    }

    /// Whether lost links leave no way from one memory to another.
    #[inline]
    pub fn is_cut(&self, from: MemoryId, to: MemoryId) -> bool {
        self.routes.is_cut(from, to)
    }

    /// The spec it was made from.
    pub fn spec(&self) -> &ClusterSpec {
        &self.spec
    }

    /// Shown to people.
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// How transfers share links.
    pub fn network(&self) -> NetworkModel {
        self.spec.network
    }

    /// Whether a device's lanes share one capacity.
    #[inline]
    pub fn is_shared(&self, device: DeviceId) -> bool {
        self.device(device).capacity == Capacity::Shared
    }

    /// Most transfers that may arrive in a memory at once; `None` = unlimited.
    #[inline]
    pub fn copies_in(&self, memory: MemoryId) -> Option<u32> {
        self.ports(self.memory(memory).copies_in)
    }

    /// Most transfers that may leave a memory at once; `None` = unlimited.
    #[inline]
    pub fn copies_out(&self, memory: MemoryId) -> Option<u32> {
        self.ports(self.memory(memory).copies_out)
    }

    fn ports(&self, engines: Option<u32>) -> Option<u32> {
        if self.spec.network == NetworkModel::OnePort { Some(1) } else { engines }
    }

    /// A device.
    #[inline]
    pub fn device(&self, device: DeviceId) -> &DeviceSpec {
        &self.spec.devices[device.index()]
    }

    /// Number of devices.
    pub fn device_count(&self) -> usize {
        self.spec.devices.len()
    }

    /// All devices.
    pub fn device_ids(
        &self,
    ) -> impl DoubleEndedIterator<Item = DeviceId> + ExactSizeIterator + use<> {
        (0..self.spec.devices.len() as u32).map(DeviceId)
    }

    /// A memory.
    pub fn memory(&self, memory: MemoryId) -> &MemorySpec {
        &self.spec.memories[memory.index()]
    }

    /// Number of memories.
    pub fn memory_count(&self) -> usize {
        self.spec.memories.len()
    }

    /// All memories.
    pub fn memory_ids(&self) -> impl ExactSizeIterator<Item = MemoryId> + use<> {
        (0..self.spec.memories.len() as u32).map(MemoryId)
    }

    /// The memory that a device computes in.
    #[inline]
    pub fn memory_of(&self, device: DeviceId) -> MemoryId {
        self.memory_of[device.index()]
    }

    /// The device a lane belongs to.
    #[inline]
    pub fn device_of(&self, lane: LaneId) -> DeviceId {
        self.lane_device[lane.index()]
    }

    /// Lanes in all.
    pub fn lane_count(&self) -> usize {
        self.lane_device.len()
    }

    /// A device's lanes.
    #[inline]
    pub fn lanes(&self, device: DeviceId) -> impl ExactSizeIterator<Item = LaneId> + use<> {
        let (start, end) = (self.first_lane[device.index()], self.first_lane[device.index() + 1]);
        (start..end).map(LaneId)
    }

    /// A device's first lane.
    #[inline]
    pub fn first_lane(&self, device: DeviceId) -> LaneId {
        LaneId(self.first_lane[device.index()])
    }

    /// `device.lane`, shown to people.
    pub fn lane_name(&self, lane: LaneId) -> String {
        let device = self.device_of(lane);
        let name = &self.device(device).name;
        match self.device(device).lanes {
            1 => name.clone(),
            _ => format!("{name}.{}", lane.0 - self.first_lane[device.index()]),
        }
    }

    /// The home memory of objects of home index `home`.
    #[inline]
    pub fn home(&self, home: u32) -> MemoryId {
        self.homes[home as usize % self.homes.len()]
    }

    /// Whether a memory is home to data. Its content is durable: it outlives its devices.
    pub fn is_home(&self, memory: MemoryId) -> bool {
        self.homes.contains(&memory)
    }

    /// A link.
    pub fn link(&self, link: LinkId) -> &LinkSpec {
        &self.spec.links[link.index()]
    }

    /// The channels of all links, by id.
    pub fn channels(&self) -> &[Channel] {
        self.routes.channels()
    }

    /// Whether data can get from `from` to `to`.
    pub fn reaches(&self, from: MemoryId, to: MemoryId) -> bool {
        self.routes.pair(from, to).is_some()
    }

    /// Latency of the route, 0 within one memory.
    #[inline]
    pub fn latency_ns(&self, from: MemoryId, to: MemoryId) -> Ns {
        self.routes.pair(from, to).map_or(Ns::MAX, |p| p.latency_ns)
    }

    /// Bandwidth of the route's slowest channel, infinite within one memory.
    #[inline]
    pub fn bandwidth_bytes_per_s(&self, from: MemoryId, to: MemoryId) -> f64 {
        self.routes.pair(from, to).map_or(0.0, |p| p.bytes_per_s)
    }

    /// Duration of a transfer that shares no link: latency plus bytes over the slowest channel,
    /// rounded up to a whole nanosecond; 0 within one memory, `Ns::MAX` without a route.
    #[inline]
    pub fn transfer_ns(&self, from: MemoryId, to: MemoryId, bytes: u64) -> Ns {
        if from == to {
            return 0;
        }
        match self.routes.pair(from, to) {
            Some(pair) => pair.latency_ns.saturating_add(bytes_ns(bytes, pair.bytes_per_s)),
            None => Ns::MAX,
        }
    }

    /// Raises `latest_ns`, by memory, to the arrival there of `bytes` that leave `from` at
    /// `leaves_ns`, as if [`Cluster::transfer_ns`] were asked for every memory; much cheaper than
    /// that where many routes are alike.
    pub fn arrive_everywhere(
        &self,
        from: MemoryId,
        leaves_ns: Ns,
        bytes: u64,
        latest_ns: &mut [Ns],
    ) {
        let (mut bytes_per_s, mut flow_ns) = (f64::INFINITY, 0);
        for (pair, latest_ns) in self.routes.row(from).iter().zip(latest_ns) {
            if pair.bytes_per_s != bytes_per_s {
                bytes_per_s = pair.bytes_per_s;
                flow_ns = bytes_ns(bytes, bytes_per_s);
            }
            // An unreachable memory has infinite latency.
            let transfer_ns = pair.latency_ns.saturating_add(flow_ns);
            *latest_ns = (*latest_ns).max(leaves_ns.saturating_add(transfer_ns));
        }
    }

    /// The channels from one memory to another, in order, appended to `out`.
    pub fn route(&self, from: MemoryId, to: MemoryId, out: &mut Vec<ChannelId>) {
        self.routes.append(from, to, out);
    }

    /// Mean, over ordered pairs of different lanes, of latency (ns) and of inverse bandwidth
    /// (ns per byte): what list schedulers call average communication. The processors of the
    /// literature are lanes; as in Topcuoglu, Hariri and Wu (2002) a processor makes no pair with
    /// itself, and two lanes of one memory make a pair that costs nothing.
    ///
    /// Quadratic in the number of memories.
    pub fn mean_transfer(&self) -> MeanTransfer {
        let mut lanes = vec![0.0; self.memory_count()];
        for device in self.device_ids() {
            lanes[self.memory_of(device).index()] += f64::from(self.device(device).lanes);
        }
        let (mut latency, mut per_byte) = (0.0, 0.0);
        let used = |m: &MemoryId| lanes[m.index()] > 0.0;
        for from in self.memory_ids().filter(used) {
            for to in self.memory_ids().filter(used).filter(|to| *to != from) {
                let pairs = lanes[from.index()] * lanes[to.index()];
                latency += pairs * self.latency_ns(from, to) as f64;
                per_byte += pairs * (1e9 / self.bandwidth_bytes_per_s(from, to));
            }
        }
        let all = self.lane_count() as f64;
        let pairs = (all * (all - 1.0)).max(1.0);
        MeanTransfer { latency_ns: latency / pairs, ns_per_byte: per_byte / pairs }
    }
}

/// See [`Cluster::mean_transfer`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeanTransfer {
    /// Mean latency.
    pub latency_ns: f64,
    /// Mean inverse bandwidth.
    pub ns_per_byte: f64,
}

impl MeanTransfer {
    /// Mean duration of a transfer of `bytes`.
    pub fn ns(&self, bytes: u64) -> f64 {
        self.latency_ns + self.ns_per_byte * bytes as f64
    }
}

/// Whole nanoseconds that `bytes` take at a rate, rounded up; what exceeds a whole number by less
/// than the accuracy of the computation does not count.
#[inline]
pub fn bytes_ns(bytes: u64, bytes_per_s: f64) -> Ns {
    if bytes == 0 {
        return 0;
    }
    (bytes as f64 * 1e9 / bytes_per_s * (1.0 - 2.0 * f64::EPSILON)).ceil() as Ns
}

#[cfg(test)]
mod tests;
