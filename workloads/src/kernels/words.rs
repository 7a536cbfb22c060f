//! Counting of words: a mapper splits a piece of text into one list of counts per reducer, a
//! reducer adds its lists up.
//!
//! A *list* is a buffer of `u64` words: the number of entries, then three words per entry (the
//! word's 16 bytes in two, its count) sorted by the word; what follows is undefined.

use super::size;
use crate::random::mix;
use runtime::kernel::{
    KernelArgs, KernelBuffer, KernelError, KernelResult, KernelSet, as_mut_slice,
};

/// Longest word, in bytes.
pub const MAX_WORD_BYTES: usize = 16;

/// A word and how often it occurs; ordered by the word.
pub type Entry = [u64; 3];

/// Adds `map`, `reduce`, and `combine`, which does the same as `reduce` before the last step.
pub fn add_to(kernels: &mut KernelSet) {
    kernels.insert("map", map);
    kernels.insert("combine", reduce);
    kernels.insert("reduce", reduce);
}

/// Bytes of a list of at most `entries` entries.
pub fn list_bytes(entries: usize) -> u64 {
    8 + size_of::<Entry>() as u64 * entries as u64
}

/// Scratch memory that [`map`] needs for `words` words.
pub fn map_scratch_bytes(words: usize) -> u64 {
    MAX_WORD_BYTES as u64 * words as u64
}

/// Scratch memory that [`reduce`] needs for lists of `entries` entries together.
pub fn reduce_scratch_bytes(entries: usize) -> u64 {
    size_of::<Entry>() as u64 * entries as u64
}

/// Element operations of [`map`]: each byte is looked at, each word takes part in a sort.
pub fn map_work(bytes: f64, words: f64) -> f64 {
    bytes + words * libm::log2(words.max(2.0))
}

/// Element operations of [`reduce`]: each entry takes part in a sort.
pub fn reduce_work(entries: f64) -> f64 {
    entries * libm::log2(entries.max(2.0))
}

/// A word of at most [`MAX_WORD_BYTES`] bytes as a number of the same order.
pub fn key(word: &[u8]) -> Option<u128> {
    let mut bytes = [0; MAX_WORD_BYTES];
    bytes.get_mut(..word.len())?.copy_from_slice(word);
    Some(u128::from_be_bytes(bytes))
}

/// The reducer of a word.
pub fn partition(key: u128, reducers: usize) -> usize {
    (mix((key >> 64) as u64 ^ mix(key as u64)) % reducers as u64) as usize
}

/// The entry of a word.
pub fn entry(key: u128, count: u64) -> Entry {
    [(key >> 64) as u64, key as u64, count]
}

/// The entries of a list.
///
/// # Errors
/// [`KernelError::Size`] when it claims to hold more than fit.
pub fn entries(list: &[u64]) -> Result<&[Entry], KernelError> {
    let (count, room) = list.split_first().ok_or_else(|| size("a list", 1, 0))?;
    let (entries, _) = room.as_chunks::<3>();
    let claimed = usize::try_from(*count).unwrap_or(usize::MAX);
    entries.get(..claimed).ok_or_else(|| size("a list of counts", claimed, entries.len()))
}

/// Adds an entry to a list.
fn push(list: &mut [u64], entry: Entry) -> Result<(), KernelError> {
    let (count, room) = list.split_first_mut().ok_or_else(|| size("a list", 1, 0))?;
    let (entries, _) = room.as_chunks_mut::<3>();
    let (at, given) = (*count as usize, entries.len());
    *entries.get_mut(at).ok_or_else(|| size("a list of counts", at + 1, given))? = entry;
    *count += 1;
    Ok(())
}

fn clear(list: &mut KernelBuffer<'_>) -> Result<(), KernelError> {
    match list.as_mut_slice::<u64>()?.first_mut() {
        Some(count) => *count = 0,
        None => return Err(size("a list", 1, 0)),
    }
    Ok(())
}

/// Counts the words of a text, separated by spaces. Shape (bytes, reducers); the text: read; a
/// list per reducer: write.
pub fn map(args: &mut KernelArgs<'_, '_>) -> KernelResult {
    let given = args.buffers.len();
    let Some((text, lists)) = args.buffers.split_first_mut().filter(|(_, l)| !l.is_empty()) else {
        return Err(KernelError::BufferCount { expected: 2, given });
    };
    let keys = as_mut_slice::<u128>(args.scratch)?;
    let mut words = 0;
    for word in text.bytes()?.split(|byte| *byte == b' ').filter(|word| !word.is_empty()) {
        let too_long = || {
            let word = String::from_utf8_lossy(word);
            KernelError::Data(format!("{word:?} has more than {MAX_WORD_BYTES} bytes"))
        };
        let room = keys.len();
        let place = keys.get_mut(words).ok_or_else(|| size("the scratch memory", words + 1, room));
        *place? = key(word).ok_or_else(too_long)?;
        words += 1;
    }
    let keys = &mut keys[..words];
    keys.sort_unstable();
    lists.iter_mut().try_for_each(clear)?;
    let reducers = lists.len();
    for run in keys.chunk_by(|a, b| a == b) {
        let list = lists[partition(run[0], reducers)].as_mut_slice::<u64>()?;
        push(list, entry(run[0], run.len() as u64))?;
    }
    Ok(None)
}

/// Adds lists up. Shape (number of lists); the lists: read; the sum, a list: write.
pub fn reduce(args: &mut KernelArgs<'_, '_>) -> KernelResult {
    let given = args.buffers.len();
    let Some((sum, lists)) = args.buffers.split_last_mut() else {
        return Err(KernelError::BufferCount { expected: 1, given });
    };
    let whole = args.scratch.len() / size_of::<Entry>() * size_of::<Entry>();
    let gathered = as_mut_slice::<Entry>(&mut args.scratch[..whole])?;
    let (mut filled, room) = (0, gathered.len());
    for list in lists {
        let entries = entries(list.as_slice::<u64>()?)?;
        let place = gathered.get_mut(filled..filled + entries.len());
        let wanted = filled + entries.len();
        place.ok_or_else(|| size("the scratch memory", wanted, room))?.copy_from_slice(entries);
        filled = wanted;
    }
    let gathered = &mut gathered[..filled];
    gathered.sort_unstable();
    clear(sum)?;
    let sum = sum.as_mut_slice::<u64>()?;
    for run in gathered.chunk_by(|a, b| a[..2] == b[..2]) {
        let [high, low, _] = run[0];
        push(sum, [high, low, run.iter().map(|e| e[2]).sum()])?;
    }
    Ok(None)
}
