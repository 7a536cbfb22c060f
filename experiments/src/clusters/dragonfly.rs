//! Dragonfly: groups of routers that are all joined, and links between all groups.

use super::parts::{
    MAX_NODES, NODES, Nodes, Wire, count, empty, joined, quantity, refused, switch,
};
use super::{Category, ClusterInfo};
use runtime::ClusterSpec;
use runtime::registry::{Dimension, Kind, ParameterError, ParameterInfo, Parameters};

pub(super) const INFO: ClusterInfo = ClusterInfo {
    name: "dragonfly",
    summary: "groups of routers, each joined to all others of its group; every pair of groups \
              shares equally many global links",
    source: "J. Kim, W. J. Dally, S. Scott and D. Abts, Technology-driven, highly-scalable \
             dragonfly topology, ISCA 2008",
    category: Category::Topology,
    parameters: &{
        const ALL: [ParameterInfo; 14] = joined(
            [
                count("routers", "routers per group (the paper's a)", 4, 64),
                count("nodes", "nodes per router (p); a = 2 p = 2 h is balanced", 2, 64),
                count("links", "global links per router (h)", 2, 64),
                ParameterInfo {
                    name: "groups",
                    summary: "groups; 0 = as many as there can be, a h + 1",
                    kind: Kind::Int { default: 0, min: 0, max: MAX_NODES },
                },
                quantity("global", "bandwidth of a global link", "1.25 GB/s", Dimension::Rate),
                quantity("global_latency", "of a global link", "10 us", Dimension::Time),
            ],
            NODES,
        );
        ALL
    },
    is_random: false,
    build,
};

fn build(parameters: &Parameters, _: u64) -> Result<ClusterSpec, ParameterError> {
    let [routers, per_router, ports] = ["routers", "nodes", "links"].map(|n| parameters.int(n));
    let most = routers * ports + 1;
    let groups = match parameters.int("groups") {
        0 => most,
        groups if groups > most => {
            let expected = format!(
                "at most {most}: a group's {routers} routers have {ports} global links each"
            );
            return Err(refused("groups", groups, expected));
        }
        groups => groups,
    };
    if groups * routers * per_router > MAX_NODES {
        let expected = format!(
            "at most {}: a cluster has up to {MAX_NODES} nodes",
            (MAX_NODES / (routers * per_router)).max(1)
        );
        return Err(refused("groups", groups, expected));
    }
    let nodes = Nodes::new(parameters)?;
    let global = Wire::of(parameters, "global", "global_latency");
    let mut spec = empty("dragonfly");
    let router = |group: i64, i: i64| format!("group{group}/router{i}");
    for group in 0..groups {
        for i in 0..routers {
            spec.switches.push(switch(router(group, i)));
            (0..i).for_each(|j| nodes.wire.join(&mut spec, &router(group, j), &router(group, i)));
            for node in 0..per_router {
                let name = format!("group{group}/node{}", i * per_router + node);
                nodes.add(&mut spec, &name);
                nodes.wire.join(&mut spec, &name, &router(group, i));
            }
        }
    }
    // A group's ports are numbered through; those of one round lead to all other groups in turn.
    let rounds = if groups > 1 { routers * ports / (groups - 1) } else { 0 };
    for round in 0..rounds {
        for a in 0..groups {
            for b in a + 1..groups {
                let port = |offset: i64| (round * (groups - 1) + offset - 1) / ports;
                let (there, back) = (router(a, port(b - a)), router(b, port(groups - (b - a))));
                global.join(&mut spec, &there, &back);
                if let Some(link) = spec.links.last_mut().filter(|_| round > 0) {
                    link.name += &format!("#{round}");
                }
            }
        }
    }
    Ok(spec)
}
