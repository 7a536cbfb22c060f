//! The machine that this program runs on, as far as the system tells.

use runtime::ClusterSpec;
use runtime::cluster::{DeviceSpec, MemoryKind, MemorySpec};
use rustix::thread::{CpuSet, sched_getaffinity};
use serde::{Deserialize, Serialize};
use std::fs::read_to_string;
use std::path::Path;

/// Cores, memory and versions; what the system does not tell is `None` or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Name of the processor.
    pub processor: Option<String>,
    /// Cores that this process may use, by the system's number; never empty.
    pub cores: Vec<u32>,
    /// Main memory.
    pub memory_bytes: Option<u64>,
    /// Main memory that can be used now without swapping, and that the control group allows.
    pub available_bytes: Option<u64>,
    /// NUMA nodes, by number.
    pub nodes: Vec<NumaNode>,
    /// Kind and release of the operating system's kernel.
    pub system: String,
}

/// Cores with a memory of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumaNode {
    /// The system's number of it.
    pub number: u32,
    /// Its cores that this process may use.
    pub cores: Vec<u32>,
    /// Its memory.
    pub memory_bytes: Option<u64>,
}

impl Machine {
    /// Asks the system.
    pub fn detect() -> Self {
        let cores = allowed_cores();
        let meminfo = read_to_string("/proc/meminfo").unwrap_or_default();
        let cpuinfo = read_to_string("/proc/cpuinfo").unwrap_or_default();
        let nodes = numa_nodes(Path::new("/sys/devices/system/node"), &cores);
        let name = rustix::system::uname();
        let text = |name: &std::ffi::CStr| name.to_string_lossy().into_owned();
        Self {
            processor: processor(&cpuinfo),
            memory_bytes: kibibytes(&meminfo, "MemTotal:"),
            available_bytes: available(&meminfo, Path::new("/sys/fs/cgroup/memory.max")),
            nodes,
            cores,
            system: format!("{} {}", text(name.sysname()), text(name.release())),
        }
    }

    /// Lines for [`TraceHeader::provenance`](runtime::trace::TraceHeader::provenance).
    pub fn provenance(&self) -> Vec<(String, String)> {
        let unknown = || "unknown".to_owned();
        let bytes = self.memory_bytes.map_or_else(unknown, |b| b.to_string());
        let lines = [
            ("processor", self.processor.clone().unwrap_or_else(unknown)),
            ("cores", self.cores.len().to_string()),
            ("memory_bytes", bytes),
            ("numa_nodes", self.nodes.len().max(1).to_string()),
            ("system", self.system.clone()),
            ("program", concat!("windtunnel ", env!("CARGO_PKG_VERSION")).to_owned()),
        ];
        lines.map(|(key, value)| (key.to_owned(), value)).into()
    }
}

/// The plain host as a cluster: one memory, unlimited, and one device `cpu` with `workers` lanes.
///
/// `speed` is in units of work per second and lane. The memory is unlimited because the system
/// shares it with everybody; the driver's own limit guards it in a real run.
pub fn host_cluster(machine: &Machine, workers: u32, speed: f64) -> ClusterSpec {
    let processor = machine.processor.as_deref().unwrap_or("cpu");
    ClusterSpec {
        name: format!("{workers} cores of {processor}"),
        memories: vec![MemorySpec {
            name: "host".to_owned(),
            kind: MemoryKind::Dram,
            ..MemorySpec::default()
        }],
        devices: vec![DeviceSpec {
            name: "cpu".to_owned(),
            class: "cpu".to_owned(),
            memory: "host".to_owned(),
            lanes: workers,
            speed,
            ..DeviceSpec::default()
        }],
        ..ClusterSpec::default()
    }
}

fn allowed_cores() -> Vec<u32> {
    let count = || std::thread::available_parallelism().map_or(1, |n| n.get() as u32);
    match sched_getaffinity(None) {
        Ok(set) => (0..CpuSet::MAX_CPU).filter(|c| set.is_set(*c)).map(|c| c as u32).collect(),
        Err(_) => (0..count()).collect(),
    }
}

