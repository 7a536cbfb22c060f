//! Transfers: durations, shared channels, copy engines.
//!
//! In simulation, and in an emulated run, the bytes of all transfers that lie wholly inside a
//! window must fit each channel in that window, for every window between two event times. With `x`
//! a begin, `y` an end and `d` the time that a transfer needs alone on the channel, the condition
//! is `x + (sum of d inside) <= y`. Sweeping over `y` while a tree holds the left side for every
//! `x` and gives its maximum, all windows are checked exactly in `n log n`, without a limit on the
//! number of transfers. On hardware links are what they are, and only engines are checked.

use super::Violation;
use super::facts::Facts;
use super::violation::Direction;
use crate::cluster::NetworkModel;
use crate::trace::CopyRecord;
use crate::{ChannelId, MemoryId, Ns};

/// Each transfer may seem this much faster than it is, by rounding to whole nanoseconds.
const SLACK_NS: Ns = 1;

pub(super) fn check(facts: &Facts, out: &mut Vec<Violation>) {
    if facts.is_paced {
        facts.trace.copies.iter().for_each(|c| duration(facts, c, out));
        if facts.cluster.network() == NetworkModel::MaxMin {
            channels(facts, out);
        }
    }
    let is_one_port = facts.cluster.network() == NetworkModel::OnePort;
    for memory in facts.cluster.memory_ids() {
        let spec = facts.cluster.memory(memory);
        for (direction, stated) in
            [(Direction::In, spec.copies_in), (Direction::Out, spec.copies_out)]
        {
            if let Some(limit) = if is_one_port { Some(1) } else { stated } {
                engines(facts, memory, direction, limit, out);
            }
        }
    }
}

/// A transfer lasts at least as long as alone on its route.
fn duration(facts: &Facts, record: &CopyRecord, out: &mut Vec<Violation>) {
    let &CopyRecord { copy, source: from, target: to, bytes, .. } = record;
    let cluster = facts.cluster_at(record.issued_ns);
    if !cluster.reaches(from, to) || cluster.is_cut(from, to) {
        out.push(Violation::NoRoute { copy, from, to });
        return;
    }
    let least_ns = cluster.transfer_ns(from, to, bytes);
    let lasted_ns = record.finished_ns.saturating_sub(record.started_ns);
    if lasted_ns.saturating_add(SLACK_NS) < least_ns {
        out.push(Violation::TransferTooFast { copy, from, to, bytes, lasted_ns, least_ns });
    }
}

/// A transfer on one channel, while it moves bytes.
#[derive(Clone, Copy)]
struct Flow {
    channel: ChannelId,
    begin_ns: Ns,
    end_ns: Ns,
    bytes: u64,
}

fn channels(facts: &Facts, out: &mut Vec<Violation>) {
    let mut flows: Vec<Flow> = Vec::new();
    let mut route = Vec::new();
    for c in facts.trace.copies.iter().filter(|c| c.bytes > 0 && c.source != c.target) {
        let cluster = facts.cluster_at(c.issued_ns);
        if !cluster.reaches(c.source, c.target) {
            continue;
        }
        // Latency uses no bandwidth.
        let latency_ns = cluster.latency_ns(c.source, c.target);
        let end_ns = c.finished_ns;
        let begin_ns = c.started_ns.saturating_add(latency_ns).min(end_ns);
        route.clear();
        cluster.route(c.source, c.target, &mut route);
        let flow = |&channel| Flow { channel, begin_ns, end_ns, bytes: c.bytes };
        flows.extend(route.iter().map(flow));
    }
    flows.sort_unstable_by_key(|f| (f.channel, f.end_ns, f.begin_ns));
    let mut begins = Vec::new();
    for flows in flows.chunk_by(|a, b| a.channel == b.channel) {
        begins.clear();
        begins.extend(flows.iter().map(|f| f.begin_ns));
        begins.sort_unstable();
        begins.dedup();
        let bytes_per_s = facts.cluster.channels()[flows[0].channel.index()].bytes_per_s;
        if let Some((from_ns, to_ns)) = overfull_window(flows, &begins, bytes_per_s) {
            out.push(exceeded(facts, flows, from_ns, to_ns));
        }
    }
}

