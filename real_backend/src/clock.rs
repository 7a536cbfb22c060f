//! The run's clock, and the clock that a scheduler's thinking is measured with.

use runtime::Ns;
use runtime::executive::Thinking;
use rustix::time::{ClockId, clock_gettime};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Nanoseconds since the run's start, on the system's monotonic clock.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    epoch: OnceLock<Instant>,
}

impl Clock {
    /// Starts it, at `at_ns`.
    ///
    /// # Panics
    /// When it runs already.
    pub fn start(&self, at_ns: Ns) {
        let now = Instant::now();
        let epoch = now.checked_sub(Duration::from_nanos(at_ns)).unwrap_or(now);
        self.epoch.set(epoch).expect("a clock starts once");
    }

    /// Waits until it was started.
    pub fn wait_for_start(&self) {
        self.epoch.wait();
    }

    /// Whether it was started.
    pub fn is_started(&self) -> bool {
        self.epoch.get().is_some()
    }

    /// The time; 0 before the start.
    #[inline]
    pub fn now_ns(&self) -> Ns {
        self.epoch.get().map_or(0, |epoch| epoch.elapsed().as_nanos() as Ns)
    }
}

/// Charges a scheduler's thinking as the processor time of the thread that it thinks on.
pub fn measured_thinking() -> Thinking {
    Thinking::Measured(Box::new(|| {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        time.tv_sec as Ns * 1_000_000_000 + time.tv_nsec as Ns
    }))
}
