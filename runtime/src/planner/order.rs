//! The order in which a plan's tasks run on their lanes, checked before the run.

use super::{Problem, Schedule};
use crate::{Cluster, LaneId, Ns, TaskGraph, TaskId};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What can be wrong with a plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A task is missing.
    #[error("the plan leaves out task {0}")]
    Missing(String),
    /// A task is there twice, or is not to be planned.
    #[error("the plan places task {0} twice, or it was not to be planned")]
    Repeated(String),
    /// No such device or lane.
    #[error("the plan places task {task} on lane {lane}, which its device does not have")]
    WrongLane {
        /// The task.
        task: String,
        /// The lane.
        lane: LaneId,
    },
    /// Tasks that wait for each other.
    #[error("the plan's order is circular: {}", .0.join(" before "))]
    Circular(Vec<String>),
}

/// Positions of the schedule's assignments in lane order (start, finish, topological position).
///
/// # Errors
/// Any [`PlanError`]; linear but for one sort.
pub(super) fn checked_order(
    problem: &Problem<'_>,
    schedule: &Schedule,
) -> Result<Vec<usize>, PlanError> {
    let Problem { graph, cluster, .. } = *problem;
    let name = |t: TaskId| match t.index() < graph.len() {
        true => graph.task_name(t),
        false => t.to_string(),
    };
    let mut planned = vec![false; graph.len()];
    let mut expected = vec![false; graph.len()];
    problem.tasks.iter().for_each(|t| expected[t.index()] = true);
    for a in &schedule.assignments {
        let known = a.task.index() < graph.len() && expected[a.task.index()];
        if !known || std::mem::replace(&mut planned[a.task.index()], true) {
            return Err(PlanError::Repeated(name(a.task)));
        }
        let fits = a.device.index() < cluster.device_count() && {
            let first = cluster.first_lane(a.device);
            let end = first.0 + cluster.device(a.device).lanes;
            a.lane >= first && a.lane.0 + graph.task(a.task).cores <= end
        };
        if !fits {
            return Err(PlanError::WrongLane { task: name(a.task), lane: a.lane });
        }
    }
    if let Some(task) = problem.tasks.iter().find(|t| !planned[t.index()]) {
        return Err(PlanError::Missing(name(*task)));
    }
    let gangs = Gangs::new(graph, schedule);
    let mut order: Vec<usize> = (0..schedule.assignments.len()).collect();
    order.sort_unstable_by_key(|&i| {
        let a = &schedule.assignments[i];
        // A gang stays together: nothing comes after one and before another of its tasks.
        let (finish_ns, leader) = match graph.task(a.task).gang {
            Some(gang) => gangs.last[gang.index()],
            None => (a.finish_ns, a.task),
        };
        (a.start_ns, finish_ns, leader, a.task)
    });
    check_cycles(graph, cluster, schedule, &gangs, &order)?;
    match problem.order.is_empty() {
        true => Ok(order),
        false => Ok(reordered(problem, schedule, &gangs, &order)),
    }
}

/// The order with what the planner does not know: each next task is the first of the plan's whose
/// predecessors, by edges or by [`Problem::with_order`], have all come.
fn reordered(
    problem: &Problem<'_>,
    schedule: &Schedule,
    gangs: &Gangs,
    order: &[usize],
) -> Vec<usize> {
    let graph = problem.graph;
    let mut position = vec![usize::MAX; graph.len()];
    for (at, &i) in order.iter().enumerate() {
        position[schedule.assignments[i].task.index()] = at;
    }
    let mut waiting = vec![0u32; graph.len()];
    let mut after = vec![Vec::new(); graph.len()];
    let edges = order.iter().flat_map(|&i| graph.incoming(schedule.assignments[i].task));
    let pairs = edges.map(|e| (e.from, e.to)).chain(problem.order.iter().copied());
    for (from, to) in pairs.filter(|p| [p.0, p.1].iter().all(|t| position[t.index()] != usize::MAX))
    {
        after[from.index()].push(to);
        // A gang waits as one.
        waiting[gangs.of(graph, &to)[0].index()] += 1;
    }
    let leader = |t: TaskId| gangs.of(graph, &t)[0];
    let is_ready = |t: TaskId, waiting: &[u32]| leader(t) == t && waiting[t.index()] == 0;
    let tasks = order.iter().map(|&i| schedule.assignments[i].task);
    let mut ready: BinaryHeap<Reverse<usize>> =
        tasks.filter(|t| is_ready(*t, &waiting)).map(|t| Reverse(position[t.index()])).collect();
    let mut done = Vec::with_capacity(order.len());
    while let Some(Reverse(at)) = ready.pop() {
        let first = schedule.assignments[order[at]].task;
        for member in gangs.of(graph, &first) {
            done.push(order[position[member.index()]]);
            for &to in &after[member.index()] {
                let to = leader(to);
                waiting[to.index()] -= 1;
                if waiting[to.index()] == 0 {
                    ready.push(Reverse(position[to.index()]));
                }
            }
        }
    }
    done
}

