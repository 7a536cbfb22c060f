//! The repair of max-min shares after a change.
//!
//! Progressive filling lets all shares rise together; where a channel is full, the bundles on it
//! stop at that *level*, and the channel is their bottleneck. A repair replays this from the lowest
//! level, but looks only at channels where the replay differs from what holds already:
//!
//! 1. Channels that something was added to or taken from are *open*. An open channel's next level
//!    is computed from the bundles on it: decided ones use what they use; rising ones, and those
//!    that it limits now, share the rest; all others presumably stop at the share that they have,
//!    unless the channel fills up below it.
//! 2. The lowest event comes first. Either a channel that limits bundles now has reached its old
//!    level and is not full: its bundles *rise*, and the other channels on their routes open. Or a
//!    channel is full: its bundles that rise or presumed more are *decided*, and the other channels
//!    on their routes open.
//! 3. When no event is left, the decided bundles get their new share; all others keep theirs.
//!
//! Why this is exact: an event at some level changes only what happens at that level or above, so
//! that shares below it are final, as in the filling from scratch. A channel that stays closed has
//! the same bundles with the same shares as before, so that it is as full as before and limits the
//! same bundles. And it ends: a channel's bundles rise once at most, since nobody becomes anybody's
//! bottleneck before the repair is over, and between two such events no channel is full twice.
//!
//! Bundles are not looked at one by one where sums do: `used` and `rising` of an open channel
//! follow every decision, which gives a lower bound of its next level at once. Only a channel whose
//! bound is the lowest of all is evaluated anew.

use super::fair::{Channel, Fair, NO_CHANNEL, State};

/// Relative difference below which two levels are one: far above the rounding of sums over
/// thousands of bundles, far below anything that a nanosecond shows.
const SLACK: f64 = 1e-13;

fn exceeds(a: f64, b: f64) -> bool {
    a > b * (1.0 + SLACK)
}

impl Fair {
    /// Brings all shares up to date.
    pub fn settle(&mut self) {
        if self.dirty.is_empty() {
            return;
        }
        while let Some(c) = self.next_dirty() {
            self.open(c);
        }
        loop {
            self.evaluate_opened();
            let Some((slot, key)) = self.board.first() else { break };
            self.reached = self.reached.max(key);
            let c = self.open[slot];
            let channel = &self.channels[c as usize];
            if channel.stale {
                let bound = channel.event_level(channel.level_bound());
                if bound > key {
                    self.board.set(slot, bound);
                } else {
                    self.evaluate(c);
                }
            } else if channel.owned > 0 && exceeds(channel.next_level, channel.level) {
                self.rise(c);
            } else {
                self.saturate(c);
            }
        }
        self.commit();
    }

    fn open(&mut self, c: u32) {
        let channel = &mut self.channels[c as usize];
        channel.is_open = true;
        channel.slot = self.open.len() as u32;
        self.open.push(c);
    }

    fn evaluate_opened(&mut self) {
        while let Some(&c) = self.open.get(self.evaluated) {
            self.evaluated += 1;
            self.board.push();
            self.evaluate(c);
        }
    }

    /// Computes an open channel's next level from the bundles on it.
    fn evaluate(&mut self, c: u32) {
        let mut used = 0.0;
        let mut rising = 0.0;
        let mut presumed_max = 0.0;
        for seat in &self.channels[c as usize].seats {
            let claim = &self.claims[seat.bundle as usize];
            // Selections instead of branches: their outcome is as good as random.
            let own = claim.bottleneck == c;
            used += if own { 0.0 } else { claim.used };
            rising += if own { claim.weight } else { claim.rising };
            let presumed = if own { 0.0 } else { claim.presumed };
            presumed_max = if presumed > presumed_max { presumed } else { presumed_max };
        }
        let channel = &mut self.channels[c as usize];
        channel.used = used;
        channel.rising = rising;
        channel.stale = false;
        // A level below the one reached is rounding: sums say that a full channel is over-full.
        let mut level = channel.level_bound().max(self.reached);
        if exceeds(presumed_max, level) {
            level = self.clip(c, level);
        }
        let channel = &mut self.channels[c as usize];
        channel.next_level = level;
        self.board.set(channel.slot as usize, channel.event_level(level));
    }

    /// The level at which a channel is full, from a lower bound of it, where some bundles would
    /// stop above it: these share the rest instead. Every turn raises the level, so that fewer do.
    fn clip(&self, c: u32, mut level: f64) -> f64 {
        let channel = &self.channels[c as usize];
        loop {
            let mut used = 0.0;
            let mut rising = 0.0;
            for seat in &channel.seats {
                let claim = &self.claims[seat.bundle as usize];
                let shares = claim.bottleneck == c || exceeds(claim.presumed, level);
                used += if shares { 0.0 } else { claim.used };
                rising += if shares { claim.weight } else { claim.rising };
            }
            let next = (channel.capacity_bytes_per_s - used) / rising;
            if !exceeds(next, level) {
                return level;
            }
            level = next;
        }
    }

