//! Links that carry less for a while, stand still, or are lost: times computed by hand.

use runtime::cluster::{DeviceSpec, LinkSpec, MemorySpec, NetworkModel, SwitchSpec};
use runtime::executive::{Failure, Stall};
use runtime::graph::{Mode, ObjectSpec};
use runtime::{
    Cluster, ClusterSpec, Cost, Costs, Decisions, DeviceId, Event, LinkId, Scheduler, TaskGraph,
    TaskSpec, Trace, View, validator,
};
use sim::{LinkSpell, LinkTrouble, SimError, SimSpec, Spells};
use std::sync::{Arc, Mutex};

/// Three memories around a switch, 1 byte per nanosecond, 100 ns on each link, and a direct link
/// between the first two with the same bandwidth and 50 ns.
fn machine(network: NetworkModel, is_direct: bool) -> Arc<Cluster> {
    let memory = |i: usize| MemorySpec { name: format!("m{i}"), ..Default::default() };
    let device = |i: usize| DeviceSpec {
        name: format!("d{i}"),
        class: "cpu".into(),
        memory: format!("m{i}"),
        lanes: 4,
        speed: 1.0,
        ..Default::default()
    };
    let link = |name: String, a: String, b: &str, latency_ns| LinkSpec {
        name,
        a,
        b: b.into(),
        bytes_per_s: 1e9,
        latency_ns,
        ..Default::default()
    };
    let mut links: Vec<LinkSpec> =
        (0..3).map(|i| link(format!("up{i}"), format!("m{i}"), "switch", 100)).collect();
    if is_direct {
        links.push(link("direct".into(), "m0".into(), "m1", 50));
    }
    let spec = ClusterSpec {
        name: "triangle".into(),
        memories: (0..3).map(memory).collect(),
        devices: (0..3).map(device).collect(),
        switches: vec![SwitchSpec { name: "switch".into(), bytes_per_s: None }],
        links,
        network,
        homes: (0..3).map(|i| format!("m{i}")).collect(),
    };
    Arc::new(Cluster::new(spec).unwrap())
}

/// Places task `i` on device `places[i]`, and notes what it hears of links.
struct There {
    places: Vec<u32>,
    heard: Arc<Mutex<Vec<Event>>>,
}

impl Scheduler for There {
    fn decide(&mut self, events: &[Event], view: &View<'_>, out: &mut Decisions) {
        for event in events {
            match *event {
                Event::Ready { task } => out.place(task, DeviceId(self.places[task.index()])),
                Event::LinkChanged { link, .. } => {
                    let seen = view.cluster().link(link).name.clone();
                    assert!(!seen.is_empty());
                    self.heard.lock().unwrap().push(event.clone());
                }
                _ => {}
            }
        }
    }
}

/// One task per `(home, device, bytes)`, each reading so much from that home on that device.
fn run(
    cluster: &Arc<Cluster>,
    moves: &[(u32, u32, u64)],
    list: Vec<LinkSpell>,
) -> (Result<Trace, SimError>, usize) {
    run_in(cluster, moves, LinkTrouble { list, ..LinkTrouble::default() })
}

fn run_in(
    cluster: &Arc<Cluster>,
    moves: &[(u32, u32, u64)],
    trouble: LinkTrouble,
) -> (Result<Trace, SimError>, usize) {
    let mut graph = TaskGraph::new("moves");
    let kernel = graph.kernel("read");
    for &(home, _, bytes) in moves {
        let spec = ObjectSpec { bytes, home, initial: true, ..Default::default() };
        let object = graph.add_object(spec).unwrap();
        let accesses = [(object, Mode::Read)];
        let spec = TaskSpec { cost: Cost::Work(0.0), accesses: &accesses, ..TaskSpec::new(kernel) };
        graph.submit(spec).unwrap();
    }
    let costs = Costs::resolve(&graph, cluster, None).unwrap();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let places = moves.iter().map(|m| m.1).collect();
    let scheduler = Box::new(There { places, heard: Arc::clone(&heard) });
    let mut spec = SimSpec::new(graph, Arc::clone(cluster), costs, scheduler);
    spec.disturbance.links = trouble;
    let result = sim::run(spec).map(|output| output.trace);
    if let Ok(trace) = &result {
        assert_eq!(validator::validate(trace), []);
    }
    let heard = heard.lock().unwrap().len();
    (result, heard)
}

