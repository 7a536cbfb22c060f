//! A window of a larger plan: a few tasks on a few devices, everything else frozen.
//!
//! What is before the window is a release, what is after it a tail, so that the makespan of the
//! whole is the larger of the window's own and what does not pass through it. A frozen task that
//! both waits for a task of the window and is waited for by one keeps its start: the first must end
//! in time for it.

use crate::instance::{Instance, NEVER};
use crate::plan::Plan;
use runtime::Ns;
use schedulers::instance::NONE;
use schedulers::stream::Stream;

/// Which tasks and lanes are free; both sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Tasks, neighbours in time on the lanes.
    pub nodes: Vec<u32>,
    /// All lanes of some devices.
    pub lanes: Vec<u32>,
    /// By lane: what runs there before and after the window, [`NONE`] = nothing.
    edges: Vec<(u32, u32)>,
}

impl Window {
    /// Up to `tasks` tasks around `anchor` on up to `lanes` lanes (one device at least): its own
    /// device, devices it exchanges data with, others at random.
    pub fn around(
        plan: &Plan<'_>,
        anchor: u32,
        tasks: usize,
        lanes: usize,
        stream: &mut Stream,
    ) -> Self {
        let lanes = choose_lanes(plan, anchor, lanes, stream);
        // All tasks on these lanes that may be within `tasks` of the anchor, by start.
        let key = |node: u32| (plan.placed[node as usize].start_ns, node);
        let mut near: Vec<(Ns, u32)> = Vec::new();
        for &lane in &lanes {
            let sequence = &plan.sequences[lane as usize];
            let at = sequence.partition_point(|n| key(*n) < key(anchor));
            let from = at.saturating_sub(tasks);
            near.extend(sequence[from..(at + tasks).min(sequence.len())].iter().map(|n| key(*n)));
        }
        near.sort_unstable();
        near.dedup();
        let middle = near.partition_point(|k| *k < key(anchor));
        let first = middle.saturating_sub(tasks / 2);
        let chosen = &near[first..(first + tasks).min(near.len())];
        let (low, high) = (chosen[0], chosen[chosen.len() - 1]);
        let edge = |lane: &u32| {
            let sequence = &plan.sequences[*lane as usize];
            let from = sequence.partition_point(|n| key(*n) < low);
            let until = sequence.partition_point(|n| key(*n) <= high);
            let before = if from == 0 { NONE } else { sequence[from - 1] };
            (before, sequence.get(until).copied().unwrap_or(NONE))
        };
        let edges = lanes.iter().map(edge).collect();
        let mut nodes: Vec<u32> = chosen.iter().map(|k| k.1).collect();
        nodes.sort_unstable();
        Self { nodes, lanes, edges }
    }

    /// The instance of the window, and what was subtracted from all its releases and tails.
    pub fn instance(&self, plan: &Plan<'_>) -> (Instance, Ns, Ns) {
        let mut instance = Instance::part(plan.flat, &self.nodes, &self.lanes);
        let is_between = self.between(plan);
        for task in 0..self.nodes.len() {
            self.bind(plan, &mut instance, task, &is_between);
        }
        let open = |at: &usize| instance.duration_ns[*at] != NEVER;
        let all = 0..instance.duration_ns.len();
        let release_ns = all.clone().filter(open).map(|at| instance.release_ns[at]).min();
        let tail_ns = all.filter(open).map(|at| instance.tail_ns[at]).min();
        let (release_ns, tail_ns) = (release_ns.unwrap_or(0), tail_ns.unwrap_or(0));
        for at in 0..instance.duration_ns.len() {
            let release = &mut instance.release_ns[at];
            *release = release.saturating_sub(release_ns);
            let tail = &mut instance.tail_ns[at];
            *tail = tail.saturating_sub(tail_ns);
            if instance.deadline_ns[at] != Ns::MAX {
                instance.deadline_ns[at] = instance.deadline_ns[at].saturating_sub(release_ns);
            }
        }
        (instance, release_ns, tail_ns)
    }

