//! The flat instance means the same as the partial schedule that list schedulers use.

use crate::checker::check;
use crate::plans::mix;
use crate::random::{cluster, graph};
use crate::{cases, lists};
use proptest::prelude::*;
use runtime::planner::{Assignment, Fixed};
use runtime::trace::TaskRecord;
use runtime::{Costs, LaneId, Ns, Problem, Schedule, TaskId};
use schedulers::instance::Instance;
use std::sync::Arc;

/// Ends by the instance, in the order of the schedule; starts again as early as possible.
fn recomputed(problem: &Problem<'_>, schedule: &Schedule) -> Schedule {
    let instance = Instance::new(problem).expect("list schedulers find a plan");
    let (order, mut placed) = instance.placements(schedule).expect("all tasks are placed");
    instance.append(&order, &mut placed);
    instance.schedule(problem, &placed)
}

/// A plan of a list scheduler without insertion starts everything as early as its order allows.
/// With insertion, and where tasks of no duration share an instant on a lane (their order is then
/// not in the schedule), nothing starts later by the instance.
fn same_times(problem: &Problem<'_>) -> Result<(), TestCaseError> {
    let Problem { graph, cluster, costs, .. } = *problem;
    let takes_time = problem.tasks.iter().all(|t| costs.min_ns(*t) > 0);
    for (name, mut planner) in lists() {
        let mut plan = planner.plan(problem).expect("there is a plan");
        let again = recomputed(problem, &plan);
        plan.assignments.sort_by_key(|a| a.task);
        let mut sorted = again.clone();
        sorted.assignments.sort_by_key(|a| a.task);
        for (then, now) in plan.assignments.iter().zip(&sorted.assignments) {
            prop_assert_eq!((then.task, then.device, then.lane), (now.task, now.device, now.lane));
            prop_assert!(now.start_ns <= then.start_ns, "{}: {:?} after {:?}", name, now, then);
            if takes_time && name.contains("without") {
                prop_assert_eq!(then, now, "{}", name);
            }
        }
        if problem.tasks.len() == graph.len() {
            prop_assert_eq!(check(graph, cluster, costs, &again), Ok(()), "{}", name);
        }
        // Starting everything earlier once can bring tasks of no duration to an instant that they
        // share with others of their lane; told apart by nothing, they may change places and gain.
        let twice = recomputed(problem, &again);
        let starts = |s: &Schedule| s.assignments.iter().map(|a| a.start_ns).collect::<Vec<_>>();
        let later = starts(&twice).iter().zip(starts(&again)).any(|(now, then)| *now > then);
        prop_assert!(!later, "{}: later the second time", name);
        if takes_time {
            prop_assert_eq!(&twice, &again, "{}: not a fixed point", name);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(200)))]

    #[test]
    fn times_are_those_of_the_partial_schedule(mix in mix()) {
        let graph = graph(&mix);
        let cluster = cluster(&mix, &graph);
        let costs = Costs::resolve(&graph, &cluster, None).expect("it runs somewhere");
        same_times(&Problem::fresh(&graph, &cluster, &costs))?;
    }

    #[test]
    fn times_are_those_of_a_simulation(mix in mix()) {
        // What differs there by design: exclusive accesses, memories that fill up, and tasks of no
        // duration in gangs.
        let mix = crate::random::Mix { groups: false, gangs: false, tight: false, ..mix };
        let graph = graph(&mix);
        let cluster = Arc::new(cluster(&mix, &graph));
        let costs = Costs::resolve(&graph, &cluster, None).expect("it runs somewhere");
        let problem = Problem::fresh(&graph, &cluster, &costs);
        let instance = Instance::new(&problem).expect("it has one");
        for name in ["heft", "etf"] {
            let info = schedulers::find(name).expect("it is registered");
            let spec = sim::SimSpec::new(
                graph.clone(), Arc::clone(&cluster), costs.clone(), info.build_default(1));
            let trace = sim::run(spec).expect("it finishes").trace;
            let assignment = |t: &TaskRecord| Assignment {
                task: t.task,
                device: t.device,
                lane: t.lane,
                start_ns: t.started_ns,
                finish_ns: t.finished_ns,
            };
            let ran = Schedule { assignments: trace.tasks.iter().map(assignment).collect() };
            let (order, mut placed) = instance.placements(&ran).expect("all tasks ran");
            let makespan_ns = instance.append(&order, &mut placed);
            prop_assert_eq!(makespan_ns, ran.makespan_ns(), "{}", name);
            for a in &ran.assignments {
                let node = instance.node_of(a.task).expect("it is planned");
                prop_assert_eq!(placed[node as usize].start_ns, a.start_ns, "{}", name);
            }
        }
    }

    #[test]
    fn the_rest_of_a_run_too(mix in mix(), done in 0usize..30) {
        let graph = graph(&crate::random::Mix { gangs: false, groups: false, ..mix });
        let cluster = cluster(&mix, &graph);
        let costs = Costs::resolve(&graph, &cluster, None).expect("it runs somewhere");
        let fresh = Problem::fresh(&graph, &cluster, &costs);
        let (_, mut heft) = lists().remove(0);
        let plan = heft.plan(&fresh).expect("there is a plan");
        // What starts among the first is fixed; now is when the last of these starts.
        let mut starts: Vec<(Ns, TaskId)> =
            plan.assignments.iter().map(|a| (a.start_ns, a.task)).collect();
        starts.sort_unstable();
        starts.truncate(done);
        let now_ns = starts.last().map_or(0, |s| s.0);
        let mut fixed = vec![None; graph.len()];
        let mut free_ns = vec![now_ns; cluster.lane_count()];
        for a in plan.assignments.iter().filter(|a| starts.contains(&(a.start_ns, a.task))) {
            let finish_ns = a.finish_ns.max(now_ns);
            fixed[a.task.index()] = Some(Fixed { device: a.device, finish_ns });
            for lane in a.lane.0..a.lane.0 + graph.task(a.task).cores {
                let free_ns = &mut free_ns[LaneId(lane).index()];
                *free_ns = (*free_ns).max(finish_ns);
            }
        }
        same_times(&Problem::residual(fresh, now_ns, fixed, free_ns, Vec::new()))?;
    }
}
