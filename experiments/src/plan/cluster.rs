//! A cluster as written, to a cluster that can be built; and what axes change of it.

use crate::mistake::{Mistake, Mistakes, Source, Span};
use crate::spec::{At, ClusterText};
use runtime::ClusterSpec;
use runtime::cluster::{
    ClusterError, DeviceSpec, LinkSpec, MemorySpec, NetworkModel, Power, SwitchSpec,
};
use std::sync::Arc;

/// What axes and options change of a cluster.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Changes {
    /// Capacity of every memory that is nobody's home.
    pub memory: Option<Option<u64>>,
    /// Factor on these memories' capacities.
    pub capacity: f64,
    /// Factor on bandwidths.
    pub bandwidth: f64,
    /// Factor on latencies.
    pub latency: f64,
    /// Instead of the cluster's own model.
    pub network: Option<NetworkModel>,
}

impl Default for Changes {
    fn default() -> Self {
        Self { memory: None, capacity: 1.0, bandwidth: 1.0, latency: 1.0, network: None }
    }
}

impl Changes {
    /// Applies them.
    pub fn apply(&self, spec: &mut ClusterSpec) {
        let first = spec.devices.first().map(|d| d.memory.clone());
        let homes = match spec.homes.is_empty() {
            true => first.into_iter().collect(),
            false => spec.homes.clone(),
        };
        for memory in spec.memories.iter_mut().filter(|m| !homes.contains(&m.name)) {
            memory.capacity_bytes = self.memory.unwrap_or(memory.capacity_bytes);
            let scaled = |bytes: u64| (bytes as f64 * self.capacity).round() as u64;
            memory.capacity_bytes = memory.capacity_bytes.map(scaled);
        }
        for link in &mut spec.links {
            link.bytes_per_s *= self.bandwidth;
            link.latency_ns = (link.latency_ns as f64 * self.latency).round() as u64;
        }
        if let Some(network) = self.network {
            spec.network = network;
        }
    }
}

/// The cluster of a text; every name that nothing has is a mistake.
pub fn resolve(source: &Arc<Source>, text: &ClusterText, mistakes: &mut Mistakes) -> ClusterSpec {
    let vertices: Vec<&At<String>> = text
        .memories
        .iter()
        .map(|m| &m.name)
        .chain(text.switches.iter().map(|s| &s.name))
        .collect();
    let memories: Vec<&str> = text.memories.iter().map(|m| m.name.value.as_str()).collect();
    let ends: Vec<&str> = vertices.iter().map(|n| n.value.as_str()).collect();
    unique(source, "memory or switch", vertices.into_iter(), mistakes);
    unique(source, "device", text.devices.iter().map(|d| &d.name), mistakes);
    unique(source, "link", text.links.iter().filter_map(|l| l.name.as_ref()), mistakes);
    for device in &text.devices {
        known(source, "memory", &device.memory, &memories, mistakes);
    }
    for home in &text.homes {
        known(source, "memory", home, &memories, mistakes);
    }
    for link in &text.links {
        known(source, "memory or switch", &link.a, &ends, mistakes);
        known(source, "memory or switch", &link.b, &ends, mistakes);
    }
    ClusterSpec {
        name: text.name.value.clone(),
        memories: text.memories.iter().map(memory).collect(),
        devices: text.devices.iter().map(device).collect(),
        switches: (text.switches.iter())
            .map(|s| SwitchSpec {
                name: s.name.value.clone(),
                bytes_per_s: s.bandwidth.map(|b| b.bytes_per_s),
            })
            .collect(),
        links: text.links.iter().map(link).collect(),
        network: text.network.into(),
        homes: text.homes.iter().map(|h| h.value.clone()).collect(),
    }
}

fn memory(text: &crate::spec::MemoryText) -> MemorySpec {
    MemorySpec {
        name: text.name.value.clone(),
        kind: text.kind.into(),
        capacity_bytes: text.capacity.and_then(|c| c.bytes),
        copies_in: text.copies_in.map(|c| c.0),
        copies_out: text.copies_out.map(|c| c.0),
    }
}

fn device(text: &crate::spec::DeviceText) -> DeviceSpec {
    DeviceSpec {
        name: text.name.value.clone(),
        class: text.class.clone().unwrap_or_else(|| "cpu".to_owned()),
        memory: text.memory.value.clone(),
        lanes: text.lanes.map_or(1, |l| l.0),
        speed: text.speed.map_or(1.0, |s| s.0),
        capacity: text.capacity.into(),
        issue_ns: text.issue.map_or(0, |t| t.ns),
        power: text.power.map(power),
    }
}

fn power(text: crate::spec::PowerText) -> Power {
    Power { idle_mw: text.idle.mw, busy_mw: text.busy.mw }
}

fn link(text: &crate::spec::LinkText) -> LinkSpec {
    let unnamed = || format!("{}-{}", text.a.value, text.b.value);
    LinkSpec {
        name: text.name.as_ref().map_or_else(unnamed, |n| n.value.clone()),
        a: text.a.value.clone(),
        b: text.b.value.clone(),
        bytes_per_s: text.bandwidth.bytes_per_s,
        latency_ns: text.latency.map_or(0, |l| l.ns),
        duplex: text.duplex.into(),
        power: text.power.map(power),
    }
}

fn unique<'a>(
    source: &Arc<Source>,
    kind: &str,
    names: impl Iterator<Item = &'a At<String>>,
    mistakes: &mut Mistakes,
) {
    let mut seen: Vec<&At<String>> = Vec::new();
    for name in names {
        match seen.iter().find(|other| other.value == name.value) {
            None => seen.push(name),
            Some(first) => {
                let (line, _) = Mistake::new(source, first.span, "").position();
                let message = format!("two parts of kind {kind} are named `{}`", name.value);
                let mistake = Mistake::new(source, name.span, message);
                mistakes.push(mistake.label(format!("first given in line {line}")));
            }
        }
    }
}

fn known(
    source: &Arc<Source>,
    kind: &str,
    name: &At<String>,
    names: &[&str],
    mistakes: &mut Mistakes,
) {
    if !names.contains(&name.value.as_str()) {
        let message = format!("there is no {kind} `{}`", name.value);
        let mistake = Mistake::new(source, name.span, message);
        mistakes.push(mistake.expected_names(&name.value, names.iter().copied()));
    }
}

/// Where in a written cluster an error of the finished one belongs.
pub fn place_of(text: &ClusterText, error: &ClusterError, otherwise: Span) -> Span {
    let named = |wanted: &str| {
        let memories = text.memories.iter().map(|m| &m.name);
        let links = text.links.iter().filter_map(|l| l.name.as_ref());
        let all = memories.chain(links).chain(text.devices.iter().map(|d| &d.name));
        let mut found = all.filter(|n| n.value == wanted);
        found.next().map(|n| n.span)
    };
    let place = match error {
        ClusterError::Unreachable { to, .. } => named(to),
        ClusterError::SelfLink { end, .. } => {
            (text.links.iter()).find(|l| l.a.value == *end && l.b.value == *end).map(|l| l.b.span)
        }
        ClusterError::Duplicate { name, .. } | ClusterError::UnknownName { name, .. } => {
            named(name)
        }
        _ => Some(text.name.span),
    };
    place.unwrap_or(otherwise)
}
