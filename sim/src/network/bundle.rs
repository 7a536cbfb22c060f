//! The flows that run over one route.

use super::heap::Heap;

/// Bytes are counted in billionths, so that bytes per second times nanoseconds need no scaling.
const NB_PER_BYTE: f64 = 1e9;

/// Where the virtual clock is set back: at 10^12 bytes a float still resolves 10^-4 bytes.
const SERVED_MAX_NB: f64 = 1e12 * NB_PER_BYTE;

/// Flows over one route, in virtual time.
///
/// All of them get the same rate per unit of weight, so what each has carried per unit of weight
/// since it began grows alike. `served_nb` is that common clock; a flow's tag is the reading at
/// which it ends, fixed for its whole life. A change of rate therefore changes the clock's speed
/// and no tag (the virtual time of fair queueing: A. Parekh and R. Gallager, 1993).
#[derive(Default)]
pub(super) struct Bundle {
    /// Rate per unit of weight, in bytes per second, since `since_ns`.
    pub share: f64,
    /// Billionths of a byte carried per unit of weight, at `since_ns`.
    served_nb: f64,
    since_ns: u64,
    /// By tag (the bits of a float that is not negative order as the float does), then by start.
    pub flows: Heap,
}

impl Bundle {
    /// Makes an empty bundle ready for another route.
    pub fn restart(&mut self, now_ns: u64, share: f64) {
        self.share = share;
        self.served_nb = 0.0;
        self.since_ns = now_ns;
    }

    /// The tag of a flow that starts now. The bundle must have been brought up to now.
    pub fn tag(&self, bytes: u64, weight: u32) -> u64 {
        (self.served_nb + bytes as f64 * NB_PER_BYTE / f64::from(weight)).to_bits()
    }

    /// Moves the clock to `now_ns`. `due` says that the first flow ends by then: its tag has been
    /// reached, even where rounding says that a little is missing, and so have equal tags.
    pub fn advance(&mut self, now_ns: u64, due: bool) {
        self.served_nb += self.share * (now_ns - self.since_ns) as f64;
        self.since_ns = now_ns;
        if due && let Some(head) = self.flows.first() {
            self.served_nb = self.served_nb.max(f64::from_bits(head.key));
        }
        if self.served_nb > SERVED_MAX_NB {
            self.set_back();
        }
    }

    /// When a flow with this tag ends at the present rate: rounded up, `u64::MAX` for never.
    pub fn end_ns(&self, tag: u64) -> u64 {
        let left_nb = f64::from_bits(tag) - self.served_nb;
        if left_nb <= 0.0 {
            return self.since_ns;
        }
        let duration_ns = left_nb / self.share;
        let whole_ns = duration_ns as u64;
        let rest_ns = u64::from((whole_ns as f64) < duration_ns);
        self.since_ns.saturating_add(whole_ns).saturating_add(rest_ns)
    }

    /// Sets the clock to zero and moves the tags along. Subtraction of one number keeps their
    /// order.
    fn set_back(&mut self) {
        let served_nb = std::mem::take(&mut self.served_nb);
        for key in self.flows.keys_mut() {
            *key = (f64::from_bits(*key) - served_nb).max(0.0).to_bits();
        }
    }
}
