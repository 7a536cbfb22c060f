//! The evaluator: what a change of a schedule does to its makespan, computed from the first task
//! that it concerns.
//!
//! Every node starts when its data are there and its lanes are free of the node before: *append*
//! decoding of an order. A change marks the nodes that it concerns; marked nodes are computed anew
//! in order, and mark those that follow them where their end changed. The work is proportional to
//! the nodes whose times change, with no allocation.
//!
//! A change that makes the schedule longer than a limit is given up at the first node that shows
//! it. Behind the last position that a change concerns, nothing but starts can differ, so the
//! longest path from there to the end is known from the schedule before: a start plus that path is
//! a makespan that cannot be met any more (heads and tails, as in local search for job shops:
//! E. D. Taillard, "Parallel taboo search techniques for the job shop scheduling problem", ORSA
//! Journal on Computing 6(2), 1994).

mod contention;
mod dirty;

use super::held::{Held, Times};
use super::sequence::{Sequence, Side};
use super::timing::{Memory, Model};
use crate::instance::{Arc, Instance, NONE, Placement};
use contention::Contention;
use dirty::Dirty;
use runtime::Ns;

/// What a schedule is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// Its makespan; with a [`Model`] that of the model, and a penalty for bytes beyond capacities.
    pub makespan_ns: Ns,
    /// The sum of all ends.
    pub sum_ns: u128,
    /// Bytes beyond capacities.
    pub excess_bytes: u64,
}

/// A schedule that can be changed, evaluated and changed back.
#[derive(Clone, Debug)]
pub struct Evaluator<'a> {
    instance: &'a Instance,
    sequence: Sequence,
    /// By node, then by lane: when the lane is free at first.
    finish_ns: Vec<Ns>,
    /// By node: its memory and its duration where it is placed.
    memory: Vec<u32>,
    duration_ns: Vec<Ns>,
    /// By node: no schedule ends earlier than this after the node does.
    least_tail_ns: Vec<Ns>,
    /// By unit: from its start to the end of the schedule that was committed last, at least.
    through_ns: Vec<Ns>,
    /// No change since then concerns a later position, or an earlier one.
    last_change: u32,
    first_change: u32,
    /// Positions to compute anew.
    dirty: Dirty,
    /// Ends before the change, to take it back.
    changed: Vec<(u32, Ns)>,
    /// Nodes moved, with lanes and durations before.
    placed: Vec<(u32, u32, Ns)>,
    /// Nodes to compute anew.
    touched: Vec<u32>,
    /// Nodes from which on the rest of the schedule is to be computed anew.
    touched_behind: Vec<u32>,
    is_evaluated: bool,
    score: Score,
    score_before: Score,
    evaluations: u64,
    contention: Option<Box<Contention>>,
    held: Option<Box<Held>>,
    /// All durations.
    busy_ns: u128,
}

impl<'a> Evaluator<'a> {
    /// An evaluator of a schedule: an order of all units that respects dependencies, and the first
    /// lane of every node. Linear.
    ///
    /// # Panics
    /// When a node cannot run where it is placed.
    pub fn new(instance: &'a Instance, order: &[u32], lane: &[u32]) -> Self {
        let nodes = instance.len();
        let lanes = (0..instance.lane_count() as u32).map(|l| instance.lane_free_ns(l));
        let mut evaluator = Self {
            instance,
            sequence: Sequence::new(instance),
            finish_ns: vec![0; nodes].into_iter().chain(lanes).collect(),
            memory: vec![0; nodes],
            duration_ns: vec![0; nodes],
            least_tail_ns: least_tails(instance),
            through_ns: vec![0; instance.unit_count()],
            dirty: Dirty::new(instance.unit_count()),
            changed: Vec::with_capacity(nodes),
            placed: Vec::with_capacity(64),
            touched: Vec::with_capacity(512),
            touched_behind: Vec::with_capacity(512),
            last_change: 0,
            first_change: u32::MAX,
            is_evaluated: false,
            score: Score::default(),
            score_before: Score::default(),
            evaluations: 0,
            contention: None,
            held: None,
            busy_ns: 0,
        };
        evaluator.set(order, lane);
        evaluator
    }

