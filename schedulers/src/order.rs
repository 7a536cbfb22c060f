//! The order in which planners consider tasks, and the one in which they break ties.
//!
//! Ties are broken by Kahn's order with a first-in-first-out queue: tasks without predecessors in
//! submission order, then, as each task leaves the queue, those of its successors that wait for
//! nothing else, in submission order. The tasks of a gang start at one instant, so they are one
//! *unit* here, which its first task leads; every other task is a unit by itself.

use runtime::planner::PlanFailure;
use runtime::{Problem, TaskGraph, TaskId};

/// Kahn's order of a problem's tasks, the tasks of a gang side by side.
pub struct Order {
    tasks: Vec<TaskId>,
    position: Vec<u32>,
    units: Units,
}

impl Order {
    /// Sorts the tasks of a problem; linear in tasks and edges.
    ///
    /// # Errors
    /// [`PlanFailure`] when a gang waits for one of its own tasks.
    pub fn new(problem: &Problem<'_>) -> Result<Self, PlanFailure> {
        let graph = problem.graph;
        let units = Units::new(problem);
        let mut waiting = Waiting::new(problem, &units);
        let mut tasks: Vec<TaskId> = Vec::with_capacity(problem.tasks.len());
        for task in &problem.tasks {
            if units.leads(graph, *task) && waiting.is_ready(*task) {
                tasks.extend_from_slice(units.of(graph, task));
            }
        }
        let mut next = 0;
        while next < tasks.len() {
            let task = tasks[next];
            next += 1;
            waiting.release(graph, &units, task, |leader| {
                tasks.extend_from_slice(units.of(graph, &leader));
            });
        }
        if tasks.len() < problem.tasks.len() {
            return Err(PlanFailure("the tasks of a gang wait for each other".to_owned()));
        }
        let mut position = vec![0; graph.len()];
        for (at, task) in (0..).zip(&tasks) {
            position[task.index()] = at;
        }
        Ok(Self { tasks, position, units })
    }

    /// The tasks in order.
    pub fn tasks(&self) -> &[TaskId] {
        &self.tasks
    }

    /// The task at a position.
    pub fn at(&self, position: u32) -> TaskId {
        self.tasks[position as usize]
    }

    /// A task's position.
    pub fn position(&self, task: TaskId) -> u32 {
        self.position[task.index()]
    }

    /// Which tasks start together.
    pub fn units(&self) -> &Units {
        &self.units
    }

    /// The leaders of all units, larger keys first; every leader comes after what it depends on
    /// when keys never grow along an edge.
    pub fn by_key(&self, graph: &TaskGraph, keys: &[u64]) -> Vec<TaskId> {
        let mut list: Vec<(u64, u32)> = (0..)
            .zip(&self.tasks)
            .filter(|(_, t)| self.units.leads(graph, **t))
            .map(|(at, t)| (u64::MAX - keys[t.index()], at))
            .collect();
        list.sort_unstable();
        list.into_iter().map(|(_, at)| self.at(at)).collect()
    }
}

/// Which tasks start together.
pub struct Units {
    /// The planned tasks of every gang.
    gangs: Vec<Vec<TaskId>>,
}

impl Units {
    /// The units of a problem.
    pub fn new(problem: &Problem<'_>) -> Self {
        let mut gangs = vec![Vec::new(); problem.graph.gang_count()];
        if !gangs.is_empty() {
            for task in &problem.tasks {
                if let Some(gang) = problem.graph.task(*task).gang {
                    gangs[gang.index()].push(*task);
                }
            }
        }
        Self { gangs }
    }

    /// The tasks that start with `task`, itself included, in submission order.
    #[inline]
    pub fn of<'a>(&'a self, graph: &TaskGraph, task: &'a TaskId) -> &'a [TaskId] {
        match graph.task(*task).gang {
            Some(gang) => &self.gangs[gang.index()],
            None => std::slice::from_ref(task),
        }
    }

    /// The first of the tasks that start with `task`.
    #[inline]
    pub fn leader(&self, graph: &TaskGraph, task: TaskId) -> TaskId {
        self.of(graph, &task)[0]
    }

    /// Whether a task leads its unit.
    #[inline]
    pub fn leads(&self, graph: &TaskGraph, task: TaskId) -> bool {
        self.leader(graph, task) == task
    }
}

/// How many planned predecessors every unit waits for.
pub struct Waiting {
    edges: Vec<u32>,
}

impl Waiting {
    /// Nothing is placed yet.
    pub fn new(problem: &Problem<'_>, units: &Units) -> Self {
        let graph = problem.graph;
        let mut edges = vec![0; graph.len()];
        for task in &problem.tasks {
            let planned = graph.incoming(*task).iter().filter(|e| problem.is_planned(e.from));
            edges[units.leader(graph, *task).index()] += planned.count() as u32;
        }
        Self { edges }
    }

    /// Whether a unit, given by its leader, waits for nothing.
    pub fn is_ready(&self, leader: TaskId) -> bool {
        self.edges[leader.index()] == 0
    }

    /// A task was placed: calls `ready` with the leaders of the units that waited for it last.
    #[inline]
    pub fn release(
        &mut self,
        graph: &TaskGraph,
        units: &Units,
        task: TaskId,
        mut ready: impl FnMut(TaskId),
    ) {
        for edge in graph.outgoing(task) {
            let leader = units.leader(graph, edge.to);
            self.edges[leader.index()] -= 1;
            if self.edges[leader.index()] == 0 {
                ready(leader);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{costs, nodes};
    use runtime::{GangId, TaskSpec};

    fn graph(edges: &[(u32, u32)], gang: &[u32]) -> TaskGraph {
        let mut graph = TaskGraph::new("g");
        let (kernel, _) = (graph.kernel("k"), graph.add_gang());
        for t in 0..6 {
            let after: Vec<_> = edges.iter().filter(|e| e.1 == t).map(|e| TaskId(e.0)).collect();
            let gang = gang.contains(&t).then_some(GangId(0));
            graph.submit(TaskSpec { after: &after, gang, ..TaskSpec::new(kernel) }).unwrap();
        }
        graph
    }

    fn order(edges: &[(u32, u32)], gang: &[u32]) -> Result<Vec<u32>, PlanFailure> {
        let (graph, cluster) = (graph(edges, gang), nodes(&[1.0], 1.0));
        let costs = costs(&graph, &cluster);
        let order = Order::new(&Problem::fresh(&graph, &cluster, &costs))?;
        Ok(order.tasks().iter().map(|t| t.0).collect())
    }

    #[test]
    fn a_queue_seeded_and_expanded_in_submission_order() {
        assert_eq!(
            order(&[(0, 4), (0, 2), (1, 3), (2, 5), (3, 5)], &[]),
            Ok(vec![0, 1, 2, 4, 3, 5])
        );
    }

    #[test]
    fn a_gang_waits_for_what_any_of_its_tasks_waits_for() {
        let edges = [(0, 1), (1, 2), (3, 5)];
        assert_eq!(order(&edges, &[2, 3]), Ok(vec![0, 4, 1, 2, 3, 5]));
    }

    #[test]
    fn a_gang_that_waits_for_itself_has_no_order() {
        let failure = order(&[(1, 3), (3, 5)], &[1, 5]).unwrap_err();
        assert_eq!(failure.to_string(), "the tasks of a gang wait for each other");
    }
}
