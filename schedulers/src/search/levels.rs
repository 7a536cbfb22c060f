//! How many bytes memories hold over time, kept up to date as intervals come, go and move.
//!
//! Time is cut into slices of equal width. Each keeps its begins and ends in a list, what they sum
//! up to, and the most that is reached within. What a memory holds beyond its capacity is found
//! slice by slice; events are put in order only in slices that changed and could exceed it.

use crate::instance::NONE;
use runtime::Ns;

/// See the module's documentation. Intervals are known by numbers from 0 on.
#[derive(Clone, Debug)]
pub(super) struct Levels {
    /// Slices per memory.
    slices: usize,
    /// Slices are two to this power of nanoseconds wide.
    shift: u32,
    /// By memory and slice.
    slice: Vec<Slice>,
    /// By memory: bytes beyond its capacity, and whether that is to be found anew.
    excess_bytes: Vec<u64>,
    is_stale: Vec<bool>,
    /// By event, two per interval: begin, then end.
    next: Vec<u32>,
    before: Vec<u32>,
    event: Vec<(Ns, i64)>,
    sorted: Vec<(Ns, i64)>,
}

/// A piece of time in a memory.
#[derive(Clone, Copy, Debug)]
struct Slice {
    /// The first of its events, in no order.
    first: u32,
    /// Whether `top_bytes` is to be found anew.
    is_changed: bool,
    /// What its events sum up to, and what those that begin do.
    sum_bytes: i64,
    begun_bytes: i64,
    /// The most after any event, from what is held before all of them on.
    top_bytes: i64,
}

const EMPTY: Slice =
    Slice { first: NONE, is_changed: false, sum_bytes: 0, begun_bytes: 0, top_bytes: 0 };

impl Levels {
    /// Empty; about `at_once` intervals are expected.
    pub fn new(memories: usize, intervals: usize, at_once: usize) -> Self {
        // A handful of events in each slice.
        let slices = (at_once / (2 * memories.max(1))).next_power_of_two().clamp(16, 4096);
        Self {
            slices,
            shift: 0,
            slice: vec![EMPTY; memories * slices],
            excess_bytes: vec![0; memories],
            is_stale: vec![false; memories],
            next: vec![NONE; 2 * intervals],
            before: vec![NONE; 2 * intervals],
            event: vec![(0, 0); 2 * intervals],
            sorted: Vec::with_capacity(2 * at_once),
        }
    }

    /// Takes all intervals out; most of those that come lie before `end_ns`.
    pub fn clear(&mut self, end_ns: Ns) {
        let slice_ns = (end_ns / self.slices as u64 * 5 / 4).max(1);
        self.shift = slice_ns.next_power_of_two().trailing_zeros();
        self.slice.fill(EMPTY);
        self.excess_bytes.fill(0);
        self.is_stale.fill(false);
    }

    #[inline]
    fn slice_at(&self, memory: u32, at_ns: Ns) -> usize {
        let slice = ((at_ns >> self.shift) as usize).min(self.slices - 1);
        memory as usize * self.slices + slice
    }

    /// Puts an interval in that is not there. One that ends at [`Ns::MAX`] never does.
    pub fn insert(
        &mut self,
        interval: u32,
        memory: u32,
        (from_ns, until_ns): (Ns, Ns),
        bytes: u64,
    ) {
        self.is_stale[memory as usize] = true;
        self.link(2 * interval, memory, from_ns, bytes as i64);
        if until_ns != Ns::MAX {
            self.link(2 * interval + 1, memory, until_ns, -(bytes as i64));
        }
    }

    /// Takes out an interval that was put in so.
    pub fn remove(&mut self, interval: u32, memory: u32, (from_ns, until_ns): (Ns, Ns)) {
        self.is_stale[memory as usize] = true;
        self.unlink(2 * interval, memory, from_ns);
        if until_ns != Ns::MAX {
            self.unlink(2 * interval + 1, memory, until_ns);
        }
    }

    /// Changes when something that is in is held.
    pub fn shift(&mut self, interval: u32, memory: u32, before: (Ns, Ns), now: (Ns, Ns)) {
        self.is_stale[memory as usize] = true;
        self.shift_event(2 * interval, memory, before.0, now.0);
        self.shift_event(2 * interval + 1, memory, before.1, now.1);
    }

