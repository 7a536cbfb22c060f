//! Checks a plan against the definition of one. It shares no code with what makes plans.

use runtime::graph::Mode;
use runtime::{Cluster, Costs, DeviceId, Schedule, TaskGraph};

/// Checks a plan of a whole graph on an empty machine without contention.
pub fn check(
    graph: &TaskGraph,
    cluster: &Cluster,
    costs: &Costs,
    plan: &Schedule,
) -> Result<(), String> {
    let mut placed = vec![None; graph.len()];
    let mut lanes = vec![Vec::new(); cluster.lane_count()];
    for a in &plan.assignments {
        if placed[a.task.index()].replace(*a).is_some() {
            return Err(format!("{} is there twice", a.task));
        }
        let cores = graph.task(a.task).cores;
        for lane in a.lane.0..a.lane.0 + cores {
            let known = cluster.lanes(a.device).any(|l| l.0 == lane);
            known.then_some(()).ok_or(format!("{} has no lane {lane}", a.device))?;
            lanes[lane as usize].push((a.start_ns, a.finish_ns, a.task));
        }
        let duration_ns = costs.duration_ns(a.task, a.device);
        if duration_ns.is_none() || Some(a.finish_ns - a.start_ns) != duration_ns {
            return Err(format!("{} lasts {duration_ns:?} on {}: {a:?}", a.task, a.device));
        }
        let memory = cluster.memory(cluster.memory_of(a.device));
        let needed_bytes: u64 = graph.task(a.task).scratch_bytes
            + graph.accesses(a.task).iter().map(|x| graph.object(x.object).bytes).sum::<u64>();
        if memory.capacity_bytes.is_some_and(|c| needed_bytes > c) {
            return Err(format!("{} does not fit {}", a.task, memory.name));
        }
    }
    for task in graph.task_ids() {
        let here = placed[task.index()].ok_or(format!("{task} is missing"))?;
        for edge in graph.incoming(task) {
            let from = placed[edge.from.index()].ok_or(format!("{} is missing", edge.from))?;
            let bytes = edge.object.map(|o| graph.object(o).bytes);
            let arrival_ns = from.finish_ns + transfer_ns(cluster, from.device, here.device, bytes);
            if arrival_ns > here.start_ns {
                return Err(format!("{task} starts before {} allows at {arrival_ns}", edge.from));
            }
        }
        if let Some(gang) = graph.task(task).gang {
            let others = graph.task_ids().filter(|t| graph.task(*t).gang == Some(gang));
            let starts = others.map(|t| placed[t.index()].map(|a| a.start_ns));
            if starts.into_iter().any(|s| s != Some(here.start_ns)) {
                return Err(format!("{gang} does not start at one instant"));
            }
        }
    }
    let mut racy_memory = vec![None; graph.object_count()];
    for a in plan.assignments.iter() {
        let memory = cluster.memory_of(a.device);
        for access in graph.accesses(a.task).iter().filter(|x| x.mode == Mode::Racy) {
            let object = access.object;
            if *racy_memory[object.index()].get_or_insert(memory) != memory {
                return Err(format!("{object} is shared racily in two memories"));
            }
        }
    }
    for lane in &mut lanes {
        lane.sort_unstable();
        for pair in lane.windows(2) {
            if pair[0].1 > pair[1].0 {
                return Err(format!("{} and {} overlap: {pair:?}", pair[0].2, pair[1].2));
            }
        }
    }
    Ok(())
}

/// What a transfer takes alone; nothing within a memory and for control edges.
fn transfer_ns(cluster: &Cluster, from: DeviceId, to: DeviceId, bytes: Option<u64>) -> u64 {
    let (from, to) = (cluster.memory_of(from), cluster.memory_of(to));
    let Some(bytes) = bytes.filter(|_| from != to) else { return 0 };
    let flow_ns = bytes as f64 * 1e9 / cluster.bandwidth_bytes_per_s(from, to);
    // Rounding up is not this check's business.
    cluster.latency_ns(from, to) + flow_ns.floor() as u64
}
