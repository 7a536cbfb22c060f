//! From files to a cluster and a cost model.

use super::bus::{self, Counts};
use super::codelet::{self, Device};
use super::error::StarpuError;
use super::{platform, text_of};
use crate::import::error::nearest;
use runtime::ClusterSpec;
use runtime::cluster::{DeviceSpec, Duplex, LinkSpec, MemoryKind, MemorySpec, SwitchSpec};
use runtime::cost::{Measured, ModelSpec, Unmeasured};
use std::path::Path;

/// How to read a machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Cores that drive devices and run no tasks; one per CUDA device when `None`, as in StarPU.
    pub driver_cores: Option<u32>,
    /// How transfers meet on the bus.
    pub bus: Bus,
    /// CUDA devices used; all when `None`.
    pub devices: Option<u32>,
}

/// How transfers meet on the bus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bus {
    /// Every ordered pair of memories has its measured bandwidth and latency to itself.
    #[default]
    Pairs,
    /// Transfers to and from main memory also share the bandwidth that the platform file states.
    Shared,
}

/// A machine as sampled.
#[derive(Clone, Debug)]
pub struct Sampled {
    /// Main memory `ram` with its cores as device `cpu`, and `cuda0`, `cuda1`, ... with a memory
    /// each; every card is a class of its own.
    pub cluster: ClusterSpec,
    /// What was measured.
    pub costs: ModelSpec,
    /// What was decided or left out, for people.
    pub notes: Vec<String>,
}

/// The machines of a folder of sampled models, sorted.
///
/// # Errors
/// [`StarpuError`] when there are none.
pub fn machines(folder: &Path) -> Result<Vec<String>, StarpuError> {
    let nothing = || StarpuError::NoSampling { folder: folder.display().to_string() };
    let files = std::fs::read_dir(folder.join("bus")).map_err(|_| nothing())?;
    let names = files.flatten().filter_map(|f| f.file_name().into_string().ok());
    let stems = names.filter_map(|n| n.strip_suffix(".bandwidth").map(str::to_owned));
    let mut machines: Vec<String> = stems.collect();
    machines.sort();
    if machines.is_empty() { Err(nothing()) } else { Ok(machines) }
}

/// Reads a machine of a folder of sampled models.
///
/// # Errors
/// Any [`StarpuError`]; files are named, and lines of damaged ones.
pub fn read(folder: &Path, machine: &str, options: Options) -> Result<Sampled, StarpuError> {
    let known = machines(folder)?;
    if !known.iter().any(|k| k == machine) {
        return Err(StarpuError::NoMachine {
            folder: folder.display().to_string(),
            machine: machine.to_owned(),
            nearest: nearest(machine, known.iter().map(String::as_str)),
            known,
        });
    }
    let mut notes = Vec::new();
    let cluster = cluster(folder, machine, options, &mut notes)?;
    let costs = costs(folder, machine, &cluster, &mut notes)?;
    let mut sampled = Sampled { cluster, costs, notes };
    sampled.set_speeds();
    Ok(sampled)
}

/// A file of the bus: its name for people and its text.
fn bus_file(folder: &Path, machine: &str, ending: &str) -> Result<(String, String), StarpuError> {
    let (path, text) = text_of(&folder.join("bus").join(format!("{machine}.{ending}")))?;
    Ok((path.display().to_string(), text))
}

fn cluster(
    folder: &Path,
    machine: &str,
    options: Options,
    notes: &mut Vec<String>,
) -> Result<ClusterSpec, StarpuError> {
    let (file, text) = bus_file(folder, machine, "config")?;
    let mut counts = bus::read_counts(&file, &text)?;
    if counts.opencls > 0 {
        notes.push("its OpenCL devices are left out: they are the CUDA devices again".to_owned());
    }
    let (file, text) = bus_file(folder, machine, "affinity")?;
    bus::read_affinity(&file, &text, counts)?;
    let (file, text) = bus_file(folder, machine, "platform.xml")?;
    let platform = platform::read(&file, &text, counts.cudas)?;
    counts.cudas = counts.cudas.min(options.devices.unwrap_or(u32::MAX));
    let drivers = options.driver_cores.unwrap_or(counts.cudas);
    if drivers >= counts.cpus {
        let (machine, cores) = (machine.to_owned(), counts.cpus);
        return Err(StarpuError::NoCores { machine, cores, drivers });
    }
    notes.push(format!(
        "{} of {} cores run tasks, {drivers} drive devices",
        counts.cpus - drivers,
        counts.cpus
    ));
    let mut spec = ClusterSpec { name: machine.to_owned(), ..ClusterSpec::default() };
    let memory = |name: &str| MemorySpec { name: name.to_owned(), ..MemorySpec::default() };
    let device = |name: &str, memory: &str, lanes| DeviceSpec {
        name: name.to_owned(),
        class: name.to_owned(),
        memory: memory.to_owned(),
        lanes,
        speed: 1.0,
        ..DeviceSpec::default()
    };
    spec.memories.push(memory("ram"));
    spec.devices.push(device("cpu", "ram", counts.cpus - drivers));
    for (id, (model, bytes)) in platform.cudas.iter().take(counts.cudas as usize).enumerate() {
        let name = format!("cuda{id}");
        // The driver carries out one copy at a time in each direction.
        spec.memories.push(MemorySpec {
            kind: MemoryKind::Hbm,
            capacity_bytes: Some(*bytes),
            copies_in: Some(1),
            copies_out: Some(1),
            ..memory(&name)
        });
        spec.devices.push(device(&name, &name, 1));
        notes.push(format!("{name} is a {model}"));
    }
    add_links(folder, machine, options.bus, counts, platform.host, &mut spec)?;
    Ok(spec)
}

