//! When a bound on plans is one on runs.

use crate::{Cluster, Ns, Problem};

/// Most memories whose ways to each other are compared.
const MAX_MEMORIES: usize = 128;

/// Whether no run of a problem can end before its shortest plan, by the durations that the problem
/// names: it is the whole of a run, all lanes have devices to themselves, and no way from memory to
/// memory is quicker by way of a third. Plans take data from where they are made and leave links to
/// each transfer alone; a run may take a copy that has gone further already, and waits for links
/// besides. Cubic in memories; `false` where there are more than 128.
pub fn plans_bound_runs(problem: &Problem<'_>) -> bool {
    let cluster = problem.cluster;
    let is_whole = problem.now_ns == 0 && problem.tasks.len() == problem.graph.len();
    let is_shared = cluster.device_ids().any(|d| cluster.is_shared(d));
    is_whole && !is_shared && goes_straight(cluster)
}

/// Whether a transfer of any size takes no longer than two over another memory.
fn goes_straight(cluster: &Cluster) -> bool {
    if cluster.memory_count() > MAX_MEMORIES {
        return false;
    }
    let way = |from, to| -> (Ns, f64) {
        (cluster.latency_ns(from, to), 1.0 / cluster.bandwidth_bytes_per_s(from, to))
    };
    let others = |from| cluster.memory_ids().filter(move |m| *m != from);
    cluster.memory_ids().all(|from| {
        others(from).all(|to| {
            let (latency_ns, s_per_byte) = way(from, to);
            others(from).filter(|over| *over != to).all(|over| {
                let (first, second) = (way(from, over), way(over, to));
                // Each of the two is rounded up, so their sum is no less than the whole.
                latency_ns <= first.0.saturating_add(second.0)
                    && s_per_byte <= (first.1 + second.1) * (1.0 - 1e-12)
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{ClusterSpec, DeviceSpec, LinkSpec, MemorySpec};
    use crate::{Costs, TaskGraph};

    /// Three processors joined in pairs by links of these bandwidths, in GB/s.
    fn bounds(gb_per_s: [f64; 3]) -> bool {
        let memory = |i: usize| MemorySpec { name: format!("m{i}"), ..MemorySpec::default() };
        let device = |i: usize| DeviceSpec {
            name: format!("p{i}"),
            class: "cpu".into(),
            memory: format!("m{i}"),
            speed: 1.0,
            lanes: 1,
            ..DeviceSpec::default()
        };
        let link = |(a, b, gb_per_s): (usize, usize, f64)| LinkSpec {
            name: format!("{a}-{b}"),
            a: format!("m{a}"),
            b: format!("m{b}"),
            bytes_per_s: gb_per_s * 1e9,
            ..LinkSpec::default()
        };
        let [a, b, c] = gb_per_s;
        let cluster = Cluster::new(ClusterSpec {
            name: "triangle".into(),
            memories: (0..3).map(memory).collect(),
            devices: (0..3).map(device).collect(),
            links: [(0, 1, a), (1, 2, b), (0, 2, c)].map(link).to_vec(),
            ..ClusterSpec::default()
        });
        let (cluster, graph) = (cluster.expect("it is fine"), TaskGraph::new("none"));
        let costs = Costs::resolve(&graph, &cluster, None).expect("there is nothing to run");
        plans_bound_runs(&Problem::fresh(&graph, &cluster, &costs))
    }

    #[test]
    fn only_where_no_detour_is_quicker() {
        assert!(bounds([1.0, 1.0, 1.0]));
        assert!(bounds([1.0, 1.0, 0.6]));
        assert!(!bounds([1.0, 1.0, 0.4]));
        assert!(!bounds([0.1, 4.0, 4.0]));
    }
}
