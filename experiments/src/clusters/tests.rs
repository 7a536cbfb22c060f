//! Presets against formulas, and routes against a search of their own.

use super::*;
use proptest::prelude::*;
use runtime::cluster::Duplex;
use runtime::registry::Kind;
use runtime::{Cluster, MemoryId};
use std::collections::VecDeque;

fn make(name: &str, given: &[(&str, i64)]) -> ClusterSpec {
    try_make(name, given).unwrap()
}

fn try_make(name: &str, given: &[(&str, i64)]) -> Result<ClusterSpec, ParameterError> {
    let given: Vec<_> = given.iter().map(|(k, v)| ((*k).to_owned(), Value::Int(*v))).collect();
    find(name).unwrap().make(&given, 1)
}

/// Names of memories, then of switches: what links join.
fn vertices(spec: &ClusterSpec) -> Vec<&str> {
    let memories = spec.memories.iter().map(|m| m.name.as_str());
    memories.chain(spec.switches.iter().map(|s| s.name.as_str())).collect()
}

/// Links as pairs of vertices, with their bandwidth.
fn edges(spec: &ClusterSpec) -> Vec<(usize, usize, f64)> {
    let names = vertices(spec);
    let at = |name: &str| names.iter().position(|n| *n == name).unwrap();
    spec.links.iter().map(|l| (at(&l.a), at(&l.b), l.bytes_per_s)).collect()
}

/// Fewest links from one vertex to each other one.
fn distances(count: usize, edges: &[(usize, usize, f64)], from: usize) -> Vec<usize> {
    let mut far = vec![usize::MAX; count];
    far[from] = 0;
    let mut queue = VecDeque::from([from]);
    while let Some(at) = queue.pop_front() {
        for &(a, b, _) in edges {
            for (here, there) in [(a, b), (b, a)] {
                if here == at && far[there] == usize::MAX {
                    far[there] = far[at] + 1;
                    queue.push_back(there);
                }
            }
        }
    }
    far
}

/// Most links between two memories.
fn diameter(spec: &ClusterSpec) -> usize {
    let (count, edges) = (vertices(spec).len(), edges(spec));
    let memories = spec.memories.len();
    let far = (0..memories).flat_map(|m| distances(count, &edges, m)[..memories].to_vec());
    far.max().unwrap()
}

/// Largest flow from the first half of the memories to the other half, in links of `unit`
/// bytes/s, by augmenting paths.
fn bisection(spec: &ClusterSpec, unit: f64) -> u64 {
    let memories = spec.memories.len();
    let count = vertices(spec).len() + 2;
    let (source, sink) = (count - 2, count - 1);
    let mut capacity = vec![vec![0u64; count]; count];
    for (a, b, bytes_per_s) in edges(spec) {
        let links = (bytes_per_s / unit).round() as u64;
        capacity[a][b] += links;
        capacity[b][a] += links;
    }
    capacity[source][..memories / 2].fill(1 << 40);
    capacity[memories / 2..memories].iter_mut().for_each(|row| row[sink] = 1 << 40);
    let mut flow = 0;
    loop {
        let mut before = vec![usize::MAX; count];
        before[source] = source;
        let mut queue = VecDeque::from([source]);
        while let Some(at) = queue.pop_front() {
            for next in 0..count {
                if before[next] == usize::MAX && capacity[at][next] > 0 {
                    before[next] = at;
                    queue.push_back(next);
                }
            }
        }
        if before[sink] == usize::MAX {
            return flow;
        }
        let mut path = vec![sink];
        while *path.last().unwrap() != source {
            path.push(before[*path.last().unwrap()]);
        }
        let least = path.windows(2).map(|w| capacity[w[1]][w[0]]).min().unwrap();
        for pair in path.windows(2) {
            capacity[pair[1]][pair[0]] -= least;
            capacity[pair[0]][pair[1]] += least;
        }
        flow += least;
    }
}

#[test]
fn every_preset_makes_a_valid_cluster_at_its_defaults() {
    for info in all() {
        let spec = info.make(&[], 1).unwrap();
        let cluster = Cluster::new(spec.clone()).unwrap();
        assert!(cluster.lane_count() > 0, "{}", info.name);
        assert_eq!(info.make(&[], 1).unwrap(), spec, "{}", info.name);
        let differs = info.make(&[], 2).unwrap() != spec;
        assert_eq!(differs, info.is_random, "{}", info.name);
    }
}

#[test]
fn names_are_unique() {
    let mut names: Vec<_> = all().iter().map(|i| i.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all().len());
}

