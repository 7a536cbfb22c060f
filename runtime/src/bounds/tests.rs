//! Examples that can be computed by hand.

use super::*;
use crate::cluster::{ClusterSpec, DeviceSpec, LinkSpec, MemorySpec, NetworkModel};
use crate::graph::{Mode, ObjectSpec};
use crate::{Cost, ObjectId, TaskSpec};

/// Memories `m0`, `m1` and so on, joined in a row at 1 byte per ns with a latency of 2 ns, and
/// devices: memory and lanes.
fn machine(memories: usize, devices: &[(usize, u32)], capacity_bytes: Option<u64>) -> Cluster {
    let memory = |i| MemorySpec { name: format!("m{i}"), capacity_bytes, ..MemorySpec::default() };
    let device = |(i, (memory, lanes)): (usize, &(usize, u32))| DeviceSpec {
        name: format!("p{i}"),
        class: "p".into(),
        memory: format!("m{memory}"),
        lanes: *lanes,
        speed: 1.0,
        ..DeviceSpec::default()
    };
    let link = |i: usize| LinkSpec {
        name: format!("l{i}"),
        a: format!("m{}", i - 1),
        b: format!("m{i}"),
        bytes_per_s: 1e9,
        latency_ns: 2,
        ..LinkSpec::default()
    };
    Cluster::new(ClusterSpec {
        name: "machine".into(),
        memories: (0..memories).map(memory).collect(),
        devices: devices.iter().enumerate().map(device).collect(),
        links: (1..memories).map(link).collect(),
        network: NetworkModel::MaxMin,
        homes: vec!["m0".into()],
        ..ClusterSpec::default()
    })
    .unwrap()
}

/// Where a task cannot run.
const NO: Ns = Ns::MAX;

struct Builder {
    graph: TaskGraph,
}

impl Builder {
    fn new(columns: &[&str]) -> Self {
        let mut graph = TaskGraph::new("by hand");
        graph.set_columns(columns);
        Self { graph }
    }

    fn object(&mut self, bytes: u64, initial: bool, keep: bool) -> ObjectId {
        let spec = ObjectSpec { bytes, initial, keep, ..ObjectSpec::default() };
        self.graph.add_object(spec).unwrap()
    }

    fn task(&mut self, row: &[Ns], accesses: &[(ObjectId, Mode)]) -> TaskId {
        let kernel = self.graph.kernel("k");
        let cost = match row {
            [ns] => Cost::Work(*ns as f64 * 1e-9),
            _ => self.graph.add_cost_row(row).unwrap(),
        };
        self.graph.submit(TaskSpec { cost, accesses, ..TaskSpec::new(kernel) }).unwrap()
    }

    fn bounds(&self, cluster: &Cluster) -> Vec<(BoundKind, Ns)> {
        let costs = Costs::resolve(&self.graph, cluster, None).unwrap();
        let all = all_bounds(&self.graph, cluster, &costs, Transfers::Modelled);
        all.into_iter().map(|b| (b.kind, b.makespan_ns)).collect()
    }
}

fn of(bounds: &[(BoundKind, Ns)], kind: BoundKind) -> Ns {
    bounds.iter().find(|b| b.0 == kind).unwrap().1
}

#[test]
fn a_path_pays_the_transfers_that_it_cannot_avoid() {
    let mut b = Builder::new(&["p0", "p1"]);
    let (flow, result) = (b.object(6, false, false), b.object(3, false, true));
    b.task(&[10, NO], &[(flow, Mode::Write)]);
    b.task(&[NO, 5], &[(flow, Mode::Read), (result, Mode::Write)]);
    let cluster = machine(2, &[(0, 1), (1, 1)], None);
    let bounds = b.bounds(&cluster);
    assert_eq!(of(&bounds, BoundKind::CriticalPath), 15);
    // There with 2 + 6, and the result home with 2 + 3.
    assert_eq!(of(&bounds, BoundKind::TransferPath), 10 + 8 + 5 + 5);
    let costs = Costs::resolve(&b.graph, &cluster, None).unwrap();
    let best = lower_bound(&b.graph, &cluster, &costs);
    assert_eq!((best.kind, best.makespan_ns), (BoundKind::TransferPath, 28));
    let free = lower_bound_of_work(&b.graph, &cluster, &costs);
    assert_eq!((free.kind, free.makespan_ns), (BoundKind::CriticalPath, 15));
    let ends = heads_and_tails(&b.graph, &cluster, &costs);
    assert_eq!(ends, HeadsAndTails { head_ns: vec![0, 18], tail_ns: vec![18, 5] });
}

