//! Every access mode, on one and on several workers.

use crate::clusters::{host, spec};
use crate::schedulers::{AnyLane, Eager, Random};
use crate::stamps::{Stamped, fill, kernels};
use real_backend::{RunOutput, RunSpec, run};
use runtime::graph::ObjectSpec;
use runtime::{Mode, ObjectId, Planned};

/// Runs and checks the content of all results.
pub fn check(stamped: &Stamped, spec: RunSpec) -> RunOutput {
    let spec = RunSpec { kernels: kernels(), inputs: Some(Box::new(fill)), ..spec };
    let output = run(spec).expect("every task meets the data of a sequential run");
    for object in stamped.graph.object_ids() {
        let Some(bytes) = output.object_bytes(object) else { continue };
        let expected = stamped.words(object).to_ne_bytes();
        assert_eq!(bytes.len() as u64, stamped.graph.object(object).bytes);
        assert!(bytes.chunks_exact(8).all(|w| w == expected), "{object}");
    }
    assert_eq!(output.trace.tasks.len(), stamped.graph.len());
    output
}

fn results(output: &RunOutput, objects: &[ObjectId]) {
    let found = objects.iter().filter(|o| output.object_bytes(**o).is_some());
    assert_eq!(found.count(), objects.len());
}

/// Twenty tasks of one mode on two objects, with readers before, among and after them.
fn graph_of(mode: Mode) -> (Stamped, [ObjectId; 2]) {
    let mut stamped = Stamped::new();
    let spec = ObjectSpec { bytes: 4096, initial: true, keep: true, ..Default::default() };
    let (a, b) = (stamped.object(spec), stamped.object(spec));
    for round in 0..20 {
        stamped.plain(&[(a, mode)]);
        stamped.plain(&[(a, mode), (b, mode)]);
        if round % 7 == 0 {
            (0..3).for_each(|_| _ = stamped.plain(&[(a, Mode::Read), (b, Mode::Read)]));
        }
    }
    stamped.plain(&[(a, Mode::Read), (b, Mode::Read)]);
    (stamped, [a, b])
}

#[test]
fn all_modes_keep_their_promises() {
    use Mode::{Commutative, Racy, Read, ReadWrite, Reduce, Write};
    for mode in [Read, Write, ReadWrite, Commutative, Reduce, Racy] {
        for workers in [1, 2, 4] {
            let (stamped, objects) = graph_of(mode);
            let eager = spec(stamped.graph.clone(), host(workers), Eager::default());
            results(&check(&stamped, eager), &objects);
            let planned = Planned::new(AnyLane(Random(3)));
            let planned = spec(stamped.graph.clone(), host(workers), planned);
            results(&check(&stamped, planned), &objects);
        }
    }
}

#[test]
fn without_inputs_initial_objects_are_zero_and_unused_ones_have_no_bytes() {
    let mut stamped = Stamped::new();
    let object = ObjectSpec { bytes: 100, initial: true, keep: true, ..Default::default() };
    let (used, unused) = (stamped.object(object), stamped.object(object));
    let lost = stamped.object(ObjectSpec { keep: false, ..object });
    stamped.plain(&[(used, Mode::Read), (lost, Mode::Read)]);
    // No bodies either: the task is synthetic.
    let output = run(spec(stamped.graph, host(1), Eager::default())).unwrap();
    assert_eq!(output.object_bytes(used), Some(&[0; 100][..]));
    assert_eq!(output.object_bytes(unused), None);
    assert_eq!(output.object_bytes(lost), None);
    assert_eq!(output.object_bytes(ObjectId(9)), None);
}