    /// Releases, tails and deadlines of one task.
    fn bind(&self, plan: &Plan<'_>, instance: &mut Instance, task: usize, is_between: &[bool]) {
        let (flat, node) = (plan.flat, self.nodes[task]);
        let now_ns = flat.now_ns();
        for first in 0..self.lanes.len() {
            let at = instance.at(task, first);
            let memory = flat.memory_of(self.lanes[first]);
            let is_pinned = flat.racy_group(node).is_some() && memory != plan.memory_of(node);
            if instance.duration_ns[at] == NEVER || is_pinned {
                instance.duration_ns[at] = NEVER;
                continue;
            }
            let mut follow = |start_ns: Ns, rest_ns: Ns, between: bool, delay_ns: Ns| match between
            {
                true => {
                    let deadline_ns = (start_ns - now_ns).saturating_sub(delay_ns);
                    instance.deadline_ns[at] = instance.deadline_ns[at].min(deadline_ns);
                }
                false => instance.tail_ns[at] = instance.tail_ns[at].max(delay_ns + rest_ns),
            };
            let mut release_ns = 0;
            for arc in flat.preds(node).iter().filter(|a| self.is_frozen(a.node)) {
                let delay_ns = flat.arc_ns(*arc, plan.memory_of(arc.node), memory);
                release_ns = release_ns.max(plan.end_ns(arc.node) + delay_ns - now_ns);
            }
            for arc in flat.succs(node).iter().filter(|a| self.is_frozen(a.node)) {
                let to = arc.node as usize;
                let delay_ns = flat.arc_ns(*arc, memory, plan.memory_of(arc.node));
                follow(plan.placed[to].start_ns, plan.rest_ns[to], is_between[to], delay_ns);
            }
            for &(before, after) in &self.edges[first..first + instance.cores[task]] {
                if before != NONE {
                    release_ns = release_ns.max(plan.end_ns(before) - now_ns);
                }
                if after != NONE {
                    let to = after as usize;
                    follow(plan.placed[to].start_ns, plan.rest_ns[to], is_between[to], 0);
                }
            }
            instance.release_ns[at] = instance.release_ns[at].max(release_ns);
        }
    }

    fn is_frozen(&self, node: u32) -> bool {
        self.nodes.binary_search(&node).is_err()
    }

    /// Frozen tasks that come after one task of the window and before another.
    fn between(&self, plan: &Plan<'_>) -> Vec<bool> {
        let flat = plan.flat;
        let mut later = vec![false; flat.len()];
        let mut earlier = vec![false; flat.len()];
        for &(before, after) in &self.edges {
            if before != NONE {
                earlier[before as usize] = true;
            }
            if after != NONE {
                later[after as usize] = true;
            }
        }
        for &node in &self.nodes {
            (later[node as usize], earlier[node as usize]) = (true, true);
        }
        for &node in &plan.order {
            let mut causes = flat.preds(node).iter().map(|a| a.node).chain(plan.before(node));
            let is_later = causes.any(|c| later[c as usize]);
            later[node as usize] |= is_later;
        }
        for &node in plan.order.iter().rev() {
            let mut effects = flat.succs(node).iter().map(|a| a.node).chain(plan.after(node));
            let is_earlier = effects.any(|c| earlier[c as usize]);
            earlier[node as usize] |= is_earlier;
        }
        later.iter().zip(earlier).map(|(later, earlier)| *later && earlier).collect()
    }

    /// Puts the window's tasks on new lanes (numbered as in the window), each lane in the order of
    /// `start_ns`, and computes all times anew. Returns whether that gives a plan.
    pub fn apply(&self, plan: &mut Plan<'_>, lane: &[usize], start_ns: &[Ns]) -> bool {
        let mut order: Vec<usize> = (0..self.nodes.len()).collect();
        order.sort_by_key(|t| (start_ns[*t], self.nodes[*t]));
        for (&here, &(before, _)) in self.lanes.iter().zip(&self.edges) {
            let covers = |t: &&usize| {
                let first = self.lanes[lane[**t]];
                (first..first + plan.flat.cores(self.nodes[**t])).contains(&here)
            };
            let new: Vec<u32> = order.iter().filter(covers).map(|t| self.nodes[*t]).collect();
            let sequence = &mut plan.sequences[here as usize];
            sequence.retain(|n| self.is_frozen(*n));
            let at = sequence.iter().position(|n| *n == before).map_or(0, |at| at + 1);
            sequence.splice(at..at, new);
        }
        for (task, &node) in self.nodes.iter().enumerate() {
            plan.placed[node as usize].lane = self.lanes[lane[task]];
        }
        plan.time()
    }
}

/// All lanes of the anchor's device and of others, up to `most` of them.
fn choose_lanes(plan: &Plan<'_>, anchor: u32, most: usize, stream: &mut Stream) -> Vec<u32> {
    let flat = plan.flat;
    let device_of = |node: u32| flat.device_of(plan.placed[node as usize].lane);
    let neighbours = flat.preds(anchor).iter().chain(flat.succs(anchor));
    let mut wanted: Vec<_> = neighbours.map(|a| device_of(a.node)).collect();
    for _ in 0..2 * most {
        let lane = stream.below(flat.lane_count() as u64) as u32;
        wanted.push(flat.device_of(lane));
    }
    let mut devices = vec![device_of(anchor)];
    let mut count = flat.lanes(devices[0]).len();
    for device in wanted {
        let more = flat.lanes(device).len();
        if !devices.contains(&device) && count + more <= most {
            devices.push(device);
            count += more;
        }
    }
    let mut lanes: Vec<u32> = devices.iter().flat_map(|d| flat.lanes(*d)).collect();
    lanes.sort_unstable();
    lanes
}
