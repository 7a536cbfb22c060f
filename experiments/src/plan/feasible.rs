//! Tries every workload on every cluster before anything is run, so that what can never work is
//! told at once and not hours later.

use super::arrivals::Arriving;
use super::{ClusterPlan, CostSource, Plan, WorkloadPlan};
use crate::mistake::{Mistake, Mistakes};
use crate::spec::Backend;
use rayon::prelude::*;
use runtime::cluster::{MemoryKind, MemorySpec};
use runtime::cost::{CostModel, Model};
use runtime::executive::{Setup, Thinking};
use runtime::graph::GraphSummary;
use runtime::{Cluster, Costs, Decisions, DeviceId, Event, Executive, Scheduler, TaskGraph, View};
use std::collections::BTreeMap;
use std::sync::Arc;
use workloads::WorkloadError;

/// Checks every pair of workload and cluster at its first seed, and returns the shapes of the
/// workloads, in the plan's order.
///
/// # Errors
/// What cannot be built, cannot run anywhere or can never fit in any memory.
pub fn check_feasible(plan: &Plan) -> Result<Vec<GraphSummary>, Mistakes> {
    // By workload: its first seed, and the clusters it meets, each with how it is run there.
    let mut pairs: BTreeMap<u32, (u64, BTreeMap<u32, Vec<Way>>)> = BTreeMap::new();
    for cell in &plan.cells {
        let entry = pairs.entry(cell.workload).or_insert((cell.seed, BTreeMap::new()));
        let ways = entry.1.entry(cell.cluster).or_default();
        let settings = &plan.settings[cell.settings as usize];
        let way = (settings.backend, settings.costs);
        if !ways.contains(&way) {
            ways.push(way);
        }
    }
    let clusters = plan.clusters.iter().map(|c| (c, c.make(1)));
    let mut mistakes = Mistakes::default();
    for (cluster, made) in clusters {
        if let Err(error) = made {
            mistakes.push(cluster.mistake(&error));
        }
    }
    unknown_links(plan, &mut mistakes);
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let pairs: Vec<_> = pairs.into_iter().collect();
    let checked: Vec<(GraphSummary, Mistakes)> = pairs
        .par_iter()
        .map(|(workload, (seed, clusters))| {
            let clusters =
                clusters.iter().map(|(c, b)| (&plan.clusters[*c as usize], b.as_slice()));
            check(plan, &plan.workloads[*workload as usize], *seed, clusters)
        })
        .collect();
    let mut summaries = vec![GraphSummary::default(); plan.workloads.len()];
    for ((workload, _), (summary, found)) in pairs.iter().zip(checked) {
        summaries[*workload as usize] = summary;
        mistakes.append(found);
    }
    mistakes.into_result(summaries)
}

/// Faults of links that no cluster of the experiment has.
fn unknown_links(plan: &Plan, mistakes: &mut Mistakes) {
    let faults = || plan.settings.iter().flat_map(|s| &s.trouble.link_list);
    if faults().next().is_none() {
        return;
    }
    let clusters: Vec<_> = plan.clusters.iter().filter_map(|c| c.make(1).ok()).collect();
    let links = || clusters.iter().flat_map(|c| &c.spec().links).map(|l| l.name.as_str());
    let mut told: Vec<&str> = Vec::new();
    for fault in faults().map(|f| &f.link) {
        if links().all(|name| name != fault.value) && !told.contains(&fault.value.as_str()) {
            told.push(&fault.value);
            let message = format!("no cluster has a link `{}`", fault.value);
            let mistake = Mistake::new(&plan.source, fault.span, message);
            mistakes.push(mistake.expected_names(&fault.value, links()));
        }
    }
}

/// How a workload is run on a cluster.
type Way = (Backend, CostSource);

