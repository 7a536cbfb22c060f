//! Random graphs and clusters, as functions of a seed.

use runtime::cluster::{
    Capacity, ClusterSpec, DeviceSpec, Duplex, LinkSpec, MemorySpec, NetworkModel, SwitchSpec,
};
use runtime::graph::{FULL_PPM, Mode, ObjectSpec};
use runtime::{Cluster, Cost, ObjectId, TaskGraph, TaskId, TaskSpec};

/// A small generator of random numbers (SplitMix64), so that a seed means the same case for ever.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The stream of a seed and a purpose.
    pub fn new(seed: u64, purpose: u64) -> Self {
        let mut dice = Self(seed ^ purpose.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        dice.next();
        dice
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// True once in `n` times.
    pub fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// What a case may contain.
#[derive(Clone, Copy, Debug)]
pub struct Features {
    /// Tasks at most.
    pub tasks: u64,
    /// Tasks of several cores.
    pub several_cores: bool,
    /// Commutative, reduce and racy accesses.
    pub groups: bool,
    /// Costs as tables per device class, some of them missing.
    pub unrelated: bool,
}

impl Features {
    /// Everything, up to so many tasks.
    pub fn all(tasks: u64) -> Self {
        Self { tasks, several_cores: true, groups: true, unrelated: true }
    }
}

/// A graph over a few objects with all kinds of accesses; lanes of any device suffice.
pub fn graph(seed: u64, features: Features) -> TaskGraph {
    let mut dice = Dice::new(seed, 1);
    let mut graph = TaskGraph::new(&format!("case-{seed}"));
    let is_unrelated = features.unrelated && dice.once_in(2);
    if is_unrelated {
        graph.set_columns(&["fast", "slow"]);
    }
    let kernel = graph.kernel("step");
    let tasks = 1 + dice.below(features.tasks);
    let mut objects = Vec::new();
    let mut exists = Vec::new();
    for _ in 0..2 + dice.below(2 + tasks / 2) {
        let initial = dice.once_in(3);
        let spec = ObjectSpec {
            bytes: if dice.once_in(6) { 0 } else { 1 + dice.below(4000) },
            initial,
            keep: dice.once_in(5),
            ..Default::default()
        };
        objects.push(graph.add_object(spec).expect("objects are always accepted"));
        exists.push(initial);
    }
    for at in 0..tasks {
        let accesses = accesses(&mut dice, features, &objects, &mut exists);
        let work_ns = if dice.once_in(8) { 0 } else { 1 + dice.below(5000) };
        let cost = match is_unrelated {
            false => Cost::Work(work_ns as f64 / 1e9),
            true => {
                // Tasks that share an object racily must be able to meet anywhere.
                let is_racy = accesses.iter().any(|a| a.1 == Mode::Racy);
                let fast = if dice.once_in(4) && !is_racy { u64::MAX } else { work_ns };
                graph.add_cost_row(&[fast, 2 * work_ns + 1]).expect("two columns")
            }
        };
        let after: Vec<TaskId> =
            if at > 0 && dice.once_in(4) { vec![TaskId(dice.below(at) as u32)] } else { vec![] };
        let cores = if features.several_cores && dice.once_in(6) { 2 } else { 1 };
        graph
            .submit(TaskSpec {
                cost,
                cores,
                occupancy_ppm: (1 + dice.below(4) as u32) * (FULL_PPM / 4),
                accesses: &accesses,
                after: &after,
                ..TaskSpec::new(kernel)
            })
            .expect("the case is well formed");
    }
    graph
}

fn accesses(
    dice: &mut Dice,
    features: Features,
    objects: &[ObjectId],
    exists: &mut [bool],
) -> Vec<(ObjectId, Mode)> {
    let mut accesses: Vec<(ObjectId, Mode)> = Vec::new();
    for _ in 0..dice.below(4) {
        let at = dice.below(objects.len() as u64) as usize;
        if accesses.iter().any(|a| a.0 == objects[at]) {
            continue;
        }
        let mode = match dice.below(if features.groups { 9 } else { 6 }) {
            _ if !exists[at] => Mode::Write,
            0..=2 => Mode::Read,
            3 => Mode::Write,
            4 | 5 => Mode::ReadWrite,
            6 | 7 => Mode::Commutative,
            // One object of the graph at most: those shared by two tasks that are elsewhere for the
            // sake of others could not be in one memory.
            _ if at == 0 => Mode::Racy,
            _ => Mode::Reduce,
        };
        exists[at] = true;
        accesses.push((objects[at], mode));
    }
    accesses
}

/// One to five devices of two classes, each with a memory of its own or sharing one.
pub fn cluster(seed: u64) -> ClusterSpec {
    let mut dice = Dice::new(seed, 2);
    let devices = 1 + dice.below(5) as usize;
    let shares = dice.once_in(4);
    let memory = |i: usize| format!("m{}", if shares { 0 } else { i });
    let memories = if shares { 1 } else { devices };
    let bytes_per_s = 10f64.powi(8 + dice.below(3) as i32);
    let link = |i: usize, dice: &mut Dice| LinkSpec {
        name: format!("link{i}"),
        a: format!("m{i}"),
        b: "switch".into(),
        bytes_per_s: bytes_per_s * (1 + dice.below(3)) as f64,
        latency_ns: dice.below(3) * 500,
        duplex: if dice.once_in(3) { Duplex::Half } else { Duplex::Full },
        power: None,
    };
    ClusterSpec {
        name: format!("case-{seed}"),
        memories: (0..memories)
            .map(|i| MemorySpec { name: format!("m{i}"), ..Default::default() })
            .collect(),
        devices: (0..devices)
            .map(|i| DeviceSpec {
                name: format!("d{i}"),
                // There is always a device that runs everything.
                class: if i > 0 && dice.once_in(2) { "fast".into() } else { "slow".into() },
                memory: memory(i),
                lanes: 2 + dice.below(3) as u32,
                speed: (1 + dice.below(3)) as f64,
                ..Default::default()
            })
            .collect(),
        switches: vec![SwitchSpec { name: "switch".into(), bytes_per_s: None }],
        links: (0..memories).map(|i| link(i, &mut dice)).collect(),
        network: match dice.below(4) {
            0 => NetworkModel::ContentionFree,
            1 => NetworkModel::OnePort,
            _ => NetworkModel::MaxMin,
        },
        homes: Vec::new(),
    }
}

/// The same cluster with lanes that share their device's capacity, on some devices or all.
pub fn with_shared_devices(mut spec: ClusterSpec, seed: u64) -> ClusterSpec {
    let mut dice = Dice::new(seed, 3);
    let all = dice.once_in(2);
    for device in spec.devices.iter_mut().filter(|_| all || dice.once_in(2)) {
        device.capacity = Capacity::Shared;
    }
    spec
}

/// The same cluster with links at random, by which every memory reaches every other: a tree over
/// memories and up to three switches, some with a backplane, and a few links more.
pub fn with_random_links(mut spec: ClusterSpec, seed: u64) -> ClusterSpec {
    let mut dice = Dice::new(seed, 4);
    let bytes_per_s =
        |dice: &mut Dice| 10f64.powi(7 + dice.below(4) as i32) * (1 + dice.below(9)) as f64;
    spec.switches = (0..dice.below(4))
        .map(|i| SwitchSpec {
            name: format!("s{i}"),
            bytes_per_s: dice.once_in(3).then(|| bytes_per_s(&mut dice)),
        })
        .collect();
    let memories = spec.memories.iter().map(|m| m.name.clone());
    let vertices: Vec<String> =
        memories.chain(spec.switches.iter().map(|s| s.name.clone())).collect();
    let tree = 1..vertices.len();
    let more = if vertices.len() > 1 { dice.below(4) } else { 0 };
    let mut ends: Vec<(usize, usize)> = tree.map(|b| (dice.below(b as u64) as usize, b)).collect();
    for _ in 0..more {
        let (a, b) = (dice.below(vertices.len() as u64), dice.below(vertices.len() as u64));
        if a != b {
            ends.push((a as usize, b as usize));
        }
    }
    spec.links = (ends.into_iter().enumerate())
        .map(|(i, (a, b))| LinkSpec {
            name: format!("link{i}"),
            a: vertices[a].clone(),
            b: vertices[b].clone(),
            bytes_per_s: bytes_per_s(&mut dice),
            latency_ns: dice.below(3) * 700,
            duplex: if dice.once_in(3) { Duplex::Half } else { Duplex::Full },
            ..Default::default()
        })
        .collect();
    spec
}

/// The same cluster with every device's memory cut down to `capacity_bytes`, and a home of
/// unlimited size behind the first switch or memory.
pub fn with_small_memories(mut spec: ClusterSpec, capacity_bytes: u64) -> ClusterSpec {
    for memory in &mut spec.memories {
        memory.capacity_bytes = Some(capacity_bytes);
    }
    spec.memories.push(MemorySpec { name: "home".into(), ..Default::default() });
    let hub = spec.switches.first().map_or(&spec.memories[0].name, |s| &s.name).clone();
    spec.links.push(LinkSpec {
        name: "home-link".into(),
        a: "home".into(),
        b: hub,
        bytes_per_s: 1e9,
        ..Default::default()
    });
    spec.homes = vec!["home".into()];
    spec
}

/// A checked cluster.
///
/// # Panics
/// When the spec is refused: a bug of this module.
pub fn checked(spec: ClusterSpec) -> std::sync::Arc<Cluster> {
    std::sync::Arc::new(Cluster::new(spec).expect("the case is well formed"))
}