/// Fractions of a nanosecond in which windows are summed: exact integers, rounded down.
const TICKS_PER_NS: f64 = 256.0;

/// What a transfer needs at most, for sums that cannot overflow; longer than any run.
const LONGEST_NS: f64 = 1e24;

/// The first window, by its end, into which the flows of a channel do not fit.
fn overfull_window(flows: &[Flow], begins: &[Ns], bytes_per_s: f64) -> Option<(Ns, Ns)> {
    let ticks = |ns: Ns| (ns as i128) * TICKS_PER_NS as i128;
    let mut tree = MaxTree::new(begins.iter().map(|b| ticks(*b)).collect());
    for at_end in flows.chunk_by(|a, b| a.end_ns == b.end_ns) {
        for flow in at_end {
            let alone_ns = flow.bytes as f64 / bytes_per_s * 1e9 - SLACK_NS as f64;
            let alone = (alone_ns.clamp(0.0, LONGEST_NS) * TICKS_PER_NS) as i128;
            let begun = begins.partition_point(|b| *b <= flow.begin_ns);
            tree.add_to_first(begun, alone);
        }
        let end_ns = at_end[0].end_ns;
        let opened = begins.partition_point(|b| *b <= end_ns);
        let (fullest, at) = tree.max_of_first(opened)?;
        if fullest > ticks(end_ns) {
            return Some((begins[at], end_ns));
        }
    }
    None
}

fn exceeded(facts: &Facts, flows: &[Flow], from_ns: Ns, to_ns: Ns) -> Violation {
    let channel = flows[0].channel;
    let spec = facts.cluster.channels()[channel.index()];
    let inside = flows.iter().filter(|f| f.begin_ns >= from_ns && f.end_ns <= to_ns);
    Violation::ChannelExceeded {
        channel,
        link: spec.link,
        from_ns,
        to_ns,
        transfers: inside.clone().count() as u32,
        bytes: inside.fold(0, |sum: u64, f| sum.saturating_add(f.bytes)),
        capacity_bytes: ((to_ns - from_ns) as f64 * spec.bytes_per_s / 1e9) as u64,
    }
}

/// Values of which the first ones can be raised together and asked for their maximum, each in
/// `log n`: a segment tree that keeps raises where they cover a whole node.
struct MaxTree {
    leaves: usize,
    /// By node: the maximum below it, without raises above it.
    max: Vec<i128>,
    raise: Vec<i128>,
}

impl MaxTree {
    fn new(values: Vec<i128>) -> Self {
        let leaves = values.len().next_power_of_two().max(1);
        let mut max = vec![i128::MIN / 2; 2 * leaves];
        max[leaves..leaves + values.len()].copy_from_slice(&values);
        for node in (1..leaves).rev() {
            max[node] = max[2 * node].max(max[2 * node + 1]);
        }
        Self { leaves, max, raise: vec![0; 2 * leaves] }
    }

    /// Raises the first `count` values.
    fn add_to_first(&mut self, count: usize, by: i128) {
        if count == 0 {
            return;
        }
        // Down to the last value that is raised; left siblings on the way are raised whole.
        let last = self.leaves + count - 1;
        let depth = self.leaves.trailing_zeros();
        for level in (0..depth).rev() {
            let node = last >> level;
            if node & 1 == 1 {
                self.max[node - 1] += by;
                self.raise[node - 1] += by;
            }
        }
        self.max[last] += by;
        let mut node = last >> 1;
        while node >= 1 {
            self.max[node] = self.max[2 * node].max(self.max[2 * node + 1]) + self.raise[node];
            node >>= 1;
        }
    }

