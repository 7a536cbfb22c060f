//! Workloads that arrive over time: which ones, and when.
//!
//! What is drawn is a function of the seed alone, so every scheduler of a cell meets the same
//! graphs at the same instants; and instants scale with the interval, so that the same pattern is
//! met at every load.

mod file;
mod resolve;
#[cfg(test)]
mod tests;

pub(super) use resolve::resolve;

use super::WorkloadPlan;
use crate::spec::Span;
use runtime::graph::PlainGraph;
use runtime::{Ns, TaskGraph};
use std::sync::Arc;
use workloads::random::Stream;
use workloads::{Workload, WorkloadError};

/// Most graphs of one workload of arrivals.
pub const MAX_ARRIVALS: u32 = 100_000;

/// See the module's documentation.
#[derive(Clone)]
pub struct ArrivalsPlan {
    /// What arrivals are drawn from.
    pub of: Vec<WorkloadPlan>,
    /// How often each is drawn, in proportion.
    pub weights: Vec<f64>,
    /// When.
    pub times: Times,
    /// Factor on the time between arrivals.
    pub factor: f64,
}

/// When graphs arrive.
#[derive(Clone, Debug, PartialEq)]
pub enum Times {
    /// Exponential times between them.
    Poisson {
        /// How many.
        count: u32,
        /// Mean time between two.
        interval: Span,
    },
    /// Equal times between bursts.
    Bursts {
        /// How many in all.
        count: u32,
        /// How many at once.
        size: u32,
        /// Time between two bursts.
        interval: Span,
    },
    /// As a file says, in the order of time: instants, in units of the span, and what arrives.
    Listed {
        /// The unit of the instants.
        unit: Span,
        /// Instants and positions in [`ArrivalsPlan::of`].
        list: Arc<Vec<(f64, usize)>>,
    },
}

impl std::fmt::Debug for ArrivalsPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (workload, weight) in self.of.iter().zip(&self.weights) {
            write!(f, "{weight} x {}, ", workload.identity())?;
        }
        write!(f, "{:?} x {}", self.times, self.factor)
    }
}

/// The graphs that arrive under a seed, in their order.
#[derive(Debug)]
pub struct Arriving {
    /// All of them side by side.
    pub whole: Arc<TaskGraph>,
    /// Each by itself.
    pub parts: Vec<Part>,
}

/// A graph that arrives.
#[derive(Clone, Debug)]
pub struct Part {
    /// The label of its workload.
    pub workload: String,
    /// The graph.
    pub graph: Arc<TaskGraph>,
    /// The first part of its workload where that has this graph, itself otherwise.
    pub like: usize,
    /// The number that its first task has in the whole graph.
    pub first_task: u32,
    /// The number that its first object has there.
    pub first_object: u32,
}

impl ArrivalsPlan {
    /// How many graphs arrive.
    pub fn count(&self) -> usize {
        match &self.times {
            Times::Poisson { count, .. } | Times::Bursts { count, .. } => *count as usize,
            Times::Listed { list, .. } => list.len(),
        }
    }

    /// Positions in [`ArrivalsPlan::of`], in the order of arrival.
    fn drawn(&self, seed: u64) -> Vec<usize> {
        if let Times::Listed { list, .. } = &self.times {
            return list.iter().map(|(_, which)| *which).collect();
        }
        let mut stream = Stream::new(seed, "arrivals/which");
        let sum: f64 = self.weights.iter().sum();
        let draw = |_| {
            let mut left = stream.unit() * sum;
            let found = self.weights.iter().position(|weight| {
                left -= weight;
                left < 0.0
            });
            found.unwrap_or(self.weights.len() - 1)
        };
        (0..self.count()).map(draw).collect()
    }

    /// Makes all graphs. Each one has a seed of its own; those that come out like the first one of
    /// their workload are kept once.
    ///
    /// # Errors
    /// [`WorkloadError`] of a generator, and where a workload grows while it runs.
    pub fn make(&self, seed: u64) -> Result<Arriving, WorkloadError> {
        let mut whole = TaskGraph::new("arrivals");
        let mut parts: Vec<Part> = Vec::new();
        // By workload: its first part, in a form that can be compared.
        let mut firsts: Vec<Option<(usize, PlainGraph)>> = vec![None; self.of.len()];
        for (at, which) in self.drawn(seed).into_iter().enumerate() {
            let own_seed = Stream::nth(seed, "arrivals/graph", at as u64).bits();
            let workload = &self.of[which];
            let Workload { graph, program, .. } = workload.make(own_seed)?;
            if program.is_some() {
                return Err(WorkloadError::Grows { workload: workload.label.clone() });
            }
            let first = firsts[which].get_or_insert_with(|| (at, graph.to_plain()));
            // Either the seed matters or it does not: who differs from the first one differs from
            // all.
            let is_like = first.0 < at && first.1 == graph.to_plain();
            let like = is_like.then_some(first.0);
            let (first_task, first_object) = (whole.len() as u32, whole.object_count() as u32);
            whole.absorb(&graph)?;
            parts.push(Part {
                workload: workload.label.clone(),
                graph: like.map_or_else(|| Arc::new(graph), |like| Arc::clone(&parts[like].graph)),
                like: like.unwrap_or(at),
                first_task,
                first_object,
            });
        }
        Ok(Arriving { whole: Arc::new(whole), parts })
    }

    /// When each graph arrives, in the order of time; `bound_ns` is what spans without a unit are
    /// multiples of.
    pub fn instants_ns(&self, seed: u64, bound_ns: Ns) -> Vec<Ns> {
        let (unit, units) = match &self.times {
            Times::Poisson { count, interval } => (interval, gaps(seed, *count)),
            Times::Bursts { count, size, interval } => {
                let burst = |at: u32| f64::from(at / (*size).max(1));
                (interval, (0..*count).map(burst).collect())
            }
            Times::Listed { unit, list } => (unit, list.iter().map(|(at, _)| *at).collect()),
        };
        let unit_ns = match *unit {
            Span::Time(ns) => ns as f64,
            Span::Bounds(factor) => factor * bound_ns as f64,
        };
        units.into_iter().map(|at| (at * unit_ns * self.factor).round() as Ns).collect()
    }
}

/// Instants of independent arrivals with a mean of 1 between two, the first one at 0.
fn gaps(seed: u64, count: u32) -> Vec<f64> {
    let mut stream = Stream::new(seed, "arrivals/when");
    let mut at = 0.0;
    let next = |_| {
        let now = at;
        // 1 - u is above 0: the largest u is below 1.
        at -= libm::log(1.0 - stream.unit());
        now
    };
    (0..count).map(next).collect()
}
