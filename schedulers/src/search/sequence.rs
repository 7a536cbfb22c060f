//! A schedule as an order of units and a first lane for every node, changed in place.
//!
//! On each lane nodes run in the order of their units. Neighbours on lanes are linked, so that a
//! change touches only what stands next to it. Every change is noted and can be taken back.

use crate::instance::{Instance, NONE};

/// A unit that was moved: what is needed to move it back.
#[derive(Clone, Copy, Debug)]
struct Moved {
    unit: u32,
    position: u32,
    /// The node whose lane was changed, and its lane before.
    node: u32,
    lane: u32,
}

/// See the module's documentation. Node ids from the number of nodes on stand for the begin of a
/// lane.
#[derive(Clone, Debug)]
pub(super) struct Sequence {
    pub order: Vec<u32>,
    pub position: Vec<u32>,
    pub lane: Vec<u32>,
    /// By slot, one per node and core: the node before on that lane, or `nodes + lane`.
    pub prev: Vec<u32>,
    /// By slot: the node after on that lane, or [`NONE`].
    pub next: Vec<u32>,
    /// First slot of every node.
    pub slot: Vec<u32>,
    /// By lane: its first and last node, [`NONE`] where it has none.
    pub first: Vec<u32>,
    pub last: Vec<u32>,
    /// Whether every unit is one node of one core: then a node is its unit and its slot.
    pub is_plain: bool,
    moved: Vec<Moved>,
}

/// On which side of a node something changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Before,
    After,
}

/// Most moves between two commits.
const MOVES: usize = 64;

impl Sequence {
    pub fn new(instance: &Instance) -> Self {
        let nodes = instance.len();
        let mut slot = Vec::with_capacity(nodes + 1);
        slot.push(0);
        for node in 0..nodes as u32 {
            slot.push(slot[node as usize] + instance.cores(node));
        }
        let slots = slot[nodes] as usize;
        Self {
            order: (0..instance.unit_count() as u32).collect(),
            position: (0..instance.unit_count() as u32).collect(),
            lane: vec![0; nodes],
            prev: vec![NONE; slots],
            next: vec![NONE; slots],
            slot,
            first: vec![NONE; instance.lane_count()],
            last: vec![NONE; instance.lane_count()],
            is_plain: slots == nodes && !instance.has_gangs(),
            moved: Vec::with_capacity(MOVES),
        }
    }

    /// Takes an order and lanes over; linear.
    pub fn set(&mut self, instance: &Instance, order: &[u32], lane: &[u32]) {
        self.order.copy_from_slice(order);
        self.lane.copy_from_slice(lane);
        self.moved.clear();
        self.first.fill(NONE);
        self.last.fill(NONE);
        for (at, &unit) in (0..).zip(order) {
            self.position[unit as usize] = at;
            for node in instance.unit(unit) {
                for core in 0..instance.cores(node) {
                    let lane = self.lane[node as usize] + core;
                    let before = std::mem::replace(&mut self.last[lane as usize], node);
                    self.next[(self.slot[node as usize] + core) as usize] = NONE;
                    self.link(instance, before, node, lane);
                }
            }
        }
    }

    /// Makes `node` follow `before` on a lane; [`NONE`] as `before` is the lane's begin, as `node`
    /// its end.
    #[inline]
    fn link(&mut self, instance: &Instance, before: u32, node: u32, lane: u32) {
        if before == NONE {
            self.first[lane as usize] = node;
        } else {
            let slot = self.slot_on(before, lane);
            self.next[slot] = node;
        }
        if node == NONE {
            self.last[lane as usize] = before;
        } else {
            let slot = self.slot_on(node, lane);
            self.prev[slot] = if before == NONE { instance.len() as u32 + lane } else { before };
        }
    }

    /// The slot of a node on a lane that it takes.
    #[inline]
    pub fn slot_on(&self, node: u32, lane: u32) -> usize {
        match self.is_plain {
            true => node as usize,
            false => (self.slot[node as usize] + lane - self.lane[node as usize]) as usize,
        }
    }

    /// Cores of a node.
    #[inline]
    fn cores(&self, node: u32) -> u32 {
        match self.is_plain {
            true => 1,
            false => self.slot[node as usize + 1] - self.slot[node as usize],
        }
    }

    /// Positions that a unit may take with everything else as it is, both ends included.
    #[inline]
    pub fn window(&self, instance: &Instance, unit: u32) -> (u32, u32) {
        let (mut from, mut to) = (0, self.order.len() as u32 - 1);
        for node in instance.unit(unit) {
            for arc in instance.preds(node) {
                from = from.max(self.position[instance.unit_of(arc.node) as usize] + 1);
            }
            for arc in instance.succs(node) {
                to = to.min(self.position[instance.unit_of(arc.node) as usize] - 1);
            }
        }
        (from, to)
    }

