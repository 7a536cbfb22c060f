//! Binomial trees.

use super::ranks::{Ranks, Step};
use crate::registry::WorkloadError;
use runtime::{ObjectId, TaskId};

/// Reduction to the first rank, then broadcast from it:
/// `ceil(lg p) (2 (alpha + n beta) + n gamma)`.
pub fn all_reduce(ranks: &mut Ranks, bytes: u64) -> Result<(), WorkloadError> {
    let mut held = Vec::new();
    for rank in 0..ranks.count {
        held.push(ranks.begin(rank, &[bytes])?[0]);
    }
    // The last message of each rank.
    let mut last: Vec<Option<TaskId>> = vec![None; ranks.count];
    let mut distance = 1;
    while distance < ranks.count {
        for rank in (0..ranks.count - distance).step_by(2 * distance) {
            let reads = [held[rank], held[rank + distance]];
            let after: Vec<TaskId> = last[rank].into_iter().chain(last[rank + distance]).collect();
            let (task, written) = ranks.step(Step {
                rank,
                reads: &reads,
                writes: &[bytes],
                reduced: Some(bytes),
                after: &after,
            })?;
            held[rank] = written[0];
            (last[rank], last[rank + distance]) = (Some(task), Some(task));
        }
        distance *= 2;
    }
    broadcast(ranks, held[0], bytes)
}

/// `ceil(lg p) (alpha + n beta)`.
pub fn broadcast_from_the_first(ranks: &mut Ranks, bytes: u64) -> Result<(), WorkloadError> {
    let root = ranks.begin(0, &[bytes])?[0];
    broadcast(ranks, root, bytes)
}

/// In each round every rank that has the vector sends it to one that has not; a rank's messages
/// leave one after the other.
fn broadcast(ranks: &mut Ranks, root: ObjectId, bytes: u64) -> Result<(), WorkloadError> {
    let mut held: Vec<(ObjectId, Vec<TaskId>)> = vec![(root, Vec::new())];
    while held.len() < ranks.count {
        let senders = held.len();
        for sender in 0..senders.min(ranks.count - senders) {
            let (reads, rank) = ([held[sender].0], senders + sender);
            let (task, written) = ranks.step(Step {
                rank,
                reads: &reads,
                writes: &[bytes],
                reduced: None,
                after: &held[sender].1,
            })?;
            held[sender].1 = vec![task];
            held.push((written[0], vec![task]));
        }
    }
    Ok(())
}
