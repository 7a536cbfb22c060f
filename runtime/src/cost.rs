//! How long tasks take on devices.
//!
//! A task carries a [`Cost`]; [`Costs`] resolves the costs of a whole graph against a cluster.
//! There may be two of them in a run: the truth that the driver uses and the estimates that the
//! scheduler is shown.

pub mod communication;
mod history;
mod model;
pub mod regression;
mod roofline;

pub use history::{Entry, History};
pub use model::{Basis, Measured, Model, ModelError, ModelSpec, Prediction, Unmeasured};
pub use roofline::{Roof, Roofline};

use crate::{Cluster, DeviceId, Ns, TaskGraph, TaskId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a task says about its duration.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cost {
    /// Units of work; a device of speed `s` takes `work / s` seconds (related machines).
    Work(f64),
    /// A row of the graph's cost tables (unrelated machines), see
    /// [`TaskGraph::add_cost_row`].
    Table(u32),
}

/// Predicts durations from kernel and shape, for tasks whose own cost is to be overruled: a
/// history of measurements, a roofline, a regression.
pub trait CostModel {
    /// Expected duration in nanoseconds of `task` on devices of `class`; `None` = not known, the
    /// task's own cost counts; infinite = it cannot run there.
    fn duration_ns(&self, graph: &TaskGraph, task: TaskId, class: &str) -> Option<f64>;

    /// Standard deviation of such durations over their mean, as measured; `None` = not known.
    fn relative_deviation(&self, _: &TaskGraph, _: TaskId, _: &str) -> Option<f64> {
        None
    }
}

/// Why costs cannot be resolved.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CostError {
    /// No device can run the task.
    #[error(
        "task {task:?} can run on no device of cluster {cluster:?}: its costs name {columns:?}, \
         the devices are of classes {classes:?} with up to {lanes} lanes, the task needs {cores}"
    )]
    NowhereToRun {
        /// The task's name.
        task: String,
        /// The cluster's name.
        cluster: String,
        /// Columns of the graph's cost tables in which the task has a duration.
        columns: Vec<String>,
        /// Classes of the cluster's devices.
        classes: Vec<String>,
        /// Most lanes of any device.
        lanes: u32,
        /// Lanes the task needs.
        cores: u32,
    },
}

/// Durations of every task of a graph on every device of a cluster.
#[derive(Clone, Debug)]
pub struct Costs {
    /// Devices with equal durations share a group.
    group_of: Vec<u32>,
    speed_of: Vec<f64>,
    lanes_of: Vec<u32>,
    /// Lanes per group: the weights of means over the machine.
    group_lanes: Vec<u32>,
    group_device: Vec<DeviceId>,
    /// Column of the graph's cost tables per group.
    group_column: Vec<Option<u32>>,
    rows: Vec<Row>,
    /// Durations of [`Row::Table`], one per group.
    table: Vec<Ns>,
    /// What predicts tasks that come later.
    model: Option<SharedModel>,
    /// By device, the group that it is of again when it joins.
    away: Vec<(DeviceId, u32)>,
}

/// See [`Costs::resolve_growing`].
#[derive(Clone)]
struct SharedModel(Arc<dyn CostModel + Send + Sync>);

impl std::fmt::Debug for SharedModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SharedModel")
    }
}

#[derive(Clone, Copy, Debug)]
enum Row {
    Work(f64),
    Table(u32),
}

/// Work at a speed, in whole nanoseconds, to nearest.
#[inline]
pub fn work_ns(work: f64, speed: f64) -> Ns {
    (work / speed * 1e9).round() as Ns
}

impl Costs {
    /// Resolves the costs of `graph` on `cluster`; what `model` knows overrules the tasks' own.
    ///
    /// # Errors
    /// [`CostError::NowhereToRun`] when a task has no device.
    pub fn resolve(
        graph: &TaskGraph,
        cluster: &Cluster,
        model: Option<&dyn CostModel>,
    ) -> Result<Self, CostError> {
        let mut costs = Self::groups(graph, cluster);
        costs.extend(graph, cluster, model)?;
        Ok(costs)
    }

    /// Resolves the costs of a graph that will grow: what `model` knows overrules the tasks' own,
    /// in [`Costs::extend`] too.
    ///
    /// # Errors
    /// As [`Costs::resolve`].
    pub fn resolve_growing(
        graph: &TaskGraph,
        cluster: &Cluster,
        model: Arc<dyn CostModel + Send + Sync>,
    ) -> Result<Self, CostError> {
        let mut costs = Self::groups(graph, cluster);
        costs.model = Some(SharedModel(model));
        costs.extend(graph, cluster, None)?;
        Ok(costs)
    }

