//! Rings: each rank receives from the one before it.

use super::part;
use super::ranks::{Ranks, Step};
use crate::registry::WorkloadError;
use runtime::ObjectId;

/// Reduce-scatter, then all-gather: `2 (p - 1) (alpha + n/p beta) + (p - 1) n/p gamma`.
pub fn all_reduce(ranks: &mut Ranks, ring: &[usize], bytes: u64) -> Result<(), WorkloadError> {
    let held = reduce_scatter(ranks, ring, bytes)?;
    gather(ranks, ring, held, |c| part(bytes, ring.len(), c))?;
    Ok(())
}

/// Rank `i` ends with part `i + 1` of the sum; `(p - 1) (alpha + n/p beta + n/p gamma)`.
pub fn reduce_scatter(
    ranks: &mut Ranks,
    ring: &[usize],
    bytes: u64,
) -> Result<Vec<ObjectId>, WorkloadError> {
    let sizes: Vec<u64> = (0..ring.len()).map(|c| part(bytes, ring.len(), c)).collect();
    let mut held = Vec::new();
    for &rank in ring {
        held.push(ranks.begin(rank, &sizes)?);
    }
    let parts = scatter(ranks, ring, held, |c| vec![sizes[c]])?;
    Ok(parts.into_iter().map(|p| p[0]).collect())
}

/// Reduces part by part around a ring that holds `held[rank][part]`. The last sum of part `c` is
/// written as objects of the sizes `last(c)`; returns them by position in the ring, position `i`
/// with part `i + 1`.
fn scatter(
    ranks: &mut Ranks,
    ring: &[usize],
    mut held: Vec<Vec<ObjectId>>,
    last: impl Fn(usize) -> Vec<u64>,
) -> Result<Vec<Vec<ObjectId>>, WorkloadError> {
    let p = ring.len();
    let mut finished = vec![Vec::new(); p];
    for step in 0..p - 1 {
        for i in 0..p {
            let (before, c) = ((i + p - 1) % p, (i + 2 * p - 1 - step) % p);
            let own = held[i][c];
            let bytes = ranks.graph.object(own).bytes;
            let is_last = step == p - 2;
            let writes = if is_last { last(c) } else { vec![bytes] };
            let (_, written) = ranks.step(Step {
                rank: ring[i],
                reads: &[held[before][c], own],
                writes: &writes,
                reduced: Some(bytes),
                after: &[],
            })?;
            match is_last {
                true => finished[i] = written,
                false => held[i][c] = written[0],
            }
        }
    }
    if p == 1 {
        finished[0] = held.swap_remove(0);
    }
    Ok(finished)
}

/// Rank `i` begins with part `i` of the result and ends with all of it;
/// `(p - 1) (alpha + n/p beta)`.
pub fn all_gather(ranks: &mut Ranks, ring: &[usize], bytes: u64) -> Result<(), WorkloadError> {
    let p = ring.len();
    let mut held = Vec::new();
    for (i, &rank) in ring.iter().enumerate() {
        held.push(ranks.begin(rank, &[part(bytes, p, (i + 1) % p)])?[0]);
    }
    gather(ranks, ring, held, |c| part(bytes, p, c))?;
    Ok(())
}

/// Passes parts around; position `i` begins with part `i + 1`, which is `held[i]`. Returns the
/// parts by position and part.
fn gather(
    ranks: &mut Ranks,
    ring: &[usize],
    held: Vec<ObjectId>,
    size: impl Fn(usize) -> u64,
) -> Result<Vec<Vec<ObjectId>>, WorkloadError> {
    let p = ring.len();
    let mut parts = vec![vec![held[0]; p]; p];
    held.iter().enumerate().for_each(|(i, own)| parts[i][(i + 1) % p] = *own);
    for step in 0..p - 1 {
        for i in 0..p {
            let (before, c) = ((i + p - 1) % p, (i + p - step) % p);
            let (reads, writes) = ([parts[before][c]], [size(c)]);
            let (rank, after) = (ring[i], &[]);
            let step = Step { rank, reads: &reads, writes: &writes, reduced: None, after };
            parts[i][c] = ranks.step(step)?.1[0];
        }
    }
    Ok(parts)
}

/// Reduce-scatter in each group of `group` neighbours, all-reduce of each part between the groups,
/// all-gather in each group, all of them rings. With g = `group` and m = p/g groups:
/// `2 (g - 1) (alpha + n/g beta) + (g - 1) n/g gamma` within groups and
/// `2 (m - 1) (alpha + n/p beta) + (m - 1) n/p gamma` between them.
pub fn hierarchical(ranks: &mut Ranks, group: usize, bytes: u64) -> Result<(), WorkloadError> {
    let groups = ranks.count / group;
    let size = |c: usize| part(bytes, group, c);
    let pieces = |c: usize| (0..groups).map(|m| part(size(c), groups, m)).collect::<Vec<u64>>();
    let mut held: Vec<Vec<ObjectId>> = Vec::new();
    for g in 0..groups {
        let ring: Vec<usize> = (0..group).map(|i| g * group + i).collect();
        let mut own = Vec::new();
        for &rank in &ring {
            let sizes = if group == 1 { pieces(0) } else { (0..group).map(size).collect() };
            own.push(ranks.begin(rank, &sizes)?);
        }
        held.extend(scatter(ranks, &ring, own, pieces)?);
    }
    // Rank g * group + i now holds part i + 1 of its group's sum, in one piece per group.
    let mut whole = held.iter().map(|pieces| pieces[0]).collect::<Vec<_>>();
    if groups > 1 {
        for i in 0..group {
            let c = (i + 1) % group;
            let ring: Vec<usize> = (0..groups).map(|g| g * group + i).collect();
            let own = ring.iter().map(|rank| held[*rank].clone()).collect();
            let sizes = pieces(c);
            let sums = scatter(ranks, &ring, own, |m| vec![sizes[m]])?;
            let sums = sums.into_iter().map(|s| s[0]).collect();
            let all = gather(ranks, &ring, sums, |m| sizes[m])?;
            for (&rank, reads) in ring.iter().zip(&all) {
                let writes = [size(c)];
                let step = Step { rank, reads, writes: &writes, reduced: None, after: &[] };
                whole[rank] = ranks.step(step)?.1[0];
            }
        }
    }
    for g in 0..groups {
        let ring: Vec<usize> = (0..group).map(|i| g * group + i).collect();
        let own = ring.iter().map(|rank| whole[*rank]).collect();
        gather(ranks, &ring, own, size)?;
    }
    Ok(())
}
