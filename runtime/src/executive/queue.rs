//! Tasks that wait for a lane, best first.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// Priority, then the earlier placement, and the task.
pub(crate) type Entry = (i64, Reverse<u32>, u32);

/// A priority queue that is as quick as a plain one for entries that come in their order, as those
/// of a plan do.
#[derive(Default)]
pub(crate) struct TaskQueue {
    /// Best first: each came when it was the last one of all here.
    sorted: VecDeque<Entry>,
    /// All others.
    rest: BinaryHeap<Entry>,
}

impl TaskQueue {
    pub fn push(&mut self, entry: Entry) {
        match self.sorted.back() {
            Some(last) if entry > *last => self.rest.push(entry),
            _ => self.sorted.push_back(entry),
        }
    }

    /// The best entry.
    #[inline]
    pub fn peek(&self) -> Option<&Entry> {
        self.sorted.front().max(self.rest.peek())
    }

    #[inline]
    pub fn pop(&mut self) -> Option<Entry> {
        match self.rest.peek() > self.sorted.front() {
            true => self.rest.pop(),
            false => self.sorted.pop_front(),
        }
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty() && self.rest.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn entries_come_out_as_from_a_heap(
            steps in prop::collection::vec(prop::option::of((-3i64..3, 0u32..50)), 0..200),
        ) {
            let (mut queue, mut heap) = (TaskQueue::default(), BinaryHeap::new());
            for (task, step) in (0..).zip(steps) {
                match step {
                    Some((priority, placement)) => {
                        let entry = (priority, Reverse(placement), task);
                        queue.push(entry);
                        heap.push(entry);
                    }
                    None => prop_assert_eq!(queue.pop(), heap.pop()),
                }
                prop_assert_eq!(queue.peek(), heap.peek());
                prop_assert_eq!(queue.is_empty(), heap.is_empty());
            }
        }
    }
}
