//! Kinds of tasks and free lanes, for schedulers that bind late: they keep ready tasks in queues
//! of their own and place one only when a lane is free for it.

use crate::bits::Devices;
use crate::candidates::{Candidates, Common};
use runtime::{Cluster, Decision, DeviceId, Event, TaskId, View};

/// Tasks of one kind take the same number of lanes and can run on the same devices, so a queue of
/// them is served in order without looking further than its head.
pub struct Kind {
    /// Lanes that each of them takes.
    pub cores: u32,
    /// Where they can run.
    pub devices: Devices,
}

/// All kinds met so far.
#[derive(Default)]
pub struct Kinds {
    list: Vec<Kind>,
    /// What every device has.
    common: Common,
    /// Reused from task to task.
    found: Devices,
}

impl Kinds {
    /// The number of a task's kind, and whether it is new; `None` when no device may take it now.
    pub fn of(&mut self, candidates: &Candidates<'_>) -> Option<(usize, bool)> {
        let cluster = candidates.view().cluster();
        if self.list.is_empty() {
            self.found = Devices::new(cluster.device_count());
            self.common = Common::new(cluster);
        }
        if candidates.is_everywhere(&self.common) {
            self.found.fill(cluster.device_count());
        } else {
            self.found.clear();
            candidates.iter().for_each(|(device, _)| self.found.insert(device));
        }
        if self.found.is_empty() {
            return None;
        }
        let is_same = |k: &Kind| k.cores == candidates.cores && k.devices == self.found;
        match self.list.iter().position(is_same) {
            Some(known) => Some((known, false)),
            None => {
                self.list.push(Kind { cores: candidates.cores, devices: self.found.clone() });
                Some((self.list.len() - 1, true))
            }
        }
    }

    /// A kind.
    #[inline]
    pub fn get(&self, kind: usize) -> &Kind {
        &self.list[kind]
    }
}

/// Lanes that nothing was placed on.
pub struct FreeLanes {
    /// None on a device that is away.
    count: Vec<u32>,
    devices: Devices,
    is_away: Vec<bool>,
}

impl FreeLanes {
    /// All lanes of a machine.
    pub fn new(cluster: &Cluster) -> Self {
        let mut devices = Devices::new(cluster.device_count());
        cluster.device_ids().for_each(|d| devices.insert(d));
        let count = cluster.device_ids().map(|d| cluster.device(d).lanes).collect();
        Self { count, devices, is_away: vec![false; cluster.device_count()] }
    }

    /// Free lanes of a device.
    #[inline]
    pub fn on(&self, device: DeviceId) -> u32 {
        self.count[device.index()]
    }

    /// The first device on which enough lanes are free for a kind, `except` some.
    pub fn first(&self, kind: &Kind, except: &Devices) -> Option<DeviceId> {
        self.devices.first(&kind.devices, except, |d| self.on(d) >= kind.cores)
    }

    /// A task was placed.
    pub fn take(&mut self, device: DeviceId, cores: u32) {
        self.count[device.index()] -= cores;
        if self.on(device) == 0 {
            self.devices.remove(device);
        }
    }

    /// Gives back the lanes of a task that ended or whose placement came to nothing, and all lanes
    /// of a device that joins; returns the device then. Tasks of gangs are placed beforehand and
    /// count for nothing here.
    pub fn note(&mut self, event: &Event, view: &View<'_>) -> Option<DeviceId> {
        let (task, device): (TaskId, DeviceId) = match *event {
            Event::Finished { task, device, .. }
            | Event::AttemptLost { task, device, .. }
            | Event::Refused { decision: Decision::Place { task, device, .. }, .. } => {
                (task, device)
            }
            Event::DeviceLost { device } => {
                self.is_away[device.index()] = true;
                self.count[device.index()] = 0;
                self.devices.remove(device);
                return None;
            }
            Event::DeviceJoined { device } => {
                self.is_away[device.index()] = false;
                self.count[device.index()] = view.cluster().device(device).lanes;
                self.devices.insert(device);
                return Some(device);
            }
            _ => return None,
        };
        let plain = view.graph().task(task);
        if plain.gang.is_some() || self.is_away[device.index()] {
            return None;
        }
        // A device may have gone and come back since the task was placed.
        let lanes = view.cluster().device(device).lanes;
        let count = &mut self.count[device.index()];
        *count = (*count + plain.cores).min(lanes);
        self.devices.insert(device);
        Some(device)
    }
}
