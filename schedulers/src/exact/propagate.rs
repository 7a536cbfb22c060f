//! What follows from a change: dependencies, processors, pairs of tasks that meet.

use super::solver::{Conflict, MAKESPAN, Solver, Variable};
use super::trail::{Literal, Reason};

impl Solver<'_> {
    /// Everything that follows from the changes not looked at yet.
    ///
    /// # Errors
    /// [`Conflict`]; its literals are in [`Solver::conflict`].
    pub fn propagate(&mut self) -> Result<(), Conflict> {
        loop {
            while self.seen < self.trail.len() {
                let entry = *self.trail.entry(self.seen);
                self.seen += 1;
                self.watched(entry.key, entry.old, entry.new)?;
                self.react(entry.key)?;
            }
            if let Some(p) = self.stale.iter().position(|s| *s) {
                self.stale[p] = false;
                self.crowd(p)?;
            } else if self.rows_stale {
                self.rows_stale = false;
                self.load()?;
            } else {
                return Ok(());
            }
        }
    }

    /// Everything that follows from the model alone.
    ///
    /// # Errors
    /// [`Conflict`] when it has no schedule.
    pub fn begin(&mut self) -> Result<(), Conflict> {
        let (n, m) = (self.model.n, self.model.m);
        for i in 0..n {
            for p in 0..m {
                self.crossed(i, p)?;
            }
            self.only(i)?;
        }
        for edge in 0..self.model.edges.len() {
            self.forward(edge as u32)?;
            self.backward(edge as u32)?;
        }
        for i in 0..n {
            for p in (0..m).filter(|p| self.trail.is_true(self.on(i, *p))).collect::<Vec<_>>() {
                self.meet_all(i, p)?;
            }
        }
        self.propagate()
    }

    fn react(&mut self, key: u32) -> Result<(), Conflict> {
        let x = key as usize / 2;
        let is_low = key.is_multiple_of(2);
        match self.variable(x) {
            Variable::Makespan if is_low => Ok(()),
            Variable::Makespan => {
                self.rows_stale = true;
                self.end_all()
            }
            Variable::Start(i, p) => self.start_moved(i as usize, p as usize, is_low),
            Variable::On(i, p) if is_low => self.placed(i as usize, p as usize),
            Variable::On(i, _) => {
                self.rows_stale = true;
                self.only(i as usize)?;
                self.flow_out(i as usize)?;
                self.flow_in(i as usize)
            }
            Variable::Order(pair) => {
                let (i, j) = self.pairs[pair as usize];
                let (i, j) = (i as usize, j as usize);
                for p in 0..self.model.m {
                    if self.trail.is_true(self.on(i, p)) && self.may(j, p) {
                        self.meet(i, j, p)?;
                    } else if self.trail.is_true(self.on(j, p)) && self.may(i, p) {
                        self.meet(j, i, p)?;
                    }
                }
                Ok(())
            }
        }
    }

    /// The makespan shrank.
    fn end_all(&mut self) -> Result<(), Conflict> {
        let high = self.trail.high(MAKESPAN);
        for i in 0..self.model.n {
            for p in 0..self.model.m {
                let cell = i * self.model.m + p;
                if self.model.is_able(i, p) {
                    let latest = high - self.model.duration[cell] - self.model.tail[cell];
                    self.set(Literal::at_most(self.start(i, p), latest), Reason::End)?;
                }
            }
        }
        Ok(())
    }

    fn start_moved(&mut self, i: usize, p: usize, is_low: bool) -> Result<(), Conflict> {
        if !self.may(i, p) {
            return Ok(());
        }
        self.crossed(i, p)?;
        match is_low {
            true => self.flow_out(i)?,
            false => self.flow_in(i)?,
        }
        self.meet_some(i, p)
    }

    fn crossed(&mut self, i: usize, p: usize) -> Result<(), Conflict> {
        let start = self.start(i, p);
        match self.trail.low(start) > self.trail.high(start) {
            true => self.set(self.is_off(i, p), Reason::Crossed),
            false => Ok(()),
        }
    }

    fn placed(&mut self, i: usize, p: usize) -> Result<(), Conflict> {
        self.rows_stale = true;
        self.stale[p] = true;
        for q in (0..self.model.m).filter(|q| *q != p) {
            self.set(self.is_off(i, q), Reason::Elsewhere(p as u32))?;
        }
        self.meet_all(i, p)
    }

    /// The task has a processor left, and runs there if it is the only one.
    fn only(&mut self, i: usize) -> Result<(), Conflict> {
        let mut left = (0..self.model.m).filter(|p| self.may(i, *p));
        match (left.next(), left.next()) {
            (Some(p), None) => self.set(self.is_on(i, p), Reason::Only),
            (Some(_), Some(_)) => Ok(()),
            (None, _) => {
                let off: Vec<_> = (0..self.model.m).map(|p| self.is_off(i, p)).collect();
                self.clash(&off)
            }
        }
    }

    fn flow_out(&mut self, i: usize) -> Result<(), Conflict> {
        let model = self.model;
        model.out[i].iter().try_for_each(|edge| self.forward(*edge))
    }

    fn flow_in(&mut self, i: usize) -> Result<(), Conflict> {
        let model = self.model;
        model.into[i].iter().try_for_each(|edge| self.backward(*edge))
    }

    /// The later task of an edge starts after the earliest arrival from anywhere.
    fn forward(&mut self, edge: u32) -> Result<(), Conflict> {
        let (model, m) = (self.model, self.model.m);
        let e = &model.edges[edge as usize];
        for q in 0..m {
            if !self.may(e.to, q) {
                continue;
            }
            let from = (0..m).filter(|p| self.may(e.from, *p));
            let arrival = from.map(|p| {
                let end = self.trail.low(self.start(e.from, p)) + model.duration[e.from * m + p];
                end + e.transfer[p * m + q]
            });
            if let Some(least) = arrival.min() {
                self.set(Literal::at_least(self.start(e.to, q), least), Reason::Forward(edge))?;
            }
        }
        Ok(())
    }

    /// The earlier task of an edge ends before the latest departure to anywhere.
    fn backward(&mut self, edge: u32) -> Result<(), Conflict> {
        let (model, m) = (self.model, self.model.m);
        let e = &model.edges[edge as usize];
        for p in 0..m {
            if !self.may(e.from, p) {
                continue;
            }
            let duration = model.duration[e.from * m + p];
            let to = (0..m).filter(|q| self.may(e.to, *q));
            let departure =
                to.map(|q| self.trail.high(self.start(e.to, q)) - e.transfer[p * m + q] - duration);
            if let Some(latest) = departure.max() {
                let literal = Literal::at_most(self.start(e.from, p), latest);
                self.set(literal, Reason::Backward(edge))?;
            }
        }
        Ok(())
    }

    /// Task `i` runs on `p`: looks at all that may run there too.
    fn meet_all(&mut self, i: usize, p: usize) -> Result<(), Conflict> {
        for at in 0..self.partners[i].len() {
            let j = self.partners[i][at] as usize;
            if self.may(j, p) {
                self.meet(i, j, p)?;
            }
        }
        Ok(())
    }

    /// The window of `i` on `p` shrank.
    fn meet_some(&mut self, i: usize, p: usize) -> Result<(), Conflict> {
        if self.trail.is_true(self.on(i, p)) {
            self.stale[p] = true;
            return self.meet_all(i, p);
        }
        for at in 0..self.partners[i].len() {
            let j = self.partners[i][at] as usize;
            if self.trail.is_true(self.on(j, p)) {
                self.meet(j, i, p)?;
                if !self.may(i, p) {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Whether `i` can end on `p` before `j` has to start there.
    fn has_room(&self, i: usize, j: usize, p: usize) -> bool {
        let end = self.trail.low(self.start(i, p)) + self.model.duration[i * self.model.m + p];
        end <= self.trail.high(self.start(j, p))
    }

    /// Task `i` runs on `p`, and `j` may.
    fn meet(&mut self, i: usize, j: usize, p: usize) -> Result<(), Conflict> {
        let (first, second) = (self.first(i, j), self.first(j, i));
        let is_first = self.trail.holds(first);
        let is_second = self.trail.holds(second);
        let can_be_first = !is_second && self.has_room(i, j, p);
        let can_be_second = !is_first && self.has_room(j, i, p);
        match (can_be_first, can_be_second) {
            (true, true) => Ok(()),
            (true, false) => self.arrange(i, j, i, p, is_first),
            (false, true) => self.arrange(i, j, j, p, is_second),
            (false, false) => self.part(i, j, p, is_first, is_second),
        }
    }

    /// Neither order is possible.
    fn part(
        &mut self,
        i: usize,
        j: usize,
        p: usize,
        is_first: bool,
        is_second: bool,
    ) -> Result<(), Conflict> {
        let mut literals = std::mem::take(&mut self.scratch);
        literals.clear();
        literals.push(self.is_on(i, p));
        let now = self.trail.len();
        match is_second {
            true => literals.push(self.first(j, i)),
            false => self.explain_no_room(i, j, p, now, &mut literals),
        }
        match is_first {
            true => literals.push(self.first(i, j)),
            false => self.explain_no_room(j, i, p, now, &mut literals),
        }
        let reason = self.trail.store(&literals);
        self.scratch = literals;
        self.set(self.is_off(j, p), reason)
    }

    /// Of `i`, which runs on `p`, and `j`, which may, `leader` comes first there.
    fn arrange(
        &mut self,
        i: usize,
        j: usize,
        leader: usize,
        p: usize,
        is_ordered: bool,
    ) -> Result<(), Conflict> {
        let follower = i + j - leader;
        let is_both = self.trail.is_true(self.on(j, p));
        if is_both && !is_ordered {
            let reason = match leader < follower {
                true => Reason::First(p as u32),
                false => Reason::Second(p as u32),
            };
            self.set(self.first(leader, follower), reason)?;
        }
        let is_ordered = is_ordered || is_both;
        let m = self.model.m;
        // A bound of one rests on the other being there.
        if leader == i || is_both {
            let end = self.trail.low(self.start(leader, p)) + self.model.duration[leader * m + p];
            let reason = match is_ordered {
                true => Reason::After(leader as u32),
                false => Reason::PushedAfter(leader as u32),
            };
            self.set(Literal::at_least(self.start(follower, p), end), reason)?;
        }
        if follower == i || is_both {
            let duration = self.model.duration[leader * m + p];
            let latest = self.trail.high(self.start(follower, p)) - duration;
            let reason = match is_ordered {
                true => Reason::Before(follower as u32),
                false => Reason::PushedBefore(follower as u32),
            };
            self.set(Literal::at_most(self.start(leader, p), latest), reason)?;
        }
        Ok(())
    }
}
