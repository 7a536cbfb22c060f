//! Drives a network through a list of arrivals, as a simulator does.

use sim::network::{FlowId, MaxMin};

/// A flow that will start.
#[derive(Clone, Debug)]
pub struct Arrival {
    pub start_ns: u64,
    pub bytes: u64,
    pub route: Vec<u32>,
    pub weight: u32,
}

impl Arrival {
    pub fn new(start_ns: u64, bytes: u64, route: &[u32]) -> Self {
        Arrival { start_ns, bytes, route: route.to_vec(), weight: 1 }
    }
}

/// Which arrivals run now, each with its flow.
pub type Running = Vec<(usize, FlowId)>;

/// Runs all arrivals to their ends and returns when each ended. `watch` is called with the network,
/// the flows that run and the length of the step (ns) before every step of time.
///
/// Fails if a flow ends twice, never, or before it started.
pub fn run_watched(
    capacities: &[f64],
    arrivals: &[Arrival],
    mut watch: impl FnMut(&mut MaxMin, &Running, u64),
) -> Vec<u64> {
    let mut network = MaxMin::new(capacities);
    let mut order: Vec<usize> = (0..arrivals.len()).collect();
    order.sort_by_key(|&i| arrivals[i].start_ns);
    let mut order = order.into_iter().peekable();
    let mut running = Running::new();
    let mut ends = vec![None; arrivals.len()];
    let mut now_ns = 0;
    loop {
        let arrives = order.peek().map(|&i| (arrivals[i].start_ns, i));
        let completes = network.next_completion();
        let at_ns = match (arrives, completes) {
            (None, None) => break,
            (a, c) => a.map_or(u64::MAX, |a| a.0).min(c.map_or(u64::MAX, |c| c.0)),
        };
        assert!(at_ns >= now_ns, "an event at {at_ns} ns after {now_ns} ns");
        if at_ns > now_ns {
            watch(&mut network, &running, at_ns - now_ns);
        }
        now_ns = at_ns;
        if let Some((end_ns, flow)) = completes.filter(|&(end_ns, _)| end_ns == at_ns) {
            network.finish(end_ns, flow);
            let at = running.iter().position(|&(_, id)| id == flow).expect("a running flow");
            let (i, _) = running.swap_remove(at);
            assert_eq!(ends[i].replace(end_ns), None, "arrival {i} ended twice");
        } else if let Some((_, i)) = arrives {
            let Arrival { bytes, ref route, weight, .. } = arrivals[i];
            running.push((i, network.start_weighted(now_ns, bytes, route, weight)));
            order.next();
        }
    }
    assert!(running.is_empty(), "{} flows never ended", running.len());
    ends.into_iter().map(|end| end.expect("every arrival ends")).collect()
}

/// [`run_watched`] without a watcher.
pub fn run(capacities: &[f64], arrivals: &[Arrival]) -> Vec<u64> {
    run_watched(capacities, arrivals, |_, _, _| {})
}

/// SplitMix64, after G. Steele, D. Lea and C. Flood, 2014: equal on all platforms.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// A route between two different hosts of a star; channel `i` leads up from host `i` and
    /// channel `hosts + i` down to it.
    pub fn star_route(&mut self, hosts: u64) -> [u32; 2] {
        let from = self.below(hosts);
        let to = (from + 1 + self.below(hosts - 1)) % hosts;
        [from as u32, (hosts + to) as u32]
    }
}
