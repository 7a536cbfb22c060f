//! A quick lower bound, for what is left of a run too.

use super::Instance;
use runtime::Ns;

impl Instance {
    /// Shortest duration of a node.
    pub fn least_ns(&self, node: u32) -> Ns {
        let kinds = (0..self.kinds).map(|k| self.duration_of_kind_ns(node, k));
        kinds.min().unwrap_or(0)
    }

    /// No schedule ends earlier: the longest path from what is released when, every task on its
    /// fastest device with data moving at once, and all work spread over the lanes from when they
    /// are free. Linear.
    pub fn bound_ns(&self) -> Ns {
        let memories = self.memory_count() as u32;
        let mut finish_ns = vec![0; self.len()];
        let mut work_ns = 0u128;
        let mut longest_ns = 0;
        for node in 0..self.len() as u32 {
            let released = (0..memories).map(|m| self.release_ns(node, m)).min();
            let starts = self.preds(node).iter().map(|a| finish_ns[a.node as usize]);
            let start_ns: Ns = starts.fold(released.unwrap_or(0), Ns::max);
            let least_ns = self.least_ns(node);
            finish_ns[node as usize] = start_ns + least_ns;
            longest_ns = longest_ns.max(start_ns + least_ns);
            work_ns += u128::from(least_ns) * u128::from(self.cores(node));
        }
        let free = (0..self.lane_count() as u32).map(|l| u128::from(self.lane_free_ns(l)));
        let mut free: Vec<u128> = free.collect();
        free.sort_unstable();
        // Lanes that are free late may end up without work.
        let mut sum_ns = work_ns;
        let mut level_ns = 0;
        for (count, free_ns) in (1..).zip(&free) {
            if count > 1 && level_ns <= *free_ns {
                break;
            }
            sum_ns += free_ns;
            level_ns = sum_ns.div_ceil(count);
        }
        longest_ns.max(level_ns as Ns)
    }
}
