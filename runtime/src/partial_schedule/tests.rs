use super::*;
use crate::cluster::{
    Cluster, ClusterSpec, DeviceSpec, LinkSpec, MemorySpec, NetworkModel, SwitchSpec,
};
use crate::graph::Mode;
use crate::graph::{ObjectSpec, TaskGraph, TaskSpec};
use crate::planner::Fixed;
use crate::{Cost, Costs, MemoryId, ObjectId};

/// `lanes.len()` nodes of speed 1 (a unit of work is a second), joined pairwise by links of 1 kB/s.
fn cluster(lanes: &[u32], capacity_bytes: Option<u64>) -> Cluster {
    let nodes = 0..lanes.len();
    let memory = |i| MemorySpec { name: format!("m{i}"), capacity_bytes, ..MemorySpec::default() };
    let device = |i: usize| DeviceSpec {
        name: format!("d{i}"),
        class: "cpu".into(),
        memory: format!("m{i}"),
        lanes: lanes[i],
        speed: 1.0,
        ..DeviceSpec::default()
    };
    let pairs = nodes.clone().flat_map(|b| (0..b).map(move |a| (a, b)));
    let link = |(a, b)| LinkSpec {
        name: format!("m{a}-m{b}"),
        a: format!("m{a}"),
        b: format!("m{b}"),
        bytes_per_s: 1e3,
        ..LinkSpec::default()
    };
    Cluster::new(ClusterSpec {
        name: "test".into(),
        memories: nodes.clone().map(memory).collect(),
        devices: nodes.clone().map(device).collect(),
        links: pairs.map(link).collect(),
        ..ClusterSpec::default()
    })
    .unwrap()
}

const S: Ns = 1_000_000_000;

/// Adds a task of some seconds and cores.
fn add(graph: &mut TaskGraph, seconds: f64, cores: u32, accesses: &[(ObjectId, Mode)]) -> TaskId {
    let kernel = graph.kernel("k");
    let cost = Cost::Work(seconds);
    graph.submit(TaskSpec { cost, cores, accesses, ..TaskSpec::new(kernel) }).unwrap()
}

fn object(graph: &mut TaskGraph, bytes: u64, initial: bool) -> ObjectId {
    graph.add_object(ObjectSpec { bytes, initial, ..ObjectSpec::default() }).unwrap()
}

