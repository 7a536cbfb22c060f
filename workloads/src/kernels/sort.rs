//! Sorting and merging of `u64`.

use runtime::kernel::{KernelArgs, KernelError, KernelResult, KernelSet};

/// Adds `sort` and `merge`.
pub fn add_to(kernels: &mut KernelSet) {
    kernels.insert("sort", sort);
    kernels.insert("merge", merge);
}

/// Element operations of [`sort`]: n log2 n, and n where that is more.
pub fn sort_work(n: f64) -> f64 {
    n * libm::log2(n).max(1.0)
}

/// Element operations of [`merge`]: one for each element that is written.
pub fn merge_work(n: f64) -> f64 {
    n
}

/// Sorts a block in place. Shape (n); the block: read-write.
pub fn sort(args: &mut KernelArgs<'_, '_>) -> KernelResult {
    let [block] = args.buffers_exactly()?;
    block.as_mut_slice::<u64>()?.sort_unstable();
    Ok(None)
}

/// Merges two sorted runs. Shape (length of the first, of the second); both runs: read; the merged
/// run: write.
pub fn merge(args: &mut KernelArgs<'_, '_>) -> KernelResult {
    let [a, b, out] = args.buffers_exactly()?;
    let (a, b) = (a.as_slice::<u64>()?, b.as_slice::<u64>()?);
    let out = out.as_mut_slice::<u64>()?;
    let (expected, given) = (a.len() + b.len(), out.len());
    if given != expected {
        return Err(KernelError::Size { what: "the merged run", expected, given });
    }
    merge_runs(a, b, out);
    Ok(None)
}

fn merge_runs(mut a: &[u64], mut b: &[u64], out: &mut [u64]) {
    let mut written = 0;
    while let ([first_a, rest_a @ ..], [first_b, rest_b @ ..]) = (a, b) {
        let takes_a = first_a <= first_b;
        out[written] = if takes_a { *first_a } else { *first_b };
        (a, b) = if takes_a { (rest_a, b) } else { (a, rest_b) };
        written += 1;
    }
    let left = if a.is_empty() { b } else { a };
    out[written..].copy_from_slice(left);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    #[test]
    fn merging_is_concatenating_and_sorting() {
        let mut stream = Stream::new(1, "merge");
        for (m, n) in [(0, 0), (0, 3), (3, 0), (1, 1), (17, 4), (100, 100)] {
            // Few values, so that there are many equal ones.
            let mut run = |length| {
                let mut run: Vec<u64> = (0..length).map(|_| stream.below(20)).collect();
                run.sort_unstable();
                run
            };
            let (a, b) = (run(m), run(n));
            let mut out = vec![u64::MAX; m + n];
            merge_runs(&a, &b, &mut out);
            let mut expected = [a, b].concat();
            expected.sort_unstable();
            assert_eq!(out, expected);
        }
    }
}
