//! Learned sets of literals that cannot hold together, two of each watched.

use super::solver::{Conflict, Solver};
use super::trail::{Literal, Reason};

/// A learned nogood.
pub struct Nogood {
    pub literals: Vec<Literal>,
    /// Levels among its literals when it was learned (Audemard and Simon, 2009).
    pub spread: u32,
    pub activity: f32,
}

/// All nogoods with their watches.
pub struct Nogoods {
    pub all: Vec<Nogood>,
    /// By key: nogoods with the value of the literal by which they are watched.
    watches: Vec<Vec<(u32, i64)>>,
}

impl Nogoods {
    pub fn new(keys: usize) -> Self {
        Self { all: Vec::new(), watches: vec![Vec::new(); keys] }
    }

    /// Adds a nogood of at least two literals; the first two are watched.
    pub fn add(&mut self, nogood: Nogood) -> u32 {
        let at = self.all.len() as u32;
        for literal in &nogood.literals[..2] {
            self.watches[literal.key as usize].push((at, literal.value));
        }
        self.all.push(nogood);
        at
    }

    /// Forgets the worse half of those learned lately; none may be a reason.
    pub fn reduce(&mut self) {
        let keep = |n: &Nogood| n.spread <= 3 || n.literals.len() == 2;
        let mut rest: Vec<(u32, f32, usize)> = (self.all.iter().enumerate())
            .filter(|(_, n)| !keep(n))
            .map(|(at, n)| (n.spread, -n.activity, at))
            .collect();
        rest.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.cmp(&b.2)));
        let mut is_kept: Vec<bool> = self.all.iter().map(keep).collect();
        rest[..rest.len() / 2].iter().for_each(|r| is_kept[r.2] = true);
        let mut kept = is_kept.into_iter();
        self.all.retain(|_| kept.next().unwrap_or(true));
        self.watches.iter_mut().for_each(Vec::clear);
        for (at, nogood) in self.all.iter().enumerate() {
            for literal in &nogood.literals[..2] {
                self.watches[literal.key as usize].push((at as u32, literal.value));
            }
        }
    }
}

impl Solver<'_> {
    /// Looks at the nogoods watched by a key that was raised from `old` to `new`.
    pub(super) fn watched(&mut self, key: u32, old: i64, new: i64) -> Result<(), Conflict> {
        let mut watches = std::mem::take(&mut self.nogoods.watches[key as usize]);
        let (mut kept, mut result) = (0, Ok(()));
        for at in 0..watches.len() {
            let (nogood, value) = watches[at];
            let is_hit = value > old && value <= new && result.is_ok();
            if is_hit && self.moved(nogood, Literal { key, value }) {
                continue;
            }
            watches[kept] = watches[at];
            kept += 1;
            if is_hit {
                result = self.unit(nogood);
            }
        }
        watches.truncate(kept);
        // New watches of the key itself are for values that are not reached yet.
        watches.append(&mut self.nogoods.watches[key as usize]);
        self.nogoods.watches[key as usize] = watches;
        result
    }

    /// Finds another literal to watch instead of one that holds now; puts that one second.
    fn moved(&mut self, nogood: u32, hit: Literal) -> bool {
        // The first may be what this nogood ruled out: it must stay first then. (It can hold all
        // the same, for a moment: bounds of a start may cross.)
        if self.is_out(self.nogoods.all[nogood as usize].literals[0]) {
            return false;
        }
        let literals = &mut self.nogoods.all[nogood as usize].literals;
        if literals[0] == hit {
            literals.swap(0, 1);
        }
        let literals = &self.nogoods.all[nogood as usize].literals;
        if self.is_out(literals[0]) {
            return false;
        }
        let Some(free) = (2..literals.len()).find(|at| !self.trail.holds(literals[*at])) else {
            return false;
        };
        let literals = &mut self.nogoods.all[nogood as usize].literals;
        literals.swap(1, free);
        let watched = literals[1];
        self.nogoods.watches[watched.key as usize].push((nogood, watched.value));
        true
    }

    /// All literals but the first hold.
    fn unit(&mut self, nogood: u32) -> Result<(), Conflict> {
        let first = self.nogoods.all[nogood as usize].literals[0];
        if self.is_out(first) {
            return Ok(());
        }
        if self.trail.holds(first) {
            self.conflict.clear();
            self.conflict.extend_from_slice(&self.nogoods.all[nogood as usize].literals);
            return Err(Conflict);
        }
        self.set_not(first, Reason::Nogood(nogood))
    }
}
