//! Times in which transfers wait for each other, computed anew from the first unit that a change
//! concerns.
//!
//! Units are gone through in order with the instants from which lines are free. A unit that is not
//! marked and whose transfers all begin as they did only takes its lines; any other is computed and
//! marks what follows it. Every so many positions the lines are kept: there a pass can begin, and
//! there it ends, or jumps to the next mark, where the lines are free as they were.
//!
//! Paths to the end go over lines too: a line that a transfer leaves at some instant has all later
//! transfers to carry from then on. They are kept the same way, from the end to the begin, when a
//! change is committed.

use super::Evaluator;
use crate::instance::{Instance, NONE};
use crate::search::routes::Routes;
use crate::search::transfers::{Places, Transfers};
use runtime::Ns;

/// Transfers and lines of an evaluator's schedule.
#[derive(Clone, Debug)]
pub(super) struct Contention {
    transfers: Transfers,
    lines: usize,
    /// Positions between two times at which lines are kept; at least as many as lines, so that
    /// no more is kept than there are units.
    stride: u32,
    /// When lines are free before every `stride`-th position.
    kept_ns: Vec<Ns>,
    /// The same with the change, where it was computed.
    changed_ns: Vec<Ns>,
    changed: Vec<u32>,
    /// By wait: from the begin of its transfer to the end of the schedule over any of its lines.
    line_tail_ns: Vec<Ns>,
    /// By line: from when it is free to the end of the schedule, by what uses it later; and that
    /// from every `stride`-th position on.
    rest_ns: Vec<Ns>,
    kept_rest_ns: Vec<Ns>,
    /// The last position that the change concerns: transfers are others there.
    last_change: u32,
}

impl Contention {
    pub fn new(instance: &Instance, routes: Routes) -> Self {
        let lines = routes.lines;
        let transfers = Transfers::new(instance, routes);
        let stride = (lines as u32).next_power_of_two().max(16);
        let kept = instance.unit_count() / stride as usize + 1;
        Self {
            line_tail_ns: vec![0; transfers.wait_count()],
            transfers,
            lines,
            stride,
            kept_ns: vec![0; kept * lines],
            changed_ns: vec![0; kept * lines],
            changed: Vec::with_capacity(kept),
            rest_ns: vec![0; lines],
            kept_rest_ns: vec![0; kept * lines],
            last_change: 0,
        }
    }

    /// Takes the change back.
    pub fn undo(&mut self) {
        self.changed.clear();
        self.transfers.undo();
    }

    fn commit(&mut self) {
        while let Some(at) = self.changed.pop() {
            let range = self.range(at);
            self.kept_ns[range.clone()].copy_from_slice(&self.changed_ns[range]);
        }
        self.transfers.keep();
    }

    fn range(&self, at: u32) -> std::ops::Range<usize> {
        at as usize * self.lines..(at as usize + 1) * self.lines
    }

    /// Goes on at the last kept position before another one; returns which.
    fn begin_before(&mut self, position: u32) -> u32 {
        let at = position / self.stride;
        let range = self.range(at);
        self.transfers.free_ns.copy_from_slice(&self.kept_ns[range]);
        at * self.stride
    }

    /// Where a pass that is before a kept position goes on, if anywhere.
    #[inline]
    fn pass(&mut self, evaluator: &Evaluator<'_>, position: u32) -> Option<u32> {
        let at = position / self.stride;
        let range = self.range(at);
        if position > evaluator.last_change
            && self.transfers.free_ns[..] == self.kept_ns[range.clone()]
        {
            let next = evaluator.dirty.first_from(position)?;
            return Some(match next / self.stride > at {
                true => self.begin_before(next),
                false => position,
            });
        }
        self.changed_ns[range].copy_from_slice(&self.transfers.free_ns);
        self.changed.push(at);
        Some(position)
    }

