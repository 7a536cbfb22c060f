//! Clusters at random.

use super::programs::Random;
use runtime::cluster::{ClusterSpec, DeviceSpec, Duplex, LinkSpec, MemorySpec, NetworkModel};
use runtime::{Cluster, TaskGraph};

/// What a random cluster may have.
#[derive(Clone, Debug)]
pub struct MachineKnobs {
    pub seed: u64,
    pub devices: u32,
    pub max_lanes: u32,
    /// Devices share one memory.
    pub is_shared: bool,
    /// Objects live in a memory of its own, without devices.
    pub has_ram: bool,
    /// Device memories hold the largest working set and this much more; `None` = unlimited.
    pub slack_bytes: Option<u64>,
    /// Home memories are limited too, to what they must be able to hold.
    pub is_home_bounded: bool,
    /// At most so many transfers into and out of each memory at once.
    pub engines: Option<u32>,
}

/// Bytes of the largest set of objects that must be in one memory at once: of a task or a gang.
pub fn largest_working_set(graph: &TaskGraph) -> u64 {
    let mut gangs = vec![0; graph.gang_count()];
    let mut largest = 1;
    for task in graph.task_ids() {
        let bytes = graph.working_set_bytes(task);
        largest = largest.max(bytes);
        if let Some(gang) = graph.task(task).gang {
            gangs[gang.index()] += bytes;
        }
    }
    gangs.into_iter().fold(largest, u64::max)
}

/// A cluster in which every task of `graph` fits everywhere.
pub fn machine(knobs: &MachineKnobs, graph: &TaskGraph) -> Cluster {
    let mut random = Random::new(knobs.seed, "machine");
    let largest = largest_working_set(graph);
    let all: u64 = graph.object_ids().map(|o| graph.object(o).bytes).sum();
    let memories = if knobs.is_shared { 1 } else { knobs.devices };
    let mut spec = ClusterSpec {
        name: "random".into(),
        network: NetworkModel::ContentionFree,
        ..Default::default()
    };
    for m in 0..memories {
        let is_home = !knobs.has_ram && (m == 0 || random.chance(1, 2));
        let capacity_bytes = match (knobs.slack_bytes, is_home) {
            (None, _) => None,
            (Some(slack), false) => Some(largest + slack),
            (Some(slack), true) => knobs.is_home_bounded.then_some(largest + all + slack),
        };
        spec.memories.push(memory(format!("m{m}"), capacity_bytes, knobs));
        if is_home {
            spec.homes.push(format!("m{m}"));
        }
    }
    if knobs.has_ram {
        let bound = (knobs.is_home_bounded && knobs.slack_bytes.is_some()).then_some(all + 1);
        spec.memories.push(memory("ram".into(), bound, knobs));
        spec.homes.push("ram".into());
    }
    for d in 0..knobs.devices {
        let lanes = if d == 0 { knobs.max_lanes } else { 1 + random.below(knobs.max_lanes) };
        spec.devices.push(DeviceSpec {
            name: format!("d{d}"),
            class: if random.chance(1, 2) { "a" } else { "b" }.into(),
            memory: format!("m{}", if knobs.is_shared { 0 } else { d }),
            lanes,
            speed: [1e9, 2e9, 5e8][random.below(3) as usize],
            ..Default::default()
        });
    }
    // One class must be there for tasks that run only on it.
    spec.devices[0].class = "a".into();
    spec.switches = vec![runtime::cluster::SwitchSpec { name: "net".into(), bytes_per_s: None }];
    for m in &spec.memories {
        spec.links.push(LinkSpec {
            name: format!("net-{}", m.name),
            a: m.name.clone(),
            b: "net".into(),
            bytes_per_s: [1e9, 3e9, 1e8][random.below(3) as usize],
            latency_ns: u64::from(random.below(4)) * 5,
            duplex: if random.chance(1, 3) { Duplex::Half } else { Duplex::Full },
            power: None,
        });
    }
    Cluster::new(spec).expect("a valid cluster")
}

fn memory(name: String, capacity_bytes: Option<u64>, knobs: &MachineKnobs) -> MemorySpec {
    MemorySpec {
        name,
        capacity_bytes,
        copies_in: knobs.engines,
        copies_out: knobs.engines,
        ..Default::default()
    }
}
