//! When the next flow of each bundle ends.

use super::heap::{Entry, Heap};

const ABSENT: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct End {
    end_ns: u64,
    /// Start order of the flow that ends.
    sequence: u64,
}

/// Bundles by the end of their next flow, then by that flow's start.
///
/// Each change of rate moves many ends, about half of them to later, and most are moved again
/// before they come up. So the heap holds lower bounds: an end that moves later is corrected only
/// once it has reached the top.
#[derive(Default)]
pub(super) struct Ends {
    bounds: Heap,
    position: Vec<u32>,
    ends: Vec<End>,
}

impl Ends {
    /// Gives a bundle's next end, the first one or another.
    pub fn set(&mut self, bundle: u32, end_ns: u64, sequence: u64) {
        let slot = bundle as usize;
        if self.position.len() <= slot {
            self.position.resize(slot + 1, ABSENT);
            self.ends.resize(slot + 1, End { end_ns: u64::MAX, sequence: 0 });
        }
        self.ends[slot] = End { end_ns, sequence };
        let entry = Entry { key: end_ns, sequence, id: bundle };
        if self.position[slot] == ABSENT {
            self.bounds.insert(&mut self.position, entry);
        } else if entry < self.bounds.at(self.position[slot]) {
            self.bounds.update(&mut self.position, entry);
        }
    }

    /// Forgets a bundle.
    pub fn remove(&mut self, bundle: u32) {
        self.bounds.remove(&mut self.position, bundle);
        self.position[bundle as usize] = ABSENT;
        self.ends[bundle as usize].end_ns = u64::MAX;
    }

    /// When the next flow of a bundle ends; `u64::MAX` for an unknown bundle.
    pub fn end_ns(&self, bundle: u32) -> u64 {
        self.ends.get(bundle as usize).map_or(u64::MAX, |end| end.end_ns)
    }

    /// The first end and its bundle.
    pub fn first(&mut self) -> Option<(u64, u32)> {
        loop {
            let bound = self.bounds.first()?;
            let End { end_ns, sequence } = self.ends[bound.id as usize];
            let end = Entry { key: end_ns, sequence, id: bound.id };
            if end == bound {
                return Some((end_ns, bound.id));
            }
            self.bounds.update(&mut self.position, end);
        }
    }
}
