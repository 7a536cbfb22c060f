//! Carrying a flow out: in the simulator, on threads, or live.

use crate::board::Board;
use crate::choice::Named;
use crate::flow::Phase;
use crate::growth::Growth;
use crate::{Error, Flow, IntoScheduler, Live, Results, Testbed};
use real_backend::RunSpec;
use runtime::LinkModel;
use sim::{SimOutput, SimSpec, Wire};
use std::sync::Arc;

impl Flow {
    /// Predicts a run: the simulator carries the flow out in virtual time, without its kernels.
    ///
    /// # Errors
    /// [`Error::UnknownScheduler`], [`Error::Costs`], [`Error::Simulation`].
    pub fn simulate(
        &self,
        testbed: &Testbed,
        scheduler: impl IntoScheduler,
    ) -> Result<SimOutput, Error> {
        let Named { name, scheduler } = scheduler.into_scheduler(testbed.seed)?;
        let costs = testbed.costs(&self.graph)?;
        let (growth, graph) = Growth::new(self.begun(Phase::Running), None);
        let spec = SimSpec::new(graph, Arc::clone(&testbed.cluster), costs, scheduler);
        Ok(sim::run(SimSpec {
            program: Some(Box::new(growth.clone())),
            outcomes: Some(Box::new(growth)),
            noise: testbed.noise.clone(),
            seed: testbed.seed,
            issue_ahead: testbed.issue_ahead,
            scheduler_name: name,
            ..spec
        })?)
    }

    /// Runs the flow and waits for its end.
    ///
    /// # Errors
    /// [`Error::UnknownScheduler`], [`Error::Costs`], [`Error::Run`] (a kernel that panics or
    /// fails is told there by its task's name), [`Error::Disk`].
    ///
    /// # Panics
    /// When the scheduler or a continuation panics, with their panic.
    pub fn run(&self, testbed: &Testbed, scheduler: impl IntoScheduler) -> Result<Results, Error> {
        let scheduler = scheduler.into_scheduler(testbed.seed)?;
        let (spec, _) = self.begun(Phase::Running).into_run(testbed, scheduler, None)?;
        Results::new(real_backend::run(spec)?)
    }

    /// Starts the flow as it is, to be submitted to while it runs.
    ///
    /// # Errors
    /// As [`Flow::run`], as far as it is known at the start.
    pub fn start(&self, testbed: &Testbed, scheduler: impl IntoScheduler) -> Result<Live, Error> {
        let scheduler = scheduler.into_scheduler(testbed.seed)?;
        let board = Arc::new(Board::default());
        let mut flow = self.clone();
        let fetch = board.kernel(&mut flow)?;
        let flow = flow.begun(Phase::Live);
        let (spec, growth) = flow.into_run(testbed, scheduler, Some(Arc::clone(&board)))?;
        Ok(Live::new(real_backend::start(spec)?, growth, board, fetch))
    }

    fn into_run(
        self,
        testbed: &Testbed,
        scheduler: Named,
        board: Option<Arc<Board>>,
    ) -> Result<(RunSpec, Growth), Error> {
        let costs = testbed.costs(&self.graph)?;
        let (kernels, contents) = (self.kernels.clone(), self.contents.shared());
        let (growth, graph) = Growth::new(self, board);
        let cluster = Arc::clone(&testbed.cluster);
        let link = || Box::new(Wire::new(Arc::clone(&cluster))) as Box<dyn LinkModel>;
        let emulation = testbed.is_emulated.then(link);
        let spec = RunSpec {
            program: Some(Box::new(growth.clone())),
            kernels,
            inputs: Some(Box::new(contents)),
            scheduler_name: scheduler.name,
            seed: testbed.seed,
            timeout: testbed.timeout,
            issue_ahead: testbed.issue_ahead,
            emulation,
            ..RunSpec::new(graph, cluster, costs, scheduler.scheduler)
        };
        Ok((spec, growth))
    }
}
