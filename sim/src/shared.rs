//! Kernels that share the capacity of a device: the streams of a GPU.
//!
//! In the order of their issue each kernel takes the lesser of its occupancy and what is left, and
//! runs at that share of its speed; one that finds nothing waits. Shares are taken anew whenever a
//! kernel starts or ends. All in whole numbers: work is counted in nanoseconds times millionths of
//! the capacity, so a kernel alone lasts exactly its duration, and an end is rounded up.

use runtime::Ns;
use runtime::graph::FULL_PPM;

/// A kernel that was launched.
#[derive(Clone, Copy, Debug)]
struct Kernel {
    lane: u32,
    occupancy_ppm: u32,
    share_ppm: u32,
    /// Nanoseconds times millionths.
    left: u128,
    /// When it first got a share.
    started_ns: Option<Ns>,
    /// When it ends if no share changes; `Ns::MAX` while it waits.
    end_ns: Ns,
}

/// The kernels of one device, in the order of their issue.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedDevice {
    kernels: Vec<Kernel>,
    now_ns: Ns,
}

impl SharedDevice {
    /// Launches a kernel that alone would last `duration_ns`; `changed` is called with the lane of
    /// every kernel whose end is another one now, and that end.
    pub fn launch(
        &mut self,
        now_ns: Ns,
        lane: u32,
        duration_ns: Ns,
        occupancy_ppm: u32,
        changed: impl FnMut(u32, Ns),
    ) {
        self.advance(now_ns);
        let left = u128::from(duration_ns) * u128::from(occupancy_ppm);
        let (share_ppm, started_ns, end_ns) = (0, None, Ns::MAX);
        self.kernels.push(Kernel { lane, occupancy_ppm, share_ppm, left, started_ns, end_ns });
        self.share(changed);
    }

    /// Ends the kernel of a lane; returns when it started. `changed` as above.
    pub fn end(&mut self, now_ns: Ns, lane: u32, changed: impl FnMut(u32, Ns)) -> Ns {
        self.advance(now_ns);
        let at = self.kernels.iter().position(|k| k.lane == lane).expect("it was launched");
        let started_ns = self.kernels.remove(at).started_ns.unwrap_or(now_ns);
        self.share(changed);
        started_ns
    }

    /// When the kernel of a lane ends as things stand; `None` when it has none.
    pub fn end_ns(&self, lane: u32) -> Option<Ns> {
        self.kernels.iter().find(|k| k.lane == lane).map(|k| k.end_ns)
    }

    /// Takes off what was done since the last change.
    fn advance(&mut self, now_ns: Ns) {
        let passed_ns = u128::from(now_ns - self.now_ns);
        self.now_ns = now_ns;
        for kernel in &mut self.kernels {
            let done = passed_ns * u128::from(kernel.share_ppm);
            kernel.left = kernel.left.saturating_sub(done);
        }
    }

    fn share(&mut self, mut changed: impl FnMut(u32, Ns)) {
        let mut free_ppm = FULL_PPM;
        for kernel in &mut self.kernels {
            kernel.share_ppm = kernel.occupancy_ppm.min(free_ppm);
            free_ppm -= kernel.share_ppm;
            let end_ns = match kernel.share_ppm {
                0 => Ns::MAX,
                share => {
                    kernel.started_ns.get_or_insert(self.now_ns);
                    let left_ns = kernel.left.div_ceil(u128::from(share));
                    self.now_ns.saturating_add(Ns::try_from(left_ns).unwrap_or(Ns::MAX))
                }
            };
            if end_ns != kernel.end_ns {
                kernel.end_ns = end_ns;
                if end_ns != Ns::MAX {
                    changed(kernel.lane, end_ns);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Runs kernels `(launch, duration, millionths)` and returns their starts and ends.
    fn run(kernels: &[(Ns, Ns, u32)]) -> Vec<(Ns, Ns)> {
        let mut device = SharedDevice::default();
        let mut ends = vec![(0, 0); kernels.len()];
        let mut order: Vec<usize> = (0..kernels.len()).collect();
        order.sort_by_key(|i| kernels[*i].0);
        let mut next = order.into_iter().peekable();
        loop {
            let end = device.kernels.iter().map(|k| (k.end_ns, k.lane)).min();
            let launch = next.peek().map(|i| kernels[*i].0);
            match (end, launch) {
                (Some((end_ns, lane)), launch) if launch.is_none_or(|l| end_ns <= l) => {
                    assert_ne!(end_ns, Ns::MAX, "somebody runs");
                    let started_ns = device.end(end_ns, lane, |_, _| {});
                    ends[lane as usize] = (started_ns, end_ns);
                }
                (_, Some(launch_ns)) => {
                    let i = next.next().expect("it was peeked");
                    device.launch(launch_ns, i as u32, kernels[i].1, kernels[i].2, |_, _| {});
                }
                (_, None) => return ends,
            }
        }
    }

    #[test]
    fn two_halves_run_side_by_side() {
        assert_eq!(run(&[(0, 100, 500_000), (0, 100, 500_000)]), [(0, 100), (0, 100)]);
    }

    #[test]
    fn two_whole_ones_take_turns() {
        assert_eq!(run(&[(0, 100, FULL_PPM), (0, 100, FULL_PPM)]), [(0, 100), (100, 200)]);
    }

    #[test]
    fn three_quarters_leave_a_quarter() {
        // The second runs at a third of its speed until 120, then has 80 left of 120.
        assert_eq!(run(&[(0, 120, 750_000), (0, 120, 750_000)]), [(0, 120), (0, 200)]);
    }

    #[test]
    fn a_later_kernel_takes_what_an_ending_one_leaves() {
        // 0.6 and 0.3 run, the third gets 0.1 of its 0.5; at 100 the first ends and it has all.
        let ends = run(&[(0, 100, 600_000), (0, 300, 300_000), (0, 100, 500_000)]);
        assert_eq!(ends, [(0, 100), (0, 300), (0, 180)]);
    }

    proptest! {
        /// No capacity is made: the work done by any instant is at most the time that has passed.
        #[test]
        fn work_is_conserved(
            kernels in prop::collection::vec((0u64..500, 0u64..200, 1u32..=FULL_PPM), 1..20)
        ) {
            let ends = run(&kernels);
            let work: u128 =
                kernels.iter().map(|k| u128::from(k.1) * u128::from(k.2)).sum();
            let first = kernels.iter().map(|k| k.0).min().unwrap_or(0);
            let last = ends.iter().map(|e| e.1).max().unwrap_or(0);
            prop_assert!(work <= u128::from(last - first) * u128::from(FULL_PPM));
            for (&(launch_ns, duration_ns, _), &(started_ns, end_ns)) in kernels.iter().zip(&ends) {
                prop_assert!(launch_ns <= started_ns && started_ns + duration_ns <= end_ns);
            }
            // The device idles only when nobody is there: it is never longer than all in a row.
            let row: u64 = kernels.iter().map(|k| k.1 + 1).sum();
            let latest = kernels.iter().map(|k| k.0).max().unwrap_or(0);
            prop_assert!(last <= latest + row);
        }
    }
}