    #[inline]
    fn shift_event(&mut self, event: u32, memory: u32, before_ns: Ns, now_ns: Ns) {
        if before_ns == now_ns {
            return;
        }
        let (before, now) = (self.slice_at(memory, before_ns), self.slice_at(memory, now_ns));
        if before == now {
            self.event[event as usize].0 = now_ns;
            self.slice[now].is_changed = true;
        } else {
            let bytes = self.event[event as usize].1;
            self.unlink(event, memory, before_ns);
            self.link(event, memory, now_ns, bytes);
        }
    }

    #[inline]
    fn link(&mut self, event: u32, memory: u32, at_ns: Ns, bytes: i64) {
        let at = self.slice_at(memory, at_ns);
        let slice = &mut self.slice[at];
        self.event[event as usize] = (at_ns, bytes);
        let next = std::mem::replace(&mut slice.first, event);
        self.next[event as usize] = next;
        self.before[event as usize] = NONE;
        if next != NONE {
            self.before[next as usize] = event;
        }
        slice.sum_bytes += bytes;
        slice.begun_bytes += bytes.max(0);
        slice.is_changed = true;
    }

    #[inline]
    fn unlink(&mut self, event: u32, memory: u32, at_ns: Ns) {
        let at = self.slice_at(memory, at_ns);
        let slice = &mut self.slice[at];
        let (before, next) = (self.before[event as usize], self.next[event as usize]);
        match before {
            NONE => slice.first = next,
            _ => self.next[before as usize] = next,
        }
        if next != NONE {
            self.before[next as usize] = before;
        }
        let bytes = self.event[event as usize].1;
        slice.sum_bytes -= bytes;
        slice.begun_bytes -= bytes.max(0);
        slice.is_changed = true;
    }

    /// By how much the most that a memory holds at one instant exceeds its capacity, always the
    /// same one; what ends at an instant is not held any more.
    pub fn excess_bytes(&mut self, memory: u32, capacity_bytes: u64) -> u64 {
        if std::mem::take(&mut self.is_stale[memory as usize]) {
            let from = memory as usize * self.slices;
            let capacity = i64::try_from(capacity_bytes).unwrap_or(i64::MAX);
            let (mut level, mut peak) = (0, capacity);
            for at in from..from + self.slices {
                let slice = self.slice[at];
                if level + slice.begun_bytes > peak {
                    if slice.is_changed {
                        self.slice[at].top_bytes = self.top_of(at);
                        self.slice[at].is_changed = false;
                    }
                    peak = peak.max(level + self.slice[at].top_bytes);
                }
                level += slice.sum_bytes;
            }
            self.excess_bytes[memory as usize] = (peak - capacity) as u64;
        }
        self.excess_bytes[memory as usize]
    }

    /// The most that is reached after an event of a slice, from what is held before it on.
    fn top_of(&mut self, slice: usize) -> i64 {
        self.sorted.clear();
        let mut at = self.slice[slice].first;
        while at != NONE {
            self.sorted.push(self.event[at as usize]);
            at = self.next[at as usize];
        }
        // Of events at one instant the ends come first, being negative.
        self.sorted.sort_unstable();
        let (mut level, mut top) = (0, 0);
        for (_, bytes) in &self.sorted {
            level += bytes;
            top = top.max(level);
        }
        top
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_of_what_overlaps() {
        let mut levels = Levels::new(2, 4, 4);
        levels.clear(100);
        levels.insert(0, 0, (0, 50), 10);
        levels.insert(1, 0, (50, 60), 10);
        assert_eq!(levels.excess_bytes(0, 3), 7);
        levels.insert(2, 0, (40, 51), 5);
        levels.insert(3, 1, (7, Ns::MAX), 3);
        assert_eq!([levels.excess_bytes(0, 3), levels.excess_bytes(1, 1)], [12, 2]);
        levels.shift(0, 0, (0, 50), (0, 51));
        assert_eq!(levels.excess_bytes(0, 3), 22);
        levels.shift(0, 0, (0, 51), (50, 5000));
        assert_eq!(levels.excess_bytes(0, 3), 22);
        levels.remove(1, 0, (50, 60));
        assert_eq!(levels.excess_bytes(0, 3), 12);
        levels.shift(0, 0, (50, 5000), (51, 5000));
        assert_eq!(levels.excess_bytes(0, 3), 7);
    }
}
