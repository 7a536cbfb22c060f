//! Clusters that this host is not: content and times are the cluster's.

use crate::clusters::{spec, star};
use crate::modes::check;
use crate::schedulers::{AnyLane, Eager, Random};
use crate::stamps::Stamped;
use real_backend::{RunOutput, RunSpec, run};
use runtime::cluster::{Cluster, ClusterSpec, DeviceSpec, MemoryKind, MemorySpec};
use runtime::graph::{ObjectSpec, TaskSpec};
use runtime::replay::replay_inputs;
use runtime::trace::World;
use runtime::validator::validate;
use runtime::{Cost, Mode, Ns, Planned, Scheduler, TaskGraph};
use sim::Wire;
use std::sync::Arc;

const MODES: [Mode; 5] =
    [Mode::Read, Mode::Write, Mode::ReadWrite, Mode::Commutative, Mode::Reduce];

fn emulated(spec: RunSpec) -> RunSpec {
    RunSpec { emulation: Some(Box::new(Wire::new(Arc::clone(&spec.cluster)))), ..spec }
}

/// What every emulated run keeps to: the validator, which holds it to its links, and the durations
/// that were modelled.
fn keeps_to_its_model(output: &RunOutput, durations_ns: impl Fn(runtime::TaskId) -> Ns) {
    let trace = &output.trace;
    assert_eq!(trace.header.world, World::Emulated);
    assert!(trace.header.provenance.iter().any(|(key, _)| key == "emulated"));
    assert_eq!(validate(trace), []);
    for task in &trace.tasks {
        assert!(task.finished_ns - task.started_ns >= durations_ns(task.task));
    }
}

#[test]
fn content_travels_through_small_memories_at_the_pace_of_the_links() {
    for seed in 0..6 {
        let stamped = Stamped::random(&mut Random(seed), 80, 1, &MODES);
        let largest = stamped.graph.summary().max_working_set_bytes;
        let cluster = star(&[2, 1, 3], Some(largest + 1000));
        let runs: [&dyn Fn() -> Box<dyn Scheduler>; 2] =
            [&|| Box::new(Eager::default()), &|| Box::new(Planned::new(AnyLane(Random(seed))))];
        for scheduler in runs {
            let plain = spec(stamped.graph.clone(), Arc::clone(&cluster), Eager::default());
            let spec = emulated(RunSpec { scheduler: scheduler(), ..plain });
            let output = check(&stamped, spec);
            keeps_to_its_model(&output, |_| 0);
            assert!(!output.trace.copies.is_empty());
            let replayed = replay_inputs(&output.trace, scheduler()).unwrap();
            assert_eq!(replayed.digest, output.digest);
        }
    }
}

/// Tasks of 4 ms, each alone on a device of one lane.
fn sleepers(count: u32) -> TaskGraph {
    let mut graph = TaskGraph::new("sleepers");
    let kernel = graph.kernel("sleep");
    for _ in 0..count {
        graph.submit(TaskSpec { cost: Cost::Work(4e6), ..TaskSpec::new(kernel) }).unwrap();
    }
    graph
}

#[test]
fn many_devices_sleep_beside_each_other_on_few_cores() {
    let device = |i: u32| DeviceSpec {
        name: format!("d{i}"),
        class: "gpu".into(),
        memory: "hbm".into(),
        lanes: 1,
        speed: 1e9,
        issue_ns: 500_000,
        ..Default::default()
    };
    let spec_of = ClusterSpec {
        name: "64 devices".into(),
        memories: vec![MemorySpec {
            name: "hbm".into(),
            kind: MemoryKind::Hbm,
            ..Default::default()
        }],
        devices: (0..64).map(device).collect(),
        ..Default::default()
    };
    let cluster = Arc::new(Cluster::new(spec_of).unwrap());
    let output = run(emulated(spec(sleepers(64 * 5), cluster, Eager::default()))).unwrap();
    keeps_to_its_model(&output, |_| 4_000_000);
    assert!(output.trace.tasks.iter().all(|t| t.started_ns >= t.issued_ns + 500_000));
    // Five rounds of 4.5 ms, where one device after the other would take 1.4 s.
    assert!(output.makespan_ns >= 22_500_000);
    let lane = |l: u32| output.trace.tasks.iter().filter(|t| t.lane.0 == l).count();
    assert_eq!((0..64).map(lane).collect::<Vec<_>>(), [5; 64]);
}

#[test]
fn transfers_that_share_a_link_take_their_share_of_it() {
    // Objects at home in m0 are read in m1 and m2, each over a link of its own, or all in m1.
    let arrivals = |targets: [usize; 2]| {
        let mut stamped = Stamped::new();
        let object = ObjectSpec { bytes: 8_000_000, initial: true, ..Default::default() };
        let objects = [stamped.object(object), stamped.object(object)];
        objects.iter().for_each(|o| _ = stamped.plain(&[(*o, Mode::Read)]));
        let mut cluster = star(&[1, 2, 2], None).spec().clone();
        cluster.links.iter_mut().for_each(|l| l.bytes_per_s = 1e9);
        let cluster = Arc::new(Cluster::new(cluster).unwrap());
        let output = check(
            &stamped,
            emulated(spec(stamped.graph.clone(), cluster, crate::schedulers::On(targets.to_vec()))),
        );
        keeps_to_its_model(&output, |_| 0);
        let copies = &output.trace.copies;
        assert_eq!(copies.len(), 2);
        copies.iter().map(|c| c.finished_ns - c.started_ns).min().unwrap()
    };
    // Never less than modelled, however slow the host is.
    assert!(arrivals([1, 2]) >= 8_000_000);
    assert!(arrivals([1, 1]) >= 16_000_000);
}

#[test]
fn kernels_that_outlast_their_model_are_told() {
    let mut graph = TaskGraph::new("slow");
    let kernel = graph.kernel("slow");
    graph.submit(TaskSpec { cost: Cost::Work(1.0), ..TaskSpec::new(kernel) }).unwrap();
    let mut spec = emulated(spec(graph, star(&[1], None), Eager::default()));
    spec.kernels.insert("slow", |_: &mut runtime::KernelArgs<'_, '_>| {
        std::thread::sleep(std::time::Duration::from_millis(1200));
        Ok(None)
    });
    let output = run(spec).unwrap();
    // One unit of work takes 1 s.
    let note = "1 of 1 tasks took this host longer than modelled: 2";
    assert!(output.notes.iter().any(|n| n.starts_with(note)), "{:?}", output.notes);
    let told = output.trace.header.provenance.iter();
    assert!(told.clone().any(|(key, text)| key == "note" && text.starts_with(note)));
}
