//! Every rank has something for every other one.

use super::part;
use super::ranks::{Ranks, Step};
use crate::registry::WorkloadError;
use runtime::TaskId;

/// In round `t` rank `r` sends to `r + t` and receives from `r - t`: `(p - 1) (alpha + n/p beta)`.
pub fn all_to_all(ranks: &mut Ranks, bytes: u64) -> Result<(), WorkloadError> {
    let p = ranks.count;
    let sizes: Vec<u64> = (0..p).map(|to| part(bytes, p, to)).collect();
    let mut held = Vec::new();
    for rank in 0..p {
        held.push(ranks.begin(rank, &sizes)?);
    }
    // By rank: the task that received its last message.
    let mut received: Vec<Option<TaskId>> = vec![None; p];
    for round in 1..p {
        let before = received.clone();
        for (rank, received) in received.iter_mut().enumerate() {
            let from = (rank + p - round) % p;
            // The sender's message of the round before went to the rank before this one.
            let after: Vec<TaskId> =
                before[rank].into_iter().chain(before[(rank + p - 1) % p]).collect();
            let (reads, writes) = ([held[from][rank]], [sizes[rank]]);
            let step = Step { rank, reads: &reads, writes: &writes, reduced: None, after: &after };
            *received = Some(ranks.step(step)?.0);
        }
    }
    Ok(())
}
