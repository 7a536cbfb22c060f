//! A binary heap whose entries can be found, moved and removed by id.

/// Ordered by key, then sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub key: u64,
    pub sequence: u64,
    pub id: u32,
}

/// The least entry first. Where each id lies is written to a slice of the caller, `position`, so
/// that heaps over disjoint ids can share one.
#[derive(Default)]
pub(super) struct Heap {
    entries: Vec<Entry>,
}

impl Heap {
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn first(&self) -> Option<Entry> {
        self.entries.first().copied()
    }

    /// The entry at a position.
    pub fn at(&self, position: u32) -> Entry {
        self.entries[position as usize]
    }

    /// All keys, to be changed in a way that keeps their order.
    pub fn keys_mut(&mut self) -> impl Iterator<Item = &mut u64> {
        self.entries.iter_mut().map(|entry| &mut entry.key)
    }

    pub fn insert(&mut self, position: &mut [u32], entry: Entry) {
        self.entries.push(entry);
        self.sift_up(position, self.entries.len() - 1);
    }

    /// Puts `entry` in the place of the one with the same id.
    pub fn update(&mut self, position: &mut [u32], entry: Entry) {
        let at = position[entry.id as usize] as usize;
        let old = std::mem::replace(&mut self.entries[at], entry);
        debug_assert_eq!(old.id, entry.id);
        self.sift(position, at, entry < old);
    }

    pub fn remove(&mut self, position: &mut [u32], id: u32) {
        let at = position[id as usize] as usize;
        let gone = self.entries.swap_remove(at);
        debug_assert_eq!(gone.id, id);
        if at < self.entries.len() {
            self.sift(position, at, self.entries[at] < gone);
        }
    }

    fn sift(&mut self, position: &mut [u32], at: usize, up: bool) {
        if up {
            self.sift_up(position, at);
        } else {
            self.sift_down(position, at);
        }
    }

    fn sift_up(&mut self, position: &mut [u32], mut at: usize) {
        let entry = self.entries[at];
        while at > 0 {
            let parent = (at - 1) / 2;
            if self.entries[parent] <= entry {
                break;
            }
            self.put(position, at, self.entries[parent]);
            at = parent;
        }
        self.put(position, at, entry);
    }

    fn sift_down(&mut self, position: &mut [u32], mut at: usize) {
        let entry = self.entries[at];
        let len = self.entries.len();
        loop {
            let mut child = 2 * at + 1;
            if child >= len {
                break;
            }
            if child + 1 < len && self.entries[child + 1] < self.entries[child] {
                child += 1;
            }
            if entry <= self.entries[child] {
                break;
            }
            self.put(position, at, self.entries[child]);
            at = child;
        }
        self.put(position, at, entry);
    }

    fn put(&mut self, position: &mut [u32], at: usize, entry: Entry) {
        self.entries[at] = entry;
        position[entry.id as usize] = at as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Insertions, updates and removals in any order against a plain sorted list.
        #[test]
        fn yields_what_a_sorted_list_yields(
            steps in prop::collection::vec((0_u32..12, 0_u64..20, 0_u8..3), 0..200),
        ) {
            let mut heap = Heap::default();
            let mut position = [0; 12];
            let mut list: Vec<Entry> = Vec::new();
            for (sequence, (id, key, action)) in (0..).zip(steps) {
                let known = list.iter().position(|entry| entry.id == id);
                let entry = Entry { key, sequence, id };
                match (known, action) {
                    (None, _) => {
                        heap.insert(&mut position, entry);
                        list.push(entry);
                    }
                    (Some(at), 0) => {
                        heap.remove(&mut position, id);
                        list.swap_remove(at);
                    }
                    (Some(at), _) => {
                        heap.update(&mut position, entry);
                        list[at] = entry;
                    }
                }
                prop_assert_eq!(heap.len(), list.len());
                prop_assert_eq!(heap.first(), list.iter().min().copied());
                for &entry in &list {
                    prop_assert_eq!(heap.at(position[entry.id as usize]), entry);
                }
            }
        }
    }
}
