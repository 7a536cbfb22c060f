//! Times on a machine that others use too: the least of many repetitions, wall and processor time
//! side by side.

use rustix::time::{ClockId, clock_gettime};

/// Seconds of one thread, or of several that worked together.
#[derive(Clone, Copy)]
pub struct Seconds {
    /// By the clock.
    pub wall: f64,
    /// By the processor, summed over threads.
    pub cpu: f64,
}

impl Seconds {
    /// The least of each.
    pub fn min(self, other: Self) -> Self {
        Self { wall: self.wall.min(other.wall), cpu: self.cpu.min(other.cpu) }
    }

    /// Longer than anything.
    pub const MAX: Self = Self { wall: f64::INFINITY, cpu: f64::INFINITY };
}

/// What a clock shows.
pub fn seconds(clock: ClockId) -> f64 {
    let now = clock_gettime(clock);
    now.tv_sec as f64 + now.tv_nsec as f64 * 1e-9
}

/// Runs `work` once, on this thread, counting its processor time by `clock`.
pub fn time(clock: ClockId, work: impl FnOnce()) -> Seconds {
    let (wall, cpu) = (seconds(ClockId::Monotonic), seconds(clock));
    work();
    Seconds { wall: seconds(ClockId::Monotonic) - wall, cpu: seconds(clock) - cpu }
}

/// The least of runs of `work` that together take about `budget_s`, at least three; `prepare` goes
/// before each and is not counted.
pub fn least(budget_s: f64, mut prepare: impl FnMut(), mut work: impl FnMut()) -> Seconds {
    let mut best = Seconds::MAX;
    let started = seconds(ClockId::Monotonic);
    let mut runs = 0;
    while runs < 3 || seconds(ClockId::Monotonic) - started < budget_s {
        prepare();
        best = best.min(time(ClockId::ThreadCPUTime, &mut work));
        runs += 1;
    }
    best
}
