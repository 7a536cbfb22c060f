//! Whatever the bytes of an experiment file, reading it ends in a plan or in mistakes with places,
//! never in a panic.

use experiments::plan::Plan;
use experiments::registry::Registry;
use proptest::prelude::*;
use std::path::Path;

const SPEC: &str = "\
name: whole
workloads:
  - layered: {tasks: [20, 30], ccr: 0.5}
  - fork-join
clusters:
  - star: {nodes: 2, bandwidth: 10 GB/s}
  - inline:
      name: box
      memories: [{name: ram, capacity: 64 GiB}, {name: hbm, kind: hbm}]
      devices: [{name: cpu, memory: ram, lanes: 4, speed: 1e9}, {name: gpu, memory: hbm}]
      links: [{a: ram, b: hbm, bandwidth: 25 GB/s, latency: 10 us, duplex: half}]
schedulers: [heft, mct: {}]
seeds: [1, 2]
vary: {noise: [0, 0.1], memory: [1 GiB, unlimited], workload.ccr: [1, 2]}
backends: [sim, cpu]
repetitions: 2
thinking: {fixed: 1 us}
also: [{clusters: [hetero], noise: {sigma: 0.2}, vary: {}}]
";

/// Pieces that are likely to be understood in the wrong place.
const PIECES: [&str; 16] = [
    "{",
    "}",
    "[",
    "]",
    ": ",
    "- ",
    "\n",
    "  ",
    "&a ",
    "*a",
    "!!int ",
    ".nan",
    "~",
    "'",
    "\u{202e}",
    "9999999999999999999999",
];

#[derive(Clone, Debug)]
enum Edit {
    Delete(usize, usize),
    Insert(usize, usize),
    Copy(usize, usize, usize),
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let at = 0..SPEC.len();
    let edit = prop_oneof![
        (at.clone(), 1..12usize).prop_map(|(at, n)| Edit::Delete(at, n)),
        (at.clone(), 0..PIECES.len()).prop_map(|(at, piece)| Edit::Insert(at, piece)),
        (at.clone(), at, 1..30usize).prop_map(|(from, to, n)| Edit::Copy(from, to, n)),
    ];
    proptest::collection::vec(edit, 1..5)
}

fn edited(edits: &[Edit]) -> String {
    let mut text: Vec<char> = SPEC.chars().collect();
    for edit in edits {
        let clamp = |at: usize| at.min(text.len());
        match *edit {
            Edit::Delete(at, n) => drop(text.drain(clamp(at)..clamp(at + n))),
            Edit::Insert(at, piece) => {
                let at = clamp(at);
                text.splice(at..at, PIECES[piece].chars());
            }
            Edit::Copy(from, to, n) => {
                let piece: Vec<char> = text[clamp(from)..clamp(from + n)].to_vec();
                let to = clamp(to);
                text.splice(to..to, piece);
            }
        }
    }
    text.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn edited_files_are_read_or_refused(edits in edits()) {
        let text = edited(&edits);
        match Plan::read(&Registry::new(&[]), Path::new("edited.yaml"), &text) {
            Ok(plan) => prop_assert!(!plan.cells.is_empty()),
            Err(mistakes) => {
                prop_assert!(!mistakes.is_empty());
                let shown = mistakes.render(80, false);
                prop_assert!(!shown.contains('\u{202e}'), "{shown}");
                for mistake in mistakes.iter() {
                    let (line, _) = mistake.position();
                    prop_assert!(line <= text.lines().count() + 1);
                }
            }
        }
    }
}

#[test]
fn the_file_that_is_edited_is_whole() {
    let plan = Plan::read(&Registry::new(&[]), Path::new("whole.yaml"), SPEC);
    let plan = plan.unwrap_or_else(|mistakes| panic!("{}", mistakes.render(100, false)));
    assert_eq!(plan.axes, ["noise", "memory", "workload.ccr"]);
    assert!(plan.cells.len() > 100);
}