/// Arrivals, by task.
fn arrivals(cluster: &Arc<Cluster>, moves: &[(u32, u32, u64)], list: Vec<LinkSpell>) -> Vec<u64> {
    let trace = run(cluster, moves, list).0.unwrap();
    let mut ends: Vec<_> = trace.copies.iter().map(|c| (c.object, c.finished_ns)).collect();
    ends.sort_unstable();
    ends.into_iter().map(|e| e.1).collect()
}

fn spell(link: u32, from_ns: u64, until_ns: Option<u64>, factor: f64) -> LinkSpell {
    LinkSpell { link: LinkId(link), from_ns, until_ns, factor }
}

const ALL: [NetworkModel; 3] =
    [NetworkModel::MaxMin, NetworkModel::ContentionFree, NetworkModel::OnePort];

#[test]
fn a_transfer_slows_down_and_stands_still() {
    for network in ALL {
        let star = machine(network, false);
        let one = |list| arrivals(&star, &[(0, 2, 1000)], list)[0];
        assert_eq!(one(vec![]), 1200, "{network:?}");
        // 300 bytes by 500, then half as fast: 700 bytes take 1400.
        assert_eq!(one(vec![spell(0, 500, None, 0.5)]), 1900);
        // 300 bytes by 500, 200 more by 900, then 500 at full speed.
        assert_eq!(one(vec![spell(2, 500, Some(900), 0.5)]), 1400);
        // Nothing for 400 ns.
        assert_eq!(one(vec![spell(0, 500, Some(900), 0.0)]), 1600);
        // Slow from before it was issued: all 1000 bytes at a tenth.
        assert_eq!(one(vec![spell(0, 0, None, 0.1)]), 10_200);
        // Only while it has its latency behind it: no effect.
        assert_eq!(one(vec![spell(0, 20, Some(150), 0.0)]), 1200);
        // A link that it does not use.
        assert_eq!(one(vec![spell(1, 0, None, 0.1)]), 1200);
    }
}

#[test]
fn flows_share_what_is_left_max_min() {
    let star = machine(NetworkModel::MaxMin, false);
    // Two flows into m2, from m0 and m1. Each has half until 500 (150 bytes). Then m0's link
    // carries a fifth: it has 0.2 and the other 0.8. The other ends its 850 bytes at
    // 1562.5; 0.2 remains.
    let ends = arrivals(&star, &[(0, 2, 1000), (1, 2, 1000)], vec![spell(0, 500, None, 0.2)]);
    assert_eq!(ends, [4750, 1563]);
    // While m0's link carries nothing the other has all: 150 by 500, 550 by 900, and at half its
    // 1000 by 1800. The first has 600 by then and the rest to itself.
    let list = vec![spell(0, 500, Some(900), 0.0)];
    assert_eq!(arrivals(&star, &[(0, 2, 1000), (1, 2, 1000)], list), [2200, 1800]);
}

#[test]
fn a_transfer_over_a_lost_link_goes_another_way_from_the_start() {
    for network in ALL {
        let both = machine(network, true);
        assert_eq!(arrivals(&both, &[(0, 1, 1000)], vec![]), [1050], "{network:?}");
        // Lost at 600: 200 ns of latency and all bytes again.
        let (result, heard) = run(&both, &[(0, 1, 1000)], vec![spell(3, 600, None, 0.0)]);
        let trace = result.unwrap();
        assert_eq!(trace.copies[0].finished_ns, 600 + 1200, "{network:?}");
        assert_eq!(trace.losses.copies.len(), 1);
        assert_eq!(heard, 1);
        // For a while only, it waits where it is.
        assert_eq!(arrivals(&both, &[(0, 1, 1000)], vec![spell(3, 600, Some(700), 0.0)]), [1150]);
        // One lost after the other: the detour of the first is the way until then.
        let list = vec![spell(3, 600, None, 0.0), spell(2, 700, None, 0.0)];
        assert_eq!(arrivals(&both, &[(0, 1, 1000)], list), [1800]);
    }
}

