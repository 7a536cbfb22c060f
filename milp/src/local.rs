//! Window search: a large neighbourhood search whose neighbourhood is a window re-optimised by the
//! MILP (P. Shaw, CP 1998, for the scheme; rolling horizons are windows in order of time).

use crate::decode::timetable_of;
use crate::optimise::{Found, OptimiseError, Settings, optimise};
use crate::plan::Plan;
use crate::window::Window;
use runtime::Ns;
use schedulers::stream::Stream;

/// How windows are chosen.
#[derive(Clone, Debug)]
pub struct Local {
    /// Tasks in a window.
    pub tasks: usize,
    /// Lanes in a window, at most; a device with more makes a window by itself.
    pub lanes: usize,
    /// Windows to solve.
    pub windows: u64,
    /// Only among so many tasks that start first; `None` = all. A rolling horizon: what is later
    /// will be planned again.
    pub horizon: Option<usize>,
}

/// What the search did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effort {
    /// Windows solved.
    pub windows: u64,
    /// Windows that changed the plan.
    pub changed: u64,
    /// Nodes of the solver in all of them.
    pub nodes: u64,
}

/// Improves a plan window by window, tasks on critical paths first; calls `note` after each window
/// with the effort so far and the makespan, and stops where it says so (`false`).
///
/// # Errors
/// [`OptimiseError`] when the solver fails; the plan is then what it was before that window.
pub fn improve(
    plan: &mut Plan<'_>,
    local: &Local,
    settings: &Settings,
    stream: &mut Stream,
    mut note: impl FnMut(Effort, Ns) -> bool,
) -> Result<Effort, OptimiseError> {
    let mut effort = Effort::default();
    let mut tries = vec![0u32; plan.flat.len()];
    for _ in 0..local.windows {
        let Some(anchor) = anchor(plan, local.horizon, &tries, stream) else { break };
        let window = Window::around(plan, anchor, local.tasks, local.lanes, stream);
        window.nodes.iter().for_each(|n| tries[*n as usize] += 1);
        let found = solve(plan, &window, settings)?;
        effort.windows += 1;
        effort.nodes += found.nodes;
        if let Some(better) = found.better
            && replace(plan, &window, &better.lane, &better.start_ns)
        {
            effort.changed += 1;
            window.nodes.iter().for_each(|n| tries[*n as usize] = 0);
        }
        if !note(effort, plan.makespan_ns()) {
            break;
        }
    }
    Ok(effort)
}

/// A task on a critical path, of those tried least; any. Where the horizon holds no critical task,
/// any of its tasks.
fn anchor(
    plan: &Plan<'_>,
    horizon: Option<usize>,
    tries: &[u32],
    stream: &mut Stream,
) -> Option<u32> {
    let mut nodes: Vec<u32> = (0..plan.flat.len() as u32).collect();
    if let Some(most) = horizon {
        nodes.sort_by_key(|n| (plan.placed[*n as usize].start_ns, *n));
        nodes.truncate(most);
    }
    let is_critical = |n: &u32| {
        let start_ns = plan.placed[*n as usize].start_ns;
        start_ns + plan.rest_ns[*n as usize] == plan.makespan_ns
    };
    let mut critical: Vec<u32> = nodes.iter().copied().filter(is_critical).collect();
    if critical.is_empty() {
        critical = nodes;
    }
    let least = critical.iter().map(|n| tries[*n as usize]).min()?;
    let fresh: Vec<u32> = critical.into_iter().filter(|n| tries[*n as usize] == least).collect();
    Some(fresh[stream.below(fresh.len() as u64) as usize])
}

fn solve(plan: &Plan<'_>, window: &Window, settings: &Settings) -> Result<Found, OptimiseError> {
    let (instance, ..) = window.instance(plan);
    let known = timetable_of(&instance, &plan.placed);
    optimise(&instance, &known, 0, settings)
}

/// Takes a window's schedule over unless the plan gets longer by it.
fn replace(plan: &mut Plan<'_>, window: &Window, lane: &[usize], start_ns: &[Ns]) -> bool {
    let before_ns = plan.makespan_ns;
    let lanes: Vec<u32> = window.nodes.iter().map(|n| plan.placed[*n as usize].lane).collect();
    let sequences: Vec<Vec<u32>> =
        window.lanes.iter().map(|l| plan.sequences[*l as usize].clone()).collect();
    if window.apply(plan, lane, start_ns) && plan.makespan_ns <= before_ns {
        return true;
    }
    for (node, lane) in window.nodes.iter().zip(lanes) {
        plan.placed[*node as usize].lane = lane;
    }
    for (lane, sequence) in window.lanes.iter().zip(sequences) {
        plan.sequences[*lane as usize] = sequence;
    }
    assert!(plan.time(), "the plan was one before");
    false
}
