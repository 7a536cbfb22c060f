//! Copies under way, on the network model of the cluster.
//!
//! A copy first waits its route's latency, using no bandwidth. Under `max-min` it then is a flow
//! over every channel of the route; under `contention-free` it has the route to itself. Links may
//! carry less for a while: transfers under way slow down, or stand still.

use crate::network::{FlowId, MaxMin};
use crate::queue::{Class, Queue};
use runtime::cluster::{NetworkModel, bytes_ns};
use runtime::{ChannelId, Cluster, CopyId, LinkId, MemoryId, Ns};

/// One copy, by its id; slots are reused as ids are.
#[derive(Clone, Copy, Debug, Default)]
struct Transfer {
    source: u32,
    target: u32,
    bytes: u64,
    issued_ns: Ns,
    /// Its event in the queue; one that carries another number is of an earlier copy.
    sequence: u32,
    /// Its flow, once it has one.
    flow: Option<FlowId>,
    /// What is left, where it has its route to itself and links have changed.
    own: Option<Own>,
}

/// A transfer that has its route to itself, at a rate that changes.
#[derive(Clone, Copy, Debug)]
struct Own {
    left_bytes: f64,
    bytes_per_s: f64,
    since_ns: Ns,
}

/// The copies of one simulation.
pub struct Transfers {
    model: NetworkModel,
    network: MaxMin,
    transfers: Vec<Transfer>,
    /// The copy of each running flow.
    copy_of: Vec<CopyId>,
    route: Vec<ChannelId>,
    channels: Vec<u32>,
    /// Of every channel now.
    capacities_bytes_per_s: Vec<f64>,
    /// Whether a link has ever changed.
    is_changed: bool,
}

impl Transfers {
    /// No copies yet.
    pub fn new(cluster: &Cluster) -> Self {
        let capacities: Vec<f64> = cluster.channels().iter().map(|c| c.bytes_per_s).collect();
        Self {
            model: cluster.network(),
            network: MaxMin::new(&capacities),
            transfers: Vec::new(),
            copy_of: Vec::new(),
            route: Vec::new(),
            channels: Vec::new(),
            capacities_bytes_per_s: capacities,
            is_changed: false,
        }
    }

    /// A link carries this part of its bandwidth from now on, in millionths.
    pub(crate) fn change_link(
        &mut self,
        cluster: &Cluster,
        queue: &mut Queue,
        now_ns: Ns,
        link: LinkId,
        factor_ppm: u32,
    ) {
        let bytes_per_s = cluster.link(link).bytes_per_s * f64::from(factor_ppm) / 1e6;
        for (at, channel) in cluster.channels().iter().enumerate() {
            if channel.link == Some(link) {
                self.capacities_bytes_per_s[at] = bytes_per_s;
                if self.model == NetworkModel::MaxMin {
                    self.network.set_capacity(now_ns, at as u32, bytes_per_s);
                }
            }
        }
        if self.model != NetworkModel::MaxMin {
            self.is_changed = true;
            for at in 0..self.transfers.len() {
                self.price_anew(cluster, queue, now_ns, CopyId(at as u32));
            }
        }
    }

    /// Gives a transfer that has its route to itself the rate and the end that it has now.
    fn price_anew(&mut self, cluster: &Cluster, queue: &mut Queue, now_ns: Ns, copy: CopyId) {
        let Transfer { source, target, own, .. } = self.transfers[copy.index()];
        let Some(Own { mut left_bytes, bytes_per_s, mut since_ns }) = own else { return };
        let passed_ns = now_ns.saturating_sub(since_ns);
        left_bytes = (left_bytes - bytes_per_s * passed_ns as f64 / 1e9).max(0.0);
        since_ns += passed_ns;
        self.route.clear();
        cluster.route(MemoryId(source), MemoryId(target), &mut self.route);
        let capacities = self.route.iter().map(|c| self.capacities_bytes_per_s[c.index()]);
        let bytes_per_s = capacities.fold(f64::INFINITY, f64::min);
        let transfer = &mut self.transfers[copy.index()];
        transfer.own = Some(Own { left_bytes, bytes_per_s, since_ns });
        transfer.sequence = u32::MAX;
        if left_bytes <= 0.0 || bytes_per_s > 0.0 {
            let left_ns = (left_bytes * 1e9 / bytes_per_s * (1.0 - 2.0 * f64::EPSILON)).ceil();
            let end_ns = since_ns.saturating_add(if left_bytes > 0.0 { left_ns as Ns } else { 0 });
            transfer.sequence = queue.push(end_ns, Class::Copy, copy.0);
        }
    }

