//! Networks of switches: star, bus, two tiers, k-ary fat tree.

use super::parts::{
    MAX_NODES, NODES, Nodes, Wire, count, empty, joined, quantity, rate, refused, switch,
};
use super::parts::{check_nodes, latency_ns};
use super::{Category, ClusterInfo};
use runtime::ClusterSpec;
use runtime::registry::{Dimension, Kind, ParameterError, ParameterInfo, Parameters};

pub(super) const STAR: ClusterInfo = ClusterInfo {
    name: "star",
    summary: "equal nodes with full-duplex links to one switch; data begins on the first node",
    source: "",
    category: Category::Topology,
    parameters: &{
        const ALL: [ParameterInfo; 9] = joined([count("nodes", "nodes", 4, MAX_NODES)], NODES);
        ALL
    },
    is_random: false,
    build: star,
};

pub(super) const BUS: ClusterInfo = ClusterInfo {
    name: "bus",
    summary: "equal nodes on one bus: all transfers together get its bandwidth",
    source: "",
    category: Category::Topology,
    parameters: &{
        const ALL: [ParameterInfo; 9] = joined([count("nodes", "nodes", 4, MAX_NODES)], NODES);
        ALL
    },
    is_random: false,
    build: bus,
};

pub(super) const TWO_TIER: ClusterInfo = ClusterInfo {
    name: "two-tier",
    summary: "racks of equal nodes: a switch per rack, and uplinks to one or more core switches \
              (a two-level fat tree)",
    source: "C. E. Leiserson, Fat-trees: universal networks for hardware-efficient \
             supercomputing, IEEE Transactions on Computers C-34(10), 1985",
    category: Category::Topology,
    parameters: &{
        const ALL: [ParameterInfo; 12] = joined(
            [
                count("racks", "racks", 2, 256),
                count("nodes", "nodes per rack", 4, 256),
                count("spines", "core switches; every rack has an uplink to each", 1, 64),
                quantity("uplink", "bandwidth of each uplink", "1.25 GB/s", Dimension::Rate),
            ],
            NODES,
        );
        ALL
    },
    is_random: false,
    build: two_tier,
};

pub(super) const FAT_TREE: ClusterInfo = ClusterInfo {
    name: "fat-tree",
    summary: "k-ary fat tree: k pods of k/2 edge and k/2 aggregation switches, (k/2)^2 core \
              switches, k^3/4 nodes, all links alike",
    source: "M. Al-Fares, A. Loukissas and A. Vahdat, A scalable, commodity data center network \
             architecture, SIGCOMM 2008",
    category: Category::Topology,
    parameters: &{
        const ALL: [ParameterInfo; 9] = joined(
            [ParameterInfo {
                name: "k",
                summary: "ports of a switch, an even number",
                kind: Kind::Int { default: 4, min: 2, max: 24 },
            }],
            NODES,
        );
        ALL
    },
    is_random: false,
    build: fat_tree,
};

fn star(parameters: &Parameters, _: u64) -> Result<ClusterSpec, ParameterError> {
    around("star", "switch", parameters)
}

fn bus(parameters: &Parameters, _: u64) -> Result<ClusterSpec, ParameterError> {
    let mut spec = around("bus", "bus", parameters)?;
    spec.switches[0].bytes_per_s = Some(rate(parameters, "bandwidth"));
    Ok(spec)
}

/// Nodes around one switch.
fn around(
    name: &str,
    center: &str,
    parameters: &Parameters,
) -> Result<ClusterSpec, ParameterError> {
    let nodes = Nodes::new(parameters)?;
    let mut spec = empty(name);
    spec.switches.push(switch(center.to_owned()));
    for node in 0..parameters.int("nodes") {
        let name = format!("node{node}");
        nodes.add(&mut spec, &name);
        nodes.wire.join(&mut spec, &name, center);
    }
    Ok(spec)
}

fn two_tier(parameters: &Parameters, _: u64) -> Result<ClusterSpec, ParameterError> {
    check_nodes(parameters, "nodes", parameters.int("racks"))?;
    let nodes = Nodes::new(parameters)?;
    let uplink = Wire {
        bytes_per_s: rate(parameters, "uplink"),
        latency_ns: latency_ns(parameters, "latency"),
        power: None,
    };
    let mut spec = empty("two-tier");
    let cores: Vec<String> = match parameters.int("spines") {
        1 => vec!["core".to_owned()],
        spines => (0..spines).map(|s| format!("core{s}")).collect(),
    };
    spec.switches.extend(cores.iter().cloned().map(switch));
    for rack in 0..parameters.int("racks") {
        let top = format!("rack{rack}");
        spec.switches.push(switch(top.clone()));
        cores.iter().for_each(|core| uplink.join(&mut spec, &top, core));
        for node in 0..parameters.int("nodes") {
            let name = format!("rack{rack}-node{node}");
            nodes.add(&mut spec, &name);
            nodes.wire.join(&mut spec, &name, &top);
        }
    }
    Ok(spec)
}

fn fat_tree(parameters: &Parameters, _: u64) -> Result<ClusterSpec, ParameterError> {
    let k = parameters.int("k");
    if k % 2 == 1 {
        let expected = format!("an even number; the nearest are {} and {}", k - 1, k + 1);
        return Err(refused("k", k, expected));
    }
    let half = k / 2;
    let nodes = Nodes::new(parameters)?;
    let mut spec = empty("fat-tree");
    let core = |group: i64, i: i64| format!("core{}", group * half + i);
    for i in 0..half * half {
        spec.switches.push(switch(format!("core{i}")));
    }
    for pod in 0..k {
        let aggregation = |i: i64| format!("pod{pod}-aggregation{i}");
        for i in 0..half {
            spec.switches.push(switch(aggregation(i)));
            (0..half).for_each(|j| nodes.wire.join(&mut spec, &aggregation(i), &core(i, j)));
        }
        for i in 0..half {
            let edge = format!("pod{pod}-edge{i}");
            spec.switches.push(switch(edge.clone()));
            (0..half).for_each(|j| nodes.wire.join(&mut spec, &edge, &aggregation(j)));
            for j in 0..half {
                let name = format!("node{}", (pod * half + i) * half + j);
                nodes.add(&mut spec, &name);
                nodes.wire.join(&mut spec, &name, &edge);
            }
        }
    }
    Ok(spec)
}
