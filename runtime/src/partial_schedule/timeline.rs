//! When one lane is busy, kept as its idle gaps.
//!
//! Gaps stand in time order in buckets of at most [`BUCKET`], each with the length of its longest
//! gap, so that a search passes over whole buckets of gaps that are too short, and an insertion
//! moves one bucket only. With `g` gaps a search takes O(log g) and the gaps that it has to look
//! at, an insertion O([`BUCKET`] + g / [`BUCKET`]); placing after everything else, which is the
//! common case, takes O(1).

use crate::Ns;

/// Most gaps in a bucket; measured: searches in large buckets are faster, as memory is read in
/// fewer places. Tests want many buckets.
const BUCKET: usize = if cfg!(test) { 8 } else { 512 };

const OVERLAP: &str = "a lane runs one task at a time";

/// An idle interval between two busy ones. It may be empty: a task of no duration fits there.
type Gap = (Ns, Ns);

#[derive(Clone, Debug)]
struct Bucket {
    gaps: Vec<Gap>,
    longest_ns: Ns,
    /// End of the last gap.
    end_ns: Ns,
}

/// The busy and idle time of one lane.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    buckets: Vec<Bucket>,
    /// From here on it is idle.
    end_ns: Ns,
    /// No gap ends later.
    gaps_end_ns: Ns,
}

impl Bucket {
    fn of(gaps: Vec<Gap>) -> Self {
        let longest_ns = gaps.iter().map(|g| g.1 - g.0).max().unwrap_or(0);
        let end_ns = gaps.last().map_or(0, |g| g.1);
        Self { gaps, longest_ns, end_ns }
    }
}

impl Timeline {
    /// Idle from `free_ns` on, busy before.
    pub fn new(free_ns: Ns) -> Self {
        Self { buckets: Vec::new(), end_ns: free_ns, gaps_end_ns: 0 }
    }

    /// From here on the lane is idle.
    #[inline]
    pub fn end_ns(&self) -> Ns {
        self.end_ns
    }

    /// The earliest instant from `ready_ns` on at which the lane is idle for `duration_ns`, or
    /// some instant from `limit_ns` on when that is not before `limit_ns`.
    #[inline]
    pub fn earliest_ns(&self, ready_ns: Ns, duration_ns: Ns, limit_ns: Ns) -> Ns {
        if ready_ns >= self.end_ns {
            return ready_ns;
        }
        if ready_ns > self.gaps_end_ns || ready_ns >= limit_ns {
            return self.end_ns;
        }
        self.earliest_gap_ns(ready_ns, duration_ns, limit_ns).unwrap_or(self.end_ns)
    }

    fn earliest_gap_ns(&self, ready_ns: Ns, duration_ns: Ns, limit_ns: Ns) -> Option<Ns> {
        for bucket in &self.buckets[self.bucket_at(ready_ns)..] {
            if bucket.longest_ns < duration_ns {
                continue;
            }
            let from = bucket.gaps.partition_point(|g| g.1 < ready_ns);
            for gap in &bucket.gaps[from..] {
                let start_ns = gap.0.max(ready_ns);
                if start_ns.saturating_add(duration_ns) <= gap.1 {
                    return Some(start_ns);
                }
                if gap.1 >= limit_ns {
                    return None;
                }
            }
        }
        None
    }

    /// The first bucket that ends at `at_ns` or later; mostly the last one.
    fn bucket_at(&self, at_ns: Ns) -> usize {
        match self.buckets.as_slice() {
            [.., before, _] if before.end_ns < at_ns => self.buckets.len() - 1,
            buckets => buckets.partition_point(|b| b.end_ns < at_ns),
        }
    }