fn check<'a>(
    plan: &Plan,
    workload: &WorkloadPlan,
    seed: u64,
    clusters: impl Iterator<Item = (&'a ClusterPlan, &'a [Way])>,
) -> (GraphSummary, Mistakes) {
    let made = match graphs(workload, seed) {
        Ok(made) => made,
        Err(error) => {
            let mistake = workload.place.mistake(format!("{}: {error}", workload.label));
            return (GraphSummary::default(), mistake.into());
        }
    };
    let mut mistakes = Mistakes::default();
    let (whole, graphs) = made;
    if whole.is_empty() {
        mistakes.push(workload.place.mistake(format!("{} has no tasks", workload.label)));
    }
    for (cluster, ways) in clusters {
        let refusal = |graph: &TaskGraph, way: &Way| {
            if workload.arrivals().is_some() && way.0.is_real() {
                return Some("graphs that arrive over time are only simulated".to_owned());
            }
            if workload.arrivals().is_some() && way.1 == CostSource::Measured {
                let message = "graphs that arrive over time are not measured; calibrate first, and \
                               name the file: costs";
                return Some(message.to_owned());
            }
            fits(graph, cluster, seed, way.0, plan.cost_model(way.1)).err()
        };
        let mut pairs = graphs.iter().flat_map(|g| ways.iter().map(move |way| (g, way)));
        if let Some(message) = pairs.find_map(|(graph, way)| refusal(graph, way)) {
            let message = format!("{} cannot run on {}: {message}", workload.label, cluster.label);
            mistakes.push(workload.place.mistake(message));
        }
    }
    (whole.summary(), mistakes)
}

/// A workload's graph, and those that must each fit: it, or the different ones that arrive.
fn graphs(
    workload: &WorkloadPlan,
    seed: u64,
) -> Result<(Arc<TaskGraph>, Vec<Arc<TaskGraph>>), WorkloadError> {
    let Some(plan) = workload.arrivals() else {
        let graph = Arc::new(workload.make(seed)?.graph);
        return Ok((Arc::clone(&graph), vec![graph]));
    };
    let Arriving { whole, parts } = plan.make(seed)?;
    let different = parts.iter().enumerate().filter(|(at, part)| part.like == *at);
    let graphs = different.map(|(_, part)| Arc::clone(&part.graph)).collect();
    Ok((whole, graphs))
}

fn fits(
    graph: &TaskGraph,
    plan: &ClusterPlan,
    seed: u64,
    backend: Backend,
    costs: Option<&Model>,
) -> Result<(), String> {
    let cluster = plan.make(seed).map_err(|e| e.to_string())?;
    if backend == Backend::Cpu || backend.has_gpus() {
        real_memories(&cluster, backend)?;
    }
    let is_gpu = |d| cluster.memory(cluster.memory_of(d)).kind == MemoryKind::Hbm;
    let may_share = |d: &DeviceId| backend.has_gpus() && is_gpu(*d);
    let shared = cluster.device_ids().find(|d| cluster.is_shared(*d) && !may_share(d));
    if let Some(device) = shared.filter(|_| backend.is_real()) {
        let name = &cluster.device(device).name;
        return Err(format!("the lanes of {name:?} share one capacity, which is only simulated"));
    }
    let model = costs.map(|model| model as &dyn CostModel);
    let costs = Costs::resolve(graph, &cluster, model).map_err(|e| e.to_string())?;
    let is_bounded = cluster.spec().memories.iter().any(|m| m.capacity_bytes.is_some());
    if !is_bounded {
        return Ok(());
    }
    let setup = Setup {
        graph: graph.clone(),
        cluster,
        estimates: costs,
        scheduler: Box::new(Nobody),
        thinking: Thinking::Free,
        program: None,
        tracing: false,
    };
    // The executive checks that every task fits somewhere and that homes hold what begins there.
    Executive::new(setup).map(|_| ()).map_err(|e| e.to_string())
}

/// The cpu backend has main memory, and disks in which no device computes; backends with GPUs have
/// those, too.
fn real_memories(cluster: &Cluster, backend: Backend) -> Result<(), String> {
    let memories = &cluster.spec().memories;
    let is_strange = |m: &&MemorySpec| m.kind == MemoryKind::Hbm && !backend.has_gpus();
    if let Some(memory) = memories.iter().find(is_strange) {
        let name = &memory.name;
        return Err(format!(
            "the cpu backend has main memory and disks, and {name:?} is neither; the \
             emulated backend runs it, and `cuda` where it is a GPU's"
        ));
    }
    for device in cluster.device_ids() {
        let memory = cluster.memory(cluster.memory_of(device));
        if memory.kind == MemoryKind::Disk {
            let (device, memory) = (&cluster.device(device).name, &memory.name);
            return Err(format!("{device:?} computes in {memory:?}, which is a disk"));
        }
    }
    Ok(())
}

/// Decides nothing: the executive is only made, never stepped.
struct Nobody;

impl Scheduler for Nobody {
    fn decide(&mut self, _: &[Event], _: &View<'_>, _: &mut Decisions) {}
}
