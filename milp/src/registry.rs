//! The planners by name.

use crate::local::Local;
use crate::model::Formulation;
use crate::optimise::Settings;
use crate::planner::{Milp, OnFailure};
use crate::solver::Limits;
use runtime::planner::PlannedApart;
use runtime::registry::{BuildContext, Dimension, Kind, ParameterInfo, Parameters, SchedulerInfo};
use runtime::{Planned, Schedule};
use std::time::Duration;

/// One line per scheduler.
static ALL: &[SchedulerInfo] = &[MILP, MILP_WINDOW, MILP_ROLLING];

/// All schedulers of this crate.
pub fn all() -> &'static [SchedulerInfo] {
    ALL
}

const MILP: SchedulerInfo = SchedulerInfo {
    name: "milp",
    summary: "mixed-integer program over the whole problem where it is small, else over windows",
    paper: "Davidovic et al., MISTA 2007; Venugopalan and Sinnen, IEEE TPDS 26(1), 2015",
    parameters: &[
        MODEL,
        ParameterInfo {
            name: "tasks",
            summary: "most tasks for which the whole problem is modelled",
            kind: Kind::Int { default: 30, min: 0, max: 1000 },
        },
        ParameterInfo {
            name: "nodes",
            summary: "most nodes of the branch-and-bound tree of the whole problem",
            kind: Kind::Int { default: 200, min: 1, max: 1_000_000_000 },
        },
        ParameterInfo {
            name: "iterations",
            summary: "most simplex iterations for the whole problem",
            kind: Kind::Int { default: 4000, min: 1, max: 1_000_000_000_000 },
        },
        ParameterInfo {
            name: "polish",
            summary: "windows re-optimised before the whole problem, for a better start",
            kind: Kind::Int { default: 2, min: 0, max: 1_000_000 },
        },
        WARM_START,
        APART,
        WINDOWS,
        WINDOW_TASKS,
        WINDOW_LANES,
        WINDOW_ITERATIONS,
        WALL,
        THREADS,
        MEMORY,
        DEADLINE,
        ON_FAILURE,
    ],
    build: |parameters, context| scheduler(whole(parameters, context), parameters, context),
};

const MILP_WINDOW: SchedulerInfo = SchedulerInfo {
    name: "milp-window",
    summary: "large neighbourhood search: windows of the best list schedule re-optimised by a MILP",
    paper: "Shaw, CP 1998 (the search); Davidovic et al., MISTA 2007 (the model)",
    parameters: &[
        MODEL,
        APART,
        WINDOWS,
        WINDOW_TASKS,
        WINDOW_LANES,
        WINDOW_ITERATIONS,
        WALL,
        THREADS,
        MEMORY,
        DEADLINE,
        ON_FAILURE,
    ],
    build: |parameters, context| scheduler(windows(parameters, context), parameters, context),
};

const MILP_ROLLING: SchedulerInfo = SchedulerInfo {
    name: "milp-rolling",
    summary: "MCT at once, re-planned beside the run: MILP windows among the tasks that start next",
    paper: "Shaw, CP 1998 (the search); Davidovic et al., MISTA 2007 (the model)",
    parameters: &[
        MODEL,
        ParameterInfo {
            name: "horizon",
            summary: "tasks, by planned start, among which windows are chosen",
            kind: Kind::Int { default: 60, min: 2, max: 1_000_000 },
        },
        ParameterInfo {
            name: "replan-after",
            summary: "tasks that finish between two plans",
            kind: Kind::Int { default: 50, min: 1, max: 1_000_000 },
        },
        ParameterInfo {
            name: "windows",
            summary: "windows re-optimised in each plan",
            kind: Kind::Int { default: 2, min: 1, max: 1_000_000_000 },
        },
        WINDOW_TASKS,
        WINDOW_LANES,
        WINDOW_ITERATIONS,
        WALL,
        THREADS,
        MEMORY,
        DEADLINE,
        ON_FAILURE,
    ],
    build: |parameters, context| {
        let mut milp = windows(parameters, context);
        milp.local.horizon = Some(parameters.int("horizon") as usize);
        let fallback = schedulers::mct::INFO.build_default(context.seed);
        let replan_after = Some(parameters.int("replan-after") as u32);
        Box::new(PlannedApart::new(milp, fallback, replan_after))
    },
};