    /// The maximum of the first `count` values, and where it is.
    fn max_of_first(&self, count: usize) -> Option<(i128, usize)> {
        if count == 0 {
            return None;
        }
        let last = self.leaves + count - 1;
        let mut above = 0;
        let mut best: Option<(i128, usize, i128)> = None;
        let depth = self.leaves.trailing_zeros();
        let consider = |node: usize, above: i128, best: &mut Option<(i128, usize, i128)>| {
            let value = self.max[node] + above;
            if best.is_none_or(|b| value > b.0) {
                *best = Some((value, node, above));
            }
        };
        for level in (0..depth).rev() {
            let node = last >> level;
            above += self.raise[node >> 1];
            if node & 1 == 1 {
                consider(node - 1, above, &mut best);
            }
        }
        consider(last, above, &mut best);
        let (value, mut node, mut above) = best?;
        while node < self.leaves {
            above += self.raise[node];
            node = if self.max[2 * node] + above == value { 2 * node } else { 2 * node + 1 };
        }
        Some((value, node - self.leaves))
    }
}

/// No more transfers at once than a memory's engines carry; reports where the limit is first
/// passed.
fn engines(
    facts: &Facts,
    memory: MemoryId,
    direction: Direction,
    limit: u32,
    out: &mut Vec<Violation>,
) {
    let is_here = |c: &&CopyRecord| match direction {
        Direction::In => c.target == memory,
        Direction::Out => c.source == memory,
    };
    let begin_ns = |c: &CopyRecord| c.started_ns.saturating_add(facts.slack_ns);
    let lasting = |c: &&CopyRecord| c.finished_ns > begin_ns(c);
    let mut events: Vec<(Ns, bool)> = Vec::new();
    for c in facts.trace.copies.iter().filter(is_here).filter(lasting) {
        events.push((begin_ns(c), true));
        events.push((c.finished_ns, false));
    }
    // Ends come before begins.
    events.sort_unstable();
    let mut copies = 0i64;
    for (at_ns, is_begin) in events {
        copies += if is_begin { 1 } else { -1 };
        if copies > i64::from(limit) {
            let copies = copies as u32;
            out.push(Violation::TooManyCopies { memory, direction, at_ns, copies, limit });
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_agrees_with_an_array() {
        let mut state = 7u64;
        let mut dice = |n: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % n
        };
        for _ in 0..200 {
            let n = 1 + dice(20) as usize;
            let mut plain: Vec<i128> = (0..n).map(|_| i128::from(dice(50))).collect();
            let mut tree = MaxTree::new(plain.clone());
            for _ in 0..30 {
                let count = dice(n as u64 + 1) as usize;
                let by = i128::from(dice(20));
                plain[..count].iter_mut().for_each(|v| *v += by);
                tree.add_to_first(count, by);
                let count = dice(n as u64 + 1) as usize;
                let expected = plain[..count].iter().max().copied();
                let found = tree.max_of_first(count);
                assert_eq!(found.map(|f| f.0), expected);
                if let Some((value, at)) = found {
                    assert!(at < count);
                    assert_eq!(plain[at], value);
                }
            }
        }
    }

    #[test]
    fn every_window_is_looked_at() {
        let flow = |begin_ns, end_ns, bytes| {
            let channel = ChannelId(0);
            Flow { channel, begin_ns, end_ns, bytes }
        };
        let window = |flows: &[Flow]| {
            let mut flows = flows.to_vec();
            flows.sort_by_key(|f| f.end_ns);
            let mut begins: Vec<Ns> = flows.iter().map(|f| f.begin_ns).collect();
            begins.sort_unstable();
            overfull_window(&flows, &begins, 1e9)
        };
        // One byte per nanosecond. Each fits alone, and all fit from 0 on, but not the last two.
        let flows = [flow(0, 1000, 100), flow(1000, 1500, 400), flow(1100, 1600, 300)];
        assert_eq!(window(&flows), Some((1000, 1600)));
        assert_eq!(window(&flows[..2]), None);
        assert_eq!(window(&[flow(5, 15, 11)]), None, "a nanosecond of slack");
        assert_eq!(window(&[flow(5, 15, 12)]), Some((5, 15)));
    }
}