    /// Prepends a unit to what uses lines later; returns through `change` who writes what has
    /// another way to the end over its lines.
    fn rest_with(
        &mut self,
        nodes: std::ops::Range<u32>,
        through_ns: Ns,
        mut change: impl FnMut(u32),
    ) {
        for node in nodes.clone() {
            for service in self.transfers.services(node) {
                let lines = self.transfers.lines_of(service).1;
                let tails = lines.map(|(line, ns)| ns + self.rest_ns[line as usize]);
                let tail_ns = tails.max().unwrap_or(0);
                let before_ns = &mut self.line_tail_ns[service.wait as usize];
                let from = self.transfers.wait(service.wait).from;
                if std::mem::replace(before_ns, tail_ns) != tail_ns && from != NONE {
                    change(from);
                }
            }
        }
        for node in nodes.clone() {
            for service in self.transfers.services(node) {
                for (line, ns) in self.transfers.lines_of(service).1 {
                    self.rest_ns[line as usize] += ns;
                }
            }
        }
        // In whatever order they are made: each of them arrives before the unit starts.
        for node in nodes {
            for service in self.transfers.services(node) {
                let (whole_ns, lines) = self.transfers.lines_of(service);
                for (line, _) in lines {
                    let rest_ns = &mut self.rest_ns[line as usize];
                    *rest_ns = (*rest_ns).max(whole_ns + through_ns);
                }
            }
        }
    }
}