/// Kahn's algorithm over dependencies and lane order, the tasks of a gang going together.
fn check_cycles(
    graph: &TaskGraph,
    cluster: &Cluster,
    schedule: &Schedule,
    gangs: &Gangs,
    order: &[usize],
) -> Result<(), PlanError> {
    // Usually no edge points backwards in the order itself, and nothing else is needed.
    let mut position = vec![usize::MAX; graph.len()];
    for (at, &i) in order.iter().enumerate() {
        position[schedule.assignments[i].task.index()] = at;
    }
    let points_back = |t: TaskId| {
        let at = position[t.index()];
        graph.incoming(t).iter().any(|e| {
            let from = position[e.from.index()];
            from != usize::MAX && from > at
        })
    };
    let mut tasks = order.iter().map(|&i| schedule.assignments[i].task);
    if !tasks.any(|t| points_back(t) || graph.task(t).gang.is_some()) {
        return Ok(());
    }
    let (after, mut waiting) = lane_successors(graph, cluster, schedule, order);
    for members in &gangs.members {
        let sum: u32 = members.iter().map(|m| waiting[m.index()]).sum();
        members.iter().for_each(|m| waiting[m.index()] = sum);
    }
    let mut done: Vec<TaskId> = Vec::with_capacity(order.len());
    for &i in order {
        let task = schedule.assignments[i].task;
        let members = gangs.of(graph, &task);
        if waiting[members[0].index()] == 0 && members[0] == task {
            done.extend_from_slice(members);
        }
    }
    let mut next = 0;
    while next < done.len() {
        let task = done[next];
        next += 1;
        let successors = graph.outgoing(task).map(|e| e.to);
        for to in successors.chain(after[task.index()].iter().copied()) {
            if position[to.index()] == usize::MAX {
                continue;
            }
            let members = gangs.of(graph, &to);
            members.iter().for_each(|m| waiting[m.index()] -= 1);
            if waiting[to.index()] == 0 {
                done.extend_from_slice(members);
            }
        }
    }
    if done.len() == order.len() {
        return Ok(());
    }
    let stuck = order.iter().map(|&i| schedule.assignments[i].task);
    let stuck: Vec<TaskId> = stuck.filter(|t| waiting[t.index()] > 0).collect();
    Err(PlanError::Circular(cycle(graph, &after, gangs, &stuck)))
}

/// The planned tasks of every gang.
struct Gangs {
    members: Vec<Vec<TaskId>>,
    /// The latest end of each, and which task ends then.
    last: Vec<(Ns, TaskId)>,
}

impl Gangs {
    fn new(graph: &TaskGraph, schedule: &Schedule) -> Self {
        let mut members = vec![Vec::new(); graph.gang_count()];
        let mut last = vec![(0, TaskId(0)); graph.gang_count()];
        for a in &schedule.assignments {
            if let Some(gang) = graph.task(a.task).gang {
                members[gang.index()].push(a.task);
                last[gang.index()] = last[gang.index()].max((a.finish_ns, a.task));
            }
        }
        Self { members, last }
    }

    /// The tasks that start with `task`, itself included.
    fn of<'a>(&'a self, graph: &TaskGraph, task: &'a TaskId) -> &'a [TaskId] {
        match graph.task(*task).gang {
            Some(gang) => &self.members[gang.index()],
            None => std::slice::from_ref(task),
        }
    }
}

/// Lane successors of every task, and how many predecessors of both kinds each has.
fn lane_successors(
    graph: &TaskGraph,
    cluster: &Cluster,
    schedule: &Schedule,
    order: &[usize],
) -> (Vec<Vec<TaskId>>, Vec<u32>) {
    let mut after = vec![Vec::new(); graph.len()];
    let mut waiting = vec![0u32; graph.len()];
    let mut planned = vec![false; graph.len()];
    schedule.assignments.iter().for_each(|a| planned[a.task.index()] = true);
    let mut last: Vec<Option<TaskId>> = vec![None; cluster.lane_count()];
    for &i in order {
        let a = &schedule.assignments[i];
        let from = graph.incoming(a.task).iter().filter(|e| planned[e.from.index()]).count();
        waiting[a.task.index()] += from as u32;
        for lane in a.lane.0..a.lane.0 + graph.task(a.task).cores {
            if let Some(before) = last[lane as usize].replace(a.task) {
                after[before.index()].push(a.task);
                waiting[a.task.index()] += 1;
            }
        }
    }
    (after, waiting)
}

