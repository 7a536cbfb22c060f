//! What presets share: parameters, nodes, links and refusals.

use runtime::ClusterSpec;
use runtime::cluster::{DeviceSpec, Duplex, LinkSpec, MemorySpec, Power, SwitchSpec};
use runtime::registry::{Dimension, Kind, ParameterError, ParameterInfo, Parameters};

/// Most nodes of any preset: routes are kept for this many memories.
pub(super) const MAX_NODES: i64 = 4096;

pub(super) const fn count(
    name: &'static str,
    summary: &'static str,
    default: i64,
    max: i64,
) -> ParameterInfo {
    ParameterInfo { name, summary, kind: Kind::Int { default, min: 1, max } }
}

pub(super) const fn number(
    name: &'static str,
    summary: &'static str,
    default: f64,
    min: f64,
    max: f64,
) -> ParameterInfo {
    ParameterInfo { name, summary, kind: Kind::Float { default, min, max } }
}

pub(super) const fn quantity(
    name: &'static str,
    summary: &'static str,
    default: &'static str,
    dimension: Dimension,
) -> ParameterInfo {
    ParameterInfo { name, summary, kind: Kind::Quantity { default, dimension } }
}

pub(super) const SPEED: ParameterInfo =
    number("speed", "units of work per second and core", 1e9, 1e-3, 1e18);

pub(super) const CLASSES: ParameterInfo = ParameterInfo {
    name: "classes",
    summary: "k: processors are of class class0 to class{k-1} in turn, for workloads with \
              durations per class; 0: all are of class cpu",
    kind: Kind::Int { default: 0, min: 0, max: MAX_NODES },
};

/// The parameters of equal nodes and of their links, for [`Nodes`].
pub(super) const NODES: [ParameterInfo; 8] = [
    count("cores", "cores per node", 4, 4096),
    SPEED,
    CLASSES,
    quantity("bandwidth", "of each node's links, per direction", "1.25 GB/s", Dimension::Rate),
    quantity("latency", "of each link", "10 us", Dimension::Time),
    quantity("memory", "of each node but the first", "unlimited", Dimension::Size),
    quantity(
        "idle_power",
        "of each node that does nothing; without powers no energy is told",
        "0 W",
        Dimension::Power,
    ),
    quantity("busy_power", "of each node all of whose cores are busy", "0 W", Dimension::Power),
];

/// A preset's own parameters with shared ones behind them; `N` is the sum.
pub(super) const fn joined<const OWN: usize, const SHARED: usize, const N: usize>(
    own: [ParameterInfo; OWN],
    shared: [ParameterInfo; SHARED],
) -> [ParameterInfo; N] {
    assert!(N == OWN + SHARED && SHARED > 0);
    let mut all = [shared[0]; N];
    let mut i = 0;
    while i < N {
        all[i] = if i < OWN { own[i] } else { shared[i - OWN] };
        i += 1;
    }
    all
}

/// A parameter's value that others do not allow.
pub(super) fn refused(
    name: &'static str,
    value: impl ToString,
    expected: impl Into<String>,
) -> ParameterError {
    ParameterError::BadValue { name, value: value.to_string(), expected: expected.into() }
}

/// Refuses more nodes than there may be; `name` is the parameter to make smaller.
pub(super) fn check_nodes(
    parameters: &Parameters,
    name: &'static str,
    others: i64,
) -> Result<(), ParameterError> {
    let value = parameters.int(name);
    match value.saturating_mul(others) <= MAX_NODES {
        true => Ok(()),
        false => {
            let most = MAX_NODES / others.max(1);
            let expected = match most {
                0 => format!(
                    "no more than {MAX_NODES} nodes in all: the other numbers are too large"
                ),
                _ => format!("at most {most} here: a cluster has up to {MAX_NODES} nodes"),
            };
            Err(refused(name, value, expected))
        }
    }
}

pub(super) fn rate(parameters: &Parameters, name: &str) -> f64 {
    // At least 1 byte/s: 0 is refused before, and less would be rounded to it.
    parameters.quantity(name, Dimension::Rate).unwrap_or(u64::MAX).max(1) as f64
}

pub(super) fn latency_ns(parameters: &Parameters, name: &str) -> u64 {
    parameters.quantity(name, Dimension::Time).unwrap_or(0)
}

