//! Networks without switches, where data passes through nodes: ring, full mesh, tori.

use super::parts::{MAX_NODES, NODES, Nodes, check_nodes, count, empty, joined};
use super::{Category, ClusterInfo};
use runtime::ClusterSpec;
use runtime::registry::{ParameterError, ParameterInfo, Parameters};

pub(super) const RING: ClusterInfo = ClusterInfo {
    name: "ring",
    summary: "equal nodes, each linked to the next and the last one to the first",
    source: "",
    category: Category::Topology,
    parameters: &{
        const ALL: [ParameterInfo; 9] = joined([count("nodes", "nodes", 4, MAX_NODES)], NODES);
        ALL
    },
    is_random: false,
    build: |parameters, _| grid("ring", &[parameters.int("nodes")], parameters),
};

pub(super) const MESH: ClusterInfo = ClusterInfo {
    name: "full-mesh",
    summary: "equal nodes, every pair with a link of its own",
    source: "",
    category: Category::Topology,
    parameters: &{
        const ALL: [ParameterInfo; 9] = joined([count("nodes", "nodes", 4, 256)], NODES);
        ALL
    },
    is_random: false,
    build: mesh,
};

pub(super) const TORUS_2D: ClusterInfo = ClusterInfo {
    name: "torus-2d",
    summary: "equal nodes on a two-dimensional torus",
    source: "",
    category: Category::Topology,
    parameters: &{
        const ALL: [ParameterInfo; 10] = joined(
            [count("x", "nodes along x", 4, MAX_NODES), count("y", "nodes along y", 4, MAX_NODES)],
            NODES,
        );
        ALL
    },
    is_random: false,
    build: |parameters, _| {
        check_nodes(parameters, "y", parameters.int("x"))?;
        grid("torus-2d", &[parameters.int("x"), parameters.int("y")], parameters)
    },
};

pub(super) const TORUS_3D: ClusterInfo = ClusterInfo {
    name: "torus-3d",
    summary: "equal nodes on a three-dimensional torus",
    source: "",
    category: Category::Topology,
    parameters: &{
        const ALL: [ParameterInfo; 11] = joined(
            [
                count("x", "nodes along x", 4, MAX_NODES),
                count("y", "nodes along y", 4, MAX_NODES),
                count("z", "nodes along z", 4, MAX_NODES),
            ],
            NODES,
        );
        ALL
    },
    is_random: false,
    build: |parameters, _| {
        let [x, y, z] = ["x", "y", "z"].map(|d| parameters.int(d));
        check_nodes(parameters, "z", x.saturating_mul(y))?;
        grid("torus-3d", &[x, y, z], parameters)
    },
};

fn mesh(parameters: &Parameters, _: u64) -> Result<ClusterSpec, ParameterError> {
    let nodes = Nodes::new(parameters)?;
    let mut spec = empty("full-mesh");
    let name = |i: i64| format!("node{i}");
    let count = parameters.int("nodes");
    (0..count).for_each(|i| nodes.add(&mut spec, &name(i)));
    for a in 0..count {
        (a + 1..count).for_each(|b| nodes.wire.join(&mut spec, &name(a), &name(b)));
    }
    Ok(spec)
}

/// A torus of any number of dimensions; one of a single dimension is a ring.
fn grid(name: &str, sizes: &[i64], parameters: &Parameters) -> Result<ClusterSpec, ParameterError> {
    let nodes = Nodes::new(parameters)?;
    let mut spec = empty(name);
    let places = places(sizes);
    places.iter().for_each(|place| nodes.add(&mut spec, &named("node", place)));
    for place in &places {
        for next in neighbours(place, sizes, |_| true) {
            nodes.wire.join(&mut spec, &named("node", place), &named("node", &next));
        }
    }
    Ok(spec)
}

/// `node1,2`: the drawing puts what is named so on a grid.
pub(super) fn named(stem: &str, place: &[i64]) -> String {
    let place: Vec<String> = place.iter().map(i64::to_string).collect();
    format!("{stem}{}", place.join(","))
}

/// All places, the last coordinate running fastest.
pub(super) fn places(sizes: &[i64]) -> Vec<Vec<i64>> {
    let mut places = vec![Vec::new()];
    for &size in sizes {
        let longer =
            places.iter().flat_map(|p| (0..size).map(move |i| [p.as_slice(), &[i]].concat()));
        places = longer.collect();
    }
    places
}

/// The next place along each dimension: around the end where `wraps` says so. In a dimension of two
/// the way around would join the same pair again and is left out.
pub(super) fn neighbours<'a>(
    place: &'a [i64],
    sizes: &'a [i64],
    wraps: impl Fn(usize) -> bool + 'a,
) -> impl Iterator<Item = Vec<i64>> + 'a {
    (0..sizes.len()).filter_map(move |d| {
        let mut next = place.to_vec();
        next[d] += 1;
        if next[d] == sizes[d] {
            if sizes[d] <= 2 || !wraps(d) {
                return None;
            }
            next[d] = 0;
        }
        Some(next)
    })
}
