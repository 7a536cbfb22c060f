//! Energy against a sum by hand, and against one over every instant at which anything changes.

use super::*;
use proptest::prelude::*;
use runtime::cluster::{Capacity, Power};
use runtime::trace::{LostAttempt, Outage};

fn watts(idle: u32, busy: u32) -> Option<Power> {
    Some(Power { idle_mw: idle * 1000, busy_mw: busy * 1000 })
}

fn energy(trace: &Trace) -> Option<crate::record::EnergyMetrics> {
    let cluster = Cluster::new(trace.header.cluster.clone()).unwrap();
    crate::metrics::energy::measure(trace, &cluster)
}

/// A second, in nanoseconds.
const S: Ns = 1_000_000_000;

#[test]
fn who_states_no_power_is_told_no_energy() {
    let mut trace = trace_of(graph_of(1), machine(&[(2, 1.0)]), 10 * S);
    trace.tasks.push(attempt(0, 0, [0, 0, 0, 0, 0, 0, 0, 10 * S]));
    assert_eq!(energy(&trace), None);
    trace.header.cluster.devices[0].power = watts(0, 0);
    assert_eq!(energy(&trace).unwrap().energy_j, 0.0);
}

#[test]
fn lanes_and_links_are_added_up() {
    let mut machine = machine(&[(2, 1.0), (1, 1.0)]);
    machine.devices[0].power = watts(10, 110);
    machine.devices[1].power = watts(5, 5);
    machine.links[0].power = watts(1, 3);
    let mut trace = trace_of(graph_of(2), machine, 10 * S);
    // Both lanes busy for 2 s, one of them for 4 s more; the second task's device adds nothing.
    trace.tasks.push(attempt(0, 0, [0, 0, 0, 0, 0, 0, 0, 6 * S]));
    trace.tasks.push(attempt(1, 1, [0, 0, 0, 0, 0, 0, 0, 2 * S]));
    // Two transfers, one each way, 3 s together and 1 s alone: busy for 4 s.
    for (source, started_ns, finished_ns) in [(0, S, 4 * S), (1, S, 5 * S)] {
        trace.copies.push(copy(source, 1 - source, started_ns, finished_ns));
    }
    let energy = energy(&trace).unwrap();
    assert_eq!(energy.idle_j, 10.0 * (10.0 + 5.0 + 1.0));
    assert_eq!(energy.compute_j, 100.0 * (6.0 + 2.0) / 2.0);
    assert_eq!(energy.transfer_j, 2.0 * 4.0);
    assert_eq!(energy.energy_j, 160.0 + 400.0 + 8.0);
    assert_eq!(energy.energy_delay_js, 5680.0);
}

#[test]
fn lost_devices_draw_nothing_and_lost_work_counts() {
    let mut machine = machine(&[(1, 1.0)]);
    machine.devices[0].power = watts(10, 30);
    let mut trace = trace_of(graph_of(1), machine, 10 * S);
    trace.losses.attempts.push(LostAttempt {
        task: TaskId(0),
        device: DeviceId(0),
        lane: LaneId(0),
        lanes: 1,
        reserved_ns: 0,
        issued_ns: 0,
        ended_ns: 3 * S,
        cause: runtime::scheduler::Cause::DeviceLost,
        first_buffer: 0,
    });
    // It never comes back, long after the run.
    trace.losses.outages.push(Outage { device: DeviceId(0), from_ns: 3 * S, until_ns: Ns::MAX });
    let energy = energy(&trace).unwrap();
    assert_eq!((energy.idle_j, energy.compute_j), (30.0, 60.0));
}

fn copy(source: u32, target: u32, started_ns: Ns, finished_ns: Ns) -> CopyRecord {
    CopyRecord {
        copy: CopyId(0),
        object: runtime::ObjectId(0),
        source: MemoryId(source),
        target: MemoryId(target),
        from: InstanceId(0),
        to: InstanceId(1),
        bytes: 8,
        reason: CopyReason::Input,
        requested_ns: started_ns,
        issued_ns: started_ns,
        started_ns,
        finished_ns,
    }
}

/// Power in milliwatts of everything at an instant, found by looking at every record.
fn power_mw(trace: &Trace, at_ns: Ns) -> f64 {
    let is_during = |from_ns: Ns, until_ns: Ns| from_ns <= at_ns && at_ns < until_ns;
    let cluster = &trace.header.cluster;
    let mut sum_mw = 0.0;
    for (i, device) in cluster.devices.iter().enumerate() {
        let is_it = |d: DeviceId| d.index() == i;
        let mut outages = trace.losses.outages.iter();
        if outages.any(|o| is_it(o.device) && is_during(o.from_ns, o.until_ns)) {
            continue;
        }
        let part = |task: TaskId, lanes: u32| match device.capacity {
            Capacity::PerLane => f64::from(lanes) / f64::from(device.lanes),
            Capacity::Shared => f64::from(trace.graph.task(task).occupancy_ppm) / 1e6,
        };
        let running = (trace.tasks.iter())
            .filter(|t| is_it(t.device) && is_during(t.started_ns, t.finished_ns))
            .map(|t| part(t.task, t.lanes));
        let lost = (trace.losses.attempts.iter())
            .filter(|a| is_it(a.device) && is_during(a.issued_ns, a.ended_ns))
            .map(|a| part(a.task, a.lanes));
        let used = running.chain(lost).sum::<f64>().min(1.0);
        let power = device.power.unwrap_or_default();
        sum_mw += f64::from(power.idle_mw);
        sum_mw += f64::from(power.busy_mw - power.idle_mw) * used;
    }
    // A star: link i joins memory 0 and memory i + 1.
    for (i, link) in cluster.links.iter().enumerate() {
        let is_crossed = |m: MemoryId| m.index() == i + 1;
        let mut copies = trace.copies.iter().chain(&trace.losses.copies);
        let is_busy = copies.any(|c| {
            (is_crossed(c.source) || is_crossed(c.target)) && is_during(c.started_ns, c.finished_ns)
        });
        let power = link.power.unwrap_or_default();
        sum_mw += f64::from(if is_busy { power.busy_mw } else { power.idle_mw });
    }
    sum_mw
}

