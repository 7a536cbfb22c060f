//! The network as fluid flows that share channels max-min fairly.
//!
//! A *channel* is one capacity that flows compete for: one direction of a full-duplex link, or both
//! directions together of a half-duplex one. A flow uses every channel of its route at once and at
//! the same rate. Rates are max-min fair: none can grow without making an equal or smaller one
//! shrink (D. Bertsekas and R. Gallager, *Data Networks*, 2nd edition, 1992, section 6.5.2).
//!
//! ```
//! use sim::network::MaxMin;
//!
//! // Two senders, 1 GB/s each, into one receiver that takes 1 GB/s.
//! let mut network = MaxMin::new(&[1e9, 1e9, 1e9]);
//! let short = network.start(0, 1_000, &[0, 2]);
//! let long = network.start(0, 2_000, &[1, 2]);
//! assert_eq!(network.rate_bytes_per_s(short), 0.5e9);
//! assert_eq!(network.next_completion(), Some((2_000, short)));
//! network.finish(2_000, short);
//! // Half of the long flow is left, and now it has the receiver to itself.
//! assert_eq!(network.next_completion(), Some((3_000, long)));
//! ```
//!
//! ```text
//! network   flows, time and the order of their ends: MaxMin
//! bundle    the flows that run over one route, in their own virtual time
//! ends      when the next flow of each bundle ends
//! heap      the priority queue under both
//! fair      who shares which channel, and at what rate: no time in it
//! refill    how the rates are repaired after a change: the algorithm proper
//! board     the least of a few keys that change all the time
//! ```
//!
//! What one change costs: flows over the same route are one *bundle*, and only bundles whose rate
//! does change are touched, together with the channels that they cross. A bundle's flows need no
//! touch at all, because they are ordered in virtual time. Changes at one instant are repaired
//! together, the first time that somebody asks for a rate or a completion. Nothing is allocated
//! once the buffers have grown to the largest number of simultaneous flows.

mod board;
mod bundle;
mod ends;
mod fair;
mod heap;
mod refill;

use bundle::Bundle;
use ends::Ends;
use fair::Fair;
use heap::Entry;

/// A running flow. The number is a slot that is given to another flow once this one has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FlowId(pub u32);

/// The bundle of a slot without a flow.
const NO_BUNDLE: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Flow {
    bundle: u32,
    weight: u32,
}

/// Flows over channels with max-min fair sharing; see the [module](self) for the model.
///
/// Time is in nanoseconds and never runs backwards. The caller takes every flow off with
/// [`finish`](Self::finish) at the instant that [`next_completion`](Self::next_completion) names,
/// before it lets time move on.
pub struct MaxMin {
    now_ns: u64,
    /// Counts starts; it orders flows that end at one instant.
    sequence: u64,
    flows: Vec<Flow>,
    vacant_flows: Vec<u32>,
    /// Where each flow lies in the queue of its bundle.
    position: Vec<u32>,
    bundles: Vec<Bundle>,
    vacant_bundles: Vec<u32>,
    ends: Ends,
    fair: Fair,
}

impl MaxMin {
    /// A network without flows; channel `i` carries `capacities_bytes_per_s[i]`.
    ///
    /// # Panics
    /// If a capacity is not finite and above zero.
    pub fn new(capacities_bytes_per_s: &[f64]) -> Self {
        MaxMin {
            now_ns: 0,
            sequence: 0,
            flows: Vec::new(),
            vacant_flows: Vec::new(),
            position: Vec::new(),
            bundles: Vec::new(),
            vacant_bundles: Vec::new(),
            ends: Ends::default(),
            fair: Fair::new(capacities_bytes_per_s),
        }
    }

