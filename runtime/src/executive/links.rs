//! Links that carry less for a while, or are lost.
//!
//! Whoever is asked about routes and bandwidths, schedulers too, is shown what is left: the cluster
//! is replaced by one with its links as they are. Only links that are lost for good change routes:
//! transfers over them are cut off and sent anew by what way is left.

use super::engines::Side;
use super::state::State;
use super::store::{Content, NONE};
use super::{Commands, Failure};
use crate::cluster::LinkState;
use crate::scheduler::Event;
use crate::{LinkId, MemoryId, ObjectId};
use std::sync::Arc;

/// The links of a run; empty until one changes.
#[derive(Default)]
pub(super) struct Links {
    states: Vec<LinkState>,
}

impl State {
    /// A link carries more or less from now on.
    pub fn change_link(&mut self, link: LinkId, state: LinkState, out: &mut Commands) {
        let states = &mut self.links.states;
        states.resize_with(self.cluster.spec().links.len(), LinkState::default);
        // What is lost stays lost.
        if states[link.index()] == state || states[link.index()].is_lost {
            return;
        }
        states[link.index()] = state;
        let before = Arc::clone(&self.cluster);
        self.cluster = Arc::new(self.cluster.with_links(&self.links.states));
        self.recorder.link_changed(link, state, self.now_ns);
        self.events.push(Event::LinkChanged { link, state });
        if !state.is_lost {
            return;
        }
        let mut route = Vec::new();
        for at in 0..self.copies.len() as u32 {
            let copy = &self.copies[at as usize];
            if copy.request == NONE || copy.from == NONE {
                continue;
            }
            let (from, to) = (self.store.get(copy.from).memory, self.store.get(copy.to).memory);
            route.clear();
            before.route(from, to, &mut route);
            if route.iter().any(|c| before.channels()[c.index()].link == Some(link)) {
                self.cut_off(at, true, out);
            }
        }
        for at in 0..self.copies.len() as u32 {
            let copy = &self.copies[at as usize];
            if copy.request != NONE && copy.from == NONE {
                let (object, to) = (copy.object, self.store.get(copy.to).memory);
                self.fail_if_cut(object, to);
            }
        }
        for memory in self.cluster.memory_ids() {
            self.serve_copy_queue(memory, Side::Target, out);
        }
    }

    /// Ends the run if an object is to go to a memory and lost links leave no way from any memory
    /// that has it.
    pub(super) fn fail_if_cut(&mut self, object: ObjectId, to: MemoryId) {
        if self.links.states.is_empty() {
            return;
        }
        if let Some(from) = self.cut_source(object, to) {
            let link = self.lost_on_the_way(from, to);
            let name = |memory| self.cluster.memory(memory).name.clone();
            let (object, from, to) = (self.graph.object_name(object), name(from), name(to));
            self.fail(Failure::NoRoute { link, object, from, to });
        }
    }

    /// A memory that has an object, if lost links leave no way from any such memory.
    fn cut_source(&self, object: ObjectId, to: MemoryId) -> Option<MemoryId> {
        let copies = self.store.iter(self.objects[object.index()].copies);
        let valid = copies.map(|b| self.store.get(b)).filter(|b| b.content == Content::Valid);
        let mut sources = valid.map(|b| b.memory);
        let is_cut = |from: &MemoryId| self.cluster.is_cut(*from, to);
        let from = sources.next().filter(is_cut)?;
        sources.all(|from| is_cut(&from)).then_some(from)
    }

    /// The first lost link of the route that led from one memory to another when all were whole.
    fn lost_on_the_way(&self, from: MemoryId, to: MemoryId) -> String {
        let whole = self.cluster.with_links(&[]);
        let mut route = Vec::new();
        whole.route(from, to, &mut route);
        let links = route.iter().filter_map(|c| whole.channels()[c.index()].link);
        let mut lost = links.filter(|l| self.links.states[l.index()].is_lost);
        lost.next().map_or_else(String::new, |l| whole.link(l).name.clone())
    }
}
