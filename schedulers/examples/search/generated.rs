//! Instances of known families from seeds: what searches are tuned on.

use crate::import::{Plain, PlainCost, processors};
use runtime::cluster::{LinkSpec, MemorySpec, NetworkModel, SwitchSpec};
use runtime::{Cluster, ClusterSpec, TaskGraph};
use schedulers::stream::Stream;

/// A graph on a machine, and its optimum where that is known.
pub struct Instance {
    pub name: String,
    pub graph: TaskGraph,
    pub cluster: Cluster,
    pub optimum_ns: Option<u64>,
}

struct Made {
    costs: Vec<Vec<u64>>,
    edges: Vec<(usize, usize, Option<u64>)>,
    bandwidth: Vec<Vec<u64>>,
    latency: Vec<Vec<u64>>,
}

fn links(stream: &mut Stream, processors: usize) -> (Vec<Vec<u64>>, Vec<Vec<u64>>) {
    let mut bandwidth = vec![vec![0; processors]; processors];
    let mut latency = bandwidth.clone();
    for b in 0..processors {
        for a in 0..b {
            let (bw, lat) = ([1, 1, 2, 4][stream.index(4) as usize], u64::from(stream.index(3)));
            (bandwidth[a][b], bandwidth[b][a]) = (bw, bw);
            (latency[a][b], latency[b][a]) = (lat, lat);
        }
    }
    (bandwidth, latency)
}

fn finish(name: String, made: &Made, optimum_ns: Option<u64>) -> Instance {
    let count = made.bandwidth.len();
    let pairs = (0..count).flat_map(|b| (0..b).map(move |a| (a, b)));
    let links = pairs.map(|(a, b)| (a, b, made.bandwidth[a][b] as f64 * 1e9, made.latency[a][b]));
    let cluster = processors(&vec![1.0; count], &links.collect::<Vec<_>>());
    let costs = made.costs.iter().map(|row| PlainCost::Table(row.clone())).collect();
    let plain = Plain { costs, edges: made.edges.clone() };
    Instance { name, graph: plain.graph(count), cluster, optimum_ns }
}

fn between(stream: &mut Stream, from: u64, to: u64) -> u64 {
    from + stream.below(to - from + 1)
}

/// Costs of unrelated processors around a mean of each task.
fn unrelated(stream: &mut Stream, tasks: usize, processors: usize) -> Vec<Vec<u64>> {
    let row = |stream: &mut Stream| {
        let mean = between(stream, 4, 26);
        (0..processors).map(|_| between(stream, mean / 2 + 1, mean * 3 / 2)).collect()
    };
    (0..tasks).map(|_| row(stream)).collect()
}

/// Wide random graphs, layers about as wide as the machine, or repeated fork and join.
pub fn small(family: &str, tasks: usize, count: usize, ccr: f64, seed: u64) -> Instance {
    let mut stream = Stream::new(seed, family);
    let mut edges = Vec::new();
    let width = if family == "fork" { count + 1 } else { count };
    for to in 1..tasks {
        let layer = to / width;
        match family {
            "rand" => {
                for _ in 0..stream.index(3) {
                    edges.push((stream.index(to as u32) as usize, to));
                }
            }
            "fork" if to % width == 0 => edges.extend((to - width + 1..to).map(|f| (f, to))),
            "fork" => edges.push((layer * width, to)),
            _ if layer == 0 => {}
            _ => {
                for _ in 0..1 + stream.index(2) {
                    let from = (layer - 1) * width + stream.index(width as u32) as usize;
                    edges.push((from, to));
                }
            }
        }
    }
    edges.sort_unstable();
    edges.dedup();
    let mean = (15.0 * ccr) as u64;
    let mut data = |e: (usize, usize)| {
        (e.0, e.1, Some(between(&mut stream, mean / 2 + 1, (mean * 3 / 2).max(2))))
    };
    let edges: Vec<_> = edges.into_iter().map(&mut data).collect();
    let (bandwidth, latency) = links(&mut stream, count);
    let costs = unrelated(&mut stream, tasks, count);
    let name = format!("{family}-n{tasks}-m{count}-ccr{ccr}-s{seed}");
    finish(name, &Made { costs, edges, bandwidth, latency }, None)
}

/// Every processor is busy until the end and every task on one where it is cheapest: no schedule
/// is shorter.
pub fn planted(tasks: usize, count: usize, ccr: f64, seed: u64) -> Instance {
    let mut stream = Stream::new(seed, "planted");
    let end_ns = 15 * (tasks / count) as u64;
    let (bandwidth, latency) = links(&mut stream, count);
    let mut placed: Vec<(usize, u64, u64)> = Vec::new();
    for processor in 0..count {
        let pieces = tasks / count + usize::from(processor < tasks % count);
        let mut cuts: Vec<u64> = Vec::new();
        while cuts.len() < pieces - 1 {
            let cut = between(&mut stream, 1, end_ns - 1);
            if !cuts.contains(&cut) {
                cuts.push(cut);
            }
        }
        cuts.extend([0, end_ns]);
        cuts.sort_unstable();
        placed.extend(cuts.windows(2).map(|w| (processor, w[0], w[1])));
    }
    // Numbers that say nothing.
    for at in (1..placed.len()).rev() {
        placed.swap(at, stream.index(at as u32 + 1) as usize);
    }
    let costs = (placed.iter())
        .map(|&(own, start, end)| {
            let ns = end - start;
            let other = |p: usize, stream: &mut Stream| match p == own {
                true => ns,
                false => ns + between(stream, 0, ns * 3 / 4),
            };
            (0..count).map(|p| other(p, &mut stream)).collect()
        })
        .collect();
    let mut edges = Vec::new();
    while edges.len() < 2 * tasks {
        let (a, b) = (stream.index(tasks as u32) as usize, stream.index(tasks as u32) as usize);
        let (from, to) = (placed[a], placed[b]);
        let data = between(&mut stream, 1, (24.0 * ccr) as u64);
        let comm = match from.0 == to.0 {
            true => 0,
            false => latency[from.0][to.0] + data.div_ceil(bandwidth[from.0][to.0]),
        };
        let gap = to.1 as i64 - (from.2 + comm) as i64;
        if (0..end_ns as i64 / 12).contains(&gap)
            && !edges.iter().any(|e: &(_, _, _)| e.0 == a && e.1 == b)
        {
            edges.push((a, b, Some(data)));
        }
    }
    let name = format!("planted-n{tasks}-m{count}-ccr{ccr}-s{seed}");
    finish(name, &Made { costs, edges, bandwidth, latency }, Some(end_ns))
}