    /// A copy is issued.
    pub(crate) fn issue(
        &mut self,
        cluster: &Cluster,
        queue: &mut Queue,
        now_ns: Ns,
        copy: CopyId,
        (source, target): (MemoryId, MemoryId),
        bytes: u64,
    ) {
        if self.transfers.len() <= copy.index() {
            let none = Transfer { sequence: u32::MAX, ..Transfer::default() };
            self.transfers.resize(copy.index() + 1, none);
        }
        self.transfers[copy.index()] = Transfer {
            source: source.0,
            target: target.0,
            bytes,
            issued_ns: now_ns,
            sequence: u32::MAX,
            flow: None,
            own: None,
        };
        let latency_ns = cluster.latency_ns(source, target);
        let begin_ns = now_ns.saturating_add(latency_ns);
        match self.model {
            // The executive issues no transfer whose ports are busy.
            NetworkModel::ContentionFree | NetworkModel::OnePort => {
                self.route.clear();
                let bytes_per_s = cluster.bandwidth_bytes_per_s(source, target);
                let transfer = &mut self.transfers[copy.index()];
                let left_bytes = bytes as f64;
                transfer.own = Some(Own { left_bytes, bytes_per_s, since_ns: begin_ns });
                if self.is_changed {
                    return self.price_anew(cluster, queue, now_ns, copy);
                }
                let end_ns = begin_ns.saturating_add(bytes_ns(bytes, bytes_per_s));
                transfer.sequence = queue.push(end_ns, Class::Copy, copy.0);
            }
            NetworkModel::MaxMin if latency_ns == 0 => self.begin(cluster, now_ns, copy),
            NetworkModel::MaxMin => {
                self.transfers[copy.index()].sequence = queue.push(begin_ns, Class::Copy, copy.0);
            }
        }
    }

    /// A copy is given up.
    pub(crate) fn abandon(&mut self, now_ns: Ns, copy: CopyId) {
        let transfer = &mut self.transfers[copy.index()];
        transfer.sequence = u32::MAX;
        transfer.own = None;
        if let Some(flow) = transfer.flow.take() {
            self.network.cancel(now_ns, flow);
        }
    }

    /// A copy's event has come: it has arrived (`true`) or it begins to flow, or the event is of a
    /// copy that was given up.
    pub(crate) fn ring(
        &mut self,
        cluster: &Cluster,
        now_ns: Ns,
        copy: CopyId,
        sequence: u32,
    ) -> bool {
        if self.transfers[copy.index()].sequence != sequence {
            return false;
        }
        if self.model != NetworkModel::MaxMin {
            self.transfers[copy.index()].own = None;
            return true;
        }
        self.begin(cluster, now_ns, copy);
        false
    }

    fn begin(&mut self, cluster: &Cluster, now_ns: Ns, copy: CopyId) {
        let Transfer { source, target, bytes, .. } = self.transfers[copy.index()];
        self.route.clear();
        cluster.route(MemoryId(source), MemoryId(target), &mut self.route);
        self.channels.clear();
        self.channels.extend(self.route.iter().map(|c| c.0));
        let flow = self.network.start(now_ns, bytes, &self.channels);
        let at = flow.0 as usize;
        if self.copy_of.len() <= at {
            self.copy_of.resize(at + 1, CopyId(u32::MAX));
        }
        self.copy_of[at] = copy;
        let transfer = &mut self.transfers[copy.index()];
        (transfer.flow, transfer.sequence) = (Some(flow), u32::MAX);
    }

    /// Whether something is being transferred, be it at no rate for the moment.
    pub(crate) fn is_any(&self) -> bool {
        let is_waiting =
            |t: &Transfer| self.model == NetworkModel::MaxMin && t.sequence != u32::MAX;
        self.transfers.iter().any(|t| t.flow.is_some() || t.own.is_some() || is_waiting(t))
    }

    /// The next flow to end, if it ends no later than `at_ns`. Rates are not repaired within an
    /// instant at which nothing ends.
    #[inline]
    pub(crate) fn next_end_by(&mut self, at_ns: Ns) -> Option<(Ns, FlowId)> {
        match self.model {
            NetworkModel::ContentionFree | NetworkModel::OnePort => None,
            NetworkModel::MaxMin => self.network.completion_by(at_ns),
        }
    }

    /// Takes a flow off that ends now; returns its copy.
    pub(crate) fn end(&mut self, now_ns: Ns, flow: FlowId) -> CopyId {
        self.network.finish(now_ns, flow);
        let copy = self.copy_of[flow.0 as usize];
        self.transfers[copy.index()].flow = None;
        copy
    }

    /// When a copy was issued, which in simulation is when it starts.
    pub(crate) fn started_ns(&self, copy: CopyId) -> Ns {
        self.transfers[copy.index()].issued_ns
    }
}