    /// Starts a flow of `bytes` over `route`, the channels that it crosses.
    ///
    /// Latency is the caller's affair: it starts the flow once the latency has passed. An empty
    /// route is infinitely fast, so such a flow, as one of no bytes, ends at `now_ns`. A channel
    /// that stands twice in the route carries the flow twice.
    ///
    /// # Panics
    /// If `now_ns` lies before an earlier call's, or after the end of a flow that was not taken
    /// off; if the route names a channel that does not exist.
    pub fn start(&mut self, now_ns: u64, bytes: u64, route: &[u32]) -> FlowId {
        self.start_weighted(now_ns, bytes, route, 1)
    }

    /// Starts a flow as [`start`](Self::start) does, with a weight: what is max-min fair is the
    /// rate per unit of weight, so that a flow of weight 2 counts as two flows of half its bytes.
    ///
    /// # Panics
    /// As `start` does, and if `weight` is 0.
    pub fn start_weighted(
        &mut self,
        now_ns: u64,
        bytes: u64,
        route: &[u32],
        weight: u32,
    ) -> FlowId {
        assert!(weight > 0, "a flow of weight 0 would never end");
        self.advance(now_ns);
        let route = if bytes == 0 { &[] } else { route };
        let bundle = self.bundle_for(route, weight);
        let flow = Flow { bundle, weight };
        let id = if let Some(id) = self.vacant_flows.pop() {
            self.flows[id as usize] = flow;
            id
        } else {
            self.flows.push(flow);
            self.position.push(0);
            index(self.flows.len() - 1)
        };
        let sequence = self.sequence;
        self.sequence += 1;
        let queue = &mut self.bundles[bundle as usize];
        let tag = queue.tag(bytes, weight);
        queue.flows.insert(&mut self.position, Entry { key: tag, sequence, id });
        self.schedule(bundle);
        FlowId(id)
    }

    /// Gives a channel another capacity; flows over one of capacity 0 stand still.
    ///
    /// # Panics
    /// If the capacity is not finite or below zero, or as [`start`](Self::start) does for `now_ns`.
    pub fn set_capacity(&mut self, now_ns: u64, channel: u32, bytes_per_s: f64) {
        self.advance(now_ns);
        self.fair.set_capacity(channel, bytes_per_s);
    }

    /// Takes a flow off before its end.
    ///
    /// # Panics
    /// If no such flow runs, or as [`start`](Self::start) does for `now_ns`.
    pub fn cancel(&mut self, now_ns: u64, flow: FlowId) {
        self.advance(now_ns);
        self.remove(flow.0);
    }

    /// The next instant at which a flow ends, and that flow.
    ///
    /// The instant is the fluid model's, rounded up to a whole nanosecond (so that nothing ends
    /// before its last byte has passed). Of several flows that end at one instant those over one
    /// route come in the order of their exact ends, else the one that was started first comes
    /// first.
    pub fn next_completion(&mut self) -> Option<(u64, FlowId)> {
        self.completion_by(u64::MAX)
    }

    /// The next completion, if it comes at `at_ns` or before.
    ///
    /// A simulator that asks for the instant of its own next event, instead of for the next
    /// completion, spares the network a repair of rates between two events of one instant.
    pub fn completion_by(&mut self, at_ns: u64) -> Option<(u64, FlowId)> {
        // What is due now ends now, whatever happens to rates at this instant; nothing else does.
        let due = self.ends.first().filter(|&(end_ns, _)| end_ns <= self.now_ns);
        let (end_ns, bundle) = match due {
            Some(due) => due,
            None if at_ns <= self.now_ns => return None,
            None => {
                self.settle();
                self.ends.first()?
            }
        };
        let head = self.bundles[bundle as usize].flows.first()?;
        (end_ns <= at_ns && end_ns < u64::MAX).then_some((end_ns, FlowId(head.id)))
    }

