//! Bounds of integer variables, the trail of their changes, and the levels of decisions.
//!
//! Every variable has two *keys*, `2 x` for its lower bound and `2 x + 1` for the negated upper
//! one, so that all bounds only ever grow along the trail. A [`Literal`] says that the bound of a
//! key has reached a value.

/// "The bound of `key` is at least `value`".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Literal {
    /// Twice the variable, plus one for its negated upper bound.
    pub key: u32,
    /// The value.
    pub value: i64,
}

impl Literal {
    /// `x >= value`.
    #[inline]
    pub fn at_least(x: usize, value: i64) -> Self {
        Self { key: 2 * x as u32, value }
    }

    /// `x <= value`.
    #[inline]
    pub fn at_most(x: usize, value: i64) -> Self {
        Self { key: 2 * x as u32 + 1, value: -value }
    }

    /// The opposite.
    #[inline]
    pub fn negated(self) -> Self {
        Self { key: self.key ^ 1, value: 1 - self.value }
    }

    /// Its variable.
    #[inline]
    pub fn variable(self) -> usize {
        self.key as usize / 2
    }
}

/// Why a bound was raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A decision, or a fact that holds from the beginning.
    None,
    /// All literals of a nogood but its first hold.
    Nogood(u32),
    /// Literals that were put aside: where, and how many.
    Stored(u32, u32),
    /// A task starts after what an edge brings.
    Forward(u32),
    /// A task ends before what an edge takes away.
    Backward(u32),
    /// A task ends, with all that follows, before the makespan.
    End,
    /// A task cannot start on a processor.
    Crossed,
    /// A task runs on its only processor left.
    Only,
    /// A task runs on another processor: which.
    Elsewhere(u32),
    /// On its processor the task comes after the other, which runs there; both are ordered.
    After(u32),
    /// On its processor the task comes before the other, which runs there; both are ordered.
    Before(u32),
    /// As `After`, because the opposite order has no room.
    PushedAfter(u32),
    /// As `Before`, because the opposite order has no room.
    PushedBefore(u32),
    /// The first of a pair comes first: the opposite order has no room on this processor.
    First(u32),
    /// The second of a pair comes first: the opposite order has no room on this processor.
    Second(u32),
}

/// One change of a bound.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub key: u32,
    pub old: i64,
    pub new: i64,
    /// The key's change before this one, plus 1; 0 = none.
    pub previous: u32,
    pub level: u32,
    pub reason: Reason,
}

/// All bounds and their changes.
pub struct Trail {
    bound: Vec<i64>,
    /// By key: its last change, plus 1.
    last: Vec<u32>,
    entries: Vec<Entry>,
    /// By level, from 1: its first entry, and how many stored literals there were.
    levels: Vec<(u32, u32)>,
    stored: Vec<Literal>,
}

impl Trail {
    /// Variables with their ranges.
    pub fn new(ranges: &[(i64, i64)]) -> Self {
        Self {
            bound: ranges.iter().flat_map(|(low, high)| [*low, -*high]).collect(),
            last: vec![0; 2 * ranges.len()],
            entries: Vec::new(),
            levels: Vec::new(),
            stored: Vec::new(),
        }
    }

    /// Lower bound.
    #[inline]
    pub fn low(&self, x: usize) -> i64 {
        self.bound[2 * x]
    }

    /// Upper bound.
    #[inline]
    pub fn high(&self, x: usize) -> i64 {
        -self.bound[2 * x + 1]
    }

    /// Whether a 0-1 variable is 1.
    #[inline]
    pub fn is_true(&self, x: usize) -> bool {
        self.bound[2 * x] == 1
    }

    /// Whether a 0-1 variable is 0.
    #[inline]
    pub fn is_false(&self, x: usize) -> bool {
        self.bound[2 * x + 1] == 0
    }

    /// Whether a literal holds.
    #[inline]
    pub fn holds(&self, literal: Literal) -> bool {
        self.bound[literal.key as usize] >= literal.value
    }

    /// The present level; 0 = what always holds.
    #[inline]
    pub fn level(&self) -> u32 {
        self.levels.len() as u32
    }

    /// Number of changes.
    #[inline]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// A change.
    #[inline]
    pub fn entry(&self, at: usize) -> &Entry {
        &self.entries[at]
    }

    /// Begins a level.
    pub fn push_level(&mut self) {
        self.levels.push((self.entries.len() as u32, self.stored.len() as u32));
    }

    /// Raises a bound.
    #[inline]
    pub fn raise(&mut self, literal: Literal, reason: Reason) {
        let key = literal.key as usize;
        let entry = Entry {
            key: literal.key,
            old: self.bound[key],
            new: literal.value,
            previous: self.last[key],
            level: self.levels.len() as u32,
            reason,
        };
        debug_assert!(entry.new > entry.old, "bounds only grow");
        self.bound[key] = literal.value;
        self.entries.push(entry);
        self.last[key] = self.entries.len() as u32;
    }

    /// Puts literals aside for a reason, until the level is undone.
    pub fn store(&mut self, literals: &[Literal]) -> Reason {
        let start = self.stored.len() as u32;
        self.stored.extend_from_slice(literals);
        Reason::Stored(start, literals.len() as u32)
    }

    /// What was put aside.
    pub fn stored(&self, start: u32, count: u32) -> &[Literal] {
        &self.stored[start as usize..][..count as usize]
    }

    /// Undoes all levels above `level`.
    pub fn undo_to(&mut self, level: u32) {
        let Some(&(start, stored)) = self.levels.get(level as usize) else { return };
        while self.entries.len() > start as usize {
            let entry = self.entries.pop().expect("there is one");
            self.bound[entry.key as usize] = entry.old;
            self.last[entry.key as usize] = entry.previous;
        }
        self.levels.truncate(level as usize);
        self.stored.truncate(stored as usize);
    }

    /// The change that made a literal hold that holds now; `None` when it always did.
    pub fn cause(&self, literal: Literal) -> Option<usize> {
        let mut at = self.last[literal.key as usize];
        debug_assert!(self.holds(literal), "{literal:?} does not hold");
        while at > 0 {
            let entry = &self.entries[at as usize - 1];
            if entry.old < literal.value {
                return Some(at as usize - 1);
            }
            at = entry.previous;
        }
        None
    }

    /// The bound of a key before the change `at`.
    #[inline]
    pub fn before(&self, key: usize, at: usize) -> i64 {
        let mut last = self.last[key];
        let mut value = self.bound[key];
        while last as usize > at {
            let entry = &self.entries[last as usize - 1];
            value = entry.old;
            last = entry.previous;
        }
        value
    }
}
