//! The variables of a model, and what follows from what.
//!
//! | variable | meaning |
//! |---|---|
//! | `makespan` | the end of all |
//! | `start(i, p)` | when task `i` starts *if* it runs on processor `p` |
//! | `on(i, p)` | whether task `i` runs on processor `p` |
//! | `order` of a pair | which of two tasks comes first if both run on one processor |
//!
//! A bound on `start(i, p)` says nothing where `on(i, p)` is 0; bounds that cross make it 0. So
//! the opposite of "start at least v" is "on, and start at most v - 1", and a nogood that rules a
//! bound out asserts both.

use super::load::Row;
use super::model::Model;
use super::nogoods::Nogoods;
use super::trail::{Literal, Reason, Trail};

/// What a variable stands for.
#[derive(Clone, Copy, Debug)]
pub enum Variable {
    Makespan,
    Start(u32, u32),
    On(u32, u32),
    Order(u32),
}

/// No pair: one task must come before the other, or they share no processor.
const NONE: u32 = u32::MAX;

/// The makespan's variable.
pub const MAKESPAN: usize = 0;

/// A conflict was found; its literals are in [`Solver::conflict`].
#[derive(Debug)]
pub struct Conflict;

/// Variables, propagation and learned nogoods.
pub struct Solver<'a> {
    pub model: &'a Model,
    pub trail: Trail,
    pub nogoods: Nogoods,
    /// Literals that hold and cannot hold together.
    pub conflict: Vec<Literal>,
    pub(super) variables: Vec<Variable>,
    pair_of: Vec<u32>,
    /// By pair of tasks that may meet: the smaller number first.
    pub pairs: Vec<(u32, u32)>,
    /// By task: the others of its pairs.
    pub(super) partners: Vec<Vec<u32>>,
    /// Changes before this one have been looked at.
    pub(super) seen: usize,
    /// Processors whose tasks have changed since their load was looked at.
    pub(super) stale: Vec<bool>,
    pub(super) rows: Vec<Row>,
    pub(super) rows_stale: bool,
    pub(super) scratch: Vec<Literal>,
}

impl<'a> Solver<'a> {
    /// The variables of a model with a makespan of at most `makespan_ns`.
    pub fn new(model: &'a Model, makespan_ns: i64) -> Self {
        let (n, m) = (model.n, model.m);
        let mut pair_of = vec![NONE; n * n];
        let mut pairs = Vec::new();
        let mut partners = vec![Vec::new(); n];
        for i in 0..n {
            for j in i + 1..n {
                let meet = (0..m).any(|p| model.is_able(i, p) && model.is_able(j, p));
                if meet && !model.is_before(i, j) && !model.is_before(j, i) {
                    pair_of[i * n + j] = pairs.len() as u32;
                    pairs.push((i as u32, j as u32));
                    partners[i].push(j as u32);
                    partners[j].push(i as u32);
                }
            }
        }
        let mut ranges = vec![(0, makespan_ns)];
        let mut variables = vec![Variable::Makespan];
        let cells = || (0..n).flat_map(move |i| (0..m).map(move |p| (i, p)));
        for (i, p) in cells() {
            let at = i * m + p;
            // Where the task cannot run the range means nothing.
            let latest = makespan_ns - model.duration[at] - model.tail[at];
            ranges.push((model.head[at], latest));
            variables.push(Variable::Start(i as u32, p as u32));
        }
        for (i, p) in cells() {
            ranges.push((0, i64::from(model.is_able(i, p))));
            variables.push(Variable::On(i as u32, p as u32));
        }
        for pair in 0..pairs.len() {
            ranges.push((0, 1));
            variables.push(Variable::Order(pair as u32));
        }
        Self {
            model,
            trail: Trail::new(&ranges),
            nogoods: Nogoods::new(2 * ranges.len()),
            conflict: Vec::new(),
            variables,
            pair_of,
            pairs,
            partners,
            seen: 0,
            stale: vec![true; m],
            rows: Vec::new(),
            rows_stale: true,
            scratch: Vec::new(),
        }
    }

