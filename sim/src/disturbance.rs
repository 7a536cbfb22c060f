//! What goes wrong in a simulation besides durations: attempts fail, devices are slow for a while,
//! devices go and come back.
//!
//! Everything is a function of (seed, task, device, attempt) or of (seed, device) and is never
//! drawn in event order, so every scheduler of a comparison meets the same world.

use crate::links::LinkTrouble;
use crate::noise::{exponential, uniform};
use runtime::executive::Retry;
use runtime::{DeviceId, Ns, TaskId};

/// Tell the draws of different purposes apart.
const FAILS: u64 = 0x6661_696c;
const FRACTION: u64 = 0x6672_6163;
const CHOICE: u64 = 0x6368_6f69;
const OUTAGE: u64 = 0x6f75_7461;
const SLOW: u64 = 0x736c_6f77;

/// What is to go wrong; by default nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Disturbance {
    /// Probability that an attempt at a task fails, at an instant of it that is drawn uniformly.
    pub failure: f64,
    /// What follows a failure.
    pub retry: Retry,
    /// Devices that go and come back.
    pub outages: Spells,
    /// Devices that are slow for a while.
    pub stragglers: Spells,
    /// By how much tasks take longer on a device while it is slow; at least 1.
    pub slow_down: f64,
    /// Links that carry less for a while, or are lost.
    pub links: LinkTrouble,
}

impl Disturbance {
    /// Whether anything can happen to a device or an attempt.
    pub fn is_any(&self) -> bool {
        self.failure > 0.0 || self.outages.share > 0.0 || self.stragglers.share > 0.0
    }
}

/// Spells of some devices: each alternates between being well and not.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spells {
    /// Part of the devices that have any; at least one device if it is above 0, rounded to the
    /// nearest number of devices.
    pub share: f64,
    /// Mean time of being well, exponentially distributed.
    pub well_ns: Ns,
    /// Mean length of a spell, exponentially distributed; `None` = it never ends.
    pub spell_ns: Option<Ns>,
}

impl Spells {
    /// Which of so many devices have spells.
    pub(crate) fn hit(&self, seed: u64, devices: usize, purpose: u64) -> Vec<bool> {
        let mut is_hit = vec![false; devices];
        if self.share <= 0.0 || devices == 0 {
            return is_hit;
        }
        let count = ((devices as f64 * self.share).round() as usize).clamp(1, devices);
        let key = |d: &usize| uniform(&[seed, CHOICE, purpose, *d as u64]);
        let mut order: Vec<usize> = (0..devices).collect();
        order.sort_by(|a, b| key(a).total_cmp(&key(b)).then(a.cmp(b)));
        order[..count].iter().for_each(|d| is_hit[*d] = true);
        is_hit
    }

    /// Length of the `nth` time of being well or, `is_spell`, of the spell after it.
    fn length_ns(&self, seed: u64, device: u32, purpose: u64, nth: u32, is_spell: bool) -> Ns {
        let mean_ns = match is_spell {
            false => self.well_ns,
            true => match self.spell_ns {
                Some(ns) => ns,
                None => return Ns::MAX,
            },
        };
        let key = [seed, purpose, device.into(), u64::from(nth) << 1 | u64::from(is_spell)];
        (exponential(&key) * mean_ns as f64).round().max(1.0) as Ns
    }
}

/// Spells of one device, one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk {
    seed: u64,
    device: u32,
    purpose: u64,
    nth: u32,
    pub is_spell: bool,
    /// Until when the present state lasts.
    pub until_ns: Ns,
}

impl Walk {
    pub fn new(spells: &Spells, seed: u64, device: u32, purpose: u64) -> Self {
        let until_ns = spells.length_ns(seed, device, purpose, 0, false);
        Self { seed, device, purpose, nth: 0, is_spell: false, until_ns }
    }

    pub fn turn(&mut self, spells: &Spells) {
        self.nth += u32::from(self.is_spell);
        self.is_spell = !self.is_spell;
        let Self { seed, device, purpose, nth, is_spell, .. } = *self;
        let length_ns = spells.length_ns(seed, device, purpose, nth, is_spell);
        self.until_ns = self.until_ns.saturating_add(length_ns);
    }
}

/// The troubles of one simulation.
#[derive(Debug, Default)]
pub(crate) struct Troubles {
    what: Disturbance,
    seed: u64,
    /// Whether anything can go wrong at all.
    pub is_any: bool,
    outages: Vec<Option<Walk>>,
    stragglers: Vec<Option<Walk>>,
    /// How often each task was issued.
    attempts: Vec<u32>,
}

impl Troubles {
    pub fn new(what: Disturbance, seed: u64, devices: usize) -> Self {
        let walks = |spells: &Spells, purpose| -> Vec<Option<Walk>> {
            let hit = spells.hit(seed, devices, purpose);
            let walk = |(d, is_hit): (usize, bool)| {
                is_hit.then(|| Walk::new(spells, seed, d as u32, purpose))
            };
            hit.into_iter().enumerate().map(walk).collect()
        };
        let is_any = what.failure > 0.0 || what.outages.share > 0.0 || what.stragglers.share > 0.0;
        Self {
            outages: walks(&what.outages, OUTAGE),
            stragglers: walks(&what.stragglers, SLOW),
            what,
            seed,
            is_any,
            attempts: Vec::new(),
        }
    }

    /// Devices that are going to be lost, and when first.
    pub fn first_outages(&self) -> impl Iterator<Item = (u32, Ns)> {
        self.outages.iter().flatten().map(|walk| (walk.device, walk.until_ns))
    }

