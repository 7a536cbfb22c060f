//! How graphs that arrive over time fared, each by itself and all together.
//!
//! - *Flow time*: from a graph's arrival until its last task has finished and its last result is at
//!   home. It is the graph's makespan in the company of the others.
//! - *Slowdown*: flow time over the makespan of the graph alone on the whole machine under the same
//!   scheduler, undisturbed: what sharing costs. H. Zhao and R. Sakellariou, Scheduling multiple
//!   DAGs onto heterogeneous systems, IPDPS 2006, take the inverse.
//! - *Stretch*: flow time over a lower bound on the graph alone, the same for all schedulers. M.
//!   Bender, S. Chakrabarti and S. Muthukrishnan, Flow and stretch metrics for scheduling
//!   continuous job streams, SODA 1998, divide by the time that a job takes alone; of a graph only
//!   a bound on that is known.
//! - *Fairness*: the index of R. Jain, D. Chiu and W. Hawe (DEC-TR-301, 1984) over slowdowns: 1
//!   when all are slowed down alike, 1/n when one of n bears it all.

use crate::record::{ArrivalMetrics, GraphMetrics};
use runtime::Trace;
use runtime::trace::CopyRecord;
use runtime::{Cluster, Ns, ObjectId};

/// A graph that was to arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The label of its workload.
    pub workload: String,
    /// The number of its first task; the next graph's ends its tasks.
    pub first_task: u32,
    /// The number of its first object.
    pub first_object: u32,
    /// When it arrived.
    pub arrived_ns: Ns,
    /// A lower bound on its makespan alone; 0 = none is known.
    pub bound_ns: Ns,
    /// Its makespan alone under the same scheduler, where it could be run.
    pub alone_ns: Option<Ns>,
}

/// What became of the graphs, which are in the order of their numbers.
///
/// Linear in tasks, transfers and graphs.
pub fn measure(trace: &Trace, cluster: &Cluster, expected: &[Expected]) -> ArrivalMetrics {
    let mut end_ns: Vec<Ns> = expected.iter().map(|e| e.arrived_ns).collect();
    let of_task = |t: u32| expected.partition_point(|e| e.first_task <= t) - 1;
    for record in &trace.tasks {
        let end_ns = &mut end_ns[of_task(record.task.0)];
        *end_ns = record.finished_ns.max(*end_ns);
    }
    let of_object = |o: ObjectId| expected.partition_point(|e| e.first_object <= o.0) - 1;
    for copy in trace.copies.iter().filter(|c| brings_home(trace, cluster, c)) {
        let end_ns = &mut end_ns[of_object(copy.object)];
        *end_ns = copy.finished_ns.max(*end_ns);
    }
    let graphs = expected.iter().zip(end_ns).map(|(expected, end_ns)| GraphMetrics {
        workload: expected.workload.clone(),
        arrived_ns: expected.arrived_ns,
        flow_ns: end_ns - expected.arrived_ns,
        bound_ns: expected.bound_ns,
        alone_ns: expected.alone_ns,
    });
    summary(graphs.collect())
}

/// Whether a transfer brings a result home.
fn brings_home(trace: &Trace, cluster: &Cluster, copy: &CopyRecord) -> bool {
    let object = trace.graph.object(copy.object);
    object.keep && cluster.home(object.home) == copy.target
}

fn summary(graphs: Vec<GraphMetrics>) -> ArrivalMetrics {
    let over = |of: &dyn Fn(&GraphMetrics) -> Option<f64>| -> Vec<f64> {
        graphs.iter().filter_map(of).collect()
    };
    let slowdowns = over(&GraphMetrics::slowdown);
    let stretches = over(&GraphMetrics::stretch);
    let flows: Vec<f64> = graphs.iter().map(|g| g.flow_ns as f64).collect();
    ArrivalMetrics {
        mean_flow_ns: mean(&flows).map_or(0, |ns| ns.round() as Ns),
        max_flow_ns: graphs.iter().map(|g| g.flow_ns).max().unwrap_or(0),
        mean_slowdown: mean(&slowdowns),
        max_slowdown: slowdowns.iter().copied().max_by(f64::total_cmp),
        mean_stretch: mean(&stretches),
        max_stretch: stretches.iter().copied().max_by(f64::total_cmp),
        fairness: jain(&slowdowns),
        graphs,
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Jain's index of what each of several is given; `None` of nothing.
pub fn jain(values: &[f64]) -> Option<f64> {
    let sum: f64 = values.iter().sum();
    let squares: f64 = values.iter().map(|v| v * v).sum();
    (squares > 0.0).then(|| sum * sum / (values.len() as f64 * squares))
}

impl GraphMetrics {
    /// Flow time over the makespan alone.
    pub fn slowdown(&self) -> Option<f64> {
        ratio(self.flow_ns, self.alone_ns?)
    }

    /// Flow time over the lower bound alone.
    pub fn stretch(&self) -> Option<f64> {
        ratio(self.flow_ns, self.bound_ns)
    }
}

fn ratio(flow_ns: Ns, alone_ns: Ns) -> Option<f64> {
    (alone_ns > 0).then(|| flow_ns as f64 / alone_ns as f64)
}