/// "model name" on x86, "Model" or "Processor" on some others.
fn processor(cpuinfo: &str) -> Option<String> {
    let named = |wanted: &str| {
        let lines = cpuinfo.lines().filter_map(|line| line.split_once(':'));
        let mut found = lines.filter(|(key, _)| key.trim() == wanted);
        found.next().map(|(_, value)| value.trim().to_owned()).filter(|v| !v.is_empty())
    };
    ["model name", "Model", "Processor", "cpu model"].into_iter().find_map(named)
}

/// What is available, or the control group's limit where that is less.
fn available(meminfo: &str, limit: &Path) -> Option<u64> {
    let limit = read_to_string(limit).ok().and_then(|text| text.trim().parse().ok());
    kibibytes(meminfo, "MemAvailable:").into_iter().chain(limit).min()
}

/// The value of a line `[Node N ]key   123 kB`.
fn kibibytes(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.split_whitespace().any(|word| word == key))?;
    let value = line.split_whitespace().skip_while(|word| *word != key).nth(1)?;
    value.parse::<u64>().ok()?.checked_mul(1024)
}

fn numa_nodes(folder: &Path, allowed: &[u32]) -> Vec<NumaNode> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let node = |entry: std::fs::DirEntry| {
        let number = entry.file_name().to_str()?.strip_prefix("node")?.parse().ok()?;
        let list = read_to_string(entry.path().join("cpulist")).ok()?;
        let meminfo = read_to_string(entry.path().join("meminfo")).unwrap_or_default();
        let mut cores = core_list(&list);
        cores.retain(|c| allowed.contains(c));
        Some(NumaNode { number, cores, memory_bytes: kibibytes(&meminfo, "MemTotal:") })
    };
    let mut nodes: Vec<NumaNode> = entries.flatten().filter_map(node).collect();
    nodes.sort_by_key(|n| n.number);
    nodes
}

/// The numbers of a list like `0-3,8,10-11`; what is not a number is left out.
fn core_list(text: &str) -> Vec<u32> {
    let part = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.trim().parse::<u32>().ok()?..=last.trim().parse::<u32>().ok()?)
    };
    text.split(',').filter_map(part).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime::Cluster;

    #[test]
    fn this_machine_has_cores_and_a_system() {
        let machine = Machine::detect();
        assert!(!machine.cores.is_empty());
        assert!(!machine.system.trim().is_empty());
        assert!(machine.nodes.iter().flat_map(|n| &n.cores).all(|c| machine.cores.contains(c)));
        assert!(machine.available_bytes <= machine.memory_bytes);
    }

    #[test]
    fn the_host_is_a_cluster() {
        let cluster = Cluster::new(host_cluster(&Machine::detect(), 3, 2.0)).unwrap();
        assert_eq!(
            (cluster.device_count(), cluster.lane_count(), cluster.memory_count()),
            (1, 3, 1)
        );
        assert_eq!(cluster.device(runtime::DeviceId(0)).speed, 2.0);
    }

    #[test]
    fn system_files_are_read_as_they_are_written() {
        assert_eq!(core_list("0-3,8, 10-11\n"), [0, 1, 2, 3, 8, 10, 11]);
        assert!(core_list("\n").is_empty());
        let meminfo = "MemTotal:       24615396 kB\nMemAvailable:   23 kB\n";
        assert_eq!(kibibytes(meminfo, "MemTotal:"), Some(24_615_396 * 1024));
        assert_eq!(kibibytes(meminfo, "MemFree:"), None);
        assert_eq!(available(meminfo, Path::new("/nowhere")), Some(23 * 1024));
        assert_eq!(kibibytes("Node 0 MemTotal: 7 kB\n", "MemTotal:"), Some(7168));
        let cpuinfo = "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\n";
        assert_eq!(processor(cpuinfo).as_deref(), Some("Some CPU @ 2 GHz"));
        assert_eq!(processor("flags: x\n"), None);
    }
}
