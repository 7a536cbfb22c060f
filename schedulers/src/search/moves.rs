//! Random neighbours of a schedule.
//!
//! A unit is taken out of the order and put back elsewhere, on the same lane or another one. Where
//! it may go follows from what it depends on ([`Evaluator::window`]), what its lanes can run,
//! the other tasks of its gang, and the memory of what it shares racily.

use super::evaluator::Evaluator;
use crate::instance::Instance;
use crate::stream::Stream;
use runtime::Ns;

/// How often another lane is drawn before the node stays where it is.
const TRIES: u32 = 4;

/// Whether a node may move to a lane with everything else where it is.
pub fn may_take(evaluator: &Evaluator<'_>, node: u32, lane: u32) -> bool {
    let instance = evaluator.instance();
    if !instance.can_run(node, lane) {
        return false;
    }
    let memory = instance.memory_of(lane);
    let here = instance.memory_of(evaluator.lanes()[node as usize]);
    if instance.racy_group(node).is_some() && memory != here {
        return false;
    }
    let members = instance.unit(instance.unit_of(node));
    members.len() == 1 || fits_gang(evaluator, node, lane)
}

/// Whether a node of a gang has lanes of its own, and its memory room for all that start together.
fn fits_gang(evaluator: &Evaluator<'_>, node: u32, lane: u32) -> bool {
    let instance = evaluator.instance();
    let memory = instance.memory_of(lane);
    let mut bytes = instance.working_set_bytes(node);
    for other in instance.unit(instance.unit_of(node)).filter(|n| *n != node) {
        let at = evaluator.lanes()[other as usize];
        if lane < at + instance.cores(other) && at < lane + instance.cores(node) {
            return false;
        }
        if instance.memory_of(at) == memory {
            bytes = bytes.saturating_add(instance.working_set_bytes(other));
        }
    }
    instance.capacity_bytes(memory).is_none_or(|c| bytes <= c)
}

/// A node of a random unit.
pub fn random_node(instance: &Instance, stream: &mut Stream) -> u32 {
    stream.index(instance.len() as u32)
}

/// Another lane for a node, or its own when few are able.
pub fn random_lane(evaluator: &Evaluator<'_>, node: u32, stream: &mut Stream) -> u32 {
    let lanes = evaluator.instance().lane_count() as u32;
    for _ in 0..TRIES {
        let lane = stream.index(lanes);
        if may_take(evaluator, node, lane) {
            return lane;
        }
    }
    evaluator.lanes()[node as usize]
}

/// A position in the window of a unit, at most `reach` away from where it is where that is
/// possible.
pub fn random_position(
    evaluator: &Evaluator<'_>,
    unit: u32,
    reach: u32,
    stream: &mut Stream,
) -> u32 {
    let (from, to) = evaluator.window(unit);
    let here = evaluator.position(unit);
    let (from, to) = (from.max(here.saturating_sub(reach)), to.min(here.saturating_add(reach)));
    from + stream.index(to - from + 1)
}

/// Moves a random unit somewhere else. Returns the node that was moved.
pub fn random_move(evaluator: &mut Evaluator<'_>, reach: u32, stream: &mut Stream) -> u32 {
    let instance = evaluator.instance();
    let node = random_node(instance, stream);
    let unit = instance.unit_of(node);
    let position = random_position(evaluator, unit, reach, stream);
    let stays = stream.index(3) == 0;
    let lane = match stays {
        true => evaluator.lanes()[node as usize],
        false => random_lane(evaluator, node, stream),
    };
    evaluator.relocate(unit, position, node, lane);
    node
}

