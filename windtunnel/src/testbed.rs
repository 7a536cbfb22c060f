//! Where a flow is carried out.

use crate::Error;
use real_backend::{Machine, host_cluster};
use runtime::cost::{Costs, History};
use runtime::{Cluster, ClusterSpec, TaskGraph, Trace};
use std::sync::Arc;
use std::time::Duration;

/// A machine, with what is known of durations on it: the same for simulations and for runs.
#[derive(Clone, Debug)]
pub struct Testbed {
    pub(crate) cluster: Arc<Cluster>,
    history: History,
    pub(crate) is_emulated: bool,
    pub(crate) seed: u64,
    pub(crate) noise: sim::Noise,
    pub(crate) timeout: Duration,
    pub(crate) issue_ahead: u32,
}

impl Testbed {
    /// This computer with so many workers, each pinned to a core of its own as far as there are
    /// as many. Work counts seconds.
    ///
    /// # Errors
    /// [`Error::Cluster`] without a worker.
    pub fn host(workers: u32) -> Result<Self, Error> {
        Self::cluster(host_cluster(&Machine::detect(), workers, 1.0))
    }

    /// Any cluster. Simulations take all; runs those of main memory and disks, unless they are
    /// [emulated](Self::emulated).
    ///
    /// # Errors
    /// [`Error::Cluster`] when it is none.
    pub fn cluster(spec: ClusterSpec) -> Result<Self, Error> {
        Ok(Self {
            cluster: Arc::new(Cluster::new(spec)?),
            history: History::new(),
            is_emulated: false,
            seed: 0,
            noise: sim::Noise::None,
            timeout: Duration::from_secs(3600),
            issue_ahead: 0,
        })
    }

    /// Runs are held to the pace of the cluster's model: kernels run and data moves for real,
    /// whatever the cluster is.
    pub fn emulated(self) -> Self {
        Self { is_emulated: true, ..self }
    }

    /// The seed of schedulers and noise.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Disturbs the durations of simulations.
    pub fn noise(self, noise: sim::Noise) -> Self {
        Self { noise, ..self }
    }

    /// Runs are given up after this long; an hour by default.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Lanes that follow a plan are given up to so many tasks besides the one that they run, in
    /// simulations and in runs; none by default. It saves time where tasks last microseconds.
    pub fn issue_ahead(self, tasks: u32) -> Self {
        Self { issue_ahead: tasks, ..self }
    }

    /// Learns durations from what was measured: from now on tasks are predicted by the mean of
    /// their kernel and shape, not by their own cost.
    pub fn learn(&mut self, trace: &Trace) {
        self.history.learn(trace);
    }

    /// What was learnt.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Durations of a flow's tasks as far as they are known.
    pub(crate) fn costs(&self, graph: &TaskGraph) -> Result<Costs, Error> {
        let history = Arc::new(self.history.clone());
        Ok(Costs::resolve_growing(graph, &self.cluster, history)?)
    }
}
