//! A cluster as plain data with names.

use super::ClusterError;
use crate::Ns;
use serde::{Deserialize, Serialize};

/// A machine, as written in a file or made by a preset.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterSpec {
    /// Shown to people.
    pub name: String,
    /// Where data lies.
    pub memories: Vec<MemorySpec>,
    /// What computes.
    pub devices: Vec<DeviceSpec>,
    /// Vertices of the network that hold no data.
    #[serde(default)]
    pub switches: Vec<SwitchSpec>,
    /// What joins memories and switches.
    #[serde(default)]
    pub links: Vec<LinkSpec>,
    /// How transfers share links.
    #[serde(default)]
    pub network: NetworkModel,
    /// Memories that objects may call home; the first device's memory when empty.
    #[serde(default)]
    pub homes: Vec<String>,
}

/// What kind of memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemoryKind {
    /// Main memory.
    #[default]
    Dram,
    /// Memory of an accelerator.
    Hbm,
    /// A disk or a file system.
    Disk,
}

/// A memory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemorySpec {
    /// Unique among memories and switches.
    pub name: String,
    /// What kind.
    #[serde(default)]
    pub kind: MemoryKind,
    /// Capacity; `None` = unlimited.
    #[serde(default)]
    pub capacity_bytes: Option<u64>,
    /// Most copies arriving at once; `None` = unlimited.
    #[serde(default)]
    pub copies_in: Option<u32>,
    /// Most copies leaving at once; `None` = unlimited.
    #[serde(default)]
    pub copies_out: Option<u32>,
}

/// A device.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceSpec {
    /// Unique among devices.
    pub name: String,
    /// Devices of one class have the same costs in cost tables and models.
    pub class: String,
    /// Name of the memory that it computes in.
    pub memory: String,
    /// Lanes: each runs one task at a time.
    pub lanes: u32,
    /// Units of work per second and lane.
    pub speed: f64,
    /// Whose capacity a task takes.
    #[serde(default)]
    pub capacity: Capacity,
    /// Time from a command's issue to its start, and from its end to the executive's knowing.
    #[serde(default)]
    pub issue_ns: Ns,
    /// What it draws when none and when all of its lanes run a task; `None` = not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power: Option<Power>,
}

/// Electrical power of a device or a link, in milliwatts; results of runs count it as energy, no
/// other behaviour depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Power {
    /// Drawn all the time.
    pub idle_mw: u32,
    /// Drawn by a device all of whose capacity is used, or by a link that carries something; not
    /// below the idle power.
    pub busy_mw: u32,
}

/// Whose capacity a task takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capacity {
    /// Its lanes' own: the cores of a CPU.
    #[default]
    PerLane,
    /// A part of the device's, by its occupancy: lanes are streams, which share one GPU.
    Shared,
}

/// A vertex of the network that holds no data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwitchSpec {
    /// Unique among memories and switches.
    pub name: String,
    /// Bandwidth that everything passing through shares (a bus, a backplane); `None` = unlimited.
    #[serde(default)]
    pub bytes_per_s: Option<f64>,
}

/// Which ways a link carries data, and whether they share its bandwidth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Duplex {
    /// Each direction has the full bandwidth.
    #[default]
    Full,
    /// Both directions share it.
    Half,
    /// It leads from `a` to `b` only.
    Simplex,
}

/// A link.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkSpec {
    /// Unique among links.
    pub name: String,
    /// Name of a memory or switch.
    pub a: String,
    /// Name of a memory or switch.
    pub b: String,
    /// Bandwidth per direction (full duplex) or of both together (half).
    pub bytes_per_s: f64,
    /// Time before the first byte moves, using no bandwidth.
    #[serde(default)]
    pub latency_ns: Ns,
    /// Whether directions share.
    #[serde(default)]
    pub duplex: Duplex,
    /// What it draws when it carries nothing and when it carries something; `None` = not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power: Option<Power>,
}

/// How transfers share the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkModel {
    /// Flows share every link of their routes max-min fairly.
    #[default]
    MaxMin,
    /// Every transfer has its route to itself: the machine of the classic publications.
    ContentionFree,
    /// A memory sends one transfer and receives one at a time, each with its route to itself; who
    /// comes next is the executive's order of copies. The bidirectional one-port model of Bhat,
    /// Raghavendra and Prasanna, JPDC 63(3), 2003.
    OnePort,
}

/// Everything that can be checked without routes.
pub(super) fn check(spec: &ClusterSpec) -> Result<(), ClusterError> {
    use ClusterError::{BusyBelowIdle, Duplicate, NoDevices, OutOfRange, SelfLink};
    let part = |kind: &'static str, name: &str| format!("{kind} {name:?}");
    if spec.devices.is_empty() {
        return Err(NoDevices { cluster: spec.name.clone() });
    }
    let switches = spec.switches.iter().map(|s| &s.name);
    let vertices = spec.memories.iter().map(|m| &m.name).chain(switches);
    let devices = spec.devices.iter().map(|d| &d.name);
    let links = spec.links.iter().map(|l| &l.name);
    let (vertices, devices, links) = (vertices.collect(), devices.collect(), links.collect());
    for (kind, names) in [("memory or switch", vertices), ("device", devices), ("link", links)]
        as [(_, Vec<&String>); 3]
    {
        let mut sorted = names;
        sorted.sort();
        if let Some(pair) = sorted.windows(2).find(|w| w[0] == w[1]) {
            return Err(Duplicate { kind, name: pair[0].clone() });
        }
    }
    let positive = |part: String, field: &'static str, value: f64| {
        let fine = value.is_finite() && value > 0.0;
        if fine { Ok(()) } else { Err(OutOfRange { part, field, value }) }
    };
    let powered = |part: String, power: Option<Power>| match power {
        Some(power) if power.busy_mw < power.idle_mw => Err(BusyBelowIdle { part, power }),
        _ => Ok(()),
    };
    for device in &spec.devices {
        powered(part("device", &device.name), device.power)?;
        positive(part("device", &device.name), "speed", device.speed)?;
        positive(part("device", &device.name), "lanes", f64::from(device.lanes))?;
    }
    for memory in &spec.memories {
        for (field, value) in [("copies_in", memory.copies_in), ("copies_out", memory.copies_out)] {
            positive(part("memory", &memory.name), field, value.map_or(1.0, f64::from))?;
        }
        let bytes = memory.capacity_bytes.map_or(1.0, |b| b as f64);
        positive(part("memory", &memory.name), "capacity", bytes)?;
    }
    for switch in &spec.switches {
        positive(part("switch", &switch.name), "bandwidth", switch.bytes_per_s.unwrap_or(1.0))?;
    }
    for link in &spec.links {
        powered(part("link", &link.name), link.power)?;
        positive(part("link", &link.name), "bandwidth", link.bytes_per_s)?;
        if link.a == link.b {
            return Err(SelfLink { link: link.name.clone(), end: link.a.clone() });
        }
    }
    Ok(())
}
