//! Conservation laws over random graphs x clusters x disturbances.

use proptest::prelude::*;
use runtime::LinkId;
use runtime::cluster::NetworkModel;
use runtime::executive::{Failure, Retry, Stall, Thinking};
use runtime::registry::SchedulerInfo;
use sim::{Disturbance, LinkSpell, LinkTrouble, Noise, SimError, SimSpec, Spells};
use windtunnel_tests::cases::{self, Features};
use windtunnel_tests::conformance::Case;
use windtunnel_tests::conservation::{self, Books};

/// Of different kinds: a plan, one that pulls late, one that decides at once, one that steals.
const SCHEDULERS: [&str; 4] = ["heft", "first-fit", "dmda", "work-stealing"];

fn scheduler(seed: u64) -> &'static SchedulerInfo {
    schedulers::find(SCHEDULERS[(seed % 4) as usize]).expect("it is registered")
}

/// A case whose parts are drawn from the seed's bits: each feature appears with each other one.
fn case(seed: u64) -> Case {
    let bit = |at: u32| seed >> at & 1 == 1;
    let is_tight = bit(8);
    // What shares an object without order may need more homes at once than there is room for.
    let graph = cases::graph(seed, Features { groups: !is_tight, ..Features::all(60) });
    let mut spec = cases::cluster(seed);
    if bit(9) {
        spec = cases::with_random_links(spec, seed);
    }
    if is_tight {
        let largest = graph.task_ids().map(|t| graph.working_set_bytes(t)).max().unwrap_or(0);
        spec = cases::with_small_memories(spec, largest.max(1));
    }
    if bit(10) {
        spec = cases::with_shared_devices(spec, seed);
    }
    for memory in spec.memories.iter_mut().filter(|_| bit(11)) {
        memory.copies_in = Some(1);
        memory.copies_out = Some(2);
    }
    Case::on(graph, spec, seed)
}

fn disturb(spec: &mut SimSpec, seed: u64, span_ns: u64) {
    let bit = |at: u32| seed >> at & 1 == 1;
    if bit(12) {
        spec.noise = Noise::LogNormal { sigma: 0.5 };
    }
    if bit(13) {
        spec.thinking = Thinking::Fixed(1 + span_ns / 200);
    }
    if bit(14) {
        spec.issue_ahead = 2;
    }
    let spells = |share, on| Spells {
        share: if on { share } else { 0.0 },
        well_ns: span_ns,
        spell_ns: Some(span_ns / 3 + 1),
    };
    spec.disturbance = Disturbance {
        failure: if bit(15) { 0.05 } else { 0.0 },
        retry: Retry { back_off_ns: span_ns / 60, ..Retry::default() },
        outages: spells(0.5, bit(16)),
        stragglers: spells(0.4, bit(17)),
        slow_down: 3.0,
        links: links(spec, seed, span_ns),
    };
}

/// Links that carry a part or nothing for a while, by the process and from the list, and one that
/// is lost for good.
fn links(spec: &SimSpec, seed: u64, span_ns: u64) -> LinkTrouble {
    let bit = |at: u32| seed >> at & 1 == 1;
    let links = spec.cluster.spec().links.len() as u64;
    if !bit(18) || links == 0 {
        return LinkTrouble::default();
    }
    let spells = Spells { share: 0.5, well_ns: span_ns, spell_ns: Some(span_ns / 3 + 1) };
    let spell = |at: u64, from_ns, until_ns, factor| LinkSpell {
        link: LinkId((at % links) as u32),
        from_ns,
        until_ns,
        factor,
    };
    let mut list = vec![spell(seed >> 20, span_ns / 2, Some(2 * span_ns), 0.3)];
    if bit(19) {
        list.push(spell(seed >> 30, span_ns, None, 0.0));
        list.push(spell(seed >> 34, span_ns + span_ns / 2, None, 0.0));
    }
    LinkTrouble { spells, factor: if bit(20) { 0.0 } else { 0.4 }, list }
}

/// The books of a random run; `None` where a task, or the way of its inputs, was too long for the
/// time between two losses, or no way was left for something, which are results.
fn books(seed: u64) -> Option<Books> {
    let (case, info) = (case(seed), scheduler(seed));
    let calm = sim::run(case.spec(info)).unwrap_or_else(|e| panic!("{}: {e}", info.name));
    let mut spec = case.spec(info);
    disturb(&mut spec, seed, calm.makespan_ns.max(8) / 4);
    let trace = match sim::run(spec) {
        Ok(output) => output.trace,
        Err(SimError::Failed {
            failure: Failure::TooManyAttempts { .. } | Failure::NoRoute { .. },
            ..
        })
        | Err(SimError::Stalled { stall: Stall::Outlasted { .. }, .. }) => return None,
        Err(error) => panic!("{}, seed {seed}: {error}", info.name),
    };
    match conservation::check(&trace) {
        Ok(books) => Some(books),
        Err(breaches) => {
            let shown: Vec<String> = breaches.iter().take(5).map(ToString::to_string).collect();
            panic!("{}, seed {seed}: {shown:#?}", info.name);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 800, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_made_or_lost_whatever_happens(seed: u64) {
        if let Some(books) = books(seed) {
            prop_assert_eq!(books.sent_bytes, books.received_bytes);
        }
    }
}

/// The property means something: its cases move data over shared links and lose some of it.
#[test]
fn the_cases_do_what_they_are_for() {
    let (mut followed, mut contended, mut losses, mut done) = (0, 0, 0, 0);
    for seed in (0..200u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15)) {
        let is_max_min = case(seed).cluster.network() == NetworkModel::MaxMin;
        let Some(books) = books(seed) else { continue };
        done += 1;
        followed += books.flows_followed;
        contended += usize::from(is_max_min && books.flows_followed > 4);
        losses += usize::from(seed >> 16 & 1 == 1);
    }
    assert!(followed > 1000 && contended > 40, "{followed} flows in {contended} runs");
    assert!(done > 150 && losses > 50, "{done} runs, {losses} with losses");
}