/// Links of the measured pairs.
fn add_links(
    folder: &Path,
    machine: &str,
    bus: Bus,
    counts: Counts,
    host: Option<f64>,
    spec: &mut ClusterSpec,
) -> Result<(), StarpuError> {
    let memories = counts.cudas as usize + 1;
    let pairs = |ending: &str, what: &str| {
        let (file, text) = bus_file(folder, machine, ending)?;
        bus::read_pairs(&file, &text, memories, what)
    };
    let bandwidth = pairs("bandwidth", "the bandwidth in MB/s")?;
    let latency = pairs("latency", "the latency in microseconds")?;
    let shared = host.filter(|_| bus == Bus::Shared);
    let center = if shared.is_some() { "host-bus" } else { "ram" };
    if let Some(bytes_per_s) = shared {
        let name = center.to_owned();
        spec.switches.push(SwitchSpec { name, bytes_per_s: Some(bytes_per_s) });
        // Twice as fast as the bus, so that only the bus counts.
        spec.links.push(LinkSpec {
            name: "ram-host-bus".to_owned(),
            a: "ram".to_owned(),
            b: center.to_owned(),
            bytes_per_s: 2.0 * bytes_per_s,
            latency_ns: 0,
            duplex: Duplex::Full,
            ..Default::default()
        });
    }
    let name = |memory: usize| match memory {
        0 => center.to_owned(),
        cuda => format!("cuda{}", cuda - 1),
    };
    for (from, rates) in bandwidth.iter().enumerate() {
        for (to, rate) in rates.iter().enumerate().filter(|(to, _)| *to != from) {
            // No figure, no direct copies: they go through main memory.
            if *rate <= 0.0 {
                continue;
            }
            spec.links.push(LinkSpec {
                name: format!("{}-{}", name(from), name(to)),
                a: name(from),
                b: name(to),
                bytes_per_s: rate * 1e6,
                latency_ns: (latency[from][to] * 1e3).round() as u64,
                duplex: Duplex::Simplex,
                ..Default::default()
            });
        }
    }
    Ok(())
}

/// The kernels measured on the machine's devices.
fn costs(
    folder: &Path,
    machine: &str,
    cluster: &ClusterSpec,
    notes: &mut Vec<String>,
) -> Result<ModelSpec, StarpuError> {
    let kernels = folder.join("codelets").join("45");
    let io = |source| StarpuError::Io { file: kernels.display().to_string(), source };
    let files = std::fs::read_dir(&kernels).map_err(io)?;
    let names = files.flatten().filter_map(|f| f.file_name().into_string().ok());
    let mut found: Vec<String> =
        names.filter_map(|n| n.strip_suffix(&format!(".{machine}")).map(str::to_owned)).collect();
    found.sort();
    let mut measured = Vec::new();
    let mut left_out = 0;
    for kernel in &found {
        let (path, text) = text_of(&kernels.join(format!("{kernel}.{machine}")))?;
        for sample in codelet::read(&path.display().to_string(), &text)? {
            let class = match sample.device {
                Device::Cpu => "cpu".to_owned(),
                Device::Cuda(id) => format!("cuda{id}"),
                Device::Other => String::new(),
            };
            if sample.count == 0 || !cluster.devices.iter().any(|d| d.class == class) {
                left_out += 1;
                continue;
            }
            measured.push(Measured {
                kernel: kernel.clone(),
                class,
                bytes: Some(sample.bytes),
                shape: None,
                work: (sample.flops > 0.0).then_some(sample.flops),
                mean_ns: sample.mean_us * 1e3,
                deviation_ns: sample.deviation_us * 1e3,
                count: sample.count,
            });
        }
    }
    if measured.is_empty() {
        let folder = kernels.display().to_string();
        return Err(StarpuError::NoKernels { folder, machine: machine.to_owned() });
    }
    if left_out > 0 {
        notes.push(format!("{left_out} rows are of other devices, or of several at once"));
    }
    notes.push(format!("{} rows of {} kernels", measured.len(), found.len()));
    Ok(ModelSpec {
        name: machine.to_owned(),
        measured,
        unmeasured: Unmeasured::Impossible,
        ..ModelSpec::default()
    })
}

impl Sampled {
    /// Speeds for tasks that were not measured: the highest measured rate of operations.
    fn set_speeds(&mut self) {
        for device in &mut self.cluster.devices {
            let own = self.costs.measured.iter().filter(|m| m.class == device.class);
            let rates = own.filter_map(|m| Some(m.work? / m.mean_ns * 1e9));
            let best = rates.filter(|r| r.is_finite()).fold(0.0, f64::max);
            device.speed = if best > 0.0 { best } else { 1e9 };
        }
    }
}