    /// Resolves tasks that were submitted since.
    ///
    /// # Errors
    /// As [`Costs::resolve`].
    pub fn extend(
        &mut self,
        graph: &TaskGraph,
        cluster: &Cluster,
        model: Option<&dyn CostModel>,
    ) -> Result<(), CostError> {
        let groups = self.group_device.len();
        let own = self.model.clone();
        let model = model.or(own.as_ref().map(|m| &*m.0 as &dyn CostModel));
        for task in graph.task_ids().skip(self.rows.len()) {
            let modelled = |group: usize| {
                let class = &cluster.device(self.group_device[group]).class;
                model.and_then(|m| m.duration_ns(graph, task, class))
            };
            let is_modelled = model.is_some() && (0..groups).any(|g| modelled(g).is_some());
            let row = match graph.task(task).cost {
                Cost::Work(work) if !is_modelled => Row::Work(work),
                cost => {
                    let row = self.table.len() / groups;
                    for group in 0..groups {
                        let own = || self.own_ns(graph, cost, group);
                        let ns = modelled(group).map_or_else(own, |ns| ns.round() as Ns);
                        self.table.push(ns);
                    }
                    Row::Table(row as u32)
                }
            };
            self.rows.push(row);
            let cores = graph.task(task).cores;
            let fits = |d: DeviceId| {
                self.lanes_of[d.index()] >= cores
                    && self.group_ns(task, self.own_group(d)).is_some()
            };
            if !cluster.device_ids().any(fits) {
                return Err(nowhere(graph, cluster, task));
            }
        }
        Ok(())
    }

    fn own_ns(&self, graph: &TaskGraph, cost: Cost, group: usize) -> Ns {
        match cost {
            Cost::Work(work) => work_ns(work, self.speed_of[self.group_device[group].index()]),
            Cost::Table(row) => {
                self.group_column[group].map_or(Ns::MAX, |c| graph.cost_row(row)[c as usize])
            }
        }
    }

    fn groups(graph: &TaskGraph, cluster: &Cluster) -> Self {
        let column = |name: &str| graph.columns().iter().position(|c| c == name);
        let mut costs = Self {
            group_of: Vec::new(),
            speed_of: cluster.device_ids().map(|d| cluster.device(d).speed).collect(),
            lanes_of: cluster.device_ids().map(|d| cluster.device(d).lanes).collect(),
            group_lanes: Vec::new(),
            group_device: Vec::new(),
            group_column: Vec::new(),
            rows: Vec::new(),
            table: Vec::new(),
            model: None,
            away: Vec::new(),
        };
        for id in cluster.device_ids() {
            let device = cluster.device(id);
            let columns = column(&device.name).or_else(|| column(&device.class));
            let columns = columns.map(|c| c as u32);
            let same = |&g: &usize| {
                let other = cluster.device(costs.group_device[g]);
                costs.group_column[g] == columns
                    && other.class == device.class
                    && other.speed == device.speed
            };
            let known = (0..costs.group_device.len()).find(same);
            let group = known.unwrap_or_else(|| {
                costs.group_device.push(id);
                costs.group_column.push(columns);
                costs.group_lanes.push(0);
                costs.group_device.len() - 1
            });
            costs.group_lanes[group] += device.lanes;
            costs.group_of.push(group as u32);
        }
        costs
    }

    /// Duration of `task` on `device`; `None` where it cannot run, or while the device is away.
    #[inline]
    pub fn duration_ns(&self, task: TaskId, device: DeviceId) -> Option<Ns> {
        self.group_ns(task, self.group_of[device.index()] as usize)
    }

    /// Duration in a group; the group after the last one is that of the devices that are away.
    #[inline]
    fn group_ns(&self, task: TaskId, group: usize) -> Option<Ns> {
        let device = *self.group_device.get(group)?;
        match self.rows[task.index()] {
            Row::Work(work) => Some(work_ns(work, self.speed_of[device.index()])),
            Row::Table(row) => {
                let ns = self.table[row as usize * self.group_device.len() + group];
                (ns != Ns::MAX).then_some(ns)
            }
        }
    }

    /// The group of a device, whether it is away or not.
    fn own_group(&self, device: DeviceId) -> usize {
        let away = self.away.iter().find(|a| a.0 == device);
        away.map_or(self.group_of[device.index()], |a| a.1) as usize
    }