    /// Makes the lane busy from `start_ns` to `finish_ns`, where it is idle. A point in time, too,
    /// is kept free of anything that would run across it.
    pub fn occupy(&mut self, start_ns: Ns, finish_ns: Ns) {
        if start_ns >= self.end_ns {
            let gap = (self.end_ns, start_ns);
            self.end_ns = finish_ns;
            if start_ns < finish_ns || gap.0 < gap.1 {
                self.push(gap);
            }
            return;
        }
        let at = self.bucket_at(finish_ns);
        let bucket = self.buckets.get_mut(at).expect(OVERLAP);
        let within = bucket.gaps.partition_point(|g| g.1 < finish_ns);
        let gap = bucket.gaps[within];
        assert!(gap.0 <= start_ns && finish_ns <= gap.1, "{OVERLAP}");
        if start_ns == finish_ns && (start_ns == gap.0 || start_ns == gap.1) {
            return;
        }
        bucket.gaps[within] = (gap.0, start_ns);
        bucket.gaps.insert(within + 1, (finish_ns, gap.1));
        *bucket = Bucket::of(std::mem::take(&mut bucket.gaps));
        if self.buckets[at].gaps.len() > BUCKET {
            let right = Bucket::of(self.buckets[at].gaps.split_off(BUCKET / 2));
            self.buckets[at] = Bucket::of(std::mem::take(&mut self.buckets[at].gaps));
            self.buckets.insert(at + 1, right);
        }
    }

    /// Adds a gap after all others.
    fn push(&mut self, gap: Gap) {
        if self.buckets.last().is_none_or(|b| b.gaps.len() == BUCKET) {
            self.buckets.push(Bucket { gaps: Vec::new(), longest_ns: 0, end_ns: 0 });
        }
        let bucket = self.buckets.last_mut().expect("one was pushed if there was none");
        bucket.gaps.push(gap);
        bucket.longest_ns = bucket.longest_ns.max(gap.1 - gap.0);
        bucket.end_ns = gap.1;
        self.gaps_end_ns = gap.1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition: try every instant at which something ends.
    fn earliest_by_definition(busy: &[Gap], free_ns: Ns, ready_ns: Ns, duration_ns: Ns) -> Ns {
        let fits = |s: Ns| {
            let clear = |b: &Gap| match b.0 == b.1 {
                true => b.0 <= s || s + duration_ns <= b.0,
                false => b.1 <= s || s + duration_ns <= b.0,
            };
            busy.iter().all(clear)
        };
        let ends = busy.iter().map(|b| b.1).chain([free_ns, ready_ns]);
        let starts = ends.map(|s| s.max(ready_ns).max(free_ns));
        starts.filter(|s| fits(*s)).min().expect("after everything it is idle")
    }

    proptest! {
        #[test]
        fn finds_the_earliest_gap(
            free_ns in 0u64..5,
            tasks in prop::collection::vec((0u64..3000, 0u64..6), 1..400),
        ) {
            let mut timeline = Timeline::new(free_ns);
            let mut busy: Vec<Gap> = Vec::new();
            for (ready_ns, duration_ns) in tasks {
                let start_ns = timeline.earliest_ns(ready_ns.max(free_ns), duration_ns, Ns::MAX);
                let expected = earliest_by_definition(&busy, free_ns, ready_ns, duration_ns);
                prop_assert_eq!(start_ns, expected);
                for limit_ns in [expected.saturating_sub(3), expected, expected + 1] {
                    let from_ns = ready_ns.max(free_ns);
                    let limited = timeline.earliest_ns(from_ns, duration_ns, limit_ns);
                    prop_assert!(limited == expected || limited.min(expected) >= limit_ns);
                }
                timeline.occupy(start_ns, start_ns + duration_ns);
                busy.push((start_ns, start_ns + duration_ns));
                let end_ns = busy.iter().map(|b| b.1).max().unwrap_or(0);
                prop_assert_eq!(timeline.end_ns(), end_ns.max(free_ns));
            }
        }
    }

    #[test]
    fn a_task_of_no_duration_fits_between_neighbours_and_nothing_runs_across_it() {
        let mut timeline = Timeline::new(0);
        timeline.occupy(0, 5);
        timeline.occupy(5, 9);
        assert_eq!(timeline.earliest_ns(3, 0, Ns::MAX), 5);
        timeline.occupy(20, 22);
        timeline.occupy(12, 12);
        assert_eq!(timeline.earliest_ns(0, 4, Ns::MAX), 12, "9 to 13 would run across 12");
        assert_eq!(timeline.earliest_ns(0, 3, Ns::MAX), 9);
    }

    #[test]
    #[should_panic(expected = "one task at a time")]
    fn overlap_is_a_bug() {
        let mut timeline = Timeline::new(0);
        timeline.occupy(0, 5);
        timeline.occupy(4, 6);
    }
}
