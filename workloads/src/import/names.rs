//! A table from names to numbers, for looking up only.
//!
//! Insertion order numbers the names, so nothing depends on the hash function's order, and its
//! seed is fixed. A sorted list would need 17 string comparisons per look-up in a graph of 100 000
//! tasks; this needs about one.

use std::borrow::Cow;

/// Names, numbered from 0 in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Names<'a> {
    names: Vec<Cow<'a, str>>,
    /// The hash of a name in the upper half, its position in `names` plus one in the lower; 0 =
    /// free. Open addressing, at most half full.
    slots: Vec<u64>,
}

const POSITION: u64 = 0xffff_ffff;

impl<'a> Names<'a> {
    /// Room for `count` names without growing.
    pub fn with_capacity(count: usize) -> Self {
        let slots = (count * 2).next_power_of_two();
        Self { names: Vec::with_capacity(count), slots: vec![0; slots] }
    }

    /// The number of a name.
    pub fn get(&self, name: &str) -> Option<u32> {
        if self.names.is_empty() {
            return None;
        }
        match self.slots[self.slot(name, hash(name))] & POSITION {
            0 => None,
            taken => Some(taken as u32 - 1),
        }
    }

    /// The number of a name that may be new, and whether it is.
    pub fn insert(&mut self, name: impl Into<Cow<'a, str>>) -> (u32, bool) {
        if self.names.len() * 2 >= self.slots.len() {
            self.grow();
        }
        let name = name.into();
        let hash = hash(&name);
        let slot = self.slot(&name, hash);
        let taken = self.slots[slot] & POSITION;
        if taken != 0 {
            return (taken as u32 - 1, false);
        }
        self.names.push(name);
        let position = u32::try_from(self.names.len()).expect("fewer than 2^32 names");
        self.slots[slot] = (hash & !POSITION) | u64::from(position);
        (position - 1, true)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// The name with a number.
    pub fn name(&self, number: u32) -> &str {
        &self.names[number as usize]
    }

    /// All names, by number.
    pub fn iter(&self) -> impl Iterator<Item = &str> + Clone {
        self.names.iter().map(AsRef::as_ref)
    }

    /// Where the name is, or the free slot where it would be; `hash` is in the upper half.
    fn slot(&self, name: &str, hash: u64) -> usize {
        let is_name = |slot: u64| {
            (slot ^ hash) & !POSITION == 0 && self.names[(slot & POSITION) as usize - 1] == name
        };
        let mask = self.slots.len() - 1;
        let mut at = (hash >> 32) as usize & mask;
        while self.slots[at] != 0 && !is_name(self.slots[at]) {
            at = (at + 1) & mask;
        }
        at
    }

    fn grow(&mut self) {
        let fresh = vec![0; (self.slots.len() * 2).max(8)];
        let old = std::mem::replace(&mut self.slots, fresh);
        let mask = self.slots.len() - 1;
        for slot in old.into_iter().filter(|slot| *slot != 0) {
            let mut at = (slot >> 32) as usize & mask;
            while self.slots[at] != 0 {
                at = (at + 1) & mask;
            }
            self.slots[at] = slot;
        }
    }
}

/// Eight bytes at a time, each mixed in by a multiplication with an odd constant (that of
/// Knuth's multiplicative hashing, the golden ratio in 64 bits) and a shift. The upper half is the
/// well mixed one, and the one that counts.
fn hash(name: &str) -> u64 {
    const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut state = name.len() as u64;
    let mut mix = |word: u64| {
        state = (state ^ word).wrapping_mul(MIX);
        state ^= state >> 32;
    };
    let (words, rest) = name.as_bytes().as_chunks::<8>();
    words.iter().for_each(|word| mix(u64::from_le_bytes(*word)));
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    mix(u64::from_le_bytes(last));
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_numbered_in_order_and_found_again() {
        let owned: Vec<String> = (0..10_000).map(|i| format!("task_{i}")).collect();
        let mut names = Names::with_capacity(4);
        for (i, name) in owned.iter().enumerate() {
            assert_eq!(names.insert(name.as_str()), (i as u32, true));
        }
        for (i, name) in owned.iter().enumerate() {
            assert_eq!(names.get(name), Some(i as u32));
            assert_eq!(names.insert(name.clone()), (i as u32, false));
        }
        assert_eq!(names.get("task_10000"), None);
        assert_eq!(names.get(""), None);
        assert_eq!((names.len(), names.name(7)), (10_000, "task_7"));
    }

    #[test]
    fn an_empty_table_answers_too() {
        let mut names = Names::default();
        assert_eq!(names.get("a"), None);
        assert_eq!(names.insert("a"), (0, true));
        assert_eq!(names.iter().collect::<Vec<_>>(), ["a"]);
    }
}