const MODEL: ParameterInfo = ParameterInfo {
    name: "model",
    summary: "how order on lanes is modelled",
    kind: Kind::Choice { default: "assignment", options: &["assignment", "sigma"] },
};
const WARM_START: ParameterInfo = ParameterInfo {
    name: "warm-start",
    summary: "whether the solver starts from the known schedule instead of looking below it",
    kind: Kind::Bool { default: false },
};
const APART: ParameterInfo = ParameterInfo {
    name: "apart",
    summary: "whether to plan beside the run, MCT placing what is ready until the plan is there",
    kind: Kind::Bool { default: false },
};
const WINDOWS: ParameterInfo = ParameterInfo {
    name: "windows",
    summary: "windows re-optimised where the whole problem is not modelled",
    kind: Kind::Int { default: 8, min: 1, max: 1_000_000_000 },
};
const WINDOW_TASKS: ParameterInfo = ParameterInfo {
    name: "window-tasks",
    summary: "tasks in a window",
    kind: Kind::Int { default: 10, min: 2, max: 200 },
};
const WINDOW_LANES: ParameterInfo = ParameterInfo {
    name: "window-lanes",
    summary: "lanes in a window; a device that has more is a window by itself",
    kind: Kind::Int { default: 4, min: 1, max: 256 },
};
const WINDOW_ITERATIONS: ParameterInfo = ParameterInfo {
    name: "window-iterations",
    summary: "most simplex iterations in a window",
    kind: Kind::Int { default: 1000, min: 1, max: 1_000_000_000 },
};
const WALL: ParameterInfo = ParameterInfo {
    name: "wall",
    summary: "wall time of a plan, checked besides the other limits; makes results irreproducible",
    kind: Kind::Quantity { default: "1000 h", dimension: Dimension::Time },
};
const THREADS: ParameterInfo = ParameterInfo {
    name: "threads",
    summary: "threads of the solver",
    kind: Kind::Int { default: 1, min: 1, max: 1024 },
};
const MEMORY: ParameterInfo = ParameterInfo {
    name: "memory",
    summary: "memory that a model may take in the solver, estimated before it is built",
    kind: Kind::Quantity { default: "2 GB", dimension: Dimension::Size },
};
const DEADLINE: ParameterInfo = ParameterInfo {
    name: "deadline",
    summary: "planning fails when it proves that no schedule ends by then",
    kind: Kind::Quantity { default: "1000 h", dimension: Dimension::Time },
};
const ON_FAILURE: ParameterInfo = ParameterInfo {
    name: "on-failure",
    summary: "when the solver fails: the best schedule so far, or the end of the run",
    kind: Kind::Choice { default: "heuristic", options: &["heuristic", "fail"] },
};

fn scheduler(
    milp: Milp,
    parameters: &Parameters,
    context: &BuildContext,
) -> Box<dyn runtime::Scheduler> {
    match parameters.bool("apart") {
        false => Box::new(Planned::new(milp)),
        true => {
            let fallback = schedulers::mct::INFO.build_default(context.seed);
            Box::new(PlannedApart::new(milp, fallback, None))
        }
    }
}

/// The planner behind the entry `milp`.
pub fn whole(parameters: &Parameters, context: &BuildContext) -> Milp {
    let mut milp = windows(parameters, context);
    milp.most_tasks = parameters.int("tasks") as usize;
    milp.whole.limits.nodes = Some(parameters.int("nodes") as u64);
    milp.whole.limits.iterations = Some(parameters.int("iterations") as u64);
    milp.whole.warm_start = parameters.bool("warm-start");
    milp.polish = parameters.int("polish") as u64;
    milp
}

/// The planner behind the entry `milp-window`, and what both have in common.
pub fn windows(parameters: &Parameters, context: &BuildContext) -> Milp {
    let formulation = match parameters.text("model") {
        "sigma" => Formulation::Sigma,
        _ => Formulation::Assignment,
    };
    let limits = Limits {
        threads: parameters.int("threads") as u32,
        seed: context.seed as u32,
        ..Limits::default()
    };
    let budget_bytes = parameters.quantity("memory", Dimension::Size).unwrap_or(u64::MAX);
    let whole = Settings { formulation, limits, budget_bytes, secondary: false, warm_start: false };
    let iterations = Some(parameters.int("window-iterations") as u64);
    let limits = Limits { iterations, ..whole.limits.clone() };
    Milp {
        window: Settings { limits, secondary: true, ..whole.clone() },
        whole,
        most_tasks: 0,
        local: Local {
            tasks: parameters.int("window-tasks") as usize,
            lanes: parameters.int("window-lanes") as usize,
            windows: parameters.int("windows") as u64,
            horizon: None,
        },
        polish: 0,
        wall: parameters.quantity("wall", Dimension::Time).map(Duration::from_nanos),
        on_failure: match parameters.text("on-failure") {
            "fail" => OnFailure::Fail,
            _ => OnFailure::Heuristic,
        },
        deadline_ns: parameters.quantity("deadline", Dimension::Time),
        seed: context.seed,
        clock: context.clock.clone(),
        progress: None,
        last: Schedule::default(),
    }
}