    /// Number of variables.
    pub fn len(&self) -> usize {
        self.variables.len()
    }

    /// The start of a task on a processor.
    #[inline]
    pub fn start(&self, i: usize, p: usize) -> usize {
        1 + i * self.model.m + p
    }

    /// Whether a task is on a processor.
    #[inline]
    pub fn on(&self, i: usize, p: usize) -> usize {
        1 + (self.model.n + i) * self.model.m + p
    }

    /// The order of a pair.
    #[inline]
    pub fn order(&self, pair: usize) -> usize {
        1 + 2 * self.model.n * self.model.m + pair
    }

    /// What a variable stands for.
    #[inline]
    pub fn variable(&self, x: usize) -> Variable {
        self.variables[x]
    }

    /// "`i` comes before `j`"; they must be a pair.
    #[inline]
    pub fn first(&self, i: usize, j: usize) -> Literal {
        let (a, b) = (i.min(j), i.max(j));
        let x = self.order(self.pair_of[a * self.model.n + b] as usize);
        if i < j { Literal::at_least(x, 1) } else { Literal::at_most(x, 0) }
    }

    /// "`i` runs on `p`".
    #[inline]
    pub fn is_on(&self, i: usize, p: usize) -> Literal {
        Literal::at_least(self.on(i, p), 1)
    }

    /// "`i` does not run on `p`".
    #[inline]
    pub fn is_off(&self, i: usize, p: usize) -> Literal {
        Literal::at_most(self.on(i, p), 0)
    }

    /// Whether a task may still run on a processor.
    #[inline]
    pub fn may(&self, i: usize, p: usize) -> bool {
        !self.trail.is_false(self.on(i, p))
    }

    /// The processor that a task is known to run on.
    pub fn processor(&self, i: usize) -> Option<usize> {
        (0..self.model.m).find(|p| self.trail.is_true(self.on(i, *p)))
    }

    /// Makes a literal hold.
    ///
    /// # Errors
    /// [`Conflict`] when its opposite does.
    pub(super) fn set(&mut self, literal: Literal, reason: Reason) -> Result<(), Conflict> {
        if self.trail.holds(literal) {
            return Ok(());
        }
        let opposite = literal.negated();
        if let Variable::Start(i, p) = self.variables[literal.variable()] {
            if !self.may(i as usize, p as usize) {
                return Ok(());
            }
        } else if self.trail.holds(opposite) {
            let mut literals = std::mem::take(&mut self.conflict);
            literals.clear();
            self.explain(literal, reason, self.trail.len(), &mut literals);
            literals.push(opposite);
            self.conflict = literals;
            return Err(Conflict);
        }
        self.trail.raise(literal, reason);
        Ok(())
    }

    /// A conflict of the given literals.
    pub(super) fn clash(&mut self, literals: &[Literal]) -> Result<(), Conflict> {
        self.conflict.clear();
        self.conflict.extend_from_slice(literals);
        Err(Conflict)
    }

    /// Rules a literal out.
    pub(super) fn set_not(&mut self, literal: Literal, reason: Reason) -> Result<(), Conflict> {
        if let Variable::Start(i, p) = self.variables[literal.variable()] {
            self.set(self.is_on(i as usize, p as usize), reason)?;
        }
        self.set(literal.negated(), reason)
    }

    /// Whether a literal is known never to hold on this branch.
    pub(super) fn is_out(&self, literal: Literal) -> bool {
        let is_known = match self.variables[literal.variable()] {
            Variable::Start(i, p) => self.trail.is_true(self.on(i as usize, p as usize)),
            _ => true,
        };
        is_known && self.trail.holds(literal.negated())
    }

    /// Undoes all levels above `level`.
    pub fn undo_to(&mut self, level: u32) {
        self.trail.undo_to(level);
        self.seen = self.trail.len();
        self.stale.fill(false);
        self.rows_stale = false;
    }
}
