//! Sample sort of 64-bit numbers (Frazer and McKellar, Journal of the ACM 17(3), 1970).

use super::size;
use runtime::kernel::{
    KernelArgs, KernelBuffer, KernelError, KernelResult, KernelSet, as_mut_slice,
};

/// Adds `sample`, `split`, `deal` and `sort_bucket`.
pub fn add_to(kernels: &mut KernelSet) {
    kernels.insert("sample", sample);
    kernels.insert("split", split_samples);
    kernels.insert("deal", deal);
    kernels.insert("sort_bucket", sort_bucket);
}

/// Element operations of [`deal`]: each number is looked for among the splitters.
pub fn deal_work(n: f64, buckets: f64) -> f64 {
    n * (1.0 + libm::log2(buckets.max(1.0)))
}

/// The bucket of a number: splitter `b` is the first number of bucket `b + 1`.
pub fn bucket(splitters: &[u64], number: u64) -> usize {
    splitters.partition_point(|splitter| *splitter <= number)
}

/// Takes a sample at equal distances; there are at least as many numbers.
pub fn take(numbers: &[u64], sample: &mut [u64]) {
    let count = sample.len();
    for (at, taken) in sample.iter_mut().enumerate() {
        *taken = numbers[at * numbers.len() / count];
    }
}

/// Sorts a sample, and takes splitters from it at equal distances.
pub fn split(sample: &mut [u64], splitters: &mut [u64]) {
    sample.sort_unstable();
    let buckets = splitters.len() + 1;
    for (before, splitter) in splitters.iter_mut().enumerate() {
        *splitter = sample[(before + 1) * sample.len() / buckets];
    }
}

/// Takes a sample. Shape (n, taken); the block: read; the sample: write.
pub fn sample(args: &mut KernelArgs<'_, '_>) -> KernelResult {
    let [block, sample] = args.buffers_exactly()?;
    let (block, sample) = (block.as_slice::<u64>()?, sample.as_mut_slice::<u64>()?);
    if sample.len() > block.len() {
        return Err(size("the block", sample.len(), block.len()));
    }
    take(block, sample);
    Ok(None)
}

/// Finds where buckets part. Shape (numbers in all samples, buckets); the samples: read; the
/// splitters: write. The sample is gathered in scratch memory.
pub fn split_samples(args: &mut KernelArgs<'_, '_>) -> KernelResult {
    let given = args.buffers.len();
    let [samples @ .., splitters] = &mut *args.buffers else {
        return Err(KernelError::BufferCount { expected: 2, given });
    };
    let gathered = as_mut_slice::<u64>(args.scratch)?;
    let room = gathered.len();
    let filled = gather(samples, gathered)?;
    if filled == 0 {
        return Err(size("the sample", 1, room));
    }
    split(&mut gathered[..filled], splitters.as_mut_slice()?);
    Ok(None)
}

/// Deals a block out to the buckets. Shape (n, buckets); the block: read; the splitters: read; a
/// piece per bucket, as large as what falls to it: write.
pub fn deal(args: &mut KernelArgs<'_, '_>) -> KernelResult {
    let given = args.buffers.len();
    let [block, splitters, pieces @ ..] = &mut *args.buffers else {
        return Err(KernelError::BufferCount { expected: 3, given });
    };
    let (block, splitters) = (block.as_slice::<u64>()?, splitters.as_slice::<u64>()?);
    if pieces.len() != splitters.len() + 1 {
        return Err(KernelError::BufferCount { expected: splitters.len() + 3, given });
    }
    let mut rooms = (pieces.iter_mut())
        .map(|piece| piece.as_mut_slice::<u64>().map(<[u64]>::iter_mut))
        .collect::<Result<Vec<_>, _>>()?;
    for number in block {
        match rooms[bucket(splitters, *number)].next() {
            Some(place) => *place = *number,
            None => return Err(KernelError::Data("a piece has no room left".into())),
        }
    }
    match rooms.iter().all(|room| room.len() == 0) {
        true => Ok(None),
        false => Err(KernelError::Data("a piece is not filled".into())),
    }
}

/// Sorts what all blocks have for a bucket. Shape (n, blocks); the pieces: read; the bucket: write.
pub fn sort_bucket(args: &mut KernelArgs<'_, '_>) -> KernelResult {
    let given = args.buffers.len();
    let [pieces @ .., sorted] = &mut *args.buffers else {
        return Err(KernelError::BufferCount { expected: 2, given });
    };
    let sorted = sorted.as_mut_slice::<u64>()?;
    let room = sorted.len();
    let filled = gather(pieces, sorted)?;
    if filled != room {
        return Err(size("the pieces", room, filled));
    }
    sorted.sort_unstable();
    Ok(None)
}

/// Copies buffers one behind the other; how many numbers that are.
fn gather(parts: &[KernelBuffer<'_>], to: &mut [u64]) -> Result<usize, KernelError> {
    let (mut filled, room) = (0, to.len());
    for part in parts {
        let part = part.as_slice::<u64>()?;
        let wanted = filled + part.len();
        let place = to.get_mut(filled..wanted);
        place.ok_or_else(|| size("the room", wanted, room))?.copy_from_slice(part);
        filled = wanted;
    }
    Ok(filled)
}
