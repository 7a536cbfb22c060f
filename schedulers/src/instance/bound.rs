//! A quick lower bound, for what is left of a run too.

use super::Instance;
use runtime::Ns;

impl Instance {
    /// Shortest duration of a node.
    pub fn least_ns(&self, node: u32) -> Ns {
        let kinds = (0..self.kinds).map(|k| self.duration_of_kind_ns(node, k));
        kinds.min().unwrap_or(0)
    }

    /// The longest path from each node to the end, the node included: mean durations over lanes,
    /// data on a route of mean speed. Linear in nodes times lanes and arcs times routes.
    pub fn ranks_ns(&self) -> Vec<Ns> {
        let mut weight = vec![0u64; self.kinds as usize];
        self.lane_kind.iter().for_each(|kind| weight[*kind as usize] += 1);
        let memories = self.memory_count() as u32;
        let routes = memories.min(8);
        let mut rank_ns: Vec<Ns> = vec![0; self.len()];
        for node in (0..self.len() as u32).rev() {
            let (mut sum_ns, mut lanes) = (0u128, 0u128);
            for kind in 0..self.kinds {
                let ns = self.duration_of_kind_ns(node, kind);
                if ns != Ns::MAX {
                    let count = u128::from(weight[kind as usize]);
                    sum_ns += u128::from(ns) * count;
                    lanes += count;
                }
            }
            let through = |arc: &super::Arc| {
                // Of many routes a sample says enough.
                let pairs = (0..routes).flat_map(|a| (0..routes).map(move |b| (a, b)));
                let each_ns = pairs.map(|(a, b)| self.arc_ns(*arc, a, b));
                let all_ns = each_ns.fold(0, Ns::saturating_add);
                all_ns / u64::from(routes * routes) + rank_ns[arc.node as usize]
            };
            let rest_ns = self.succs(node).iter().map(through).max().unwrap_or(0);
            rank_ns[node as usize] = (sum_ns / lanes.max(1)) as Ns + rest_ns;
        }
        rank_ns
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