    /// A device goes or comes back now; whether it goes, and when the next change is, if ever.
    pub fn turn(&mut self, device: u32) -> (bool, Option<Ns>) {
        let Some(walk) = &mut self.outages[device as usize] else { return (false, None) };
        walk.turn(&self.what.outages);
        (walk.is_spell, (walk.until_ns < Ns::MAX).then_some(walk.until_ns))
    }

    /// The number of an attempt at a task that is issued now, from 0.
    pub fn attempt(&mut self, task: TaskId) -> u32 {
        if self.attempts.len() <= task.index() {
            self.attempts.resize(task.index() + 1, 0);
        }
        let attempt = self.attempts[task.index()];
        self.attempts[task.index()] += 1;
        attempt
    }

    /// How long an attempt lasts until it fails; `None` if it does not.
    pub fn fails_ns(&self, task: TaskId, device: DeviceId, attempt: u32, ns: Ns) -> Option<Ns> {
        if self.what.failure <= 0.0 {
            return None;
        }
        let key = |purpose| {
            [self.seed, purpose, u64::from(task.0) << 32 | u64::from(device.0), attempt.into()]
        };
        let fails = uniform(&key(FAILS)) < self.what.failure;
        fails.then(|| (uniform(&key(FRACTION)) * ns as f64).round() as Ns)
    }

    /// How long something lasts on a device that would last `ns` if the device were never slow.
    pub fn slowed_ns(&mut self, device: DeviceId, start_ns: Ns, ns: Ns) -> Ns {
        let Some(Some(walk)) = self.stragglers.get_mut(device.index()) else { return ns };
        let spells = self.what.stragglers;
        while walk.until_ns <= start_ns {
            walk.turn(&spells);
        }
        let slow_down = self.what.slow_down.max(1.0);
        // The walk stays where the task starts: others may start before this one ends.
        let mut walk = *walk;
        let (mut now_ns, mut left) = (start_ns, ns as f64);
        loop {
            let pace = if walk.is_spell { slow_down } else { 1.0 };
            let room_ns = (walk.until_ns - now_ns) as f64;
            if left * pace <= room_ns {
                return (now_ns - start_ns).saturating_add((left * pace).round() as Ns);
            }
            left -= room_ns / pace;
            now_ns = walk.until_ns;
            walk.turn(&spells);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spells(share: f64) -> Spells {
        Spells { share, well_ns: 1000, spell_ns: Some(500) }
    }

    #[test]
    fn a_share_of_the_devices_is_hit_and_at_least_one() {
        let count = |share, devices| {
            spells(share).hit(7, devices, OUTAGE).iter().filter(|hit| **hit).count()
        };
        assert_eq!([count(0.1, 10), count(0.1, 3), count(0.5, 8), count(1.0, 5)], [1, 1, 4, 5]);
        assert_eq!(count(0.0, 10), 0);
        let which = |seed| spells(0.1).hit(seed, 10, OUTAGE);
        assert!((0..20).any(|seed| which(seed) != which(0)), "seeds choose differently");
    }

    #[test]
    fn walks_are_functions_of_seed_and_device_and_have_the_means_asked_for() {
        let mut walk = Walk::new(&spells(1.0), 3, 5, OUTAGE);
        let again = walk;
        let (mut well, mut ill) = (walk.until_ns, 0);
        for _ in 0..40_000 {
            let before_ns = walk.until_ns;
            walk.turn(&spells(1.0));
            let length_ns = walk.until_ns - before_ns;
            if walk.is_spell { ill += length_ns } else { well += length_ns }
        }
        let (well, ill) = (well as f64 / 20_001.0, ill as f64 / 20_000.0);
        assert!((well - 1000.0).abs() < 30.0 && (ill - 500.0).abs() < 15.0, "{well} {ill}");
        assert_eq!(again.until_ns, Walk::new(&spells(1.0), 3, 5, OUTAGE).until_ns);
    }

    /// The work done in the interval that `slowed_ns` names is what was asked for, by adding up
    /// nanosecond for nanosecond.
    #[test]
    fn slow_spells_stretch_what_runs_in_them() {
        let what = Disturbance { stragglers: spells(1.0), slow_down: 3.0, ..Default::default() };
        for start_ns in [0, 10, 700, 5000, 9999] {
            let mut troubles = Troubles::new(what.clone(), 9, 1);
            let lasts_ns = troubles.slowed_ns(DeviceId(0), start_ns, 4000);
            let mut walk = Walk::new(&what.stragglers, 9, 0, SLOW);
            let mut done = 0.0f64;
            for at_ns in 0..start_ns + lasts_ns {
                while walk.until_ns <= at_ns {
                    walk.turn(&what.stragglers);
                }
                if at_ns >= start_ns {
                    done += if walk.is_spell { 1.0 / 3.0 } else { 1.0 };
                }
            }
            assert!((done - 4000.0).abs() < 2.0, "{start_ns}: {done} in {lasts_ns}");
        }
    }

    #[test]
    fn attempts_fail_as_often_as_asked_each_by_its_own_draw() {
        let what = Disturbance { failure: 0.25, ..Default::default() };
        let troubles = Troubles::new(what, 1, 2);
        let fails = |t, d, a| troubles.fails_ns(TaskId(t), DeviceId(d), a, 1000);
        let count = (0..40_000).filter(|t| fails(*t, 0, 0).is_some()).count();
        assert!(count.abs_diff(10_000) < 400, "{count}");
        assert!((0..1000).flat_map(|t| fails(t, 0, 0)).all(|ns| ns <= 1000));
        assert!((0..100).any(|t| fails(t, 0, 0) != fails(t, 1, 0)));
        assert!((0..100).any(|t| fails(t, 0, 0) != fails(t, 0, 1)));
    }
}