    /// Moves a unit to a position of its window, and one of its nodes to a lane. Calls `touch`
    /// with [`Side::Before`] and every node whose neighbour before it, or whose lane, changed, and
    /// with [`Side::After`] and every node whose neighbour after it changed.
    pub fn relocate(
        &mut self,
        instance: &Instance,
        (unit, position): (u32, u32),
        (node, lane): (u32, u32),
        touch: impl FnMut(Side, u32),
    ) {
        let moved = Moved {
            unit,
            position: self.position[unit as usize],
            node,
            lane: self.lane[node as usize],
        };
        debug_assert!(self.moved.len() < MOVES);
        self.moved.push(moved);
        self.put(instance, (unit, position), (node, lane), touch);
    }

    /// Everything moved since the last commit stays.
    pub fn commit(&mut self) {
        self.moved.clear();
    }

    /// Takes back everything moved since the last commit.
    pub fn undo(&mut self, instance: &Instance) {
        while let Some(Moved { unit, position, node, lane }) = self.moved.pop() {
            self.put(instance, (unit, position), (node, lane), |_, _| {});
        }
    }

    fn put(
        &mut self,
        instance: &Instance,
        (unit, position): (u32, u32),
        (node, lane): (u32, u32),
        mut touch: impl FnMut(Side, u32),
    ) {
        for node in instance.unit(unit) {
            self.unlink(instance, node, &mut touch);
        }
        self.shift(self.position[unit as usize], position);
        self.lane[node as usize] = lane;
        for node in instance.unit(unit) {
            self.insert(instance, node, position, &mut touch);
        }
    }

    fn unlink(&mut self, instance: &Instance, node: u32, touch: &mut impl FnMut(Side, u32)) {
        for core in 0..self.cores(node) {
            let slot = (self.slot[node as usize] + core) as usize;
            let lane = self.lane[node as usize] + core;
            let (before, after) = (self.prev[slot], self.next[slot]);
            let before = if before >= instance.len() as u32 { NONE } else { before };
            self.link(instance, before, after, lane);
            if after != NONE {
                touch(Side::Before, after);
            }
            if before != NONE {
                touch(Side::After, before);
            }
        }
    }

    fn insert(
        &mut self,
        instance: &Instance,
        node: u32,
        position: u32,
        touch: &mut impl FnMut(Side, u32),
    ) {
        touch(Side::Before, node);
        touch(Side::After, node);
        for core in 0..self.cores(node) {
            let lane = self.lane[node as usize] + core;
            let before = self.before(instance, position, lane);
            let after = match before {
                NONE => self.first[lane as usize],
                _ => self.next[self.slot_on(before, lane)],
            };
            self.link(instance, before, node, lane);
            self.link(instance, node, after, lane);
            if after != NONE {
                touch(Side::Before, after);
            }
            if before != NONE {
                touch(Side::After, before);
            }
        }
    }

    /// The last node on a lane before a position; [`NONE`] where there is none. Reads about as
    /// many positions as there are lanes.
    #[inline]
    fn before(&self, instance: &Instance, position: u32, lane: u32) -> u32 {
        if self.first[lane as usize] == NONE {
            return NONE;
        }
        if self.is_plain {
            let found = self.order[..position as usize].iter().rev();
            let mut found = found.filter(|n| self.lane[**n as usize] == lane);
            return found.next().copied().unwrap_or(NONE);
        }
        for &unit in self.order[..position as usize].iter().rev() {
            for node in instance.unit(unit) {
                let first = self.lane[node as usize];
                if (first..first + self.cores(node)).contains(&lane) {
                    return node;
                }
            }
        }
        NONE
    }

    /// Moves what stands at one position to another.
    #[inline]
    fn shift(&mut self, from: u32, to: u32) {
        let (from, to) = (from as usize, to as usize);
        let unit = self.order[from];
        if from < to {
            for at in from..to {
                let moved = self.order[at + 1];
                self.order[at] = moved;
                self.position[moved as usize] = at as u32;
            }
        } else {
            for at in (to..from).rev() {
                let moved = self.order[at];
                self.order[at + 1] = moved;
                self.position[moved as usize] = at as u32 + 1;
            }
        }
        self.order[to] = unit;
        self.position[unit as usize] = to as u32;
    }
}
