//! A synthetic text: invented words whose frequencies follow Zipf's law (1949).

use crate::kernels::words;
use crate::random::Stream;

/// A text in chunks, each made on its own.
pub struct Text {
    seed: u64,
    /// Words, most frequent first.
    words: Vec<Box<[u8]>>,
    /// Sums of weights up to each word.
    cumulative: Vec<f64>,
}

impl Text {
    /// A text of `vocabulary` words, the weight of the r-th being `r^-exponent`.
    pub fn new(vocabulary: usize, exponent: f64, seed: u64) -> Self {
        let mut sum = 0.0;
        let weigh = |rank: usize| {
            sum += libm::pow(rank as f64, -exponent);
            sum
        };
        let cumulative = (1..=vocabulary).map(weigh).collect();
        Self { seed, words: (0..vocabulary).map(invent).collect(), cumulative }
    }

    /// The words, most frequent first.
    pub fn words(&self) -> &[Box<[u8]>] {
        &self.words
    }

    /// The share of each word.
    pub fn shares(&self) -> impl Iterator<Item = f64> {
        let total = self.total();
        let before = std::iter::once(&0.0).chain(&self.cumulative);
        self.cumulative.iter().zip(before).map(move |(to, from)| (to - from) / total)
    }

    fn total(&self) -> f64 {
        *self.cumulative.last().expect("a vocabulary of at least one word")
    }

    /// The numbers of the words of chunk `chunk` of `bytes` bytes, in order.
    pub fn chunk(&self, chunk: u64, bytes: usize) -> impl Iterator<Item = usize> {
        let mut stream = Stream::nth(self.seed, "text", chunk);
        let (total, mut left) = (self.total(), bytes);
        std::iter::from_fn(move || {
            let draw = stream.unit() * total;
            // The last word takes what rounding leaves.
            let at = self.cumulative.partition_point(|c| *c <= draw).min(self.words.len() - 1);
            left = left.checked_sub(self.words[at].len() + 1)?;
            Some(at)
        })
    }

    /// Writes chunk `chunk`: words with a space after each, and spaces to the end.
    pub fn write(&self, chunk: u64, text: &mut [u8]) {
        text.fill(b' ');
        let mut at = 0;
        for number in self.chunk(chunk, text.len()) {
            let word = &self.words[number];
            text[at..at + word.len()].copy_from_slice(word);
            at += word.len() + 1;
        }
    }
}

/// Word number `number`: syllables of a consonant and a vowel, fewer for smaller numbers, and no
/// word twice.
fn invent(number: usize) -> Box<[u8]> {
    const CONSONANTS: &[u8; 14] = b"bdfghjklmnprst";
    const VOWELS: &[u8; 5] = b"aeiou";
    const SYLLABLES: usize = CONSONANTS.len() * VOWELS.len();
    let mut word = Vec::new();
    let mut left = number + 1;
    while left > 0 {
        left -= 1;
        let syllable = left % SYLLABLES;
        word.extend([CONSONANTS[syllable / VOWELS.len()], VOWELS[syllable % VOWELS.len()]]);
        left /= SYLLABLES;
    }
    assert!(word.len() <= words::MAX_WORD_BYTES, "a vocabulary beyond all bounds");
    word.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_unique_and_grow() {
        let mut words: Vec<_> = (0..10_000).map(invent).collect();
        assert_eq!((words[0].len(), words[70].len(), words[4970].len()), (2, 4, 6));
        words.sort();
        words.dedup();
        assert_eq!(words.len(), 10_000);
    }

    #[test]
    fn frequencies_follow_the_law() {
        let text = Text::new(1000, 1.0, 3);
        assert!((text.shares().sum::<f64>() - 1.0).abs() < 1e-12);
        let mut counts = vec![0.0; 1000];
        let mut total = 0.0;
        for number in text.chunk(0, 2_000_000) {
            counts[number] += 1.0;
            total += 1.0;
        }
        for (count, share) in counts.iter().zip(text.shares()).take(20) {
            assert!((count / total / share - 1.0).abs() < 0.05, "{count} of {total}, not {share}");
        }
    }

    #[test]
    fn chunks_are_words_and_spaces() {
        let text = Text::new(50, 1.0, 3);
        let mut chunk = [0; 101];
        text.write(4, &mut chunk);
        let written: Vec<&[u8]> =
            chunk.split(|b| *b == b' ').filter(|word| !word.is_empty()).collect();
        let expected: Vec<&[u8]> = text.chunk(4, 101).map(|n| &*text.words()[n]).collect();
        assert_eq!(written, expected);
        assert!(written.len() > 30, "{}", written.len());
    }
}
