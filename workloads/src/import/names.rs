//! A table from names to numbers, for looking up only.
//!
//! Insertion order numbers the names, so nothing depends on the hash function's order, and its
//! seed is fixed. A sorted list would need 17 string comparisons per look-up in a graph of 100 000
//! tasks; this needs about one.

/// Names, numbered from 0 in the order in which they came.
#[derive(Debug)]
pub(super) struct Names<'a> {
    names: Vec<&'a str>,
    /// Positions in `names` plus one, 0 = free; open addressing, at most half full.
    slots: Vec<u32>,
}

impl<'a> Names<'a> {
    /// Room for `count` names without growing.
    pub fn with_capacity(count: usize) -> Self {
        let slots = (count * 2).next_power_of_two().max(8);
        Self { names: Vec::with_capacity(count), slots: vec![0; slots] }
    }

    /// The number of a name.
    pub fn get(&self, name: &str) -> Option<u32> {
        match self.slots[self.slot(name)] {
            0 => None,
            taken => Some(taken - 1),
        }
    }

    /// The number of a name that may be new, and whether it is.
    pub fn insert(&mut self, name: &'a str) -> (u32, bool) {
        let slot = self.slot(name);
        if self.slots[slot] != 0 {
            return (self.slots[slot] - 1, false);
        }
        self.names.push(name);
        let number = u32::try_from(self.names.len()).expect("fewer than 2^32 names");
        self.slots[slot] = number;
        if self.names.len() * 2 > self.slots.len() {
            self.grow();
        }
        (number - 1, true)
    }

    /// All names, by number.
    pub fn all(&self) -> &[&'a str] {
        &self.names
    }

    /// Where the name is, or the free slot where it would be.
    fn slot(&self, name: &str) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = hash(name) as usize & mask;
        while self.slots[at] != 0 && self.names[self.slots[at] as usize - 1] != name {
            at = (at + 1) & mask;
        }
        at
    }

    fn grow(&mut self) {
        self.slots = vec![0; self.slots.len() * 2];
        for i in 0..self.names.len() {
            let slot = self.slot(self.names[i]);
            self.slots[slot] = i as u32 + 1;
        }
    }
}

/// Eight bytes at a time, each mixed in by a multiplication with an odd constant (that of
/// Knuth's multiplicative hashing, the golden ratio in 64 bits) and a shift.
fn hash(name: &str) -> u64 {
    const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut state = name.len() as u64;
    let mut mix = |word: u64| {
        state = (state ^ word).wrapping_mul(MIX);
        state ^= state >> 29;
    };
    let (words, rest) = name.as_bytes().as_chunks::<8>();
    words.iter().for_each(|word| mix(u64::from_le_bytes(*word)));
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    mix(u64::from_le_bytes(last));
    state ^ (state >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_numbered_in_order_and_found_again() {
        let owned: Vec<String> = (0..10_000).map(|i| format!("task_{i}")).collect();
        let mut names = Names::with_capacity(4);
        for (i, name) in owned.iter().enumerate() {
            assert_eq!(names.insert(name), (i as u32, true));
        }
        for (i, name) in owned.iter().enumerate() {
            assert_eq!(names.get(name), Some(i as u32));
            assert_eq!(names.insert(name), (i as u32, false));
        }
        assert_eq!(names.get("task_10000"), None);
        assert_eq!(names.get(""), None);
        assert_eq!(names.all().len(), 10_000);
    }
}
