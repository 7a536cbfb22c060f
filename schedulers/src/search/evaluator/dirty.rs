//! A set of positions, emptied in ascending or descending order.

/// See the module's documentation.
#[derive(Clone, Debug)]
pub(super) struct Dirty {
    words: Vec<u64>,
    /// Words before this one are empty.
    from: usize,
}

impl Dirty {
    /// An empty set of so many positions at most.
    pub fn new(positions: usize) -> Self {
        Self { words: vec![0; positions.div_ceil(64)], from: 0 }
    }

    #[inline]
    pub fn insert(&mut self, position: u32) {
        let word = position as usize / 64;
        self.words[word] |= 1 << (position % 64);
        self.from = self.from.min(word);
    }

    /// Takes the first one out.
    #[inline]
    pub fn pop(&mut self) -> Option<u32> {
        while let Some(word) = self.words.get_mut(self.from) {
            if *word != 0 {
                let bit = word.trailing_zeros();
                *word &= *word - 1;
                return Some(self.from as u32 * 64 + bit);
            }
            self.from += 1;
        }
        None
    }

    /// Takes one out; returns whether it was there.
    #[inline]
    pub fn take(&mut self, position: u32) -> bool {
        let (word, bit) = (&mut self.words[position as usize / 64], 1 << (position % 64));
        let is_there = *word & bit != 0;
        *word &= !bit;
        is_there
    }

    /// The first one from a position on.
    #[inline]
    pub fn first_from(&self, position: u32) -> Option<u32> {
        let at = position as usize / 64;
        let mut word = self.words.get(at)? & (u64::MAX << (position % 64));
        for next in at + 1.. {
            if word != 0 {
                return Some((next as u32 - 1) * 64 + word.trailing_zeros());
            }
            word = *self.words.get(next)?;
        }
        None
    }

    /// The last one up to a position.
    #[inline]
    pub fn last_until(&self, position: u32) -> Option<u32> {
        let at = position as usize / 64;
        let mut word = self.words[at] & (u64::MAX >> (63 - position % 64));
        let mut at = at as u32;
        loop {
            if word != 0 {
                return Some(at * 64 + 63 - word.leading_zeros());
            }
            if at as usize <= self.from {
                return None;
            }
            at -= 1;
            word = self.words[at as usize];
        }
    }

    /// Takes all out.
    #[inline]
    pub fn clear(&mut self) {
        if let Some(words) = self.words.get_mut(self.from..) {
            words.fill(0);
        }
        self.from = self.words.len();
    }
}
