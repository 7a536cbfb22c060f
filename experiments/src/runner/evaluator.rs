//! The simulator as a planner's evaluator.
//!
//! It knows the estimates that the scheduler is shown (they come with the problem) and neither the
//! truth nor its noise.

use runtime::planner::{EvaluationError, PlanFailure, Times};
use runtime::{Costs, Evaluator, Planned, Planner, Problem, Schedule};
use sim::SimSpec;
use std::sync::Arc;

/// Simulates schedules on the problem's cluster, network model and memories included.
pub struct Simulated;

/// A plan that is known already.
struct Known(Option<Schedule>);

impl Planner for Known {
    fn plan(&mut self, _: &Problem<'_>) -> Result<Schedule, PlanFailure> {
        self.0.take().ok_or_else(|| PlanFailure("the graph grew".to_owned()))
    }
}

impl Evaluator for Simulated {
    fn evaluate(
        &self,
        problem: &Problem<'_>,
        schedule: &Schedule,
    ) -> Result<Times, EvaluationError> {
        let is_fresh = problem.now_ns == 0 && problem.tasks.len() == problem.graph.len();
        if !is_fresh {
            return Err(EvaluationError::NotFresh);
        }
        let (graph, cluster) = (problem.graph.clone(), Arc::new(problem.cluster.clone()));
        let costs: Costs = problem.costs.clone();
        let plan = Box::new(Planned::new(Known(Some(schedule.clone()))));
        let output = sim::run(SimSpec::new(graph, cluster, costs, plan));
        let output = output.map_err(|e| EvaluationError::Failed(e.to_string()))?;
        let mut by_task = vec![(0, 0); problem.graph.len()];
        for record in &output.trace.tasks {
            by_task[record.task.index()] = (record.started_ns, record.finished_ns);
        }
        let times = schedule.assignments.iter().map(|a| by_task[a.task.index()]);
        Ok(Times { makespan_ns: output.makespan_ns, tasks: times.collect() })
    }
}
