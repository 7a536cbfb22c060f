//! Everything in one memory: what to begin with where transfers cost more than lanes are worth.
//!
//! List schedulers place a task at a time, where it ends first; none of these steps brings them to
//! leave all other devices idle, and moves of single tasks lead there only uphill.

use super::planner::Start;
use crate::instance::Instance;
use runtime::Ns;

/// Memories that are looked at.
const MEMORIES: u32 = 64;

/// How many are proposed.
const PROPOSED: usize = 3;

/// The placements of a start, all of it moved into one memory where it can run there: those of the
/// memories in which it would end first. O(memories x (tasks x lanes of a memory + edges)).
pub(super) fn gathered(instance: &Instance, start: &Start) -> Vec<Start> {
    if instance.has_gangs() {
        return Vec::new();
    }
    let mut proposed: Vec<(Ns, Start)> = Vec::new();
    for memory in 0..MEMORIES.min(instance.memory_count() as u32) {
        let lanes: Vec<u32> = (0..instance.lane_count() as u32)
            .filter(|lane| instance.memory_of(*lane) == memory)
            .collect();
        let (makespan_ns, start) = moved(instance, start, &lanes);
        let at = proposed.partition_point(|p| p.0 <= makespan_ns);
        proposed.insert(at, (makespan_ns, start));
        proposed.truncate(PROPOSED);
    }
    proposed.into_iter().map(|p| p.1).collect()
}

/// Takes every node to the one of some lanes that is free first, where it can run on one; when all
/// of it would end.
fn moved(instance: &Instance, start: &Start, lanes: &[u32]) -> (Ns, Start) {
    let mut moved = start.clone();
    let mut free_ns: Vec<Ns> =
        (0..instance.lane_count() as u32).map(|lane| instance.lane_free_ns(lane)).collect();
    let (mut placed, mut makespan_ns) = (start.placements(), 0);
    for &unit in &start.order {
        for node in instance.unit(unit) {
            let range = |lane: u32| lane as usize..(lane + instance.cores(node)) as usize;
            let begin_ns = |lane: u32| free_ns[range(lane)].iter().copied().max().unwrap_or(0);
            let able = lanes.iter().copied().filter(|lane| instance.can_run(node, *lane));
            let lane = able.min_by_key(|lane| begin_ns(*lane));
            let lane = lane.unwrap_or(start.lanes[node as usize]);
            let ready_ns = instance.ready_ns(node, instance.memory_of(lane), &placed);
            let start_ns = ready_ns.max(begin_ns(lane));
            let finish_ns = start_ns + instance.duration_ns(node, lane);
            free_ns[range(lane)].fill(finish_ns);
            makespan_ns = makespan_ns.max(finish_ns);
            (placed[node as usize].lane, placed[node as usize].start_ns) = (lane, start_ns);
            moved.lanes[node as usize] = lane;
        }
    }
    (makespan_ns, moved)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heft::Heft;
    use crate::testing::{costs, nodes, nodes_with_lanes, topcuoglu};
    use runtime::partial_schedule::Policy::Insertion;
    use runtime::registry::{BuildContext, Value};
    use runtime::{Cost, Planner, Problem, TaskGraph, TaskSpec};

    fn heft_start(instance: &Instance, problem: &Problem<'_>) -> Start {
        let plan = Heft { policy: Insertion }.plan(problem).unwrap();
        Start::of(instance, &plan).unwrap()
    }

    #[test]
    fn memories_are_proposed_by_when_all_of_it_would_end_there() {
        let (graph, cluster) = topcuoglu();
        let costs = costs(&graph, &cluster);
        let problem = Problem::fresh(&graph, &cluster, &costs);
        let instance = Instance::new(&problem).unwrap();
        let proposed = gathered(&instance, &heft_start(&instance, &problem));
        // The sums of the columns of the paper's figure 2a.
        for (start, (sum_ns, lane)) in proposed.iter().zip([(127, 0), (130, 1), (143, 2)]) {
            assert!(start.lanes.iter().all(|l| *l == lane));
            assert_eq!(instance.append(&start.order, &mut start.placements()), sum_ns);
        }
        assert_eq!(proposed.len(), 3);
    }

    #[test]
    fn all_lanes_of_a_memory_are_used() {
        let mut graph = TaskGraph::new("independent");
        let kernel = graph.kernel("task");
        for _ in 0..8 {
            let cost = Cost::Work(10e-9);
            graph.submit(TaskSpec { cost, ..TaskSpec::new(kernel) }).unwrap();
        }
        let cluster = nodes_with_lanes(2, 4);
        let costs = costs(&graph, &cluster);
        let problem = Problem::fresh(&graph, &cluster, &costs);
        let instance = Instance::new(&problem).unwrap();
        let proposed = gathered(&instance, &heft_start(&instance, &problem));
        let mut placed = proposed[0].placements();
        assert_eq!(instance.append(&proposed[0].order, &mut placed), 20);
    }

    #[test]
    fn a_search_begins_there_where_links_are_slow() {
        let (graph, _) = topcuoglu();
        let cluster = nodes(&[1.0; 3], 0.001);
        let costs = costs(&graph, &cluster);
        let problem = Problem::fresh(&graph, &cluster, &costs);
        let given = [("evaluations".to_owned(), Value::Int(1))];
        let context = BuildContext::new(1);
        let planner = crate::search::planner("annealing", &given, &context).unwrap();
        assert_eq!(planner.unwrap().plan(&problem).unwrap().makespan_ns(), 127);
    }
}
