//! Random neighbours of a schedule.
//!
//! A unit is taken out of the order and put back elsewhere, on the same lane or another one. Where
//! it may go follows from what it depends on ([`Evaluator::window`]), what its lanes can run,
//! the other tasks of its gang, and the memory of what it shares racily.

use super::evaluator::Evaluator;
use crate::instance::Instance;
use crate::stream::Stream;

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
