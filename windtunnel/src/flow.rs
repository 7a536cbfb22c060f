//! What is to be run: kernels, data and tasks.

use crate::contents::Contents;
use crate::submission::{Continuation, Submission};
use crate::{Data, Element, Error};
use runtime::graph::ObjectSpec;
use runtime::kernel::{KernelArgs, KernelResult};
use runtime::{KernelId, KernelSet, ObjectId, TaskGraph, TaskId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A sequential task flow: kernels, data and the tasks that use them, in the order of their
/// submission, from which their dependencies follow. It is only told here; [`Flow::simulate`],
/// [`Flow::run`] and [`Flow::start`] carry it out, any number of times.
#[derive(Clone)]
pub struct Flow {
    pub(crate) graph: TaskGraph,
    pub(crate) kernels: KernelSet,
    pub(crate) contents: Contents,
    pub(crate) continuations: BTreeMap<TaskId, Continuation>,
    pub(crate) expected: BTreeMap<TaskId, Box<[i64]>>,
    /// How far it is from being carried out.
    pub(crate) phase: Phase,
    /// What a continuation failed with.
    pub(crate) failure: Option<String>,
}

/// Whether a flow is told or carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing runs.
    Told,
    /// It runs, and only continuations may add to it.
    Running,
    /// It runs, and anybody may.
    Live,
}

impl Flow {
    /// An empty flow.
    pub fn new(name: &str) -> Self {
        Self {
            graph: TaskGraph::new(name),
            kernels: KernelSet::default(),
            contents: Contents::default(),
            continuations: BTreeMap::new(),
            expected: BTreeMap::new(),
            phase: Phase::Told,
            failure: None,
        }
    }

    /// Defines a kernel: a function over the buffers of a task, in the order of its accesses. What
    /// it returns is the task's outcome, mostly nothing. It may run on any worker at any time, and
    /// several times.
    ///
    /// # Errors
    /// [`Error::KernelExists`]; [`Error::LateKernel`] while the flow runs.
    pub fn kernel(
        &mut self,
        name: &str,
        body: impl Fn(&mut KernelArgs<'_, '_>) -> KernelResult + Send + Sync + 'static,
    ) -> Result<KernelId, Error> {
        if self.phase != Phase::Told {
            return Err(Error::LateKernel(name.to_owned()));
        }
        if self.kernels.get(name).is_some() {
            return Err(Error::KernelExists(name.to_owned()));
        }
        self.kernels.insert(name, body);
        Ok(self.graph.kernel(name))
    }

    /// The kernel of that name, without a body if none was defined: its tasks then touch their
    /// data and last as long as they cost.
    pub fn kernel_named(&mut self, name: &str) -> KernelId {
        self.graph.kernel(name)
    }

    /// Data that is there from the start.
    ///
    /// # Errors
    /// [`Error::Graph`] when the graph refuses it.
    pub fn input<T: Element>(&mut self, name: &str, content: &[T]) -> Result<Data<T>, Error> {
        let data = self.add(name, content.len(), true, false)?;
        self.contents.insert(data.object(), Arc::from(bytemuck::cast_slice(content)));
        Ok(data)
    }

    /// Data that tasks make for other tasks.
    ///
    /// # Errors
    /// [`Error::Graph`] when the graph refuses it.
    pub fn data<T: Element>(&mut self, name: &str, len: usize) -> Result<Data<T>, Error> {
        self.add(name, len, false, false)
    }

    /// Data that tasks make and that the run brings home.
    ///
    /// # Errors
    /// [`Error::Graph`] when the graph refuses it.
    pub fn result<T: Element>(&mut self, name: &str, len: usize) -> Result<Data<T>, Error> {
        self.add(name, len, false, true)
    }

    /// Makes any data a result.
    pub fn keep<T>(&mut self, data: Data<T>) {
        self.graph.keep(data.object());
    }

    /// Promises that nothing submitted from now on uses this data, so that its memory can be used
    /// for other data before the run's end. It matters in runs that are submitted to while they go
    /// on, since these hold all data that somebody may name.
    pub fn release<T>(&mut self, data: Data<T>) {
        self.graph.release(data.object());
    }

    /// Begins a task of a kernel; [`Submission::submit`] ends it.
    pub fn task(&mut self, kernel: KernelId) -> Submission<'_> {
        Submission::new(self, kernel)
    }

    /// The tasks so far, as all the rest of the workspace knows them.
    pub fn graph(&self) -> &TaskGraph {
        &self.graph
    }

    fn add<T: Element>(
        &mut self,
        name: &str,
        len: usize,
        initial: bool,
        keep: bool,
    ) -> Result<Data<T>, Error> {
        const { assert!(size_of::<T>() > 0, "data has elements of at least one byte") };
        let bytes = (len * size_of::<T>()) as u64;
        let held = self.phase != Phase::Told && self.is_holding();
        let spec = ObjectSpec { name, bytes, initial, keep, held, ..ObjectSpec::default() };
        Ok(Data::new(self.graph.add_object(spec)?, len))
    }

    /// A copy to be carried out.
    pub(crate) fn begun(&self, phase: Phase) -> Self {
        let mut flow = self.clone();
        flow.phase = phase;
        if flow.is_holding() {
            flow.graph.object_ids().for_each(|o| flow.graph.hold(o));
        }
        flow
    }

    /// Whether tasks may come that use data of before.
    fn is_holding(&self) -> bool {
        self.phase == Phase::Live || !self.continuations.is_empty()
    }

    /// Lets all data go if nobody can name it any more.
    pub(crate) fn let_go(&mut self) {
        if !self.is_holding() {
            let held = |o: &ObjectId| self.graph.object(*o).held;
            let held: Vec<ObjectId> = self.graph.object_ids().filter(held).collect();
            held.into_iter().for_each(|o| self.graph.release(o));
        }
    }
}

impl std::fmt::Debug for Flow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flow")
            .field("name", &self.graph.name())
            .field("tasks", &self.graph.len())
            .field("kernels", &self.kernels)
            .finish_non_exhaustive()
    }
}
