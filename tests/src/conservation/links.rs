//! No link carries more than its bandwidth at any instant.
//!
//! Rates are not in a trace, but follow from it: between two instants at which a flow begins or
//! ends they are max-min fair. They are computed here by progressive filling from nothing, for
//! every such interval, which no link can exceed. If every flow then has carried its bytes at the
//! instant of its end, and not at the instant before, the simulated rates were these.
//!
//! Transfers of the other network models have a bandwidth to themselves. Links that carry less for
//! a while, or are lost, change capacities and routes at instants that the trace tells.

use super::{Books, Breach};
use runtime::cluster::{LinkState, NetworkModel};
use runtime::trace::{CopyRecord, Trace, World};
use runtime::{Cluster, CopyId, Ns};

/// Traces with more flows are not followed.
const MOST_FLOWS: usize = 4000;

/// Relative error of sums of floating-point numbers.
const TOLERANCE: f64 = 1e-6;

struct Flow {
    copy: CopyId,
    bytes: u64,
    channels: Vec<usize>,
    begin_ns: Ns,
    end_ns: Ns,
    /// Whether it was cut off at its end.
    is_cut: bool,
    carried: f64,
    rate: f64,
}

pub(super) fn check(trace: &Trace, cluster: &Cluster, books: &mut Books, out: &mut Vec<Breach>) {
    let count = trace.copies.len() + trace.losses.copies.len();
    if trace.header.world != World::Simulated || count > MOST_FLOWS {
        return;
    }
    let states = states(trace, cluster);
    let ended = trace.copies.iter().map(|c| flow(&states, c, false));
    let cut = trace.losses.copies.iter().map(|c| flow(&states, c, true));
    let mut flows: Vec<Flow> = ended.chain(cut).flatten().collect();
    books.flows_followed = flows.len();
    let is_shared = cluster.network() == NetworkModel::MaxMin;
    follow(&states, is_shared, &mut flows, out);
}

/// The network from an instant on.
struct Network {
    from_ns: Ns,
    /// With the routes of then.
    cluster: Cluster,
    /// What each channel carries, in bytes per second.
    capacities: Vec<f64>,
}

/// The network before and after every change of a link.
fn states(trace: &Trace, cluster: &Cluster) -> Vec<Network> {
    let channels = cluster.channels();
    let capacities = channels.iter().map(|c| c.bytes_per_s).collect();
    let mut all = vec![Network { from_ns: 0, cluster: cluster.clone(), capacities }];
    let mut links = vec![LinkState::default(); trace.header.cluster.links.len()];
    for change in &trace.losses.links {
        links[change.link.index()] = change.state;
        let last = &all[all.len() - 1];
        let mut capacities = last.capacities.clone();
        let part = f64::from(change.state.factor_ppm) / 1e6;
        for (capacity, channel) in capacities.iter_mut().zip(channels) {
            if channel.link == Some(change.link) {
                *capacity = channel.bytes_per_s * part;
            }
        }
        let cluster = last.cluster.with_links(&links);
        all.push(Network { from_ns: change.at_ns, cluster, capacities });
    }
    all
}

/// The network at an instant, after all changes at it.
fn at(states: &[Network], instant_ns: Ns) -> &Network {
    &states[states.partition_point(|n| n.from_ns <= instant_ns).max(1) - 1]
}

/// What a transfer has of the network; nothing where it has no bytes or was cut off before they
/// flowed.
fn flow(states: &[Network], c: &CopyRecord, is_cut: bool) -> Option<Flow> {
    let cluster = &at(states, c.issued_ns).cluster;
    let begin_ns = c.started_ns + cluster.latency_ns(c.source, c.target);
    let end_ns = c.finished_ns;
    if c.bytes == 0 || (is_cut && begin_ns >= end_ns) {
        return None;
    }
    let mut route = Vec::new();
    cluster.route(c.source, c.target, &mut route);
    let channels = route.iter().map(|c| c.index()).collect();
    let (copy, bytes, carried, rate) = (c.copy, c.bytes, 0.0, 0.0);
    Some(Flow { copy, bytes, channels, begin_ns, end_ns, is_cut, carried, rate })
}

/// Lets all flows run from their begin to their end.
fn follow(states: &[Network], is_shared: bool, flows: &mut [Flow], out: &mut Vec<Breach>) {
    flows.sort_by_key(|f| f.begin_ns);
    let mut instants: Vec<Ns> = flows.iter().flat_map(|f| [f.begin_ns, f.end_ns]).collect();
    instants.extend(states.iter().map(|n| n.from_ns));
    instants.sort_unstable();
    instants.dedup();
    let (mut active, mut next): (Vec<usize>, usize) = (Vec::new(), 0);
    for span in instants.windows(2) {
        while flows.get(next).is_some_and(|f| f.begin_ns <= span[0]) {
            active.push(next);
            next += 1;
        }
        active.retain(|f| flows[*f].end_ns > span[0]);
        let capacities = &at(states, span[0]).capacities;
        match is_shared {
            true => fill(capacities, flows, &active),
            false => alone(capacities, flows, &active),
        }
        for &f in &active {
            flows[f].carried += flows[f].rate * (span[1] - span[0]) as f64 / 1e9;
        }
    }
    out.extend(flows.iter().filter_map(verdict));
}

/// A flow has carried its bytes at its end, and had not a nanosecond before: ends are rounded up.
fn verdict(flow: &Flow) -> Option<Breach> {
    let &Flow { copy, bytes, carried, rate, end_ns: at_ns, .. } = flow;
    let last_ns = 1;
    let before = carried - rate * last_ns as f64 / 1e9;
    let slack = TOLERANCE * bytes as f64 + 1e-3;
    let is_early = !flow.is_cut && carried < bytes as f64 - slack;
    let is_late = before > bytes as f64 + slack;
    (is_early || is_late).then_some(Breach::WrongRate {
        copy,
        bytes,
        carried,
        at_ns,
        last_ns,
        before,
    })
}

/// Every flow has its route to itself.
fn alone(capacities: &[f64], flows: &mut [Flow], active: &[usize]) {
    for &f in active {
        let of_route = flows[f].channels.iter().map(|c| capacities[*c]);
        flows[f].rate = of_route.fold(f64::INFINITY, f64::min);
    }
}

/// Progressive filling (Bertsekas and Gallager, Data Networks, 2nd edition, 1992, section 6.5.2):
/// all rates rise together, and the flows over a channel that is full rise no further.
fn fill(capacities: &[f64], flows: &mut [Flow], active: &[usize]) {
    let mut rising: Vec<usize> = active.to_vec();
    let mut left = capacities.to_vec();
    active.iter().for_each(|f| flows[*f].rate = 0.0);
    while !rising.is_empty() {
        let mut users = vec![0.0; left.len()];
        rising.iter().flat_map(|f| &flows[*f].channels).for_each(|c| users[*c] += 1.0);
        let full = (0..left.len()).filter(|c| users[*c] > 0.0);
        let Some(full) =
            full.min_by(|a, b| (left[*a] / users[*a]).total_cmp(&(left[*b] / users[*b])))
        else {
            return;
        };
        let by = left[full] / users[full];
        for (left, users) in left.iter_mut().zip(&users) {
            *left = (*left - by * users).max(0.0);
        }
        rising.iter().for_each(|f| flows[*f].rate += by);
        rising.retain(|f| !flows[*f].channels.contains(&full));
    }
}