#[test]
fn machines_state_their_source_and_their_powers() {
    let is_sold = |i: &&ClusterInfo| i.category == Category::Machine;
    let own = ["host", "gpu-host", "out-of-core"];
    for info in all().iter().filter(is_sold).filter(|i| !own.contains(&i.name)) {
        assert!(!info.source.is_empty(), "{}", info.name);
        let devices = info.make(&[], 1).unwrap().devices;
        assert!(devices.iter().all(|d| d.power.is_some()), "{}", info.name);
    }
}

/// Name, parameters; then memories, switches, links, diameter, and the bisection in links.
type Expected = (&'static str, &'static [(&'static str, i64)], [u64; 5]);

/// Counts by the formulas in the comments.
#[test]
fn topologies_have_the_counts_diameters_and_bisections_of_their_formulas() {
    let cases: &[Expected] = &[
        // n links; any two nodes over the switch; half of the nodes send at once.
        ("star", &[("nodes", 8)], [8, 1, 8, 2, 4]),
        ("ring", &[("nodes", 9)], [9, 0, 9, 4, 2]),
        ("ring", &[("nodes", 2)], [2, 0, 1, 1, 1]),
        // n (n - 1) / 2 links, (n / 2)^2 across.
        ("full-mesh", &[("nodes", 8)], [8, 0, 28, 1, 16]),
        // d n links; floor(x/2) + floor(y/2); two per row across the longer side.
        ("torus-2d", &[("x", 6), ("y", 4)], [24, 0, 48, 5, 8]),
        ("torus-3d", &[("x", 6), ("y", 4), ("z", 3)], [72, 0, 216, 6, 24]),
        // A dimension of two has one link, a dimension of one none.
        ("torus-3d", &[("x", 4), ("y", 2), ("z", 1)], [8, 0, 8 + 4, 3, 4]),
        // Uplinks as fast as one node's link.
        ("two-tier", &[("racks", 4), ("nodes", 3)], [12, 5, 12 + 4, 4, 2]),
        ("two-tier", &[("racks", 4), ("nodes", 3), ("spines", 3)], [12, 7, 12 + 12, 4, 6]),
        // k^3/4 nodes, 5 k^2/4 switches, 3 k^3/4 links; full bisection.
        ("fat-tree", &[("k", 4)], [16, 20, 48, 6, 8]),
        ("fat-tree", &[("k", 6)], [54, 45, 162, 6, 27]),
        // a h + 1 groups, complete graphs in and between them: (4/2)(5/2) pairs of halves of 5
        // groups do not split evenly, so groups are chosen even.
        (
            "dragonfly",
            &[("routers", 3), ("nodes", 2), ("links", 1), ("groups", 4)],
            [24, 12, 24 + 4 * 3 + 6, 5, 4],
        ),
    ];
    for (name, given, [memories, switches, links, far, across]) in cases {
        let spec = make(name, given);
        let case = format!("{name} {given:?}");
        assert_eq!(spec.memories.len() as u64, *memories, "memories of {case}");
        assert_eq!(spec.devices.len() as u64, *memories, "devices of {case}");
        assert_eq!(spec.switches.len() as u64, *switches, "switches of {case}");
        assert_eq!(spec.links.len() as u64, *links, "links of {case}");
        assert_eq!(diameter(&spec) as u64, *far, "diameter of {case}");
        assert_eq!(bisection(&spec, 1.25e9), *across, "bisection of {case}");
        assert!(Cluster::new(spec).is_ok(), "{case}");
    }
}

#[test]
fn a_whole_dragonfly_joins_every_pair_of_groups_by_one_link() {
    let spec = make("dragonfly", &[("routers", 4), ("nodes", 2), ("links", 2)]);
    let groups = 4 * 2 + 1;
    let group = |name: &str| name.split('/').next().unwrap().to_owned();
    let global = spec.links.iter().filter(|l| group(&l.a) != group(&l.b));
    let mut pairs: Vec<_> = global.clone().map(|l| (group(&l.a), group(&l.b))).collect();
    pairs.sort();
    pairs.dedup();
    assert_eq!(
        (pairs.len(), global.count()),
        (groups * (groups - 1) / 2, groups * (groups - 1) / 2)
    );
    for switch in &spec.switches {
        let ports = spec.links.iter().filter(|l| l.a == switch.name || l.b == switch.name);
        assert_eq!(ports.count(), 2 + 3 + 2, "{}", switch.name);
    }
    assert_eq!(diameter(&spec), 5);
}

#[test]
fn a_bus_is_shared_by_everything_on_it() {
    let spec = make("bus", &[("nodes", 3)]);
    assert_eq!(spec.switches[0].bytes_per_s, Some(1.25e9));
    let cluster = Cluster::new(spec).unwrap();
    let mut route = Vec::new();
    cluster.route(MemoryId(0), MemoryId(2), &mut route);
    assert_eq!(route.len(), 3, "up, the bus itself, down");
}

#[test]
fn nodes_have_the_parts_that_are_asked_for() {
    let spec = make("pcie-tree", &[("sockets", 2), ("switches", 2), ("accelerators", 2)]);
    let [memories, devices, switches, links] =
        [spec.memories.len(), spec.devices.len(), spec.switches.len(), spec.links.len()];
    // Two sockets and eight accelerators; one link between sockets, four and eight of PCIe.
    assert_eq!([memories, devices, switches, links], [10, 10, 4, 13]);
    // Accelerator, switch, socket, other socket, switch, accelerator.
    assert_eq!(diameter(&spec), 5);
    let spec = make("nvlink-mesh", &[("accelerators", 4)]);
    assert_eq!((spec.links.len(), diameter(&spec)), (4 + 6, 1));
    let spec = make("nvswitch", &[("accelerators", 8)]);
    assert_eq!((spec.links.len(), spec.switches.len(), diameter(&spec)), (16, 1, 2));
    let spec = make("hgx-cluster", &[("nodes", 2), ("spines", 4)]);
    // Eight rails with four uplinks each; per server the board and eight adapters.
    let server = 1 + 4 + 8 + 8 + 8;
    assert_eq!(spec.links.len(), 8 * 4 + 2 * server);
    let uplinks = spec.links.iter().filter(|l| l.b.starts_with("spine")).map(|l| l.bytes_per_s);
    assert_eq!(uplinks.sum::<f64>(), 2.0 * 8.0 * 50e9, "no oversubscription");
    let spec = make("tpu-v4", &[("x", 4), ("y", 4), ("z", 2)]);
    let chips = spec.links.iter().filter(|l| l.a.starts_with("tpu")).count();
    assert_eq!(chips, 32 + 32 + 16, "z has two chips and does not wrap");
}

/// Name, parameters, and what the refusal says.
type Refused = (&'static str, &'static [(&'static str, i64)], &'static str);

#[test]
fn nodes_state_powers_where_asked_to() {
    let make = |idle: &str, busy: &str| {
        let given = [("idle_power", idle), ("busy_power", busy)];
        let text = |(k, v): (&str, &str)| (k.to_owned(), Value::Text(v.to_owned()));
        find("star").unwrap().make(&given.map(text), 1)
    };
    let powers = |spec: ClusterSpec| spec.devices.iter().map(|d| d.power).collect::<Vec<_>>();
    assert_eq!(powers(make("0 W", "0 W").unwrap()), [None; 4]);
    let power = Some(runtime::cluster::Power { idle_mw: 1_500, busy_mw: 2_000_000 });
    assert_eq!(powers(make("1.5 W", "2 kW").unwrap()), [power; 4]);
    let refusal = make("2 W", "1 W").unwrap_err().to_string();
    assert!(refusal.contains("no less than idle_power, 2 W"), "{refusal}");
    let refusal = make("0 W", "5 MW").unwrap_err().to_string();
    assert!(refusal.contains("at most 4 MW"), "{refusal}");
}

#[test]
fn numbers_that_cannot_be_are_refused_with_the_nearest_that_can() {
    let cases: [Refused; 8] = [
        ("fat-tree", &[("k", 5)], "the nearest are 4 and 6"),
        ("dragonfly", &[("routers", 2), ("links", 2), ("groups", 6)], "at most 5"),
        ("dragonfly", &[("routers", 32), ("nodes", 32), ("links", 8)], "at most 4"),
        ("torus-3d", &[("x", 64), ("y", 64), ("z", 2)], "at most 1 here"),
        ("torus-2d", &[("x", 100), ("y", 41)], "at most 40 here"),
        ("two-tier", &[("racks", 128), ("nodes", 64)], "at most 32 here"),
        ("tpu-v4", &[("x", 6)], "the nearest are 4 and 8"),
        ("ring", &[("nodes", 0)], "from 1 to 4096"),
    ];
    for (name, given, expected) in cases {
        let error = try_make(name, given).expect_err(name);
        assert!(error.to_string().contains(expected), "{name}: {error}");
    }
}

/// Each parameter at its ends and each number doubled: a cluster or a refusal, never a panic.
#[test]
fn parameters_at_the_ends_of_their_ranges_are_fine_or_refused() {
    let own = ["host", "out-of-core"];
    for info in all().iter().filter(|i| !own.contains(&i.name)) {
        for parameter in info.parameters {
            let values = match parameter.kind {
                // Whole clusters of thousands of nodes are made once, elsewhere.
                Kind::Int { min, max, .. } => vec![Value::Int(min), Value::Int(max.min(40))],
                Kind::Float { min, max, .. } => vec![Value::Float(min), Value::Float(max)],
                Kind::Choice { options, .. } => {
                    options.iter().map(|o| Value::Text((*o).to_owned())).collect()
                }
                _ => Vec::new(),
            };
            for value in values {
                let case = format!("{}: {} = {value}", info.name, parameter.name);
                match info.make(&[(parameter.name.to_owned(), value)], 1) {
                    Ok(spec) => assert!(Cluster::new(spec).is_ok(), "{case}"),
                    Err(error) => assert!(!error.to_string().is_empty(), "{case}"),
                }
            }
        }
    }
}

#[test]
fn the_largest_fat_tree_has_routes() {
    let cluster = Cluster::new(make("fat-tree", &[("k", 24)])).unwrap();
    assert_eq!(cluster.memory_count(), 24 * 24 * 24 / 4);
    assert!(cluster.reaches(MemoryId(0), MemoryId(3455)));
}

/// Messages per channel when every node sends to the one half of the nodes further on.
fn loads(cluster: &Cluster) -> Vec<usize> {
    let count = cluster.memory_count();
    let mut loads = vec![0; cluster.channels().len()];
    for from in 0..count {
        let to = (from + count / 2) % count;
        let mut route = Vec::new();
        cluster.route(MemoryId(from as u32), MemoryId(to as u32), &mut route);
        route.iter().for_each(|channel| loads[channel.index()] += 1);
    }
    loads
}

#[test]
fn routes_of_a_fat_tree_give_every_node_its_share() {
    for k in [4, 6, 8] {
        let cluster = Cluster::new(make("fat-tree", &[("k", k)])).unwrap();
        assert_eq!(loads(&cluster).into_iter().max(), Some(1), "k = {k}");
    }
}

/// A topology with parameters small enough to search everything.
fn topologies() -> impl Strategy<Value = ClusterSpec> {
    let n = || 1i64..9;
    prop_oneof![
        (n()).prop_map(|n| make("ring", &[("nodes", n)])),
        (n()).prop_map(|n| make("full-mesh", &[("nodes", n)])),
        (n(), 1i64..4).prop_map(|(n, s)| make("two-tier", &[("racks", n), ("spines", s)])),
        (n(), n()).prop_map(|(x, y)| make("torus-2d", &[("x", x), ("y", y)])),
        (1i64..5, 1i64..5, 1i64..5)
            .prop_map(|(x, y, z)| make("torus-3d", &[("x", x), ("y", y), ("z", z)])),
        (1i64..4).prop_map(|half| make("fat-tree", &[("k", 2 * half)])),
        (1i64..5, 1i64..3, 1i64..3, 0i64..2).prop_map(|(a, p, h, all)| {
            let given = [("routers", a), ("nodes", p), ("links", h), ("groups", all * 2)];
            make("dragonfly", &given)
        }),
        (1i64..4, 1i64..3, 1i64..3).prop_map(|(s, w, a)| {
            make("pcie-tree", &[("sockets", s), ("switches", w), ("accelerators", a)])
        }),
        (1i64..4, 1i64..5).prop_map(|(n, s)| make("hgx-cluster", &[("nodes", n), ("spines", s)])),
        (1i64..3, 1i64..3, 0usize..3)
            .prop_map(|(x, y, z)| { make("tpu-v4", &[("x", x), ("y", y), ("z", [1, 2, 4][z])]) }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Every memory reaches every other one by a chain of links that is as short as can be, and
    /// whose latency and least bandwidth are those that the cluster tells.
    #[test]
    fn routes_are_shortest_chains_of_links(spec in topologies()) {
        prop_assert!(spec.links.iter().all(|l| l.duplex == Duplex::Full));
        let (names, edges) = (vertices(&spec).len(), edges(&spec));
        let cluster = Cluster::new(spec.clone()).unwrap();
        for from in cluster.memory_ids() {
            let far = distances(names, &edges, from.index());
            for to in cluster.memory_ids() {
                prop_assert!(cluster.reaches(from, to));
                let mut route = Vec::new();
                cluster.route(from, to, &mut route);
                prop_assert_eq!(route.len(), far[to.index()]);
                let (mut at, mut latency_ns, mut least) = (from.index(), 0, f64::INFINITY);
                for channel in route {
                    let link = cluster.channels()[channel.index()].link.unwrap().index();
                    let (a, b, bytes_per_s) = edges[link];
                    prop_assert!(at == a || at == b);
                    at = if at == a { b } else { a };
                    latency_ns += spec.links[link].latency_ns;
                    least = least.min(bytes_per_s);
                }
                prop_assert_eq!(at, to.index());
                prop_assert_eq!(cluster.latency_ns(from, to), latency_ns);
                prop_assert_eq!(cluster.bandwidth_bytes_per_s(from, to), least);
            }
        }
    }
}
