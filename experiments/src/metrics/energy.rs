//! What a run takes in energy, where its cluster states powers.
//!
//! - A device draws its idle power all the time and, on top of it, the difference to its busy power
//!   in proportion to the part of its capacity that is used: busy lanes over lanes, or, where
//!   streams share the capacity, the sum of the running kernels' occupancies, at most 1. Linear in
//!   use is the model of X. Fan, W. Weber and L. Barroso, Power provisioning for a warehouse-sized
//!   computer, ISCA 2007. Attempts that came to nothing were work too.
//! - A device that is away draws nothing.
//! - A link draws its busy power while at least one transfer, either way, is under way on a route
//!   over it, and its idle power otherwise. Latencies are part of transfers.
//!
//! Everything is added up in whole numbers, nanoseconds times milliwatts, which are picojoules.
//! Linear in tasks and in the hops of transfers, times a logarithm.

use crate::record::EnergyMetrics;
use runtime::cluster::{Capacity, Power};
use runtime::graph::FULL_PPM;
use runtime::{Cluster, Ns, Trace};

/// `None` where no part of the cluster states its power. `cluster` is the trace's.
pub fn measure(trace: &Trace, cluster: &Cluster) -> Option<EnergyMetrics> {
    let spec = cluster.spec();
    let devices = spec.devices.iter().filter_map(|d| d.power);
    let links = spec.links.iter().filter_map(|l| l.power);
    devices.chain(links).next()?;
    let (device_idle_pj, compute_pj) = devices_pj(trace, cluster);
    let (link_idle_pj, transfer_pj) = links_pj(trace, cluster);
    let idle_pj = device_idle_pj + link_idle_pj;
    let energy_j = joules(idle_pj + compute_pj + transfer_pj);
    Some(EnergyMetrics {
        energy_j,
        energy_delay_js: energy_j * (trace.makespan_ns as f64 / 1e9),
        idle_j: joules(idle_pj),
        compute_j: joules(compute_pj),
        transfer_j: joules(transfer_pj),
    })
}

fn joules(pj: u128) -> f64 {
    pj as f64 / 1e12
}

/// Idle energy and what use adds to it, of all devices.
fn devices_pj(trace: &Trace, cluster: &Cluster) -> (u128, u128) {
    let away_ns = away_ns(trace);
    let used = used(trace, cluster);
    let (mut idle_pj, mut busy_pj) = (0, 0);
    for device in cluster.device_ids() {
        let Some(power) = cluster.device(device).power else { continue };
        let present_ns = trace.makespan_ns.saturating_sub(away_ns[device.index()]);
        idle_pj += u128::from(power.idle_mw) * u128::from(present_ns);
        let (amount_ns, whole) = used[device.index()];
        busy_pj += added_mw(power) * amount_ns / whole;
    }
    (idle_pj, busy_pj)
}

fn added_mw(power: Power) -> u128 {
    u128::from(power.busy_mw - power.idle_mw)
}

/// By device: how long it was away during the run.
fn away_ns(trace: &Trace) -> Vec<Ns> {
    let mut away_ns = vec![0; trace.header.cluster.devices.len()];
    for outage in &trace.losses.outages {
        let (from_ns, until_ns) = clipped(trace, outage.from_ns, outage.until_ns);
        away_ns[outage.device.index()] += until_ns - from_ns;
    }
    away_ns
}

/// The part of an interval that is within the run.
fn clipped(trace: &Trace, from_ns: Ns, until_ns: Ns) -> (Ns, Ns) {
    let from_ns = from_ns.min(trace.makespan_ns);
    (from_ns, until_ns.clamp(from_ns, trace.makespan_ns))
}

/// By device: the integral of its use over time, and the use that is all of it: of lanes in
/// nanoseconds and lanes, of a shared capacity in nanoseconds and millionths.
fn used(trace: &Trace, cluster: &Cluster) -> Vec<(u128, u128)> {
    let spec = &cluster.spec().devices;
    let whole = spec.iter().map(|device| match device.capacity {
        Capacity::PerLane => u128::from(device.lanes),
        Capacity::Shared => u128::from(FULL_PPM),
    });
    let mut used: Vec<(u128, u128)> = whole.map(|whole| (0, whole)).collect();
    let mut kernels: Vec<Vec<(Ns, i64)>> = vec![Vec::new(); spec.len()];
    let finished = trace.tasks.iter();
    let finished = finished.map(|t| (t.task, t.device, t.lanes, t.started_ns, t.finished_ns));
    let lost = trace.losses.attempts.iter();
    let lost = lost.map(|a| (a.task, a.device, a.lanes, a.issued_ns, a.ended_ns));
    for (task, device, lanes, from_ns, until_ns) in finished.chain(lost) {
        let (from_ns, until_ns) = clipped(trace, from_ns, until_ns);
        match spec[device.index()].capacity {
            Capacity::PerLane => {
                used[device.index()].0 += u128::from(until_ns - from_ns) * u128::from(lanes);
            }
            Capacity::Shared => {
                let occupancy_ppm = i64::from(trace.graph.task(task).occupancy_ppm);
                let changes = [(from_ns, occupancy_ppm), (until_ns, -occupancy_ppm)];
                kernels[device.index()].extend(changes);
            }
        }
    }
    for (used, mut changes) in used.iter_mut().zip(kernels) {
        used.0 += integral(&mut changes, i64::from(FULL_PPM));
    }
    used
}

/// The integral over time of a level that changes at instants, never counted above `most`.
fn integral(changes: &mut [(Ns, i64)], most: i64) -> u128 {
    changes.sort_unstable();
    let (mut sum, mut level, mut since_ns) = (0, 0, 0);
    for &(at_ns, change) in changes.iter() {
        sum += u128::from(at_ns - since_ns) * u128::from(level.min(most).unsigned_abs());
        (level, since_ns) = (level + change, at_ns);
    }
    sum
}

/// Idle energy and what transfers add to it, of all links.
fn links_pj(trace: &Trace, cluster: &Cluster) -> (u128, u128) {
    let links = &cluster.spec().links;
    if links.iter().all(|link| link.power.is_none()) {
        return (0, 0);
    }
    let mut flows: Vec<Vec<(Ns, i64)>> = vec![Vec::new(); links.len()];
    let mut route = Vec::new();
    for copy in trace.copies.iter().chain(&trace.losses.copies) {
        route.clear();
        cluster.route(copy.source, copy.target, &mut route);
        let (from_ns, until_ns) = clipped(trace, copy.started_ns, copy.finished_ns);
        for link in route.iter().filter_map(|c| cluster.channels()[c.index()].link) {
            flows[link.index()].extend([(from_ns, 1), (until_ns, -1)]);
        }
    }
    let (mut idle_pj, mut busy_pj) = (0, 0);
    for (link, mut changes) in links.iter().zip(flows) {
        let Some(power) = link.power else { continue };
        idle_pj += u128::from(power.idle_mw) * u128::from(trace.makespan_ns);
        busy_pj += added_mw(power) * integral(&mut changes, 1);
    }
    (idle_pj, busy_pj)
}