    /// Takes a device out: no task has a duration there until [`Costs::bring_back`].
    pub fn take_away(&mut self, device: DeviceId) {
        let nowhere = self.group_device.len() as u32;
        let group = std::mem::replace(&mut self.group_of[device.index()], nowhere);
        if group != nowhere {
            self.group_lanes[group as usize] -= self.lanes_of[device.index()];
            self.away.push((device, group));
        }
    }

    /// Undoes [`Costs::take_away`].
    pub fn bring_back(&mut self, device: DeviceId) {
        if let Some(at) = self.away.iter().position(|a| a.0 == device) {
            let (_, group) = self.away.swap_remove(at);
            self.group_of[device.index()] = group;
            self.group_lanes[group as usize] += self.lanes_of[device.index()];
        }
    }

    /// Devices of one group take equally long for every task; groups are numbered from 0. Devices
    /// that are away are a group of their own, the last one, where nothing can run.
    #[inline]
    pub fn group_of(&self, device: DeviceId) -> usize {
        self.group_of[device.index()] as usize
    }

    /// Number of groups.
    pub fn group_count(&self) -> usize {
        self.group_device.len() + usize::from(!self.away.is_empty())
    }

    /// Whether `task` has a duration on every device.
    pub fn runs_everywhere(&self, task: TaskId) -> bool {
        self.away.is_empty()
            && (0..self.group_device.len()).all(|g| self.group_ns(task, g).is_some())
    }

    /// Duration of `task` in every group of devices, by group, `Ns::MAX` where it cannot run; put
    /// into `out`.
    pub fn durations_by_group_ns(&self, task: TaskId, out: &mut Vec<Ns>) {
        out.clear();
        let groups = 0..self.group_count();
        out.extend(groups.map(|g| self.group_ns(task, g).unwrap_or(Ns::MAX)));
    }

    /// The task's work, where its duration is work over speed on every device.
    pub fn work(&self, task: TaskId) -> Option<f64> {
        match self.rows[task.index()] {
            Row::Work(work) if self.away.is_empty() => Some(work),
            Row::Work(_) | Row::Table(_) => None,
        }
    }

    /// Mean duration over all lanes that can run the task now (the `w` bar of the literature).
    pub fn mean_ns(&self, task: TaskId) -> f64 {
        let (mut sum, mut lanes) = (0.0, 0u32);
        for (group, &count) in self.group_lanes.iter().enumerate().filter(|g| *g.1 > 0) {
            if let Some(ns) = self.group_ns(task, group) {
                sum += ns as f64 * f64::from(count);
                lanes += count;
            }
        }
        sum / f64::from(lanes.max(1))
    }

    /// Shortest duration on any device.
    pub fn min_ns(&self, task: TaskId) -> Ns {
        let here = (0..self.group_device.len()).filter(|g| self.group_lanes[*g] > 0);
        here.filter_map(|g| self.group_ns(task, g)).min().unwrap_or(0)
    }

    /// Tasks resolved so far.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether no task was resolved.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Replaces the duration of `task` wherever it can run by `f(device of the group, duration)`;
    /// for noisy or averaged estimates.
    pub fn map_task(&mut self, task: TaskId, mut f: impl FnMut(DeviceId, Ns) -> Ns) {
        let groups = self.group_device.len();
        let row: Vec<Ns> = (self.group_device.iter().enumerate())
            .map(|(g, &d)| self.group_ns(task, g).map_or(Ns::MAX, |ns| f(d, ns)))
            .collect();
        self.rows[task.index()] = Row::Table((self.table.len() / groups) as u32);
        self.table.extend(row);
    }
}

fn nowhere(graph: &TaskGraph, cluster: &Cluster, task: TaskId) -> CostError {
    let columns = match graph.task(task).cost {
        Cost::Work(_) => Vec::new(),
        Cost::Table(row) => (graph.columns().iter().zip(graph.cost_row(row)))
            .filter(|(_, ns)| **ns != Ns::MAX)
            .map(|(column, _)| column.clone())
            .collect(),
    };
    let mut classes: Vec<String> =
        cluster.device_ids().map(|d| cluster.device(d).class.clone()).collect();
    classes.sort();
    classes.dedup();
    CostError::NowhereToRun {
        task: graph.task_name(task),
        cluster: cluster.name().to_owned(),
        columns,
        classes,
        lanes: cluster.device_ids().map(|d| cluster.device(d).lanes).max().unwrap_or(0),
        cores: graph.task(task).cores,
    }
}