pub(super) fn capacity(parameters: &Parameters, name: &str) -> Option<u64> {
    parameters.quantity(name, Dimension::Size)
}

pub(super) fn memory(name: String, capacity_bytes: Option<u64>) -> MemorySpec {
    MemorySpec { name, capacity_bytes, ..MemorySpec::default() }
}

pub(super) fn switch(name: String) -> SwitchSpec {
    SwitchSpec { name, ..SwitchSpec::default() }
}

/// The class of the processor numbered `index`, by the parameter [`CLASSES`].
pub(super) fn class(parameters: &Parameters, index: usize) -> String {
    match parameters.int("classes") {
        0 => "cpu".to_owned(),
        classes => format!("class{}", index as i64 % classes),
    }
}

/// What a link carries, per direction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Wire {
    pub bytes_per_s: f64,
    pub latency_ns: u64,
    /// What the link draws, both ways together.
    pub power: Option<Power>,
}

impl Wire {
    /// Of two parameters: a rate and a time.
    pub fn of(parameters: &Parameters, bandwidth: &str, latency: &str) -> Self {
        Self {
            bytes_per_s: rate(parameters, bandwidth),
            latency_ns: latency_ns(parameters, latency),
            power: None,
        }
    }

    /// Of a time; as fast as can be.
    pub fn of_latency(parameters: &Parameters, latency: &str) -> Self {
        Self { bytes_per_s: f64::MAX, latency_ns: latency_ns(parameters, latency), power: None }
    }

    /// Joins two vertices, both ways.
    pub fn join(self, spec: &mut ClusterSpec, a: &str, b: &str) {
        spec.links.push(LinkSpec {
            name: format!("{a}-{b}"),
            a: a.to_owned(),
            b: b.to_owned(),
            bytes_per_s: self.bytes_per_s,
            latency_ns: self.latency_ns,
            duplex: Duplex::Full,
            power: self.power,
        });
    }
}

/// Equal nodes: a memory with a processor each, by the parameters [`NODES`].
pub(super) struct Nodes<'a> {
    parameters: &'a Parameters,
    power: Option<Power>,
    /// Of each link.
    pub wire: Wire,
}

impl<'a> Nodes<'a> {
    pub fn new(parameters: &'a Parameters) -> Result<Self, ParameterError> {
        let power = node_power(parameters)?;
        Ok(Self { parameters, power, wire: Wire::of(parameters, "bandwidth", "latency") })
    }

    /// Adds a node. The first one is the home of all data, which must always fit somewhere.
    pub fn add(&self, spec: &mut ClusterSpec, name: &str) {
        let is_home = spec.memories.is_empty();
        let bytes = if is_home { None } else { capacity(self.parameters, "memory") };
        let class = class(self.parameters, spec.devices.len());
        spec.memories.push(memory(name.to_owned(), bytes));
        spec.devices.push(DeviceSpec {
            name: name.to_owned(),
            class,
            memory: name.to_owned(),
            lanes: self.parameters.int("cores") as u32,
            speed: self.parameters.float("speed"),
            power: self.power,
            ..DeviceSpec::default()
        });
    }
}

/// What a node draws by the parameters [`NODES`]; `None` where they state nothing.
fn node_power(parameters: &Parameters) -> Result<Option<Power>, ParameterError> {
    let milliwatts = |name| {
        let mw = parameters.quantity(name, Dimension::Power).unwrap_or(0);
        u32::try_from(mw).map_err(|_| refused(name, parameters.text(name), "at most 4 MW"))
    };
    let (idle_mw, busy_mw) = (milliwatts("idle_power")?, milliwatts("busy_power")?);
    match busy_mw {
        0 if idle_mw == 0 => Ok(None),
        _ if busy_mw < idle_mw => {
            let expected = format!("no less than idle_power, {}", parameters.text("idle_power"));
            Err(refused("busy_power", parameters.text("busy_power"), expected))
        }
        _ => Ok(Some(Power { idle_mw, busy_mw })),
    }
}

/// A power of a part, in watts.
pub(super) const fn watts(idle: u32, busy: u32) -> Option<Power> {
    Some(Power { idle_mw: idle * 1000, busy_mw: busy * 1000 })
}

/// A cluster without any part.
pub(super) fn empty(name: &str) -> ClusterSpec {
    ClusterSpec { name: name.to_owned(), ..ClusterSpec::default() }
}
