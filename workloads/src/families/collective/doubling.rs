//! Exchanges between ranks at distances that double or halve.

use super::part;
use super::ranks::{Ranks, Step};
use crate::registry::WorkloadError;
use runtime::ObjectId;

/// The largest power of two that is at most the number of ranks, and the ranks beyond it: these
/// send theirs to the first ranks before, and are sent the result after (folding).
fn folded(ranks: &Ranks) -> (usize, usize) {
    let whole = 1 << ranks.count.ilog2();
    (whole, ranks.count - whole)
}

/// Whole vectors are exchanged and reduced: `lg p (alpha + n beta + n gamma)` for a power of two;
/// otherwise lg of the power below, and `2 (alpha + n beta) + n gamma` for folding.
pub fn all_reduce(ranks: &mut Ranks, bytes: u64) -> Result<(), WorkloadError> {
    let (whole, beyond) = folded(ranks);
    let mut held = Vec::new();
    for rank in 0..ranks.count {
        held.push(ranks.begin(rank, &[bytes])?[0]);
    }
    for rank in 0..beyond {
        held[rank] = reduced(ranks, rank, held[rank], held[whole + rank], &[bytes])?[0];
    }
    let mut distance = 1;
    while distance < whole {
        let sent = held.clone();
        for rank in 0..whole {
            held[rank] = reduced(ranks, rank, sent[rank], sent[rank ^ distance], &[bytes])?[0];
        }
        distance *= 2;
    }
    unfold(ranks, &held[..beyond], whole, bytes)
}

/// The task that reduces a message into what a rank holds.
fn reduced(
    ranks: &mut Ranks,
    rank: usize,
    own: ObjectId,
    message: ObjectId,
    writes: &[u64],
) -> Result<Vec<ObjectId>, WorkloadError> {
    let reads = [own, message];
    let bytes = ranks.graph.object(message).bytes;
    let step = Step { rank, reads: &reads, writes, reduced: Some(bytes), after: &[] };
    Ok(ranks.step(step)?.1)
}

/// Sends results to the ranks beyond the power of two.
fn unfold(
    ranks: &mut Ranks,
    results: &[ObjectId],
    whole: usize,
    bytes: u64,
) -> Result<(), WorkloadError> {
    for (i, result) in results.iter().enumerate() {
        let rank = whole + i;
        let (reads, writes) = ([*result], [bytes]);
        ranks.step(Step { rank, reads: &reads, writes: &writes, reduced: None, after: &[] })?;
    }
    Ok(())
}

/// Reduce-scatter by recursive halving, then all-gather by recursive doubling:
/// `2 lg p alpha + 2 (p - 1)/p n beta + (p - 1)/p n gamma` for a power of two; otherwise those of
/// the power below, and folding as in [`all_reduce`] (R. Rabenseifner, Optimization of collective
/// reduction operations, ICCS 2004).
pub fn rabenseifner(ranks: &mut Ranks, bytes: u64) -> Result<(), WorkloadError> {
    let (whole, beyond) = folded(ranks);
    let parts = halved(ranks, whole, beyond, bytes)?;
    let results = doubled(ranks, parts)?;
    unfold(ranks, &results[..beyond], whole, bytes)
}

/// `lg p alpha + (p - 1)/p n (beta + gamma)`; the ranks must be a power of two.
pub fn reduce_scatter(ranks: &mut Ranks, bytes: u64) -> Result<(), WorkloadError> {
    let count = ranks.count;
    halved(ranks, count, 0, bytes)?;
    Ok(())
}

/// `lg p alpha + (p - 1)/p n beta`; the ranks must be a power of two.
pub fn all_gather(ranks: &mut Ranks, bytes: u64) -> Result<(), WorkloadError> {
    let mut held = Vec::new();
    for rank in 0..ranks.count {
        held.push(ranks.begin(rank, &[part(bytes, ranks.count, rank)])?[0]);
    }
    doubled(ranks, held)?;
    Ok(())
}

/// Recursive halving among the first `whole` ranks: each ends with one part of the sum, rank `r`
/// with part `r`.
fn halved(
    ranks: &mut Ranks,
    whole: usize,
    beyond: usize,
    bytes: u64,
) -> Result<Vec<ObjectId>, WorkloadError> {
    // Bytes of parts `begin..end` of `whole`.
    let span = |begin: usize, end: usize| (begin..end).map(|i| part(bytes, whole, i)).sum::<u64>();
    // A rank's parts as two objects, the lower and the upper half of them, or as one part.
    let halves = |begin: usize, count: usize| match count {
        1 => vec![span(begin, begin + 1)],
        _ => vec![span(begin, begin + count / 2), span(begin + count / 2, begin + count)],
    };
    let mut held = Vec::new();
    for rank in 0..whole {
        if rank < beyond {
            // A message is one object: the halves are made by the reduction.
            let own = ranks.begin(rank, &[bytes])?[0];
            let message = ranks.begin(whole + rank, &[bytes])?[0];
            held.push(reduced(ranks, rank, own, message, &halves(0, whole))?);
        } else {
            held.push(ranks.begin(rank, &halves(0, whole))?);
        }
    }
    let mut distance = whole / 2;
    while distance > 0 {
        let sent = held.clone();
        for (rank, own) in held.iter_mut().enumerate() {
            let upper = usize::from(rank & distance != 0);
            // The part that this rank is left with lies among `distance` ones from here.
            let begin = rank & !(distance - 1);
            let (kept, message) = (own[upper], sent[rank ^ distance][upper]);
            *own = reduced(ranks, rank, kept, message, &halves(begin, distance))?;
        }
        distance /= 2;
    }
    Ok(held.into_iter().map(|h| h[0]).collect())
}

/// Recursive doubling among as many ranks as hold something.
fn doubled(ranks: &mut Ranks, mut held: Vec<ObjectId>) -> Result<Vec<ObjectId>, WorkloadError> {
    let mut distance = 1;
    while distance < held.len() {
        let sent = held.clone();
        for (rank, own) in held.iter_mut().enumerate() {
            let reads = [sent[rank], sent[rank ^ distance]];
            let writes = [reads.iter().map(|o| ranks.graph.object(*o).bytes).sum()];
            let step = Step { rank, reads: &reads, writes: &writes, reduced: None, after: &[] };
            *own = ranks.step(step)?.1[0];
        }
        distance *= 2;
    }
    Ok(held)
}