fn with(graph: &TaskGraph, cluster: &Cluster, check: impl FnOnce(&mut PartialSchedule<'_>)) {
    let costs = Costs::resolve(graph, cluster, None).unwrap();
    let problem = Problem::fresh(graph, cluster, &costs);
    check(&mut PartialSchedule::new(&problem));
}

fn place(partial: &mut PartialSchedule<'_>, task: TaskId, device: u32, policy: Policy) -> Slot {
    let slot = partial.slot(task, DeviceId(device), policy).unwrap();
    partial.place(task, slot);
    slot
}

#[test]
fn insertion_fills_gaps_and_appending_does_not() {
    let mut graph = TaskGraph::new("g");
    let data = object(&mut graph, 3000, false);
    let a = add(&mut graph, 1.0, 1, &[(data, Mode::Write)]);
    let b = add(&mut graph, 2.0, 1, &[(data, Mode::Read)]);
    let c = add(&mut graph, 4.0, 1, &[]);
    with(&graph, &cluster(&[1, 1], None), |partial| {
        place(partial, a, 0, Policy::Insertion);
        assert_eq!(partial.data_ready_ns(b, DeviceId(0)), S, "local data are there at once");
        let b = place(partial, b, 1, Policy::Insertion);
        assert_eq!((b.start_ns, b.finish_ns), (4 * S, 6 * S), "3 kB take 3 s");
        let inserted = partial.slot(c, DeviceId(1), Policy::Insertion).unwrap();
        assert_eq!(inserted.start_ns, 0);
        let appended = partial.slot(c, DeviceId(1), Policy::Append).unwrap();
        assert_eq!(appended.start_ns, 6 * S);
        let best = partial.earliest_finish(c, Policy::Insertion).unwrap();
        assert_eq!((best.device, best.start_ns), (DeviceId(1), 0));
    });
}

#[test]
fn initial_data_come_from_home() {
    let mut graph = TaskGraph::new("g");
    let data = object(&mut graph, 2000, true);
    let t = add(&mut graph, 1.0, 1, &[(data, Mode::ReadWrite)]);
    let next = add(&mut graph, 1.0, 1, &[(data, Mode::Read)]);
    with(&graph, &cluster(&[1, 1], None), |partial| {
        assert_eq!(partial.data_ready_ns(t, DeviceId(0)), 0);
        assert_eq!(partial.data_ready_ns(t, DeviceId(1)), 2 * S);
        place(partial, t, 1, Policy::Insertion);
        assert_eq!(partial.data_ready_ns(next, DeviceId(0)), 5 * S);
        assert_eq!(partial.data_ready_ns(next, DeviceId(1)), 3 * S, "its home is of no use now");
    });
}

#[test]
fn several_cores_are_consecutive_and_start_together() {
    let mut graph = TaskGraph::new("g");
    let single: Vec<_> = (0..3).map(|i| add(&mut graph, 1.0 + f64::from(i), 1, &[])).collect();
    let wide = add(&mut graph, 1.0, 3, &[]);
    with(&graph, &cluster(&[4, 2], None), |partial| {
        for t in single {
            place(partial, t, 0, Policy::Insertion);
        }
        // Lanes end at 1, 2, 3 and 0 seconds.
        assert_eq!(partial.idle_from_ns(DeviceId(0), 1), 0);
        assert_eq!(partial.idle_from_ns(DeviceId(0), 3), 3 * S);
        assert_eq!(partial.idle_from_ns(DeviceId(1), 3), Ns::MAX);
        assert_eq!(partial.slot(wide, DeviceId(1), Policy::Insertion), None, "it has two lanes");
        let slot = place(partial, wide, 0, Policy::Insertion);
        assert_eq!((slot.lane, slot.start_ns), (LaneId(0), 3 * S), "the first window of the two");
        assert_eq!(partial.lane_end_ns(LaneId(2)), 4 * S);
        assert_eq!(partial.lane_end_ns(LaneId(3)), 0);
    });
}

#[test]
fn only_memories_that_hold_the_working_set_are_offered() {
    let mut graph = TaskGraph::new("g");
    let data = object(&mut graph, 500, false);
    let fits = add(&mut graph, 1.0, 1, &[(data, Mode::Write)]);
    let large = object(&mut graph, 1001, false);
    let fails = add(&mut graph, 1.0, 1, &[(large, Mode::Write)]);
    with(&graph, &cluster(&[1, 1], Some(1000)), |partial| {
        assert!(partial.slot(fits, DeviceId(1), Policy::Insertion).is_some());
        assert_eq!(partial.slot(fails, DeviceId(1), Policy::Insertion), None);
        let failure = partial.earliest_finish(fails, Policy::Insertion).unwrap_err();
        assert!(failure.to_string().contains("\"k#1\": it needs 1 cores and 1001 bytes"));
    });
}

#[test]
fn racy_tasks_share_a_memory() {
    let mut graph = TaskGraph::new("g");
    let weights = object(&mut graph, 10, true);
    let tasks: Vec<_> = (0..3).map(|_| add(&mut graph, 1.0, 1, &[(weights, Mode::Racy)])).collect();
    let cluster = cluster(&[1, 1], None);
    with(&graph, &cluster, |partial| {
        place(partial, tasks[0], 1, Policy::Insertion);
        assert_eq!(partial.slot(tasks[1], DeviceId(0), Policy::Insertion), None);
        assert!(partial.slot(tasks[1], DeviceId(1), Policy::Insertion).is_some());
    });
    let costs = Costs::resolve(&graph, &cluster, None).unwrap();
    let fixed = vec![Some(Fixed { device: DeviceId(1), finish_ns: 9 }), None, None];
    let fresh = Problem::fresh(&graph, &cluster, &costs);
    let problem = Problem::residual(fresh, 5, fixed, vec![5, 9], vec![(weights, MemoryId(1))]);
    let mut partial = PartialSchedule::new(&problem);
    let slot = partial.earliest_finish(tasks[1], Policy::Insertion).unwrap();
    assert_eq!((slot.device, slot.start_ns), (DeviceId(1), 5 + 10_000_000), "it is fetched again");
}

#[test]
fn the_first_racy_task_goes_where_all_of_its_group_can() {
    let mut graph = TaskGraph::new("g");
    let objects = [0, 1, 2].map(|_| object(&mut graph, 10, true));
    let racy = |o: usize| (objects[o], Mode::Racy);
    let narrow = add(&mut graph, 1.0, 1, &[racy(0)]);
    let link = add(&mut graph, 1.0, 1, &[racy(0), racy(1)]);
    let wide = add(&mut graph, 1.0, 2, &[racy(1)]);
    let other = add(&mut graph, 1.0, 1, &[racy(2)]);
    with(&graph, &cluster(&[1, 2, 2], None), |partial| {
        for task in [narrow, link] {
            assert_eq!(partial.slot(task, DeviceId(0), Policy::Insertion), None, "{task}");
        }
        place(partial, narrow, 2, Policy::Insertion);
        assert_eq!(partial.slot(wide, DeviceId(1), Policy::Insertion), None);
        assert!(partial.slot(wide, DeviceId(2), Policy::Insertion).is_some());
        assert!(partial.slot(other, DeviceId(0), Policy::Insertion).is_some());
    });
}

#[test]
fn what_is_fixed_keeps_its_lanes() {
    let mut graph = TaskGraph::new("g");
    let data = object(&mut graph, 1000, false);
    let running = add(&mut graph, 1.0, 1, &[(data, Mode::Write)]);
    let reader = add(&mut graph, 1.0, 1, &[(data, Mode::Read)]);
    let cluster = cluster(&[1, 1], None);
    let costs = Costs::resolve(&graph, &cluster, None).unwrap();
    let fixed = vec![Some(Fixed { device: DeviceId(0), finish_ns: 7 * S }), None];
    let fresh = Problem::fresh(&graph, &cluster, &costs);
    let problem = Problem::residual(fresh, 5 * S, fixed, vec![7 * S, 5 * S], Vec::new());
    assert_eq!(problem.tasks, [reader]);
    let mut partial = PartialSchedule::new(&problem);
    assert_eq!(partial.placed(running), Some((DeviceId(0), 7 * S)));
    let mut slots = Vec::new();
    partial.each_slot(reader, Policy::Insertion, |s| slots.push((s.start_ns, s.finish_ns)));
    assert_eq!(slots, [(7 * S, 8 * S), (8 * S, 9 * S)]);
}

#[test]
fn a_gang_starts_at_one_instant_on_lanes_of_its_own() {
    let mut graph = TaskGraph::new("g");
    let first = add(&mut graph, 4.0, 1, &[]);
    let (kernel, gang) = (graph.kernel("k"), Some(graph.add_gang()));
    let mut member = |seconds, cores| {
        let cost = Cost::Work(seconds);
        graph.submit(TaskSpec { cost, cores, gang, ..TaskSpec::new(kernel) }).unwrap()
    };
    let members = [member(1.0, 2), member(2.0, 1), member(3.0, 1)];
    with(&graph, &cluster(&[2, 2], None), |partial| {
        place(partial, first, 0, Policy::Insertion);
        partial.place_gang(&members).unwrap();
        let starts = partial.assignments.iter().map(|a| (a.lane, a.start_ns, a.finish_ns));
        let expected = [(0, 0, 4), (2, 4, 5), (1, 4, 6), (0, 4, 7)];
        assert!(starts.eq(expected.map(|(lane, s, f)| (LaneId(lane), s * S, f * S))));
    });
    with(&graph, &cluster(&[2, 1], None), |partial| {
        let failure = partial.place_gang(&members).unwrap_err();
        assert!(failure.to_string().contains("more lanes or memory at once"), "{failure}");
    });
}

/// `nodes` nodes with one lane each on a switch, whose links carry 1 kB/s each way.
fn star(nodes: usize, network: NetworkModel) -> Cluster {
    let mut spec = cluster(&vec![1; nodes], None).spec().clone();
    spec.switches = vec![SwitchSpec { name: "switch".into(), bytes_per_s: None }];
    let link = |i: usize| LinkSpec {
        name: format!("m{i}-switch"),
        a: format!("m{i}"),
        b: "switch".into(),
        bytes_per_s: 1e3,
        ..LinkSpec::default()
    };
    spec.links = (0..nodes).map(link).collect();
    spec.network = network;
    Cluster::new(spec).unwrap()
}

#[test]
fn transfers_queue_on_links_and_fill_gaps_between_others() {
    let mut graph = TaskGraph::new("g");
    let write = |graph: &mut TaskGraph, bytes, seconds| {
        let data = object(graph, bytes, false);
        (add(graph, seconds, 1, &[(data, Mode::Write)]), data)
    };
    let (first, early) = write(&mut graph, 2000, 1.0);
    let (second, late) = write(&mut graph, 2000, 5.0);
    let read = |graph: &mut TaskGraph, data| add(graph, 1.0, 1, &[(data, Mode::Read)]);
    let (a, b, c) = (read(&mut graph, early), read(&mut graph, late), read(&mut graph, early));
    for network in [NetworkModel::MaxMin, NetworkModel::OnePort] {
        let cluster = star(3, network);
        let costs = Costs::resolve(&graph, &cluster, None).unwrap();
        let problem = Problem::fresh(&graph, &cluster, &costs);
        let mut partial = PartialSchedule::with_links(&problem);
        place(&mut partial, first, 0, Policy::Insertion);
        place(&mut partial, second, 0, Policy::Insertion);
        // The second ends at 6 s; its data take the link of m0 from then to 8 s.
        assert_eq!(place(&mut partial, b, 1, Policy::Insertion).start_ns, 8 * S);
        // The first one's leave at 1 s and fit before it.
        assert_eq!(partial.data_ready_ns(a, DeviceId(2)), 3 * S);
        place(&mut partial, a, 2, Policy::Insertion);
        // Looking does not book: the same data are there once, and elsewhere the link is taken.
        assert_eq!(partial.data_ready_ns(c, DeviceId(2)), 3 * S, "it is there already");
        for _ in 0..2 {
            assert_eq!(partial.data_ready_ns(c, DeviceId(1)), 5 * S, "after what went to m2");
        }
        assert_eq!(partial.data_ready_ns(c, DeviceId(0)), 6 * S - 5 * S, "no transfer");
    }
    let cluster = star(3, NetworkModel::ContentionFree);
    let costs = Costs::resolve(&graph, &cluster, None).unwrap();
    let problem = Problem::fresh(&graph, &cluster, &costs);
    let mut partial = PartialSchedule::with_links(&problem);
    place(&mut partial, first, 0, Policy::Insertion);
    place(&mut partial, a, 2, Policy::Insertion);
    assert_eq!(partial.data_ready_ns(c, DeviceId(1)), 3 * S, "nothing waits");
}

#[test]
fn inputs_of_one_task_queue_too() {
    let mut graph = TaskGraph::new("g");
    let data: Vec<ObjectId> = (0..3).map(|_| object(&mut graph, 1000, true)).collect();
    let accesses: Vec<_> = data.iter().map(|d| (*d, Mode::Read)).collect();
    let all = add(&mut graph, 1.0, 1, &accesses);
    let cluster = star(2, NetworkModel::MaxMin);
    let costs = Costs::resolve(&graph, &cluster, None).unwrap();
    let problem = Problem::fresh(&graph, &cluster, &costs);
    let mut partial = PartialSchedule::with_links(&problem);
    assert_eq!(partial.data_ready_ns(all, DeviceId(0)), 0, "they are at home");
    assert_eq!(partial.data_ready_ns(all, DeviceId(1)), 3 * S, "one after the other");
    assert_eq!(partial.slot(all, DeviceId(1), Policy::Append).unwrap().start_ns, 3 * S);
}