    /// Takes off the flow that [`next_completion`](Self::next_completion) named, at that instant.
    ///
    /// # Panics
    /// If `flow` is not the next to end of those over its route, or does not end by `now_ns`; and
    /// as [`start`](Self::start) does for `now_ns`.
    pub fn finish(&mut self, now_ns: u64, flow: FlowId) {
        self.advance(now_ns);
        let bundle = self.flows[flow.0 as usize].bundle;
        assert!(bundle != NO_BUNDLE, "{flow:?} has ended already");
        let head = self.bundles[bundle as usize].flows.first();
        assert!(head.is_some_and(|head| head.id == flow.0), "{flow:?} is not the next to end");
        assert!(self.ends.end_ns(bundle) <= now_ns, "{flow:?} does not end by {now_ns} ns");
        self.remove(flow.0);
    }

    /// The rate of a running flow from now on, in bytes per second; infinite for one that ends at
    /// the instant of its start.
    ///
    /// # Panics
    /// If no such flow runs.
    pub fn rate_bytes_per_s(&mut self, flow: FlowId) -> f64 {
        self.settle();
        let Flow { bundle, weight } = self.flows[flow.0 as usize];
        self.fair.share(bundle) * f64::from(weight)
    }

    /// The bundle over `route`, made heavier by `weight` or made anew, brought up to now.
    fn bundle_for(&mut self, route: &[u32], weight: u32) -> u32 {
        if let Some(bundle) = self.fair.find(route) {
            self.catch_up(bundle);
            self.fair.reweigh(bundle, f64::from(weight));
            return bundle;
        }
        let bundle = self.vacant_bundles.pop().unwrap_or_else(|| {
            self.bundles.push(Bundle::default());
            index(self.bundles.len() - 1)
        });
        self.fair.attach(bundle, route, f64::from(weight));
        self.bundles[bundle as usize].restart(self.now_ns, self.fair.share(bundle));
        bundle
    }

    fn remove(&mut self, id: u32) {
        let Flow { bundle, weight } = self.flows[id as usize];
        assert!(bundle != NO_BUNDLE, "flow {id} has ended already");
        self.flows[id as usize].bundle = NO_BUNDLE;
        self.vacant_flows.push(id);
        if self.bundles[bundle as usize].flows.len() == 1 {
            self.bundles[bundle as usize].flows.remove(&mut self.position, id);
            self.fair.detach(bundle);
            self.ends.remove(bundle);
            self.vacant_bundles.push(bundle);
        } else {
            self.catch_up(bundle);
            self.bundles[bundle as usize].flows.remove(&mut self.position, id);
            self.fair.reweigh(bundle, -f64::from(weight));
            self.schedule(bundle);
        }
    }

    /// Lets time pass, at the rates that hold after all changes so far.
    fn advance(&mut self, now_ns: u64) {
        assert!(now_ns >= self.now_ns, "time runs backwards: {now_ns} ns after {} ns", self.now_ns);
        if now_ns > self.now_ns {
            self.settle();
            let overdue = self.ends.first().filter(|&(end_ns, _)| end_ns < now_ns);
            assert!(overdue.is_none(), "a flow ended before {now_ns} ns and was not taken off");
            self.now_ns = now_ns;
        }
    }

    /// Repairs the rates and gives the bundles whose rate changed their new ends.
    fn settle(&mut self) {
        self.fair.settle();
        while let Some(bundle) = self.fair.next_changed() {
            self.catch_up(bundle);
            self.bundles[bundle as usize].share = self.fair.share(bundle);
            self.schedule(bundle);
        }
    }

    /// Accounts for what a bundle has carried up to now.
    fn catch_up(&mut self, bundle: u32) {
        let due = self.ends.end_ns(bundle) <= self.now_ns;
        self.bundles[bundle as usize].advance(self.now_ns, due);
    }

    /// Tells `ends` when the first flow of a bundle ends at the present rate.
    fn schedule(&mut self, bundle: u32) {
        let queue = &self.bundles[bundle as usize];
        if let Some(head) = queue.flows.first() {
            self.ends.set(bundle, queue.end_ns(head.key), head.sequence);
        }
    }
}

/// A slab slot; four thousand million of them do not fit in memory.
fn index(slot: usize) -> u32 {
    u32::try_from(slot).expect("fewer than 2^32 flows at a time")
}
