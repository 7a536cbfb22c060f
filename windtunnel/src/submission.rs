//! One task on its way into a flow.

use crate::{Data, Error, Flow};
use runtime::graph::{Mode, TaskSpec};
use runtime::{Cost, KernelId, ObjectId, TaskId};
use std::sync::Arc;

/// What goes on after a task, given its outcome.
pub(crate) type Continuation = Arc<dyn Fn(&[i64], &mut Flow) -> Result<(), Error> + Send + Sync>;

/// See [`Flow::task`].
#[must_use = "a task is submitted by `submit`"]
pub struct Submission<'f> {
    flow: &'f mut Flow,
    name: String,
    params: Vec<i64>,
    accesses: Vec<(ObjectId, Mode)>,
    after: Vec<TaskId>,
    /// Everything that is a plain number.
    plain: TaskSpec<'static>,
    expected: Option<Box<[i64]>>,
    then: Option<Continuation>,
}

impl<'f> Submission<'f> {
    pub(crate) fn new(flow: &'f mut Flow, kernel: KernelId) -> Self {
        Self {
            flow,
            name: String::new(),
            params: Vec::new(),
            accesses: Vec::new(),
            after: Vec::new(),
            plain: TaskSpec::new(kernel),
            expected: None,
            then: None,
        }
    }

    /// It reads this.
    pub fn reads<T>(self, data: Data<T>) -> Self {
        self.accesses(data, Mode::Read)
    }

    /// It writes all of this and does not look at what it was.
    pub fn writes<T>(self, data: Data<T>) -> Self {
        self.accesses(data, Mode::Write)
    }

    /// It changes this.
    pub fn updates<T>(self, data: Data<T>) -> Self {
        self.accesses(data, Mode::ReadWrite)
    }

    /// It changes this, and may change places with its neighbours that do so too.
    pub fn commutes<T>(self, data: Data<T>) -> Self {
        self.accesses(data, Mode::Commutative)
    }

    /// It uses this in any mode.
    pub fn accesses<T>(mut self, data: Data<T>, mode: Mode) -> Self {
        self.accesses.push((data.object(), mode));
        self
    }

    /// It starts after that task, whatever they use.
    pub fn after(mut self, task: TaskId) -> Self {
        self.after.push(task);
        self
    }

    /// Numbers that the kernel is given.
    pub fn params(mut self, params: &[i64]) -> Self {
        self.params.extend_from_slice(params);
        self
    }

    /// Sizes that its duration depends on: durations are learnt by kernel and shape.
    pub fn shape(mut self, shape: [u32; 4]) -> Self {
        self.plain.shape = shape;
        self
    }

    /// Its cost, where none was learnt: in seconds on the testbed of [`Testbed::host`], otherwise
    /// as the cluster's devices count it. Nothing by default.
    ///
    /// [`Testbed::host`]: crate::Testbed::host
    pub fn work(mut self, work: f64) -> Self {
        self.plain.cost = Cost::Work(work);
        self
    }

    /// Cores that it takes at once.
    pub fn cores(mut self, cores: u32) -> Self {
        self.plain.cores = cores;
        self
    }

    /// Memory that it is lent while it runs.
    pub fn scratch_bytes(mut self, bytes: u64) -> Self {
        self.plain.scratch_bytes = bytes;
        self
    }

    /// Its name, for people.
    pub fn name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// What its kernel would return, for simulations, which run no kernels.
    pub fn expects(mut self, outcome: &[i64]) -> Self {
        self.expected = Some(outcome.into());
        self
    }

    /// Goes on after the task: `then` is given what its kernel returned (in a simulation what
    /// [`Submission::expects`] says, else nothing) and may submit more tasks, which may go on too.
    /// An error ends the run.
    pub fn then(
        mut self,
        then: impl Fn(&[i64], &mut Flow) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Self {
        self.then = Some(Arc::new(then));
        self
    }

    /// Puts the task into its flow.
    ///
    /// # Errors
    /// [`Error::Graph`] when the graph refuses it; the flow is then unchanged.
    pub fn submit(self) -> Result<TaskId, Error> {
        let task = self.flow.graph.submit(TaskSpec {
            name: &self.name,
            params: &self.params,
            accesses: &self.accesses,
            after: &self.after,
            ..self.plain
        })?;
        self.flow.expected.extend(self.expected.map(|e| (task, e)));
        self.flow.continuations.extend(self.then.map(|t| (task, t)));
        Ok(task)
    }
}