#[test]
fn a_run_that_needs_a_lost_link_ends_and_says_for_what() {
    for network in ALL {
        let star = machine(network, false);
        let failure =
            |from_ns| match run(&star, &[(0, 2, 1000)], vec![spell(2, from_ns, None, 0.0)]).0 {
                Err(SimError::Failed { failure, .. }) => failure,
                other => panic!("{network:?}: {other:?}"),
            };
        for from_ns in [0, 600] {
            let failure = failure(from_ns);
            let Failure::NoRoute { link, from, to, .. } = &failure else { panic!("{failure}") };
            assert_eq!((link.as_str(), from.as_str(), to.as_str()), ("up2", "m0", "m2"));
        }
        // Lost when nobody needs it any more, or never needed it.
        assert_eq!(arrivals(&star, &[(0, 2, 1000)], vec![spell(2, 1201, None, 0.0)]), [1200]);
        assert_eq!(arrivals(&star, &[(0, 1, 1000)], vec![spell(2, 5, None, 0.0)]), [1200]);
    }
}

#[test]
fn a_run_with_changes_replays_from_its_log() {
    let both = machine(NetworkModel::MaxMin, true);
    let list = vec![spell(0, 100, Some(300), 0.5), spell(3, 600, None, 0.0)];
    let moves = [(0, 1, 1000), (1, 0, 2000), (2, 0, 500)];
    let trace = run(&both, &moves, list).0.unwrap();
    let mut text = Vec::new();
    runtime::trace::write_trace(&trace, &mut text).unwrap();
    let read = runtime::trace::read_trace(&mut text.as_slice()).unwrap();
    assert_eq!(read.losses, trace.losses);
    let heard = Arc::default();
    let scheduler = Box::new(There { places: moves.iter().map(|m| m.1).collect(), heard });
    let replayed = runtime::replay::replay_inputs(&read, scheduler).unwrap();
    assert!(replayed.is_done);
    assert_eq!(replayed.makespan_ns, trace.makespan_ns);
}

/// Links that change a hundred thousand times while a transfer lasts.
#[test]
fn changes_without_end_do_not_end_what_is_under_way() {
    let spells = Spells { share: 1.0, well_ns: 5, spell_ns: Some(5) };
    for network in ALL {
        let cluster = machine(network, false);
        let trouble = LinkTrouble { spells, factor: 0.5, list: Vec::new() };
        let trace = run_in(&cluster, &[(0, 1, 400_000)], trouble).0.unwrap();
        assert!(trace.losses.links.len() > 100_000, "{}", trace.losses.links.len());
        let took_ns = trace.copies[0].finished_ns;
        // Two links, each at half its rate for half of the time.
        assert!((400_000..800_300).contains(&took_ns), "{took_ns}");
    }
}

/// A scheduler that never places anything.
struct Nobody;

impl Scheduler for Nobody {
    fn decide(&mut self, _: &[Event], _: &View<'_>, _: &mut Decisions) {}
}

#[test]
fn changes_without_end_do_not_hide_that_nothing_is_placed() {
    let mut graph = TaskGraph::new("one");
    let kernel = graph.kernel("task");
    graph.submit(TaskSpec { cost: Cost::Work(1.0), ..TaskSpec::new(kernel) }).unwrap();
    let cluster = machine(NetworkModel::MaxMin, false);
    let costs = Costs::resolve(&graph, &cluster, None).unwrap();
    let mut spec = SimSpec::new(graph, Arc::clone(&cluster), costs, Box::new(Nobody));
    let spells = Spells { share: 1.0, well_ns: 5, spell_ns: Some(5) };
    spec.disturbance.links = LinkTrouble { spells, factor: 0.5, list: Vec::new() };
    let error = sim::run(spec).err().unwrap();
    assert!(matches!(error, SimError::Stalled { stall: Stall::NeverPlaced { .. }, .. }), "{error}");
}