impl Evaluator<'_> {
    fn places(&self) -> Places<'_> {
        let position = &self.sequence.position;
        Places { instance: self.instance, memory: &self.memory, position }
    }

    /// Computes every time.
    pub(super) fn compute_with(&mut self, contention: &mut Contention) {
        contention.changed.clear();
        contention.transfers.set(self.places(), &self.sequence.order);
        contention.transfers.free_ns.fill(0);
        let units = self.sequence.order.len();
        for at in 0..units {
            if (at as u32).is_multiple_of(contention.stride) {
                let range = contention.range(at as u32 / contention.stride);
                contention.kept_ns[range].copy_from_slice(&contention.transfers.free_ns);
            }
            let unit = self.sequence.order[at];
            let start_ns = self.unit_start_with(contention, unit);
            for node in self.instance.unit(unit) {
                self.finish_ns[node as usize] = start_ns + self.duration_ns[node as usize];
            }
        }
        contention.transfers.keep();
        contention.rest_ns.fill(0);
        self.dirty.clear();
        for at in (0..units as u32).rev() {
            let unit = self.sequence.order[at as usize];
            let through_ns = self.unit_through_with(contention, unit);
            self.through_ns[unit as usize] = through_ns;
            contention.rest_with(self.instance.unit(unit), through_ns, |_| {});
            if at.is_multiple_of(contention.stride) {
                let range = contention.range(at / contention.stride);
                contention.kept_rest_ns[range].copy_from_slice(&contention.rest_ns);
            }
        }
    }

    /// Computes what a change changes; returns whether it stays within a limit.
    pub(super) fn propagate_with(&mut self, contention: &mut Contention, limit_ns: Ns) -> bool {
        self.restructure(contention);
        let units = self.sequence.order.len() as u32;
        let Some(first) = self.dirty.first_from(0) else { return true };
        let first = first.min(self.first_change);
        let mut at = contention.begin_before(first);
        while at < units {
            if at > first {
                match contention.pass(self, at) {
                    Some(next) => at = next,
                    None => return true,
                }
            }
            let end = (at + contention.stride).min(units);
            while at < end {
                if !self.step_with(contention, at, limit_ns) {
                    return false;
                }
                at += 1;
            }
        }
        true
    }

    /// Goes over one position; returns whether the schedule can stay within a limit.
    #[inline]
    fn step_with(&mut self, contention: &mut Contention, at: u32, limit_ns: Ns) -> bool {
        let unit = self.sequence.order[at as usize];
        let is_marked = self.dirty.take(at);
        if !is_marked && contention.transfers.repeat(self.instance.unit(unit)) {
            return true;
        }
        let start_ns = self.unit_start_with(contention, unit);
        let is_behind = at > contention.last_change;
        self.end_unit(unit, start_ns, is_behind, limit_ns)
    }

    /// Finds the transfers that are others than before.
    fn restructure(&mut self, contention: &mut Contention) {
        let mut last = self.last_change;
        let (instance, position) = (self.instance, &self.sequence.position);
        let places = Places { instance, memory: &self.memory, position };
        let (dirty, touched_behind) = (&mut self.dirty, &mut self.touched_behind);
        let placed = self.placed.iter().map(|p| (p.0, instance.memory_of(p.1)));
        contention.transfers.restructure(places, placed, |wait| {
            let at = places.position_of(wait.node);
            dirty.insert(at);
            last = last.max(at);
            touched_behind.push(wait.node);
            if wait.from != NONE {
                touched_behind.push(wait.from);
            }
        });
        contention.last_change = last;
    }

    /// When all nodes of a unit could start together, its transfers made.
    fn unit_start_with(&mut self, contention: &mut Contention, unit: u32) -> Ns {
        let at = self.sequence.position[unit as usize];
        let mut start_ns = 0;
        for node in self.instance.unit(unit) {
            for slot in self.slots(node) {
                start_ns = start_ns.max(self.finish_ns[self.sequence.prev[slot] as usize]);
            }
            let memory = self.memory[node as usize];
            start_ns = start_ns.max(self.instance.release_ns(node, memory));
            for arc in self.instance.preds(node) {
                start_ns = start_ns.max(self.finish_ns[arc.node as usize]);
            }
            let (instance, position) = (self.instance, &self.sequence.position);
            let dirty = &mut self.dirty;
            let ready_ns =
                contention.transfers.serve(node, &self.memory, &self.finish_ns, |reader| {
                    let reads_at = position[instance.unit_of(reader) as usize];
                    // A gang's other tasks are computed with it.
                    if reads_at > at {
                        dirty.insert(reads_at);
                    }
                });
            start_ns = start_ns.max(ready_ns);
        }
        start_ns
    }

    /// As [`Evaluator::unit_through_ns`], over lines too.
    fn unit_through_with(&self, contention: &Contention, unit: u32) -> Ns {
        let mut longest_ns = self.unit_through_ns(unit);
        for node in self.instance.unit(unit) {
            let sent = contention.transfers.sent_from(node, &self.memory);
            let tails = sent.map(|wait| contention.line_tail_ns[wait as usize]);
            let rest_ns = tails.max().unwrap_or(0);
            longest_ns = longest_ns.max(self.duration_ns[node as usize] + rest_ns);
        }
        longest_ns
    }

    /// Keeps the change and brings the paths to the end up to date with it.
    pub(super) fn follow_back_with(&mut self, contention: &mut Contention) {
        contention.commit();
        self.dirty.clear();
        let mut last = contention.last_change.max(self.last_change);
        while let Some(node) = self.touched_behind.pop() {
            let unit = self.instance.unit_of(node);
            let at = self.sequence.position[unit as usize];
            self.dirty.insert(at);
            last = last.max(at);
        }
        let units = self.sequence.order.len() as u32;
        let stride = contention.stride;
        let mut end = ((last / stride + 1) * stride).min(units);
        contention.end_at(end, units);
        while end > 0 {
            let begin = (end - 1) / stride * stride;
            for at in (begin..end).rev() {
                self.step_back_with(contention, at);
            }
            let range = contention.range(begin / stride);
            end = begin;
            if begin <= self.first_change
                && contention.rest_ns[..] == contention.kept_rest_ns[range.clone()]
            {
                let next = begin.checked_sub(1).and_then(|at| self.dirty.last_until(at));
                let Some(next) = next else { return };
                let next_end = (next / stride + 1) * stride;
                if next_end < end {
                    end = next_end;
                    contention.end_at(end, units);
                }
            } else {
                contention.kept_rest_ns[range].copy_from_slice(&contention.rest_ns);
            }
        }
    }

    #[inline]
    fn step_back_with(&mut self, contention: &mut Contention, at: u32) {
        let unit = self.sequence.order[at as usize];
        if self.dirty.take(at) {
            let through_ns = self.unit_through_with(contention, unit);
            if std::mem::replace(&mut self.through_ns[unit as usize], through_ns) != through_ns {
                self.mark_before(unit);
            }
        }
        let (instance, position) = (self.instance, &self.sequence.position);
        let dirty = &mut self.dirty;
        contention.rest_with(instance.unit(unit), self.through_ns[unit as usize], |from| {
            dirty.insert(position[instance.unit_of(from) as usize]);
        });
    }

    /// The predecessor whose data arrive at an instant.
    pub(super) fn late_with(
        &self,
        contention: &Contention,
        node: u32,
        start_ns: Ns,
    ) -> Option<u32> {
        let mut arrivals = contention.transfers.arrivals(node, &self.memory);
        let late = arrivals.find(|(from, ns)| *from != NONE && *ns == start_ns);
        let preds = self.instance.preds(node).iter();
        let done = |node: &u32| self.finish_ns[*node as usize] == start_ns;
        late.map(|(from, _)| from).or_else(|| preds.map(|arc| arc.node).find(done))
    }
}

impl Contention {
    /// What uses lines from a position on, a multiple of the stride or the end.
    fn end_at(&mut self, position: u32, units: u32) {
        if position >= units {
            self.rest_ns.fill(0);
        } else {
            let range = self.range(position / self.stride);
            self.rest_ns.copy_from_slice(&self.kept_rest_ns[range]);
        }
    }
}