#[test]
fn a_path_may_go_elsewhere_where_that_is_shorter() {
    let mut b = Builder::new(&["p0", "p1"]);
    let flow = b.object(6, false, false);
    b.task(&[10, 14], &[(flow, Mode::Write)]);
    b.task(&[NO, 5], &[(flow, Mode::Read)]);
    let bounds = b.bounds(&machine(2, &[(0, 1), (1, 1)], None));
    assert_eq!(of(&bounds, BoundKind::TransferPath), 19, "14 there instead of 10 here and 8");
}

#[test]
fn unlike_devices_share_work_as_the_linear_program_says() {
    let mut b = Builder::new(&["p0", "p1"]);
    for _ in 0..3 {
        b.task(&[200, 400], &[]);
    }
    let bounds = b.bounds(&machine(2, &[(0, 1), (1, 1)], None));
    assert_eq!(of(&bounds, BoundKind::Area), 300, "all on the fast one, shared by two lanes");
    // Two tasks on the first take as long as one on the second.
    assert_eq!(of(&bounds, BoundKind::Assignment), 400);
}

#[test]
fn windows_see_that_work_must_wait_and_be_waited_for() {
    let mut b = Builder::new(&[]);
    let source = b.object(0, false, false);
    b.task(&[3], &[(source, Mode::Write)]);
    let mut ends = Vec::new();
    for _ in 0..4 {
        let end = b.object(0, false, false);
        b.task(&[4], &[(source, Mode::Read), (end, Mode::Write)]);
        ends.push((end, Mode::Read));
    }
    b.task(&[2], &ends);
    let bounds = b.bounds(&machine(1, &[(0, 2)], None));
    assert_eq!(of(&bounds, BoundKind::CriticalPath), 3 + 4 + 2);
    assert_eq!(of(&bounds, BoundKind::Area), 21u64.div_ceil(2));
    assert_eq!(of(&bounds, BoundKind::WindowedLoad), 3 + 8 + 2);
}

#[test]
fn data_leave_their_home_over_its_links() {
    let mut b = Builder::new(&[]);
    for _ in 0..2 {
        let data = b.object(100, true, false);
        b.task(&[7], &[(data, Mode::Read)]);
        b.task(&[7], &[(data, Mode::Read)]);
    }
    let bounds = b.bounds(&machine(2, &[(1, 8)], None));
    assert_eq!(of(&bounds, BoundKind::TransferPath), 2 + 100 + 7);
    assert_eq!(of(&bounds, BoundKind::DataMovement), 200, "each object leaves once");
    // With a device at home: in 26 ns it does 25 of the 28 ns of work, a byte more or less aside.
    let bounds = b.bounds(&machine(2, &[(1, 8), (0, 1)], None));
    let at_home = of(&bounds, BoundKind::DataMovement);
    assert!((24..=28).contains(&at_home), "{at_home}");
}

#[test]
fn tasks_that_hold_much_cannot_all_run_at_once() {
    let mut b = Builder::new(&[]);
    for _ in 0..4 {
        let written = b.object(6, false, false);
        b.task(&[5], &[(written, Mode::Write)]);
    }
    let bounds = b.bounds(&machine(1, &[(0, 4)], Some(10)));
    assert_eq!(of(&bounds, BoundKind::CriticalPath), 5);
    assert_eq!(of(&bounds, BoundKind::MemoryArea), 4 * 6 * 5 / 10);
    assert_eq!(of(&b.bounds(&machine(1, &[(0, 4)], None)), BoundKind::MemoryArea), 0);
}
