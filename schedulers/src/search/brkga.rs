//! A biased random-key genetic algorithm.
//!
//! J. F. Gonçalves and M. G. C. Resende, "Biased random-key genetic algorithms for combinatorial
//! optimization", Journal of Heuristics 17(5), 2011. Keys say in which order units are placed, and
//! for every node whether it goes where it ends first or to a lane of its own; the decoder makes a
//! schedule of them. The elite survives, a child takes most keys from a parent of the elite, and
//! some members are new in every generation.

use super::decode::Decoder;
use super::evaluator::Evaluator;
use super::planner::{
    CHECK, CONTENTION, EVALUATIONS, MEMORY, PLANNING, REPLAN_AFTER, Search, SearchPlanner,
    TIME_LIMIT,
};
use super::run::Run;
use crate::instance::Instance;
use crate::stream::Stream;
use runtime::Ns;
use runtime::registry::{Kind, ParameterInfo, Parameters, SchedulerInfo};

/// The registry's entry.
pub const INFO: SchedulerInfo = SchedulerInfo {
    name: "brkga",
    summary: "a biased random-key genetic algorithm over earliest-finish decoding",
    paper: "Gonçalves and Resende, Journal of Heuristics 17(5), 2011",
    parameters: &[
        EVALUATIONS,
        TIME_LIMIT,
        CHECK,
        CONTENTION,
        MEMORY,
        PLANNING,
        REPLAN_AFTER,
        ParameterInfo {
            name: "population",
            summary: "members of a generation",
            kind: Kind::Int { default: 40, min: 4, max: 100_000 },
        },
        ParameterInfo {
            name: "bias",
            summary: "probability that a key comes from the parent of the elite",
            kind: Kind::Float { default: 0.7, min: 0.5, max: 1.0 },
        },
    ],
    build: |parameters, context| {
        SearchPlanner::boxed(&INFO, search(parameters), parameters, context)
    },
};

/// The search of parameters.
pub(super) fn search(parameters: &Parameters) -> Box<dyn Search> {
    Box::new(Brkga {
        population: parameters.int("population").unsigned_abs() as usize,
        bias: parameters.float("bias"),
    })
}

/// See the module's documentation.
pub struct Brkga {
    population: usize,
    bias: f64,
}

/// Keys of units, then of nodes.
#[derive(Clone)]
struct Member {
    keys: Vec<u64>,
    makespan_ns: Ns,
}

/// Parts of a generation.
const ELITE: f64 = 0.2;
const NEW: f64 = 0.15;
/// Nodes whose key is below this part of all keys go to a lane of their own.
const OWN_LANE: f64 = 0.15;

/// Random priorities around what a schedule's order says, and mostly no lane of one's own.
fn random(instance: &Instance, order: &[u32], stream: &mut Stream) -> Member {
    let (units, nodes) = (instance.unit_count(), instance.len());
    let mut keys = vec![0; units + nodes];
    for (at, unit) in order.iter().enumerate() {
        let rank = 1.0 - (at as f64 + 1.0) / (units as f64 + 1.0);
        let key = 0.5 * rank + 0.5 * stream.unit();
        keys[*unit as usize] = (key * (1u64 << 53) as f64) as u64;
    }
    keys[units..].iter_mut().for_each(|key| *key = stream.bits() >> 11);
    Member { keys, makespan_ns: Ns::MAX }
}

/// The lane that a node's key names; `None` where it goes where it ends first.
fn own_lane(key: u64, lanes: u32) -> Option<u32> {
    let part = key as f64 / (1u64 << 53) as f64 / OWN_LANE;
    (part < 1.0).then(|| ((part * f64::from(lanes)) as u32).min(lanes - 1))
}

/// Decodes keys and evaluates the schedule; its makespan.
fn evaluate(
    member: &mut Member,
    decoder: &mut Decoder<'_>,
    run: &mut Run,
    evaluator: &mut Evaluator<'_>,
) {
    let instance = evaluator.instance();
    let (priority, own) = member.keys.split_at(instance.unit_count());
    let lanes = instance.lane_count() as u32;
    let made = decoder.decode_with(priority, |node, lane, finish_ns| {
        match own_lane(own[node as usize], lanes) {
            Some(own) if own == lane => 0,
            _ => finish_ns + 1,
        }
    });
    if made.is_some() {
        evaluator.set(&decoder.order, &decoder.lanes);
        run.offer(evaluator);
        member.makespan_ns = evaluator.score().makespan_ns;
    } else {
        evaluator.charge(1);
    }
}

impl Search for Brkga {
    fn search(&mut self, run: &mut Run, evaluator: &mut Evaluator<'_>) {
        let instance = evaluator.instance();
        let order = run.incumbent().order.clone();
        let mut decoder = Decoder::new(instance);
        let elite = ((self.population as f64 * ELITE) as usize).max(1);
        let new = ((self.population as f64 * NEW) as usize).max(1);
        let mut members: Vec<Member> = Vec::new();
        for _ in 0..self.population {
            members.push(random(instance, &order, &mut run.stream));
        }
        let mut from = 0;
        loop {
            for member in &mut members[from..] {
                if run.is_over(evaluator) {
                    return;
                }
                evaluate(member, &mut decoder, run, evaluator);
            }
            from = elite;
            members.sort_by_key(|m| m.makespan_ns);
            for at in elite..members.len() {
                if at >= members.len() - new {
                    members[at] = random(instance, &order, &mut run.stream);
                    continue;
                }
                let best = run.stream.index(elite as u32) as usize;
                let other = elite + run.stream.index((members.len() - elite) as u32) as usize;
                let keys = (0..members[at].keys.len()).map(|key| {
                    let parent = if run.stream.unit() < self.bias { best } else { other };
                    members[parent].keys[key]
                });
                members[at] = Member { keys: keys.collect(), makespan_ns: Ns::MAX };
            }
        }
    }
}