/// Layers of the root of the tasks, one to three parents.
pub fn layered(tasks: usize, count: usize, ccr: f64, seed: u64) -> Instance {
    let mut stream = Stream::new(seed, "layered");
    let width = libm::sqrt(tasks as f64) as usize;
    let mut edges = Vec::new();
    let mean = (15.0 * ccr) as u64;
    for to in width..tasks {
        let layer = to / width;
        let mut from: Vec<usize> = (0..1 + stream.index(3))
            .map(|_| (layer - 1) * width + stream.index(width as u32) as usize)
            .collect();
        from.sort_unstable();
        from.dedup();
        for from in from {
            edges.push((from, to, Some(between(&mut stream, mean / 2 + 1, mean * 3 / 2))));
        }
    }
    let (bandwidth, latency) = links(&mut stream, count);
    let costs = unrelated(&mut stream, tasks, count);
    let name = format!("layered-n{tasks}-m{count}-ccr{ccr}-s{seed}");
    finish(name, &Made { costs, edges, bandwidth, latency }, None)
}

/// The same with every processor on one link to a switch, which transfers share.
pub fn star(tasks: usize, count: usize, ccr: f64, seed: u64) -> Instance {
    let made = layered(tasks, count, ccr, seed);
    let link = |memory: &MemorySpec| LinkSpec {
        name: format!("{}-switch", memory.name),
        a: memory.name.clone(),
        b: "switch".into(),
        bytes_per_s: 2e9,
        latency_ns: 1,
        ..LinkSpec::default()
    };
    let spec = made.cluster.spec();
    let cluster = Cluster::new(ClusterSpec {
        switches: vec![SwitchSpec { name: "switch".into(), bytes_per_s: None }],
        links: spec.memories.iter().map(link).collect(),
        network: NetworkModel::MaxMin,
        ..spec.clone()
    });
    let name = format!("star-n{tasks}-m{count}-ccr{ccr}-s{seed}");
    Instance { name, cluster: cluster.expect("the spec is fine"), ..made }
}

/// Layers on memories that hold an even share of four layers' data; without contention.
pub fn tight(tasks: usize, count: usize, ccr: f64, seed: u64) -> Instance {
    let made = layered(tasks, count, ccr, seed);
    let all_bytes: u64 = made.graph.object_ids().map(|o| made.graph.object(o).bytes).sum();
    let mut spec = made.cluster.spec().clone();
    let layers = libm::sqrt(tasks as f64) as u64;
    let largest = made.graph.task_ids().map(|t| made.graph.working_set_bytes(t)).max();
    for memory in &mut spec.memories {
        let share_bytes = all_bytes * 4 / (layers * count as u64);
        memory.capacity_bytes = Some(share_bytes.max(largest.unwrap_or(0)));
    }
    let name = format!("tight-n{tasks}-m{count}-ccr{ccr}-s{seed}");
    Instance { name, cluster: Cluster::new(spec).expect("the spec is fine"), ..made }
}

#[derive(serde::Deserialize)]
struct File {
    timing: String,
    tasks: Vec<Task>,
    edges: Vec<Edge>,
    links: Links,
    optimal_makespan: u64,
}

#[derive(serde::Deserialize)]
struct Task {
    cost: Vec<u64>,
}

#[derive(serde::Deserialize)]
struct Edge {
    src: usize,
    dst: usize,
    data: u64,
}

#[derive(serde::Deserialize)]
struct Links {
    bandwidth: Vec<Vec<u64>>,
    latency: Vec<Vec<u64>>,
}

/// Instances of the shared data whose names begin so, contention-free ones alone.
fn shared(is_wanted: impl Fn(&str) -> bool) -> Vec<Instance> {
    let files = crate::import::files("oracles/optimal", ".json");
    let read = |(name, text): &(String, String)| {
        let file: File = serde_json::from_str(text).expect("the format is known");
        let Links { bandwidth, latency } = file.links;
        let costs = file.tasks.into_iter().map(|t| t.cost).collect();
        let edges = file.edges.iter().map(|e| (e.src, e.dst, Some(e.data))).collect();
        let made = Made { costs, edges, bandwidth, latency };
        let is_fine = file.timing == "contention-free" && is_wanted(name);
        is_fine.then(|| finish(name.clone(), &made, Some(file.optimal_makespan)))
    };
    files.iter().filter_map(read).collect()
}

/// Small instances with proved optima, from the shared data.
pub fn optimal() -> Vec<Instance> {
    shared(|name| !name.starts_with("planted"))
}

/// The largest planted instances of the shared data.
pub fn planted_there() -> Vec<Instance> {
    shared(|name| name.starts_with("planted-n1000"))
}
