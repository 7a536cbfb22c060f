//! Who shares which channel, and at what rate. There is no time here.

use super::board::Board;
use std::ops::Range;

/// "No channel", where one is named.
pub(super) const NO_CHANNEL: u32 = u32::MAX;

/// One bundle on one channel.
#[derive(Clone, Copy)]
pub(super) struct Seat {
    pub bundle: u32,
    /// Which hop of the bundle's route this is.
    hop: u32,
}

/// One channel of one bundle's route.
#[derive(Clone, Copy)]
pub(super) struct Hop {
    pub channel: u32,
    /// Which of the channel's seats is this bundle's.
    seat: u32,
}

pub(super) struct Channel {
    pub capacity_bytes_per_s: f64,
    /// The share of the bundles that it is the bottleneck of. Without meaning when it owns none.
    pub level: f64,
    /// How many bundles it is the bottleneck of.
    pub owned: u32,
    pub seats: Vec<Seat>,
    /// On the list of channels to begin the next repair with.
    dirty: bool,
    /// In a repair: something has changed on it.
    pub is_open: bool,
    /// In a repair: its place among the open channels, and on the board.
    pub slot: u32,
    /// In a repair: something has changed since `next_level` was computed.
    pub stale: bool,
    /// In a repair: the share at which it will be full.
    pub next_level: f64,
    /// In a repair: what bundles with a known share use, in bytes per second.
    pub used: f64,
    /// In a repair: the weight of the bundles that still share the rest.
    pub rising: f64,
}

/// What is known of a bundle's share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It has a share and a bottleneck, and keeps them until a repair finds otherwise.
    Kept,
    /// Its bottleneck has more to give, or it is new: the share is open.
    Rising,
    /// A repair has found its new share.
    Decided,
}

/// What a bundle has of the network.
#[derive(Clone, Copy)]
pub(super) struct Claim {
    /// The sum of its flows' weights: a whole number, so that sums of them are exact.
    pub weight: f64,
    /// Its rate per unit of weight, in bytes per second.
    pub share: f64,
    /// What it counts for on channels other than its bottleneck: a known rate ..
    pub used: f64,
    /// .. or a weight that shares the rest; one of the two is 0.
    pub rising: f64,
    /// The share that it keeps unless a channel fills up before; 0 unless `Kept`.
    pub presumed: f64,
    /// The channel that limits it; [`NO_CHANNEL`] unless `Kept`.
    pub bottleneck: u32,
    /// The channel that will limit it, when `Decided`.
    pub next_bottleneck: u32,
    hop_count: u32,
    pub state: State,
}

/// The channels, the bundles on them and their shares. Ids of bundles are the caller's, small and
/// reused.
pub(super) struct Fair {
    pub channels: Vec<Channel>,
    pub claims: Vec<Claim>,
    /// The routes, `stride` places for each bundle.
    pub hops: Vec<Hop>,
    stride: usize,
    /// Channels on which something changed since the last repair.
    pub dirty: Vec<u32>,
    /// In a repair: the channels opened so far, of which the first `evaluated` are on the board.
    pub open: Vec<u32>,
    pub evaluated: usize,
    /// In a repair: the level of the last event; shares below it are final.
    pub reached: f64,
    pub board: Board,
    /// In a repair: the bundles with a new share.
    pub decided: Vec<u32>,
    /// Bundles with a changed share that the caller has not been told about.
    pub changed: Vec<u32>,
}

impl Fair {
    pub fn new(capacities_bytes_per_s: &[f64]) -> Self {
        Fair {
            channels: capacities_bytes_per_s
                .iter()
                .map(|&capacity| Channel::new(capacity))
                .collect(),
            claims: Vec::new(),
            hops: Vec::new(),
            stride: 2,
            dirty: Vec::new(),
            open: Vec::new(),
            evaluated: 0,
            reached: 0.0,
            board: Board::default(),
            decided: Vec::new(),
            changed: Vec::new(),
        }
    }

    /// Rate per unit of weight in bytes per second, as of the last repair; infinite for a bundle
    /// that crosses no channel.
    pub fn share(&self, id: u32) -> f64 {
        self.claims[id as usize].share
    }

    /// A bundle whose share the last repair changed, until all have been named.
    pub fn next_changed(&mut self) -> Option<u32> {
        self.changed.pop()
    }

    /// The bundle over exactly this route. Looks where the fewest bundles are.
    pub fn find(&self, route: &[u32]) -> Option<u32> {
        let seats = route
            .iter()
            .map(|&channel| &self.channels[channel as usize].seats)
            .min_by_key(|seats| seats.len())?;
        seats.iter().map(|seat| seat.bundle).find(|&id| {
            let hops = &self.hops[self.hops_of(id)];
            hops.len() == route.len()
                && hops.iter().zip(route).all(|(hop, &channel)| hop.channel == channel)
        })
    }

