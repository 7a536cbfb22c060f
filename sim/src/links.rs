//! Links that carry less for a while, or nothing: by a seeded process, from a list, or both.
//!
//! When a link changes is a function of (seed, link) and of the list, never of the order of events.
//! Where both say something the link carries the product of both parts.

use crate::disturbance::{Spells, Walk};
use runtime::cluster::LinkState;
use runtime::{LinkId, Ns};

/// Tells its draws from those of other purposes.
const LINK: u64 = 0x6c69_6e6b;

/// All of a link's bandwidth.
const WHOLE_PPM: u32 = 1_000_000;

/// What is to happen to links; by default nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LinkTrouble {
    /// A share of the links that carry less now and then. One whose spell never ends and in which
    /// it carries nothing is lost for good.
    pub spells: Spells,
    /// The part of their bandwidth that is left then: from 0 to below 1.
    pub factor: f64,
    /// Further spells, one by one.
    pub list: Vec<LinkSpell>,
}

/// A link that carries less for a while.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinkSpell {
    /// Which.
    pub link: LinkId,
    /// From when on.
    pub from_ns: Ns,
    /// Until when; `None` = for good. One that then carries nothing is lost.
    pub until_ns: Option<Ns>,
    /// The part of its bandwidth that is left: 0 or above.
    pub factor: f64,
}

/// The links of one simulation. Changes are known by the number of their cause: links of the
/// process first, then the list, begins and ends in turn.
#[derive(Debug, Default)]
pub(crate) struct LinkTroubles {
    what: LinkTrouble,
    walks: Vec<Option<Walk>>,
    /// By entry of the list: whether it holds now.
    is_held: Vec<bool>,
}

impl LinkTroubles {
    pub fn new(what: &LinkTrouble, seed: u64, links: usize) -> Self {
        let hit = what.spells.hit(seed, links, LINK);
        let walk = |(link, is_hit): (usize, bool)| {
            is_hit.then(|| Walk::new(&what.spells, seed, link as u32, LINK))
        };
        Self {
            walks: hit.into_iter().enumerate().map(walk).collect(),
            is_held: vec![false; what.list.len()],
            what: what.clone(),
        }
    }

    /// Numbers of the changes that come first, and when.
    pub fn first_turns(&self) -> Vec<(u32, Ns)> {
        let walks = self.walks.iter().enumerate();
        let walks = walks.filter_map(|(link, walk)| Some((link as u32, walk.as_ref()?.until_ns)));
        let first = self.walks.len() as u32;
        let listed = self.what.list.iter().enumerate();
        walks.chain(listed.map(|(at, spell)| (first + at as u32, spell.from_ns))).collect()
    }

    /// A change comes about: which link, what it carries from now on, if it is another part than
    /// before, and when the next change of this number is.
    pub fn turn(&mut self, number: u32) -> (LinkId, Option<LinkState>, Option<Ns>) {
        let number = number as usize;
        let (link, before, next_ns);
        match self.walks.get(number) {
            Some(_) => {
                link = LinkId::from_index(number);
                before = self.state(link);
                let walk = self.walks[number].as_mut().expect("only these have turns");
                walk.turn(&self.what.spells);
                next_ns = (walk.until_ns < Ns::MAX).then_some(walk.until_ns);
            }
            None => {
                let at = number - self.walks.len();
                let spell = self.what.list[at];
                link = spell.link;
                before = self.state(link);
                self.is_held[at] = !self.is_held[at];
                next_ns = spell.until_ns.filter(|_| self.is_held[at]);
            }
        }
        let after = self.state(link);
        (link, (after != before).then_some(after), next_ns)
    }

    fn state(&self, link: LinkId) -> LinkState {
        let ppm = |factor: f64| (factor.clamp(0.0, 1.0) * f64::from(WHOLE_PPM)).round() as u64;
        let whole = u64::from(WHOLE_PPM);
        let (mut left, mut is_lost) = (whole, false);
        if self.walks.get(link.index()).is_some_and(|w| w.is_some_and(|w| w.is_spell)) {
            left = ppm(self.what.factor);
            is_lost = left == 0 && self.what.spells.spell_ns.is_none();
        }
        for (spell, _) in self.what.list.iter().zip(&self.is_held).filter(|(_, held)| **held) {
            if spell.link == link {
                let part = ppm(spell.factor);
                left = left * part / whole;
                is_lost |= part == 0 && spell.until_ns.is_none();
            }
        }
        LinkState { factor_ppm: left as u32, is_lost }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_and_a_list_multiply() {
        let link = LinkId(0);
        let spell = |from_ns, until_ns, factor| LinkSpell { link, from_ns, until_ns, factor };
        let list = vec![spell(5, Some(20), 0.5), spell(10, Some(30), 0.2), spell(40, None, 0.0)];
        let what = LinkTrouble { list, ..LinkTrouble::default() };
        let mut links = LinkTroubles::new(&what, 1, 2);
        // Two links without spells of their own, so the list begins at 2.
        assert_eq!(links.first_turns(), [(2, 5), (3, 10), (4, 40)]);
        let mut turn = |number| {
            let (of, state, next_ns) = links.turn(number);
            assert_eq!(of, link);
            (state.map(|s| (s.factor_ppm, s.is_lost)), next_ns)
        };
        assert_eq!(turn(2), (Some((500_000, false)), Some(20)));
        assert_eq!(turn(3), (Some((100_000, false)), Some(30)));
        assert_eq!(turn(2), (Some((200_000, false)), None));
        assert_eq!(turn(3), (Some((1_000_000, false)), None));
        assert_eq!(turn(4), (Some((0, true)), None));
    }

    #[test]
    fn what_never_comes_back_is_lost_and_what_does_is_not() {
        let spells = Spells { share: 1.0, well_ns: 100, spell_ns: None };
        let trouble = |factor, spell_ns| LinkTrouble {
            spells: Spells { spell_ns, ..spells },
            factor,
            list: Vec::new(),
        };
        let first = |what: LinkTrouble| {
            let mut links = LinkTroubles::new(&what, 1, 3);
            assert_eq!(links.first_turns().len(), 3);
            let (_, state, next_ns) = links.turn(1);
            (state.map(|s| (s.factor_ppm, s.is_lost)), next_ns.is_some())
        };
        assert_eq!(first(trouble(0.0, None)), (Some((0, true)), false));
        assert_eq!(first(trouble(0.25, None)), (Some((250_000, false)), false));
        assert_eq!(first(trouble(0.0, Some(50))), (Some((0, false)), true));
    }
}