/// Exchanges the lanes and positions of a node and a random one near it, where both may; moves the
/// node alone where they may not.
pub fn random_swap(evaluator: &mut Evaluator<'_>, reach: u32, stream: &mut Stream) {
    let instance = evaluator.instance();
    let node = random_node(instance, stream);
    let unit = instance.unit_of(node);
    let here = evaluator.position(unit);
    let last = instance.unit_count() as u32 - 1;
    let (from, to) = (here.saturating_sub(reach), here.saturating_add(reach).min(last));
    let other_unit = evaluator.order()[(from + stream.index(to - from + 1)) as usize];
    let other = instance.unit(other_unit).start;
    let (lane, other_lane) = (evaluator.lanes()[node as usize], evaluator.lanes()[other as usize]);
    let is_fine = other_unit != unit
        && lane != other_lane
        && may_take(evaluator, node, other_lane)
        && may_take(evaluator, other, lane);
    if !is_fine {
        let lane = random_lane(evaluator, node, stream);
        let position = random_position(evaluator, unit, reach, stream);
        return evaluator.relocate(unit, position, node, lane);
    }
    let there = evaluator.position(other_unit);
    let (from, to) = evaluator.window(unit);
    evaluator.relocate(unit, there.clamp(from, to), node, other_lane);
    let (from, to) = evaluator.window(other_unit);
    evaluator.relocate(other_unit, here.clamp(from, to), other, lane);
}

/// A random change: mostly a move, sometimes an exchange.
pub fn random_change(evaluator: &mut Evaluator<'_>, reach: u32, stream: &mut Stream) {
    if stream.index(4) == 0 {
        random_swap(evaluator, reach, stream);
    } else {
        random_move(evaluator, reach, stream);
    }
}

/// The nodes of one longest path, from its end to its begin, put into `path`.
pub fn critical_path(evaluator: &Evaluator<'_>, path: &mut Vec<u32>) {
    path.clear();
    let nodes = 0..evaluator.instance().len() as u32;
    let mut at = nodes.max_by_key(|n| (evaluator.finish_ns(*n), std::cmp::Reverse(*n)));
    while let Some(node) = at {
        path.push(node);
        at = evaluator.held_up_by(node);
    }
}

/// Changes where a node stands: up to `positions` random places on each of up to `lanes` lanes are
/// evaluated, where it is among them, and the best is kept. Returns whether that is elsewhere.
pub fn best_place(
    evaluator: &mut Evaluator<'_>,
    node: u32,
    (lanes, positions): (u32, u32),
    stream: &mut Stream,
) -> bool {
    let instance = evaluator.instance();
    let unit = instance.unit_of(node);
    let all = instance.lane_count() as u32;
    let mut best = evaluator.score();
    let mut place = None;
    for at in 0..lanes.min(all) {
        let lane = if all <= lanes { at } else { stream.index(all) };
        if !may_take(evaluator, node, lane) {
            continue;
        }
        for _ in 0..positions {
            let position = random_position(evaluator, unit, u32::MAX / 2, stream);
            evaluator.relocate(unit, position, node, lane);
            let score = evaluator.evaluate(best.makespan_ns);
            evaluator.undo();
            let is_better =
                score.is_some_and(|s| (s.makespan_ns, s.sum_ns) < (best.makespan_ns, best.sum_ns));
            if let Some(score) = score.filter(|_| is_better) {
                best = score;
                place = Some((position, lane));
            }
        }
    }
    if let Some((position, lane)) = place {
        evaluator.relocate(unit, position, node, lane);
        evaluator.evaluate(Ns::MAX);
        evaluator.commit();
    }
    place.is_some()
}

/// Which nodes must change lanes together: those of a gang or of a racy group. A number per node,
/// the same for those that go together.
pub fn blocks(instance: &Instance) -> Vec<u32> {
    let nodes = 0..instance.len() as u32;
    let mut block: Vec<u32> =
        nodes.clone().map(|n| instance.unit(instance.unit_of(n)).start).collect();
    let mut first = vec![u32::MAX; instance.racy_groups() as usize];
    for node in nodes {
        let Some(group) = instance.racy_group(node) else { continue };
        let (old, new) = (block[node as usize], first[group as usize]);
        match new {
            u32::MAX => first[group as usize] = old,
            _ => block.iter_mut().filter(|b| **b == old).for_each(|b| *b = new),
        }
    }
    block
}
