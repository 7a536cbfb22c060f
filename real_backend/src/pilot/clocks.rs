//! A device's clock beside the host's.
//!
//! A reading is one of the device's clock between two of the host's; the reading with the narrowest
//! bracket counts. Between readings both clocks are taken to run at a constant ratio, and how far
//! they drift apart is noted.

use gpu::{GpuError, GpuId, Gpus};
use runtime::Ns;
use std::time::{Duration, Instant};

/// Readings of which the best one counts.
const READINGS: usize = 5;

/// How often the clock is read again.
const AGAIN: Duration = Duration::from_secs(1);

/// A device's clock and the host's at one instant, nanoseconds since the host's epoch.
#[derive(Clone, Copy, Debug, Default)]
struct Reading {
    device_ns: Ns,
    host_ns: Ns,
    /// How far it may be off.
    within_ns: Ns,
}

/// See the module's documentation.
pub(super) struct DeviceClock {
    gpu: GpuId,
    epoch: Instant,
    first: Reading,
    last: Reading,
    /// Host nanoseconds per device nanosecond.
    ratio: f64,
}

impl DeviceClock {
    /// Reads the clock for the first time.
    pub fn new(gpu: GpuId, epoch: Instant, gpus: &mut dyn Gpus) -> Result<Self, GpuError> {
        let first = read(gpu, epoch, gpus)?;
        Ok(Self { gpu, epoch, first, last: first, ratio: 1.0 })
    }

    /// Reads it again if the last time is long ago.
    pub fn follow(&mut self, gpus: &mut dyn Gpus) -> Result<(), GpuError> {
        let now_ns = self.epoch.elapsed().as_nanos() as Ns;
        if now_ns < self.last.host_ns + AGAIN.as_nanos() as Ns {
            return Ok(());
        }
        self.last = read(self.gpu, self.epoch, gpus)?;
        let device_ns = self.last.device_ns.saturating_sub(self.first.device_ns);
        if device_ns > 0 {
            self.ratio = (self.last.host_ns - self.first.host_ns) as f64 / device_ns as f64;
        }
        Ok(())
    }

    /// The host's time, since the epoch, of an instant of the device's clock.
    pub fn host_ns(&self, device_ns: Ns) -> Ns {
        let since_ns = device_ns as i128 - i128::from(self.last.device_ns);
        let since_ns = (since_ns as f64 * self.ratio) as i128;
        (i128::from(self.last.host_ns) + since_ns).max(0) as Ns
    }

    /// What a reader of the trace must know; nothing is known of the drift before the second
    /// reading.
    pub fn note(&self) -> String {
        let Self { gpu, first, last, ratio, .. } = self;
        let within_us = first.within_ns.max(last.within_ns) as f64 / 1e3;
        let drift = match last.host_ns == first.host_ns {
            true => "was read once".to_owned(),
            false => format!("runs {:+.1} millionths apart from it", (1.0 / ratio - 1.0) * 1e6),
        };
        format!(
            "the clock of GPU {} is aligned with the host's within {within_us:.1} us, {drift}",
            gpu.0
        )
    }
}

fn read(gpu: GpuId, epoch: Instant, gpus: &mut dyn Gpus) -> Result<Reading, GpuError> {
    let mut best: Option<Reading> = None;
    for _ in 0..READINGS {
        let before_ns = epoch.elapsed().as_nanos() as Ns;
        let device_ns = gpus.clock_ns(gpu)?;
        let after_ns = epoch.elapsed().as_nanos() as Ns;
        let within_ns = (after_ns - before_ns).div_ceil(2);
        let host_ns = before_ns + within_ns;
        if best.is_none_or(|b| within_ns < b.within_ns) {
            best = Some(Reading { device_ns, host_ns, within_ns });
        }
    }
    Ok(best.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use gpu::fake::{FakeGpus, FakeSpec};

    #[test]
    fn the_hosts_time_follows_from_the_devices() {
        let spec = FakeSpec { drift_ppm: 500, clock_ns: 123_456_789, ..FakeSpec::default() };
        let mut gpus = FakeGpus::new(spec).unwrap();
        let epoch = Instant::now();
        let mut clock = DeviceClock::new(GpuId(0), epoch, &mut gpus).unwrap();
        assert!(clock.note().ends_with("was read once"), "{}", clock.note());
        // Before the second reading the drift goes unseen: 500 millionths of a tenth of a second.
        std::thread::sleep(Duration::from_millis(100));
        let look = |clock: &DeviceClock, gpus: &mut FakeGpus| {
            let before_ns = epoch.elapsed().as_nanos() as i128;
            let device_ns = gpus.clock_ns(GpuId(0)).unwrap();
            let after_ns = epoch.elapsed().as_nanos() as i128;
            let host_ns = i128::from(clock.host_ns(device_ns));
            (before_ns - host_ns).max(host_ns - after_ns).max(0)
        };
        assert!(look(&clock, &mut gpus) < 1_000_000);
        std::thread::sleep(Duration::from_millis(950));
        clock.follow(&mut gpus).unwrap();
        let slack_ns = i128::from(clock.first.within_ns + clock.last.within_ns) + 50_000;
        assert!(look(&clock, &mut gpus) < slack_ns);
        let drift = (1.0 / clock.ratio - 1.0) * 1e6;
        let slack = slack_ns as f64 / 1e9 * 1e6;
        assert!((drift - 500.0).abs() < slack, "{}", clock.note());
    }
}
