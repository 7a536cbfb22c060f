//! Why a bound was raised, computed when it is asked for, and no stronger than needed.

use super::solver::{MAKESPAN, Solver, Variable};
use super::trail::{Literal, Reason};

impl Solver<'_> {
    /// Appends literals that held before the change `at` and from which `literal` follows by
    /// `reason`.
    pub(super) fn explain(
        &self,
        literal: Literal,
        reason: Reason,
        at: usize,
        out: &mut Vec<Literal>,
    ) {
        match (reason, self.variable(literal.variable())) {
            // A fact that always holds; decisions are never asked for.
            (Reason::None, _) => {}
            (Reason::Nogood(nogood), _) => {
                out.extend_from_slice(&self.nogoods.all[nogood as usize].literals[1..]);
            }
            (Reason::Stored(start, count), _) => {
                out.extend_from_slice(self.trail.stored(start, count));
            }
            (Reason::Forward(edge), Variable::Start(_, q)) => {
                self.explain_forward(edge, q as usize, literal.value, at, out);
            }
            (Reason::Backward(edge), Variable::Start(_, p)) => {
                self.explain_backward(edge, p as usize, -literal.value, at, out);
            }
            (Reason::End, Variable::Start(i, p)) => {
                let cell = i as usize * self.model.m + p as usize;
                let rest = self.model.duration[cell] + self.model.tail[cell];
                out.push(Literal::at_most(MAKESPAN, -literal.value + rest));
            }
            (Reason::Crossed, Variable::On(i, p)) => {
                let start = self.start(i as usize, p as usize);
                let high = -self.trail.before(2 * start + 1, at);
                out.extend([Literal::at_least(start, high + 1), Literal::at_most(start, high)]);
            }
            (Reason::Only, Variable::On(i, p)) => {
                let others = (0..self.model.m).filter(|q| *q != p as usize);
                out.extend(others.map(|q| self.is_off(i as usize, q)));
            }
            (Reason::Elsewhere(p), Variable::On(i, _)) => {
                out.push(self.is_on(i as usize, p as usize));
            }
            (reason, Variable::Start(i, p)) => {
                self.explain_pair(reason, i as usize, p as usize, literal.value, at, out);
            }
            (reason, Variable::Order(pair)) => {
                let (a, b) = self.pairs[pair as usize];
                let (a, b) = (a as usize, b as usize);
                match reason {
                    Reason::First(p) => self.explain_order(a, b, p as usize, at, out),
                    Reason::Second(p) => self.explain_order(b, a, p as usize, at, out),
                    _ => debug_assert!(false, "{reason:?} is no reason for an order"),
                }
            }
            (reason, variable) => debug_assert!(false, "{reason:?} of {variable:?}"),
        }
    }

    /// Whether a literal held before a change.
    fn held(&self, literal: Literal, at: usize) -> bool {
        self.trail.before(literal.key as usize, at) >= literal.value
    }

    /// From every processor that the earlier task may be on, its data come at `value` or later.
    fn explain_forward(&self, edge: u32, q: usize, value: i64, at: usize, out: &mut Vec<Literal>) {
        let m = self.model.m;
        let edge = &self.model.edges[edge as usize];
        for p in (0..m).filter(|p| self.model.is_able(edge.from, *p)) {
            let cell = edge.from * m + p;
            let needed = value - self.model.duration[cell] - edge.transfer[p * m + q];
            if self.model.head[cell] >= needed {
                continue;
            }
            let off = self.is_off(edge.from, p);
            out.push(match self.held(off, at) {
                true => off,
                false => Literal::at_least(self.start(edge.from, p), needed),
            });
        }
    }

    /// To every processor that the later task may be on, its data must leave by then.
    fn explain_backward(&self, edge: u32, p: usize, value: i64, at: usize, out: &mut Vec<Literal>) {
        let m = self.model.m;
        let edge = &self.model.edges[edge as usize];
        let duration = self.model.duration[edge.from * m + p];
        for q in (0..m).filter(|q| self.model.is_able(edge.to, *q)) {
            let needed = value + duration + edge.transfer[p * m + q];
            let off = self.is_off(edge.to, q);
            out.push(match self.held(off, at) {
                true => off,
                false => Literal::at_most(self.start(edge.to, q), needed),
            });
        }
    }

    /// A bound of the start of `i` on `p` from another task there.
    fn explain_pair(
        &self,
        reason: Reason,
        i: usize,
        p: usize,
        value: i64,
        at: usize,
        out: &mut Vec<Literal>,
    ) {
        let duration = |task: usize| self.model.duration[task * self.model.m + p];
        match reason {
            Reason::After(j) | Reason::PushedAfter(j) => {
                let j = j as usize;
                let start = self.start(j, p);
                out.extend([self.is_on(j, p), Literal::at_least(start, value - duration(j))]);
                match reason {
                    Reason::After(_) => out.push(self.first(j, i)),
                    _ => self.explain_no_room(i, j, p, at, out),
                }
            }
            Reason::Before(j) | Reason::PushedBefore(j) => {
                let j = j as usize;
                let start = self.start(j, p);
                out.extend([self.is_on(j, p), Literal::at_most(start, duration(i) - value)]);
                match reason {
                    Reason::Before(_) => out.push(self.first(i, j)),
                    _ => self.explain_no_room(j, i, p, at, out),
                }
            }
            _ => debug_assert!(false, "{reason:?} is no reason for a start"),
        }
    }

    /// `i` comes before `j` because on `p` there is no room for the opposite.
    fn explain_order(&self, i: usize, j: usize, p: usize, at: usize, out: &mut Vec<Literal>) {
        out.extend([self.is_on(i, p), self.is_on(j, p)]);
        self.explain_no_room(j, i, p, at, out);
    }

    /// On `p`, `i` cannot end before the latest start of `j`.
    pub(super) fn explain_no_room(
        &self,
        i: usize,
        j: usize,
        p: usize,
        at: usize,
        out: &mut Vec<Literal>,
    ) {
        let latest = -self.trail.before(2 * self.start(j, p) + 1, at);
        let duration = self.model.duration[i * self.model.m + p];
        out.push(Literal::at_least(self.start(i, p), latest - duration + 1));
        out.push(Literal::at_most(self.start(j, p), latest));
    }
}
