//! What an emulated run is told about its network, which a simulator knows and a driver does not.

use crate::{CopyId, MemoryId, Ns};

/// When transfers arrive that somebody else begins: a network without a clock of its own.
///
/// The caller's clock never goes back, and before each [`issue`](Self::issue) all arrivals up to
/// that instant have been taken off with [`arrive_by`](Self::arrive_by).
pub trait LinkModel: Send {
    /// A transfer of `bytes` begins. Its id is free again after its arrival.
    fn issue(&mut self, now_ns: Ns, copy: CopyId, source: MemoryId, target: MemoryId, bytes: u64);

    /// Takes off the next transfer that arrives by `now_ns`, with the instant of its arrival.
    fn arrive_by(&mut self, now_ns: Ns) -> Option<(Ns, CopyId)>;

    /// The next instant to call [`arrive_by`](Self::arrive_by) at, if nothing is issued before;
    /// `None` while nothing is under way.
    fn next_ns(&mut self) -> Option<Ns>;
}
