//! The least of a few keys that change all the time.

const BLOCK: usize = 16;

/// One key per slot; [`f64::INFINITY`] means that nothing is to happen there.
///
/// A refill asks for the least key after every step and seldom has more than a dozen. A binary heap
/// mispredicts branches all the way down; a scan does not, and in two stages it stays cheap for
/// thousands of slots.
#[derive(Default)]
pub(super) struct Board {
    keys: Vec<f64>,
    /// The least key of each block of slots, once there is more than one block.
    least: Vec<f64>,
}

impl Board {
    pub fn clear(&mut self) {
        self.keys.clear();
        self.least.clear();
    }

    /// Adds a slot where nothing is to happen; slots are numbered from 0.
    pub fn push(&mut self) {
        if self.keys.len() == BLOCK {
            self.least.push(argmin(&self.keys).1);
        }
        if self.keys.len() >= BLOCK && self.keys.len().is_multiple_of(BLOCK) {
            self.least.push(f64::INFINITY);
        }
        self.keys.push(f64::INFINITY);
    }

    pub fn set(&mut self, slot: usize, key: f64) {
        let old = std::mem::replace(&mut self.keys[slot], key);
        if !self.least.is_empty() {
            self.update_block(slot / BLOCK, old, key);
        }
    }

    fn update_block(&mut self, block: usize, old: f64, key: f64) {
        if key <= self.least[block] {
            self.least[block] = key;
        } else if old == self.least[block] {
            self.least[block] = argmin(self.block(block)).1;
        }
    }

    /// The slot with the least finite key, the lowest slot among equals, and the key.
    pub fn first(&self) -> Option<(usize, f64)> {
        let (slot, key) = if self.least.is_empty() {
            argmin(&self.keys)
        } else {
            let block = argmin(&self.least).0;
            let (at, key) = argmin(self.block(block));
            (block * BLOCK + at, key)
        };
        (key < f64::INFINITY).then_some((slot, key))
    }

    fn block(&self, block: usize) -> &[f64] {
        let end = self.keys.len().min((block + 1) * BLOCK);
        &self.keys[block * BLOCK..end]
    }
}

/// Where the least key first stands, and the key. Written so that it compiles without branches.
fn argmin(keys: &[f64]) -> (usize, f64) {
    let mut at = 0;
    let mut least = f64::INFINITY;
    for (i, &key) in keys.iter().enumerate() {
        at = if key < least { i } else { at };
        least = if key < least { key } else { least };
    }
    (at, least)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Few distinct keys, so that ties and infinities are common, on one to several blocks.
        #[test]
        fn finds_what_a_plain_scan_finds(
            slots in 1_usize..70,
            sets in prop::collection::vec((0_usize..70, 0_u8..8), 0..200),
        ) {
            let mut board = Board::default();
            let mut keys = Vec::new();
            for (slot, key) in sets {
                if keys.len() < slots {
                    board.push();
                    keys.push(f64::INFINITY);
                }
                let slot = slot % keys.len();
                keys[slot] = if key == 0 { f64::INFINITY } else { f64::from(key) };
                board.set(slot, keys[slot]);
                let least = keys.iter().copied().fold(f64::INFINITY, f64::min);
                let at = keys.iter().position(|&key| key == least).expect("there is a slot");
                prop_assert_eq!(board.first(), (least < f64::INFINITY).then_some((at, least)));
            }
        }
    }
}