    /// Puts a bundle on its route.
    pub fn attach(&mut self, id: u32, route: &[u32], weight: f64) {
        let hop_count = route.len();
        self.make_room(id as usize + 1, hop_count);
        self.claims[id as usize] = Claim::new(weight, hop_count);
        let mut alone = hop_count > 0;
        let mut narrowest = (f64::INFINITY, NO_CHANNEL);
        for (hop, &c) in route.iter().enumerate() {
            let channel = &mut self.channels[c as usize];
            alone &= channel.seats.is_empty();
            if channel.capacity_bytes_per_s < narrowest.0 {
                narrowest = (channel.capacity_bytes_per_s, c);
            }
            let seat = channel.seats.len() as u32;
            channel.seats.push(Seat { bundle: id, hop: hop as u32 });
            self.hops[id as usize * self.stride + hop] = Hop { channel: c, seat };
        }
        if alone {
            // Nobody else is touched, so that there is nothing to repair.
            let level = narrowest.0 / weight;
            let channel = &mut self.channels[narrowest.1 as usize];
            channel.owned = 1;
            channel.level = level;
            self.claims[id as usize].keep(narrowest.1, level);
        } else {
            for &c in route {
                self.soil(c);
            }
        }
    }

    /// Takes a bundle off its route.
    pub fn detach(&mut self, id: u32) {
        let bottleneck = self.claims[id as usize].bottleneck;
        if bottleneck != NO_CHANNEL {
            self.channels[bottleneck as usize].owned -= 1;
        }
        for at in self.hops_of(id) {
            let Hop { channel: c, seat } = self.hops[at];
            let channel = &mut self.channels[c as usize];
            channel.seats.swap_remove(seat as usize);
            if let Some(moved) = channel.seats.get(seat as usize) {
                self.hops[moved.bundle as usize * self.stride + moved.hop as usize].seat = seat;
            }
            // What was left over on a channel that limits nobody is of no use to anybody.
            if channel.owned > 0 {
                self.soil(c);
            }
        }
    }

    /// Gives a channel another capacity.
    pub fn set_capacity(&mut self, c: u32, bytes_per_s: f64) {
        assert!(bytes_per_s.is_finite() && bytes_per_s >= 0.0, "a capacity of {bytes_per_s}");
        let channel = &mut self.channels[c as usize];
        if channel.capacity_bytes_per_s != bytes_per_s {
            channel.capacity_bytes_per_s = bytes_per_s;
            self.soil(c);
        }
    }

    /// Adds to a bundle's weight, or takes from it.
    pub fn reweigh(&mut self, id: u32, change: f64) {
        let claim = &mut self.claims[id as usize];
        claim.weight += change;
        match claim.state {
            State::Kept => claim.used = claim.weight * claim.share,
            _ => claim.rising = claim.weight,
        }
        for at in self.hops_of(id) {
            let c = self.hops[at].channel;
            if change > 0.0 || self.channels[c as usize].owned > 0 {
                self.soil(c);
            }
        }
    }

    pub fn hops_of(&self, id: u32) -> Range<usize> {
        let first = id as usize * self.stride;
        first..first + self.claims[id as usize].hop_count as usize
    }

    /// A channel to begin the next repair with, until all have been named.
    pub fn next_dirty(&mut self) -> Option<u32> {
        let c = self.dirty.pop()?;
        self.channels[c as usize].dirty = false;
        Some(c)
    }

    fn soil(&mut self, c: u32) {
        let channel = &mut self.channels[c as usize];
        if !channel.dirty {
            channel.dirty = true;
            self.dirty.push(c);
        }
    }

    /// Makes room for `bundles` routes of `hop_count` channels. Room for one route is as long as
    /// the longest route so far, so that a route is found without a look-up.
    fn make_room(&mut self, bundles: usize, hop_count: usize) {
        let none = Hop { channel: NO_CHANNEL, seat: 0 };
        if hop_count > self.stride {
            let mut wider = vec![none; self.claims.len() * hop_count];
            let routes = self.hops.chunks_exact(self.stride);
            for (new, old) in wider.chunks_exact_mut(hop_count).zip(routes) {
                new[..self.stride].copy_from_slice(old);
            }
            self.hops = wider;
            self.stride = hop_count;
        }
        if self.claims.len() < bundles {
            self.claims.resize(bundles, Claim::new(0.0, 0));
            self.hops.resize(bundles * self.stride, none);
        }
    }
}

impl Channel {
    fn new(capacity_bytes_per_s: f64) -> Self {
        assert!(
            capacity_bytes_per_s.is_finite() && capacity_bytes_per_s > 0.0,
            "a channel's capacity is finite and above zero, not {capacity_bytes_per_s} bytes/s"
        );
        Channel {
            capacity_bytes_per_s,
            level: 0.0,
            owned: 0,
            seats: Vec::new(),
            dirty: false,
            is_open: false,
            slot: 0,
            stale: false,
            next_level: 0.0,
            used: 0.0,
            rising: 0.0,
        }
    }
}

impl Claim {
    fn new(weight: f64, hop_count: usize) -> Self {
        Claim {
            weight,
            share: if hop_count == 0 { f64::INFINITY } else { 0.0 },
            used: 0.0,
            rising: weight,
            presumed: 0.0,
            bottleneck: NO_CHANNEL,
            next_bottleneck: NO_CHANNEL,
            hop_count: hop_count as u32,
            state: State::Rising,
        }
    }

    /// Gives it a share and the channel that limits it.
    pub fn keep(&mut self, bottleneck: u32, share: f64) {
        self.state = State::Kept;
        self.bottleneck = bottleneck;
        self.share = share;
        self.presumed = share;
        self.used = self.weight * share;
        self.rising = 0.0;
    }
}
