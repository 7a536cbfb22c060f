//! Beam search.
//!
//! B. T. Lowerre, "The HARPY speech recognition system", Carnegie Mellon University, 1976. Units
//! are placed in the order of their ranks; of all ways to place the next one, those with the least
//! bound on the makespan are kept. The beam is doubled from pass to pass until the budget is spent.
//! *Ties*: the smaller sum of lanes' ends, then the first. *Complexity*: a pass copies as many
//! schedules per unit as the beam is wide, which limits the width for large graphs.

use super::decode::Decoder;
use super::evaluator::Evaluator;
use super::planner::{
    CHECK, CONTENTION, EVALUATIONS, MEMORY, PLANNING, REPLAN_AFTER, Search, SearchPlanner,
    TIME_LIMIT,
};
use super::run::Run;
use runtime::Ns;
use runtime::registry::{Kind, ParameterInfo, Parameters, SchedulerInfo};

/// The registry's entry.
pub const INFO: SchedulerInfo = SchedulerInfo {
    name: "beam",
    summary: "beam search over lanes for tasks in the order of their ranks",
    paper: "Lowerre, Carnegie Mellon University, 1976",
    parameters: &[
        EVALUATIONS,
        TIME_LIMIT,
        CHECK,
        CONTENTION,
        MEMORY,
        PLANNING,
        REPLAN_AFTER,
        ParameterInfo {
            name: "width",
            summary: "partial schedules kept in the first pass; twice as many in each later one",
            kind: Kind::Int { default: 4, min: 1, max: 1_000_000 },
        },
    ],
    build: |parameters, context| {
        SearchPlanner::boxed(&INFO, search(parameters), parameters, context)
    },
};

/// The search of parameters.
pub(super) fn search(parameters: &Parameters) -> Box<dyn Search> {
    Box::new(Beam { width: parameters.int("width").unsigned_abs() as usize })
}

/// See the module's documentation.
pub struct Beam {
    width: usize,
}

/// Entries that all copies of a pass may have.
const MOST_COPIED: u64 = 200_000_000;

#[derive(Clone)]
struct State<'a> {
    decoder: Decoder<'a>,
    bound_ns: Ns,
    sum_ns: u128,
}

/// A way to go on: bound, sum of ends, state, lane.
type Child = (Ns, u128, u32, u32);

/// One pass; the last states, best first. `None` where the budget was spent.
fn pass<'a>(
    width: usize,
    order: &[u32],
    tail_ns: &[Ns],
    run: &mut Run,
    evaluator: &mut Evaluator<'a>,
) -> Option<Vec<State<'a>>> {
    let instance = evaluator.instance();
    let mut first = Decoder::new(instance);
    first.clear();
    let mut states = vec![State { decoder: first, bound_ns: 0, sum_ns: 0 }];
    let mut children: Vec<Child> = Vec::new();
    let mut placed = 0u64;
    for &unit in order {
        children.clear();
        let node = instance.unit(unit).start;
        let is_gang = instance.unit(unit).len() > 1;
        for (at, state) in (0..).zip(&mut states) {
            let (bound_ns, sum_ns) = (state.bound_ns, state.sum_ns);
            if is_gang {
                children.push((bound_ns, sum_ns, at, u32::MAX));
                continue;
            }
            state.decoder.each_end(node, |lane, finish_ns| {
                let bound_ns = bound_ns.max(finish_ns + tail_ns[node as usize]);
                children.push((bound_ns, sum_ns + u128::from(finish_ns), at, lane));
            });
        }
        placed += children.len() as u64;
        children.sort_unstable();
        children.truncate(width);
        // The last child of a state takes it over.
        let mut left = vec![0u32; states.len()];
        children.iter().for_each(|c| left[c.2 as usize] += 1);
        let mut before: Vec<Option<State<'a>>> = states.into_iter().map(Some).collect();
        states = (children.iter())
            .filter_map(|&(bound_ns, sum_ns, at, chosen)| {
                left[at as usize] -= 1;
                let state = match left[at as usize] {
                    0 => before[at as usize].take(),
                    _ => before[at as usize].clone(),
                };
                let mut decoder = state?.decoder;
                let end_ns = decoder.place_next(unit, |_, lane, finish_ns| match chosen {
                    u32::MAX => finish_ns,
                    _ => Ns::from(lane != chosen),
                })?;
                Some(State { decoder, bound_ns: bound_ns.max(end_ns), sum_ns })
            })
            .collect();
        if placed >= instance.len() as u64 {
            evaluator.charge(placed / instance.len() as u64);
            placed %= instance.len() as u64;
            if run.is_over(evaluator) {
                return None;
            }
        }
    }
    evaluator.charge(1);
    Some(states)
}

impl Search for Beam {
    fn search(&mut self, run: &mut Run, evaluator: &mut Evaluator<'_>) {
        let instance = evaluator.instance();
        let ranks_ns = instance.ranks_ns();
        let rank = |u: u32| instance.unit(u).map(|n| ranks_ns[n as usize]).max().unwrap_or(0);
        let ranks: Vec<u64> = (0..instance.unit_count() as u32).map(rank).collect();
        let mut decoder = Decoder::new(instance);
        if decoder.decode(&ranks).is_none() {
            return;
        }
        let order = decoder.order.clone();
        let tail_ns: Vec<Ns> = (0..instance.len() as u32)
            .map(|n| ranks_ns[n as usize].saturating_sub(instance.least_ns(n)))
            .collect();
        let nodes = instance.len() as u64;
        let widest = (MOST_COPIED / (nodes * nodes)).max(1) as usize;
        let mut width = self.width.min(widest);
        while !run.is_over(evaluator) {
            let Some(states) = pass(width, &order, &tail_ns, run, evaluator) else { return };
            for state in &states {
                evaluator.set(&state.decoder.order, &state.decoder.lanes);
                run.offer(evaluator);
            }
            if width == widest {
                return;
            }
            width = (2 * width).min(widest);
        }
    }
}