/// Names along one cycle among tasks that all wait for one of each other.
fn cycle(graph: &TaskGraph, after: &[Vec<TaskId>], gangs: &Gangs, stuck: &[TaskId]) -> Vec<String> {
    let mut is_stuck = vec![false; graph.len()];
    stuck.iter().for_each(|t| is_stuck[t.index()] = true);
    let mut before = vec![None; graph.len()];
    for &task in stuck {
        let successors = graph.outgoing(task).map(|e| e.to);
        for to in successors.chain(after[task.index()].iter().copied()) {
            for member in gangs.of(graph, &to).iter().filter(|m| is_stuck[m.index()]) {
                before[member.index()] = Some(task);
            }
        }
    }
    let mut seen = vec![false; graph.len()];
    let mut at = stuck[0];
    while !std::mem::replace(&mut seen[at.index()], true) {
        at = before[at.index()].unwrap_or(at);
    }
    let mut names = vec![graph.task_name(at)];
    let mut walk = before[at.index()];
    while let Some(task) = walk.filter(|t| *t != at) {
        names.push(graph.task_name(task));
        walk = before[task.index()];
    }
    names.push(graph.task_name(at));
    names.reverse();
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{ClusterSpec, DeviceSpec, MemorySpec};
    use crate::graph::TaskSpec;
    use crate::planner::Assignment;
    use crate::{Costs, DeviceId, GangId};

    /// A plan's task: lane, start, end, and its gang.
    type Planned = (u32, u64, u64, Option<u32>);

    fn check(tasks: &[Planned], deps: &[(u32, u32)]) -> Result<Vec<usize>, PlanError> {
        let mut graph = TaskGraph::new("g");
        let kernel = graph.kernel("k");
        for _ in 0..3 {
            graph.add_gang();
        }
        for (i, planned) in (0..).zip(tasks) {
            let after: Vec<_> = deps.iter().filter(|d| d.1 == i).map(|d| TaskId(d.0)).collect();
            let gang = planned.3.map(GangId);
            graph.submit(TaskSpec { after: &after, gang, ..TaskSpec::new(kernel) }).unwrap();
        }
        let memory = MemorySpec { name: "m".into(), ..Default::default() };
        let device = DeviceSpec {
            name: "d".into(),
            memory: "m".into(),
            lanes: 2,
            speed: 1.0,
            ..Default::default()
        };
        let (memories, devices) = (vec![memory], vec![device]);
        let spec = ClusterSpec { memories, devices, ..Default::default() };
        let cluster = Cluster::new(spec).unwrap();
        let costs = Costs::resolve(&graph, &cluster, None).unwrap();
        let problem = Problem::fresh(&graph, &cluster, &costs);
        let device = DeviceId(0);
        let assignments = (tasks.iter().enumerate())
            .map(|(i, &(lane, start_ns, finish_ns, _))| {
                let (task, lane) = (TaskId(i as u32), LaneId(lane));
                Assignment { task, device, lane, start_ns, finish_ns }
            })
            .collect();
        checked_order(&problem, &Schedule { assignments })
    }

    #[test]
    fn ties_in_time_follow_submission_order() {
        let plan = [(5, 5), (0, 5), (5, 5), (5, 9)].map(|(start, end)| (0, start, end, None));
        assert_eq!(check(&plan, &[]), Ok(vec![1, 0, 2, 3]));
    }

    #[test]
    fn an_order_against_a_dependency_is_circular() {
        let error = check(&[(0, 5, 6, None), (0, 0, 1, None)], &[(0, 1)]).unwrap_err();
        assert!(matches!(&error, PlanError::Circular(names) if names.len() == 3), "{error}");
        assert!(error.to_string().contains("k#0 before k#1"), "{error}");
    }

    #[test]
    fn an_order_against_a_dependency_is_fine_where_the_lanes_differ() {
        assert_eq!(check(&[(0, 5, 6, None), (1, 0, 1, None)], &[(0, 1)]), Ok(vec![1, 0]));
    }

    #[test]
    fn gangs_that_wait_for_each_other_are_circular() {
        // Each gang comes first on one of the two lanes.
        let crossed =
            [(0, 0, 1, Some(0)), (1, 1, 2, Some(0)), (0, 1, 2, Some(1)), (1, 0, 1, Some(1))];
        let error = check(&crossed, &[]).unwrap_err();
        assert!(matches!(error, PlanError::Circular(_)), "{error}");
        let fine = [(0, 0, 1, Some(0)), (1, 0, 1, Some(0)), (0, 1, 2, Some(1)), (1, 1, 2, Some(1))];
        assert_eq!(check(&fine, &[]), Ok(vec![0, 1, 2, 3]));
    }

    #[test]
    fn a_gang_stays_together_among_tasks_of_no_duration() {
        let plan = [(0, 3, 4, Some(0)), (1, 3, 3, Some(0)), (0, 3, 3, None), (1, 3, 3, None)];
        assert_eq!(check(&plan, &[]), Ok(vec![2, 3, 0, 1]));
    }

    #[test]
    fn a_plan_holds_every_task_once_on_lanes_that_exist() {
        let error = check(&[(7, 0, 1, None)], &[]).unwrap_err();
        assert!(matches!(error, PlanError::WrongLane { .. }), "{error}");
    }
}