    /// As [`Evaluator::new`] by a model.
    ///
    /// # Panics
    /// As [`Evaluator::new`].
    pub fn with_model(
        instance: &'a Instance,
        order: &[u32],
        lane: &[u32],
        mut model: Model,
    ) -> Self {
        let mut evaluator = Self::new(instance, order, lane);
        let routes = model.routes.take();
        evaluator.contention = routes.map(|r| Box::new(Contention::new(instance, r)));
        let is_limited = model.memory != Memory::Unlimited;
        evaluator.held = is_limited.then(|| Box::new(Held::new(instance, model)));
        if evaluator.contention.is_some() || is_limited {
            evaluator.set(order, lane);
        }
        evaluator.evaluations = 1;
        evaluator
    }

    /// The times as they are.
    pub(super) fn times(&self) -> Times<'_> {
        let (instance, memory) = (self.instance, &self.memory);
        Times { instance, memory, duration_ns: &self.duration_ns, finish_ns: &self.finish_ns }
    }

    /// Adds to the makespan what is due for bytes beyond capacities; all of them are looked at, or
    /// those that the change concerns.
    #[inline]
    fn add_penalty(&mut self, is_whole: bool) {
        let Some(mut held) = self.held.take() else { return };
        if is_whole {
            held.set(self.times());
        } else {
            let placed = self.placed.iter().map(|p| (p.0, self.instance.memory_of(p.1)));
            held.change(self.times(), self.changed.iter().map(|c| c.0), placed);
        }
        let excess_bytes = held.excess_bytes();
        self.score.excess_bytes = excess_bytes;
        if excess_bytes > 0 {
            // At least 2 %, and more the more there is to get rid of.
            let part = excess_bytes as f64 / held.capacity_bytes().max(1) as f64;
            let penalty_ns = 1 + (self.busy_ns as f64 * part.min(1.0)) as Ns;
            self.score.makespan_ns += self.score.makespan_ns / 50 + penalty_ns;
        }
        self.held = Some(held);
    }

    /// Goes over to another schedule; counts as an evaluation. Linear, without allocation.
    ///
    /// # Panics
    /// As [`Evaluator::new`].
    pub fn set(&mut self, order: &[u32], lane: &[u32]) -> Score {
        self.sequence.set(self.instance, order, lane);
        for node in 0..self.instance.len() as u32 {
            let lane = lane[node as usize];
            assert!(self.instance.can_run(node, lane), "node {node} cannot run on lane {lane}");
            self.place(node, lane);
        }
        self.forget();
        self.placed.clear();
        self.changed.clear();
        self.is_evaluated = false;
        self.score = Score::default();
        match self.contention.take() {
            Some(mut contention) => {
                self.compute_with(&mut contention);
                self.contention = Some(contention);
            }
            None => self.compute_all(),
        }
        let ends = &self.finish_ns[..self.instance.len()];
        self.score.sum_ns = ends.iter().map(|ns| u128::from(*ns)).sum();
        self.score.makespan_ns = ends.iter().copied().max().unwrap_or(0);
        self.add_penalty(true);
        self.evaluations += 1;
        self.score
    }

    /// Computes every time, contention-free.
    fn compute_all(&mut self) {
        for at in 0..self.sequence.order.len() {
            self.compute_unit(self.sequence.order[at]);
        }
        for at in (0..self.sequence.order.len()).rev() {
            let unit = self.sequence.order[at];
            self.through_ns[unit as usize] = self.unit_through_ns(unit);
        }
    }

    /// Forgets which changes were made.
    #[inline]
    fn forget(&mut self) {
        self.dirty.clear();
        self.touched.clear();
        self.touched_behind.clear();
        self.last_change = 0;
        self.first_change = u32::MAX;
    }

    #[inline]
    fn place(&mut self, node: u32, lane: u32) {
        self.set_place(node, lane, self.instance.duration_ns(node, lane));
    }

    #[inline]
    fn set_place(&mut self, node: u32, lane: u32, duration_ns: Ns) {
        self.memory[node as usize] = self.instance.memory_of(lane);
        let before_ns = std::mem::replace(&mut self.duration_ns[node as usize], duration_ns);
        self.busy_ns = self.busy_ns + u128::from(duration_ns) - u128::from(before_ns);
    }

    /// The instance.
    pub fn instance(&self) -> &'a Instance {
        self.instance
    }

    /// The score of the schedule as it was last evaluated.
    #[inline]
    pub fn score(&self) -> Score {
        self.score
    }

    /// Schedules evaluated so far.
    #[inline]
    pub fn evaluations(&self) -> u64 {
        self.evaluations
    }

    /// Units in order.
    #[inline]
    pub fn order(&self) -> &[u32] {
        &self.sequence.order
    }

    /// The first lane of every node.
    #[inline]
    pub fn lanes(&self) -> &[u32] {
        &self.sequence.lane
    }

    /// Where a unit stands in the order.
    #[inline]
    pub fn position(&self, unit: u32) -> u32 {
        self.sequence.position[unit as usize]
    }

    /// When a node ends.
    #[inline]
    pub fn finish_ns(&self, node: u32) -> Ns {
        self.finish_ns[node as usize]
    }

    /// When a node starts.
    #[inline]
    pub fn start_ns(&self, node: u32) -> Ns {
        self.finish_ns[node as usize] - self.duration_ns[node as usize]
    }

    /// Positions that a unit may take with everything else as it is, both ends included.
    #[inline]
    pub fn window(&self, unit: u32) -> (u32, u32) {
        self.sequence.window(self.instance, unit)
    }

    /// The node before on the first lane of a node.
    pub fn lane_before(&self, node: u32) -> Option<u32> {
        let before = self.sequence.prev[self.sequence.slot[node as usize] as usize];
        (before < self.instance.len() as u32).then_some(before)
    }

    /// The node that a node waits for longest: the one before it on a lane or a predecessor. `None`
    /// where it could start no earlier alone.
    pub fn held_up_by(&self, node: u32) -> Option<u32> {
        let instance = self.instance;
        let start_ns = self.start_ns(node);
        for member in instance.unit(instance.unit_of(node)) {
            for slot in self.slots(member) {
                let before = self.sequence.prev[slot];
                if (before as usize) < instance.len() && self.finish_ns(before) == start_ns {
                    return Some(before);
                }
            }
            let late = match &self.contention {
                Some(contention) => self.late_with(contention, member, start_ns),
                None => self.late(member, start_ns),
            };
            if late.is_some() {
                return late;
            }
        }
        None
    }

    /// The predecessor whose data arrive at an instant.
    fn late(&self, node: u32, start_ns: Ns) -> Option<u32> {
        let to = self.memory[node as usize];
        let late = self.instance.preds(node).iter().find(|arc| {
            let from = self.memory[arc.node as usize];
            self.finish_ns(arc.node) + self.instance.arc_ns(**arc, from, to) == start_ns
        });
        late.map(|arc| arc.node)
    }

    /// Counts work that is not done by this evaluator as so many evaluations.
    pub fn charge(&mut self, evaluations: u64) {
        self.evaluations += evaluations;
    }

    /// Places and times.
    pub fn placements(&self) -> Vec<Placement> {
        let nodes = 0..self.instance.len() as u32;
        let placement = |node: u32| Placement {
            lane: self.sequence.lane[node as usize],
            start_ns: self.start_ns(node),
        };
        nodes.map(placement).collect()
    }

    /// Moves a unit to a position of its [`Evaluator::window`] and one of its nodes to a lane where
    /// it can run. Several moves, at most 64, may be made before they are evaluated.
    #[inline]
    pub fn relocate(&mut self, unit: u32, position: u32, node: u32, lane: u32) {
        debug_assert!(self.instance.can_run(node, lane));
        let before = self.sequence.lane[node as usize];
        self.placed.push((node, before, self.duration_ns[node as usize]));
        let here = self.sequence.position[unit as usize];
        self.last_change = self.last_change.max(here).max(position);
        self.first_change = self.first_change.min(here).min(position);
        let (touched, touched_behind) = (&mut self.touched, &mut self.touched_behind);
        let note = |side, node| match side {
            Side::Before => touched.push(node),
            Side::After => touched_behind.push(node),
        };
        self.sequence.relocate(self.instance, (unit, position), (node, lane), note);
        if before != lane {
            self.place(node, lane);
            self.touched.extend(self.instance.succs(node).iter().map(|a| a.node));
            self.touched_behind.extend(self.instance.preds(node).iter().map(|a| a.node));
        }
    }

    /// Computes the changed schedule. `None` when its makespan exceeds `limit_ns`: the change must
    /// then be undone.
    #[inline]
    pub fn evaluate(&mut self, limit_ns: Ns) -> Option<Score> {
        self.evaluations += 1;
        self.score_before = self.score;
        self.is_evaluated = true;
        while let Some(node) = self.touched.pop() {
            self.dirty.insert(self.sequence.position[self.instance.unit_of(node) as usize]);
        }
        let is_within = match self.contention.take() {
            Some(mut contention) => {
                let is_within = self.propagate_with(&mut contention, limit_ns);
                self.contention = Some(contention);
                is_within
            }
            None if self.sequence.is_plain => self.propagate_plain(limit_ns),
            None => self.propagate(limit_ns),
        };
        if !is_within {
            return None;
        }
        let last = self.sequence.last.iter().filter(|n| **n != NONE);
        let ends = last.map(|n| self.finish_ns[*n as usize]);
        self.score.makespan_ns = ends.max().unwrap_or(0);
        self.add_penalty(false);
        (self.score.makespan_ns <= limit_ns).then_some(self.score)
    }

    /// Keeps the change.
    #[inline]
    pub fn commit(&mut self) {
        match self.contention.take() {
            Some(mut contention) => {
                self.follow_back_with(&mut contention);
                self.contention = Some(contention);
            }
            None => self.follow_back(),
        }
        self.forget();
        if let Some(held) = &mut self.held {
            held.keep();
        }
        self.sequence.commit();
        self.changed.clear();
        self.placed.clear();
        self.is_evaluated = false;
    }

    /// Takes the change back, whether it was evaluated or not.
    #[inline]
    pub fn undo(&mut self) {
        self.forget();
        if let Some(contention) = &mut self.contention {
            contention.undo();
        }
        if let Some(held) = &mut self.held {
            held.undo();
        }
        if std::mem::take(&mut self.is_evaluated) {
            self.score = self.score_before;
        }
        while let Some((node, finish_ns)) = self.changed.pop() {
            self.finish_ns[node as usize] = finish_ns;
        }
        self.sequence.undo(self.instance);
        while let Some((node, lane, duration_ns)) = self.placed.pop() {
            self.set_place(node, lane, duration_ns);
        }
    }

    /// When the data of a node are there.
    #[inline]
    fn ready_ns(&self, node: u32) -> Ns {
        let to = self.memory[node as usize];
        let arrives_ns = |arc: &Arc| {
            let from = self.memory[arc.node as usize];
            self.finish_ns[arc.node as usize] + self.instance.arc_ns(*arc, from, to)
        };
        let arrivals = self.instance.preds(node).iter().map(arrives_ns);
        arrivals.fold(self.instance.release_ns(node, to), Ns::max)
    }

    /// Every unit is one node of one core.
    fn propagate_plain(&mut self, limit_ns: Ns) -> bool {
        while let Some(at) = self.dirty.pop() {
            let node = self.sequence.order[at as usize];
            let free_ns = self.finish_ns[self.sequence.prev[node as usize] as usize];
            let start_ns = self.ready_ns(node).max(free_ns);
            let finish_ns = start_ns + self.duration_ns[node as usize];
            let end_ns = match at > self.last_change {
                true => start_ns + self.through_ns[node as usize],
                false => finish_ns + self.least_tail_ns[node as usize],
            };
            if end_ns > limit_ns {
                return false;
            }
            let before_ns = std::mem::replace(&mut self.finish_ns[node as usize], finish_ns);
            if before_ns == finish_ns {
                continue;
            }
            self.changed.push((node, before_ns));
            self.score.sum_ns = (self.score.sum_ns + u128::from(finish_ns)) - u128::from(before_ns);
            for arc in self.instance.succs(node) {
                self.dirty.insert(self.sequence.position[arc.node as usize]);
            }
            let next = self.sequence.next[node as usize];
            if next != NONE {
                self.dirty.insert(self.sequence.position[next as usize]);
            }
        }
        true
    }

    fn propagate(&mut self, limit_ns: Ns) -> bool {
        while let Some(at) = self.dirty.pop() {
            let unit = self.sequence.order[at as usize];
            let start_ns = self.unit_start_ns(unit);
            let is_behind = at > self.last_change;
            if !self.end_unit(unit, start_ns, is_behind, limit_ns) {
                return false;
            }
        }
        true
    }

    /// Notes the ends of a unit that starts at an instant; returns whether the schedule can stay
    /// within a limit. Behind the last change paths to the end are known.
    #[inline]
    fn end_unit(&mut self, unit: u32, start_ns: Ns, is_behind: bool, limit_ns: Ns) -> bool {
        if is_behind && start_ns + self.through_ns[unit as usize] > limit_ns {
            return false;
        }
        for node in self.instance.unit(unit) {
            let finish_ns = start_ns + self.duration_ns[node as usize];
            if finish_ns + self.least_tail_ns[node as usize] > limit_ns {
                return false;
            }
            let before_ns = std::mem::replace(&mut self.finish_ns[node as usize], finish_ns);
            if before_ns == finish_ns {
                continue;
            }
            self.changed.push((node, before_ns));
            self.score.sum_ns = (self.score.sum_ns + u128::from(finish_ns)) - u128::from(before_ns);
            self.mark_after(node);
        }
        true
    }

    /// Marks what comes right after a node, as it ends at another time.
    #[inline]
    fn mark_after(&mut self, node: u32) {
        for arc in self.instance.succs(node) {
            let unit = self.instance.unit_of(arc.node);
            self.dirty.insert(self.sequence.position[unit as usize]);
        }
        for slot in self.slots(node) {
            let next = self.sequence.next[slot];
            if next != NONE {
                let unit = self.instance.unit_of(next);
                self.dirty.insert(self.sequence.position[unit as usize]);
            }
        }
    }

    /// When all nodes of a unit could start together.
    fn unit_start_ns(&self, unit: u32) -> Ns {
        let mut start_ns = 0;
        for node in self.instance.unit(unit) {
            start_ns = start_ns.max(self.ready_ns(node));
            for slot in self.slots(node) {
                start_ns = start_ns.max(self.finish_ns[self.sequence.prev[slot] as usize]);
            }
        }
        start_ns
    }

    /// Brings the paths to the end up to date with what was changed.
    fn follow_back(&mut self) {
        let mut last = 0;
        while let Some(node) = self.touched_behind.pop() {
            let unit = self.instance.unit_of(node);
            let at = self.sequence.position[unit as usize];
            self.dirty.insert(at);
            last = last.max(at);
        }
        while let Some(at) = self.dirty.last_until(last) {
            self.dirty.take(at);
            let unit = self.sequence.order[at as usize];
            let through_ns = self.unit_through_ns(unit);
            if std::mem::replace(&mut self.through_ns[unit as usize], through_ns) != through_ns {
                self.mark_before(unit);
            }
            last = at;
        }
    }

    /// Marks what comes right before a unit, as its path to the end is another one.
    #[inline]
    fn mark_before(&mut self, unit: u32) {
        for node in self.instance.unit(unit) {
            for arc in self.instance.preds(node) {
                let unit = self.instance.unit_of(arc.node);
                self.dirty.insert(self.sequence.position[unit as usize]);
            }
            for slot in self.slots(node) {
                let before = self.sequence.prev[slot];
                if (before as usize) < self.instance.len() {
                    let unit = self.instance.unit_of(before);
                    self.dirty.insert(self.sequence.position[unit as usize]);
                }
            }
        }
    }

    #[inline]
    fn slots(&self, node: u32) -> std::ops::Range<usize> {
        let slot = &self.sequence.slot;
        slot[node as usize] as usize..slot[node as usize + 1] as usize
    }

    /// From the start of a unit to the end of the schedule, by what follows each of its nodes.
    #[inline]
    fn unit_through_ns(&self, unit: u32) -> Ns {
        let mut longest_ns = 0;
        for node in self.instance.unit(unit) {
            let from = self.memory[node as usize];
            let mut rest_ns = 0;
            for arc in self.instance.succs(node) {
                let to = self.memory[arc.node as usize];
                let through_ns = self.through_ns[self.instance.unit_of(arc.node) as usize];
                rest_ns = rest_ns.max(self.instance.arc_ns(*arc, from, to) + through_ns);
            }
            for slot in self.slots(node) {
                let next = self.sequence.next[slot];
                if next != NONE {
                    let unit = self.instance.unit_of(next);
                    rest_ns = rest_ns.max(self.through_ns[unit as usize]);
                }
            }
            longest_ns = longest_ns.max(self.duration_ns[node as usize] + rest_ns);
        }
        longest_ns
    }

    fn compute_unit(&mut self, unit: u32) {
        let start_ns = self.unit_start_ns(unit);
        for node in self.instance.unit(unit) {
            self.finish_ns[node as usize] = start_ns + self.duration_ns[node as usize];
        }
    }
}

/// The longest path that follows each node, every node as short as it can be, data moving at once.
fn least_tails(instance: &Instance) -> Vec<Ns> {
    let mut tail_ns: Vec<Ns> = vec![0; instance.len()];
    for node in (0..instance.len() as u32).rev() {
        let through = |a: &Arc| {
            let shortest = (0..instance.kinds()).map(|k| instance.duration_of_kind_ns(a.node, k));
            shortest.min().unwrap_or(0) + tail_ns[a.node as usize]
        };
        tail_ns[node as usize] = instance.succs(node).iter().map(through).max().unwrap_or(0);
    }
    tail_ns
}