    /// A channel has reached its old level and is not full: its bundles go on rising.
    fn rise(&mut self, c: u32) {
        let seats = std::mem::take(&mut self.channels[c as usize].seats);
        for seat in &seats {
            if self.claims[seat.bundle as usize].bottleneck == c {
                self.set_rising(seat.bundle, c);
            }
        }
        let channel = &mut self.channels[c as usize];
        channel.seats = seats;
        self.board.set(channel.slot as usize, channel.next_level);
    }

    /// Lets a bundle rise that `c` limited; `c` itself counts it among those that do already.
    fn set_rising(&mut self, id: u32, c: u32) {
        let claim = &mut self.claims[id as usize];
        let (weight, used) = (claim.weight, claim.used);
        claim.state = State::Rising;
        claim.bottleneck = NO_CHANNEL;
        claim.used = 0.0;
        claim.rising = weight;
        claim.presumed = 0.0;
        self.channels[c as usize].owned -= 1;
        for at in self.hops_of(id) {
            let d = self.hops[at].channel;
            let channel = &mut self.channels[d as usize];
            if d == c {
                continue;
            } else if !channel.is_open {
                self.open(d);
                continue;
            }
            channel.used -= used;
            channel.rising += weight;
            channel.stale = true;
            // The one change that can lower a level, so that the board must know at once. It may
            // even come back to a channel that was found full, at this same level. (A channel that
            // is not on the board yet will be evaluated with this bundle rising.)
            if (channel.slot as usize) < self.evaluated {
                let bound = channel.event_level(channel.level_bound());
                self.board.set(channel.slot as usize, bound);
            }
        }
    }

    /// A channel is full: what is undecided on it stops at its level.
    fn saturate(&mut self, c: u32) {
        let channel = &mut self.channels[c as usize];
        self.board.set(channel.slot as usize, f64::INFINITY);
        let unchanged = channel.owned > 0 && !exceeds(channel.level, channel.next_level);
        if !unchanged {
            channel.level = channel.next_level;
        }
        let level = channel.level;
        let seats = std::mem::take(&mut channel.seats);
        for seat in &seats {
            let claim = &self.claims[seat.bundle as usize];
            let stops = if claim.bottleneck == c {
                !unchanged
            } else {
                claim.state == State::Rising || exceeds(claim.presumed, level)
            };
            if stops {
                self.decide(seat.bundle, c);
            }
        }
        self.channels[c as usize].seats = seats;
    }

    /// Stops a bundle at the level of a channel that is full.
    fn decide(&mut self, id: u32, full: u32) {
        let claim = &mut self.claims[id as usize];
        let old = *claim;
        let used = claim.weight * self.channels[full as usize].level;
        claim.state = State::Decided;
        claim.bottleneck = NO_CHANNEL;
        claim.next_bottleneck = full;
        claim.used = used;
        claim.rising = 0.0;
        claim.presumed = 0.0;
        if old.bottleneck != NO_CHANNEL {
            self.channels[old.bottleneck as usize].owned -= 1;
        }
        self.decided.push(id);
        for at in self.hops_of(id) {
            let d = self.hops[at].channel;
            let channel = &mut self.channels[d as usize];
            if !channel.is_open {
                self.open(d);
                continue;
            }
            // The bundle uses no more than was expected of it, so that the level can only go up and
            // the key on the board stays a lower bound.
            let own = old.bottleneck == d;
            channel.used += used - if own { 0.0 } else { old.used };
            channel.rising -= if own { old.weight } else { old.rising };
            channel.stale = true;
        }
    }

    fn commit(&mut self) {
        for &c in &self.open {
            self.channels[c as usize].is_open = false;
        }
        self.open.clear();
        self.evaluated = 0;
        self.reached = 0.0;
        self.board.clear();
        for &id in &self.decided {
            let claim = &mut self.claims[id as usize];
            let channel = &mut self.channels[claim.next_bottleneck as usize];
            channel.owned += 1;
            if claim.share != channel.level {
                self.changed.push(id);
            }
            claim.keep(claim.next_bottleneck, channel.level);
        }
        self.decided.clear();
    }
}

impl Channel {
    /// A lower bound of the level at which it is full: exact where no bundle on it presumes more.
    fn level_bound(&self) -> f64 {
        if self.rising > 0.0 {
            (self.capacity_bytes_per_s - self.used).max(0.0) / self.rising
        } else if exceeds(self.used, self.capacity_bytes_per_s) {
            0.0
        } else {
            f64::INFINITY
        }
    }

    /// Where something happens to a channel that is full at `level`: there, or where the bundles
    /// that it limits now would stop if nothing had changed.
    fn event_level(&self, level: f64) -> f64 {
        if self.owned > 0 && self.level < level { self.level } else { level }
    }
}
