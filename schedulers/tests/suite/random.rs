//! Random graphs and machines with everything that a graph may hold.

use runtime::cluster::{ClusterSpec, DeviceSpec, LinkSpec, MemorySpec, NetworkModel, SwitchSpec};
use runtime::graph::{Mode, ObjectSpec};
use runtime::{Cluster, Cost, ObjectId, TaskGraph, TaskId, TaskSpec};

/// What a random instance is made of; a few numbers, so that a failing one is readable.
#[derive(Clone, Copy, Debug)]
pub struct Mix {
    pub seed: u64,
    pub tasks: u32,
    pub devices: u32,
    /// Most lanes of a device.
    pub lanes: u32,
    /// Tasks may need several cores.
    pub wide: bool,
    /// Durations come from a table, with gaps, instead of work over speed.
    pub tables: bool,
    /// Commutative, reduce and racy accesses.
    pub groups: bool,
    pub gangs: bool,
    /// Memories barely hold the largest working set.
    pub tight: bool,
}

/// Numbers that look random (SplitMix64).
pub struct Draws(pub u64);

impl Draws {
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// The graph of an instance.
pub fn graph(mix: &Mix) -> TaskGraph {
    let mut draws = Draws(mix.seed);
    let mut graph = TaskGraph::new("random");
    let kernel = graph.kernel("task");
    graph.set_columns(&["cpu", "gpu"]);
    let mut object = |bytes, initial| {
        graph
            .add_object(ObjectSpec { bytes, initial, ..ObjectSpec::default() })
            .expect("it is fine")
    };
    let weights: Vec<ObjectId> = (0..3).map(|i| object(10 * i, true)).collect();
    let written: Vec<ObjectId> = (0..mix.tasks).map(|_| object(draws.below(60), false)).collect();
    let mut task = 0;
    while task < mix.tasks {
        // The tasks of a gang read only what was written before the first of them.
        let is_gang = mix.gangs && mix.devices >= 2 && task > 2 && draws.chance(15);
        let members = if is_gang { 2.min(mix.tasks - task) } else { 1 };
        let gang = (members > 1).then(|| graph.add_gang());
        let before = task;
        for task in before..before + members {
            let mut accesses = vec![(written[task as usize], Mode::Write)];
            for _ in 0..draws.below(4).min(before.into()) {
                let read = written[draws.below(before.into()) as usize];
                let changes = gang.is_none() && draws.chance(15);
                let mode = if changes { Mode::ReadWrite } else { Mode::Read };
                accesses.push((read, mode));
            }
            let group = weights[draws.below(3) as usize];
            if mix.groups && gang.is_none() && draws.chance(30) {
                let modes = [Mode::Commutative, Mode::Reduce, Mode::Racy, Mode::Racy];
                // One kind of object for each way of sharing: weights 2 is the racy one.
                let mode =
                    if group == weights[2] { modes[3] } else { modes[draws.below(2) as usize] };
                accesses.push((group, mode));
            } else if draws.chance(20) && group != weights[2] {
                accesses.push((group, Mode::Read));
            }
            let after: Vec<TaskId> = match before > 0 && draws.chance(10) {
                true => vec![TaskId(draws.below(before.into()) as u32)],
                false => Vec::new(),
            };
            let is_racy = accesses.iter().any(|a| a.1 == Mode::Racy);
            let cost = match mix.tables {
                true => {
                    let both = [draws.below(40), draws.below(20)];
                    let missing = draws.below(6) as usize;
                    let mut row = both;
                    if let Some(ns) = row.get_mut(missing).filter(|_| !is_racy && gang.is_none()) {
                        *ns = u64::MAX;
                    }
                    graph.add_cost_row(&row).expect("two columns")
                }
                false => Cost::Work(draws.below(40) as f64 * 1e-9),
            };
            let widest = if mix.wide && gang.is_none() { u64::from(mix.lanes) } else { 1 };
            let cores = 1 + draws.below(widest) as u32;
            let scratch_bytes = draws.below(20);
            graph
                .submit(TaskSpec {
                    cost,
                    cores,
                    gang,
                    scratch_bytes,
                    accesses: &accesses,
                    after: &after,
                    ..TaskSpec::new(kernel)
                })
                .expect("the task is fine");
        }
        task += members;
    }
    graph
}

/// The machine of an instance: a switch with nodes, every third device sharing the memory of the
/// one before. The first two devices, of different classes, have all the lanes.
pub fn cluster(mix: &Mix, graph: &TaskGraph) -> Cluster {
    let mut draws = Draws(mix.seed ^ 0x5eed);
    let largest = graph.task_ids().map(|t| graph.working_set_bytes(t)).max().unwrap_or(1);
    let devices = mix.devices.max(2);
    let memory_of = |i: u32| if i % 3 == 2 { i - 1 } else { i };
    let memories = (0..devices).filter(|i| memory_of(*i) == *i);
    let name = |i: u32| format!("m{i}");
    let home = MemorySpec { name: "home".into(), ..MemorySpec::default() };
    let capacity_bytes = mix.tight.then_some(largest.max(1));
    let memory = |i| MemorySpec { name: name(i), capacity_bytes, ..MemorySpec::default() };
    let mut link = |memory: String| LinkSpec {
        name: format!("{memory}-switch"),
        a: memory,
        b: "switch".into(),
        bytes_per_s: (1 + draws.below(3)) as f64 * 1e9,
        latency_ns: draws.below(5),
        ..LinkSpec::default()
    };
    let names = memories.clone().map(name).chain(["home".to_owned()]);
    let links = names.map(&mut link).collect();
    let device = |i: u32| DeviceSpec {
        name: format!("d{i}"),
        class: if i.is_multiple_of(2) { "cpu".into() } else { "gpu".into() },
        memory: name(memory_of(i)),
        lanes: if i < 2 { mix.lanes } else { 1 + draws.below(mix.lanes.into()) as u32 },
        speed: (1 + draws.below(3)) as f64,
        ..DeviceSpec::default()
    };
    Cluster::new(ClusterSpec {
        name: "random".into(),
        memories: memories.map(memory).chain([home]).collect(),
        devices: (0..devices).map(device).collect(),
        switches: vec![SwitchSpec { name: "switch".into(), bytes_per_s: None }],
        links,
        network: NetworkModel::ContentionFree,
        homes: vec!["home".into()],
    })
    .expect("the spec is fine")
}
