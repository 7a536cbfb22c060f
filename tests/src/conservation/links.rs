//! No link carries more than its bandwidth at any instant.
//!
//! Rates are not in a trace, but follow from it: between two instants at which a flow begins or
//! ends they are max-min fair. They are computed here by progressive filling from nothing, for
//! every such interval, which no link can exceed. If every flow then has carried its bytes at the
//! instant of its end, and not at the instant before, the simulated rates were these.
//!
//! Transfers of the other network models have a bandwidth to themselves.

use super::{Books, Breach};
use runtime::cluster::NetworkModel;
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
    if trace.header.world != World::Simulated {
        return;
    }
    if cluster.network() != NetworkModel::MaxMin {
        return trace.copies.iter().for_each(|c| alone(cluster, c, out));
    }
    let ended = trace.copies.iter().map(|c| flow(cluster, c, false));
    let cut = trace.losses.copies.iter().map(|c| flow(cluster, c, true));
    let mut flows: Vec<Flow> = ended.chain(cut).flatten().collect();
    if flows.len() <= MOST_FLOWS {
        books.flows_followed = flows.len();
        let capacities: Vec<f64> = cluster.channels().iter().map(|c| c.bytes_per_s).collect();
        follow(&capacities, &mut flows, out);
    }
}

/// A transfer that shares nothing lasts as long as its route says.
fn alone(cluster: &Cluster, c: &CopyRecord, out: &mut Vec<Breach>) {
    let flow_ns = c.bytes as f64 * 1e9 / cluster.bandwidth_bytes_per_s(c.source, c.target);
    let expected_ns = cluster.latency_ns(c.source, c.target) + flow_ns.ceil() as Ns;
    let lasted_ns = c.finished_ns - c.started_ns;
    if lasted_ns.abs_diff(expected_ns) > 1 + (flow_ns * TOLERANCE) as Ns {
        out.push(Breach::WrongDuration { copy: c.copy, lasted_ns, expected_ns });
    }
}

/// What a transfer has of the network; nothing where it has no bytes or was cut off before they
/// flowed.
fn flow(cluster: &Cluster, c: &CopyRecord, is_cut: bool) -> Option<Flow> {
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
fn follow(capacities: &[f64], flows: &mut [Flow], out: &mut Vec<Breach>) {
    flows.sort_by_key(|f| f.begin_ns);
    let mut instants: Vec<Ns> = flows.iter().flat_map(|f| [f.begin_ns, f.end_ns]).collect();
    instants.sort_unstable();
    instants.dedup();
    let (mut active, mut next): (Vec<usize>, usize) = (Vec::new(), 0);
    for span in instants.windows(2) {
        while flows.get(next).is_some_and(|f| f.begin_ns <= span[0]) {
            active.push(next);
            next += 1;
        }
        active.retain(|f| flows[*f].end_ns > span[0]);
        fill(capacities, flows, &active);
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
