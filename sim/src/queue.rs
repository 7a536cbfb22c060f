//! The event queue: a total order by time, class and sequence.

use runtime::Ns;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Classes of events at one instant, first to last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// A device goes or comes back.
    Device,
    /// A link carries more or less.
    Link,
    /// A copy's latency is over or, without contention, the copy has arrived.
    Copy,
    /// A lane's task has ended.
    Task,
    /// A task's launch on a device that is shared is over.
    Launch,
    /// A graph is submitted, or none will be any more.
    Arrival,
    /// The scheduler has its answer.
    Decided,
    /// A plan that was made apart from the run is there.
    Planned,
    /// A timer rings.
    Timer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Event {
    pub at_ns: Ns,
    pub class: Class,
    pub sequence: u32,
    /// A device, a link, a copy or a lane, by class.
    pub index: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Queue {
    heap: BinaryHeap<Reverse<Event>>,
    sequence: u32,
}

impl Queue {
    /// Returns the event's sequence number.
    pub fn push(&mut self, at_ns: Ns, class: Class, index: u32) -> u32 {
        let sequence = self.sequence;
        self.sequence = sequence.checked_add(1).expect("fewer than 2^32 events in one simulation");
        self.heap.push(Reverse(Event { at_ns, class, sequence, index }));
        sequence
    }

    #[inline]
    pub fn peek(&self) -> Option<Event> {
        self.heap.peek().map(|e| e.0)
    }

    #[inline]
    pub fn pop(&mut self) -> Option<Event> {
        self.heap.pop().map(|e| e.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_one_instant_copies_come_before_tasks_and_tasks_before_timers() {
        let mut queue = Queue::default();
        for (at_ns, class) in [
            (5, Class::Timer),
            (5, Class::Task),
            (5, Class::Copy),
            (4, Class::Timer),
            (5, Class::Copy),
        ] {
            queue.push(at_ns, class, 0);
        }
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        let classes: Vec<_> = order.iter().map(|e| (e.at_ns, e.class, e.sequence)).collect();
        assert_eq!(
            classes,
            [
                (4, Class::Timer, 3),
                (5, Class::Copy, 2),
                (5, Class::Copy, 4),
                (5, Class::Task, 1),
                (5, Class::Timer, 0)
            ]
        );
    }
}