/// Power at the begin of every stretch in which nothing changes, times its length.
fn summed_j(trace: &Trace) -> f64 {
    let mut instants = vec![0, trace.makespan_ns];
    instants.extend(trace.tasks.iter().flat_map(|t| [t.started_ns, t.finished_ns]));
    let copies = trace.copies.iter().chain(&trace.losses.copies);
    instants.extend(copies.flat_map(|c| [c.started_ns, c.finished_ns]));
    instants.extend(trace.losses.attempts.iter().flat_map(|a| [a.issued_ns, a.ended_ns]));
    instants.extend(trace.losses.outages.iter().flat_map(|o| [o.from_ns, o.until_ns]));
    instants.retain(|at_ns| *at_ns <= trace.makespan_ns);
    instants.sort_unstable();
    let stretches = instants.windows(2).filter(|w| w[0] < w[1]);
    stretches.map(|w| power_mw(trace, w[0]) * (w[1] - w[0]) as f64 / 1e12).sum()
}

/// Tasks of random occupancy on a star of unlike devices, one of them with streams; `None`
/// where a task failed too often.
fn run(seed: u64, failure: f64, outages: f64) -> Option<Trace> {
    let mut rng = Pcg64::new(u128::from(seed), 7);
    let mut random = |below: u64| rng.next_u64() % below;
    let mut graph = TaskGraph::new("random");
    let kernel = graph.kernel("k");
    let objects: Vec<_> = (0..6)
        .map(|_| {
            let spec =
                ObjectSpec { bytes: random(50_000_000), initial: true, ..Default::default() };
            graph.add_object(spec).unwrap()
        })
        .collect();
    for _ in 0..4 + random(24) {
        let at = random(6) as usize;
        let accesses = [(objects[at], Mode::ReadWrite), (objects[(at + 1) % 6], Mode::Read)];
        let spec = TaskSpec {
            cost: Cost::Work(random(1000) as f64 / 1e4),
            occupancy_ppm: 1 + random(1_000_000) as u32,
            accesses: &accesses[..1 + random(2) as usize],
            ..TaskSpec::new(kernel)
        };
        graph.submit(spec).unwrap();
    }
    let mut machine = machine(&[(2, 1.0), (4, 2.0), (1, 0.5)]);
    machine.devices[1].capacity = Capacity::Shared;
    machine.devices[0].issue_ns = random(1000);
    let mut power = || {
        let idle_mw = random(100_000) as u32;
        // Not every part tells.
        (random(4) > 0).then(|| Power { idle_mw, busy_mw: idle_mw + random(500_000) as u32 })
    };
    machine.devices.iter_mut().for_each(|d| d.power = power());
    machine.links.iter_mut().for_each(|l| l.power = power());
    let cluster = Arc::new(Cluster::new(machine).unwrap());
    let costs = Costs::resolve(&graph, &cluster, None).unwrap();
    let mct = schedulers::find("mct").unwrap().build_default(seed);
    let spells =
        sim::Spells { share: outages, well_ns: 1_000_000_000, spell_ns: Some(100_000_000) };
    let disturbance = sim::Disturbance { failure, outages: spells, ..Default::default() };
    let spec = sim::SimSpec::new(graph, cluster, costs, mct);
    let output = sim::run(sim::SimSpec { disturbance, seed, ..spec });
    output.ok().map(|output| output.trace)
}

proptest! {
    #[test]
    fn energy_is_power_summed_over_every_instant(
        seed: u64,
        failure in prop_oneof![Just(0.0), 0.0..0.1],
        outages in prop_oneof![Just(0.0), 0.0..0.9],
    ) {
        let trace = run(seed, failure, outages);
        prop_assume!(trace.is_some());
        let trace = trace.unwrap();
        let expected_j = summed_j(&trace);
        match energy(&trace) {
            None => prop_assert_eq!(expected_j, 0.0),
            Some(energy) => {
                let off_j = (energy.energy_j - expected_j).abs();
                // Parts of a picojoule are dropped once per device.
                let is_near = off_j <= 1e-9 * expected_j + 3e-12;
                prop_assert!(is_near, "{} {}", energy.energy_j, expected_j);
                let parts_j = energy.idle_j + energy.compute_j + energy.transfer_j;
                prop_assert!((parts_j - energy.energy_j).abs() <= 1e-12 * parts_j);
            }
        }
    }
}
