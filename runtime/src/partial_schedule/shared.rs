//! Devices whose lanes share one capacity (the streams of a GPU): when how much of it is taken.
//!
//! A plan counts a task in only where all of its occupancy is left: several streams are never
//! several devices. What really happens is a little better, since a kernel may start on less.

use crate::graph::FULL_PPM;
use crate::planner::Problem;
use crate::{DeviceId, Ns};

/// Taken capacity of one device.
#[derive(Clone, Debug, Default)]
struct Profile {
    /// Instants at which the capacity in use changes, in order, and the use from there on, in
    /// millionths; it is 0 before the first one.
    steps: Vec<(Ns, u32)>,
}

impl Profile {
    /// The earliest instant from `ready_ns` on from which `ppm` are left for `duration_ns`. Linear
    /// in the steps after it.
    fn earliest_ns(&self, ready_ns: Ns, duration_ns: Ns, ppm: u32) -> Ns {
        let most_ppm = FULL_PPM - ppm;
        let mut start_ns = ready_ns;
        let first = self.steps.partition_point(|s| s.0 <= ready_ns).saturating_sub(1);
        for (at, &(begin_ns, used_ppm)) in self.steps.iter().enumerate().skip(first) {
            if begin_ns >= start_ns.saturating_add(duration_ns) && begin_ns > start_ns {
                break;
            }
            if used_ppm > most_ppm {
                // The last step goes back to 0, so there is always a next one.
                let next_ns = self.steps.get(at + 1).map_or(begin_ns, |s| s.0);
                start_ns = start_ns.max(next_ns);
            }
        }
        start_ns
    }

    fn occupy(&mut self, start_ns: Ns, finish_ns: Ns, ppm: u32) {
        if start_ns < finish_ns {
            let (first, end) = (self.split(start_ns), self.split(finish_ns));
            self.steps[first..end].iter_mut().for_each(|s| s.1 += ppm);
        }
    }

    /// The position of the step at an instant, made if there is none.
    fn split(&mut self, at_ns: Ns) -> usize {
        let at = self.steps.partition_point(|s| s.0 < at_ns);
        if self.steps.get(at).is_none_or(|s| s.0 != at_ns) {
            let used_ppm = at.checked_sub(1).map_or(0, |before| self.steps[before].1);
            self.steps.insert(at, (at_ns, used_ppm));
        }
        at
    }
}

/// The profiles of all devices that share.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    /// By device; empty where no device shares.
    profiles: Vec<Option<Profile>>,
}

impl Shared {
    pub fn new(problem: &Problem<'_>) -> Self {
        let Problem { graph, cluster, now_ns, .. } = *problem;
        if !cluster.device_ids().any(|d| cluster.is_shared(d)) {
            return Self { profiles: Vec::new() };
        }
        let profile = |d| cluster.is_shared(d).then(Profile::default);
        let mut profiles: Vec<Option<Profile>> = cluster.device_ids().map(profile).collect();
        for task in graph.task_ids() {
            if let Some(fixed) = problem.fixed(task)
                && let Some(profile) = &mut profiles[fixed.device.index()]
            {
                profile.occupy(now_ns, fixed.finish_ns, graph.task(task).occupancy_ppm);
            }
        }
        Self { profiles }
    }

    /// The earliest instant from `ready_ns` on at which a device has the capacity.
    #[inline]
    pub fn earliest_ns(&self, device: DeviceId, ready_ns: Ns, duration_ns: Ns, ppm: u32) -> Ns {
        match self.profiles.get(device.index()) {
            Some(Some(profile)) => profile.earliest_ns(ready_ns, duration_ns, ppm),
            _ => ready_ns,
        }
    }

    #[inline]
    pub fn occupy(&mut self, device: DeviceId, start_ns: Ns, finish_ns: Ns, ppm: u32) {
        if let Some(Some(profile)) = self.profiles.get_mut(device.index()) {
            profile.occupy(start_ns, finish_ns, ppm);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn finds_the_earliest_room(
            tasks in prop::collection::vec((0u64..40, 0u64..9, 1u32..=4), 1..40),
        ) {
            let mut profile = Profile::default();
            let mut placed: Vec<(Ns, Ns, u32)> = Vec::new();
            for (ready_ns, duration_ns, quarters) in tasks {
                let ppm = quarters * (FULL_PPM / 4);
                let used = |at_ns: Ns| -> u32 {
                    placed.iter().filter(|p| p.0 <= at_ns && at_ns < p.1).map(|p| p.2).sum()
                };
                // By definition: whole nanoseconds, tried one after the other.
                let end_ns = |s: Ns| s + duration_ns.max(1);
                let fits = |s: Ns| (s..end_ns(s)).all(|t| used(t) + ppm <= FULL_PPM);
                let expected = (ready_ns..).find(|s| fits(*s)).expect("at the end there is room");
                let start_ns = profile.earliest_ns(ready_ns, duration_ns, ppm);
                prop_assert_eq!(start_ns, expected);
                profile.occupy(start_ns, start_ns + duration_ns, ppm);
                placed.push((start_ns, start_ns + duration_ns, ppm));
            }
        }
    }
}
