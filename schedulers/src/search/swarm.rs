//! Particle swarm optimisation.
//!
//! J. Kennedy and R. Eberhart, "Particle swarm optimization", ICNN, 1995, with the constriction of
//! M. Clerc and J. Kennedy, IEEE Transactions on Evolutionary Computation 6(1), 2002. A particle is
//! a vector of priorities; each task goes where it ends first. A particle is drawn to where it was
//! best and to where any was.

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
    name: "swarm",
    summary: "particle swarm optimisation of priorities over earliest-finish decoding",
    paper: "Kennedy and Eberhart, ICNN, 1995; Clerc and Kennedy, IEEE TEC 6(1), 2002",
    parameters: &[
        EVALUATIONS,
        TIME_LIMIT,
        CHECK,
        CONTENTION,
        MEMORY,
        PLANNING,
        REPLAN_AFTER,
        ParameterInfo {
            name: "particles",
            summary: "how many",
            kind: Kind::Int { default: 30, min: 1, max: 100_000 },
        },
    ],
    build: |parameters, context| {
        SearchPlanner::boxed(&INFO, search(parameters), parameters, context)
    },
};

/// The search of parameters.
pub(super) fn search(parameters: &Parameters) -> Box<dyn Search> {
    Box::new(Swarm { particles: parameters.int("particles").unsigned_abs() as usize })
}

/// See the module's documentation.
pub struct Swarm {
    particles: usize,
}

struct Particle {
    at: Vec<f64>,
    speed: Vec<f64>,
    best: Vec<f64>,
    best_ns: Ns,
}

/// Constriction and the pull of either best place.
const INERTIA: f64 = 0.7298;
const PULL: f64 = 1.4962;

impl Search for Swarm {
    fn search(&mut self, run: &mut Run, evaluator: &mut Evaluator<'_>) {
        let instance = evaluator.instance();
        let units = instance.unit_count();
        let mut decoder = Decoder::new(instance);
        let mut priority = vec![0; units];
        let mut rank = vec![0.0; units];
        for (at, unit) in run.incumbent().order.iter().enumerate() {
            rank[*unit as usize] = 1.0 - at as f64 / units as f64;
        }
        let particle = |run: &mut Run| {
            let at: Vec<f64> = rank.iter().map(|r| r + 0.3 * (run.stream.unit() - 0.5)).collect();
            Particle { speed: vec![0.0; units], best: at.clone(), best_ns: Ns::MAX, at }
        };
        let mut swarm: Vec<Particle> = (0..self.particles).map(|_| particle(run)).collect();
        let (mut leader, mut leader_ns) = (rank.clone(), Ns::MAX);
        loop {
            for particle in &mut swarm {
                if run.is_over(evaluator) {
                    return;
                }
                for (key, at) in priority.iter_mut().zip(&particle.at) {
                    *key = ((at + 4.0).clamp(0.0, 8.0) * (1u64 << 50) as f64) as u64;
                }
                if decoder.decode(&priority).is_some() {
                    evaluator.set(&decoder.order, &decoder.lanes);
                    run.offer(evaluator);
                    let makespan_ns = evaluator.score().makespan_ns;
                    if makespan_ns < particle.best_ns {
                        particle.best_ns = makespan_ns;
                        particle.best.copy_from_slice(&particle.at);
                    }
                    if makespan_ns < leader_ns {
                        leader_ns = makespan_ns;
                        leader.copy_from_slice(&particle.at);
                    }
                } else {
                    evaluator.charge(1);
                }
                for (i, leads) in leader.iter().enumerate() {
                    let own = PULL * run.stream.unit() * (particle.best[i] - particle.at[i]);
                    let others = PULL * run.stream.unit() * (leads - particle.at[i]);
                    particle.speed[i] = INERTIA * particle.speed[i] + own + others;
                    particle.at[i] += particle.speed[i].clamp(-0.5, 0.5);
                }
            }
        }
    }
}
