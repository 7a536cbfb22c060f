//! Graphs that grow by what their kernels return.

use crate::clusters::{host, spec, star};
use crate::schedulers::{AnyLane, Eager, Random};
use real_backend::{RunSpec, run};
use runtime::executive::{Outcome, Program, Setup, Thinking};
use runtime::graph::ObjectSpec;
use runtime::kernel::KernelArgs;
use runtime::replay::{ReplayError, replay_inputs, replay_setup};
use runtime::{Cluster, Costs, KernelId, Mode, ObjectId, Planned, TaskGraph, TaskId, TaskSpec};
use std::sync::Arc;

/// Every task returns how many children it has; children write into an object of their parent's,
/// some of a kernel that did not exist at the start, with initial data of their own.
struct Tree {
    total: ObjectId,
    late: Option<KernelId>,
}

const TASKS: usize = 1 + 3 + 3 * 2 + 3 * 2;

impl Program for Tree {
    fn on_finished(&mut self, task: TaskId, outcome: &Outcome, graph: &mut TaskGraph) {
        let Some(outcome) = outcome else { return };
        let late = *self.late.get_or_insert_with(|| graph.kernel("leaf"));
        for child in 0..outcome[0] {
            let spec = ObjectSpec { bytes: 8, initial: true, ..Default::default() };
            let object = graph.add_object(spec).unwrap();
            let kernel = if outcome[1] == 0 { late } else { graph.task(task).kernel };
            let accesses = [(object, Mode::Read), (self.total, Mode::Commutative)];
            let params = [outcome[1], child];
            let spec =
                TaskSpec { kernel, params: &params, accesses: &accesses, ..TaskSpec::new(late) };
            graph.submit(spec).unwrap();
        }
        if graph.len() == TASKS {
            graph.release(self.total);
        }
    }
}

fn begin() -> (TaskGraph, Tree) {
    let mut graph = TaskGraph::new("tree");
    let node = graph.kernel("node");
    let total =
        ObjectSpec { bytes: 8, initial: true, keep: true, held: true, ..Default::default() };
    let total = graph.add_object(total).unwrap();
    let accesses = [(total, Mode::Commutative)];
    graph.submit(TaskSpec { params: &[3], accesses: &accesses, ..TaskSpec::new(node) }).unwrap();
    (graph, Tree { total, late: None })
}

/// Adds the value of its initial object, which is its object's number.
fn add(args: &mut KernelArgs<'_, '_>) {
    if args.buffers.len() == 2 {
        let own = args.buffers[0].as_slice::<u64>().unwrap()[0];
        args.buffers[1].as_mut_slice::<u64>().unwrap()[0] += own;
    }
}

fn spec_on(cluster: Arc<Cluster>, is_planned: bool) -> RunSpec {
    let (graph, tree) = begin();
    let mut spec = match is_planned {
        false => spec(graph, cluster, Eager::default()),
        true => spec(graph, cluster, Planned::new(AnyLane(Random(5)))),
    };
    spec.kernels.insert("node", |args: &mut KernelArgs<'_, '_>| {
        add(args);
        // The root has 3 children, each of which has 2 of its own kernel, those 1 leaf each.
        let (children, depth) = match args.params[0] {
            3 => (3, 2),
            2 => (2, 1),
            _ => (1, 0),
        };
        Ok(Some(vec![children, depth].into()))
    });
    spec.kernels.insert("leaf", |args: &mut KernelArgs<'_, '_>| {
        add(args);
        Ok(None)
    });
    let inputs = |object: ObjectId, bytes: &mut [u8]| {
        bytes.copy_from_slice(&u64::from(object.0).to_ne_bytes());
    };
    RunSpec { program: Some(Box::new(tree)), inputs: Some(Box::new(inputs)), ..spec }
}

#[test]
fn outcomes_grow_the_graph_and_replay_the_same_way() {
    for (lanes, is_planned) in [(1, false), (3, false), (3, true)] {
        for cluster in [host(lanes), star(&[lanes, 1], None)] {
            let output = run(spec_on(Arc::clone(&cluster), is_planned)).unwrap();
            let trace = &output.trace;
            assert_eq!(
                (trace.initial_tasks, trace.graph.len(), trace.tasks.len()),
                (1, TASKS, TASKS)
            );
            let sum: u64 = (0..trace.graph.object_count() as u64).sum();
            assert_eq!(output.object_bytes(ObjectId(0)), Some(&sum.to_ne_bytes()[..]));
            let scheduler = || spec_on(Arc::clone(&cluster), is_planned).scheduler;
            let refused = replay_inputs(trace, scheduler()).unwrap_err();
            assert!(matches!(refused, ReplayError::Grown { initial: 1, tasks: TASKS }));
            let (graph, tree) = begin();
            let replayed = replay_setup(
                trace,
                Setup {
                    estimates: Costs::resolve(&graph, &cluster, None).unwrap(),
                    graph,
                    cluster: Arc::clone(&cluster),
                    scheduler: scheduler(),
                    thinking: Thinking::Free,
                    program: Some(Box::new(tree)),
                    tracing: false,
                },
            );
            assert_eq!(replayed.unwrap().digest, output.digest);
        }
    }
}
