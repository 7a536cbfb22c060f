use super::*;
use crate::{Cost, ObjectId, TaskId};

fn graph_with(objects: usize) -> (TaskGraph, Vec<ObjectId>) {
    let mut graph = TaskGraph::new("test");
    let spec = ObjectSpec { bytes: 8, initial: true, ..Default::default() };
    let objects = (0..objects).map(|_| graph.add_object(spec).unwrap()).collect();
    (graph, objects)
}

fn submit(graph: &mut TaskGraph, accesses: &[(ObjectId, Mode)]) -> TaskId {
    let kernel = graph.kernel("k");
    graph.submit(TaskSpec { accesses, ..TaskSpec::new(kernel) }).unwrap()
}

fn preds(graph: &TaskGraph, task: TaskId) -> Vec<u32> {
    graph.predecessors(task).map(|t| t.0).collect()
}

#[test]
fn reads_after_write_and_write_after_reads() {
    let (mut g, o) = graph_with(1);
    let write = submit(&mut g, &[(o[0], Mode::Write)]);
    let r1 = submit(&mut g, &[(o[0], Mode::Read)]);
    let r2 = submit(&mut g, &[(o[0], Mode::Read)]);
    let next = submit(&mut g, &[(o[0], Mode::Write)]);
    assert_eq!(preds(&g, write), [0; 0]);
    assert_eq!(preds(&g, r1), [0]);
    assert_eq!(preds(&g, r2), [0]);
    assert_eq!(preds(&g, next), [1, 2]);
    assert!(g.incoming(next).iter().all(|e| e.object.is_none()));
    assert_eq!(g.incoming(r1)[0].object, Some(o[0]));
    assert_eq!(g.accesses(r1)[0].version, 1);
}

#[test]
fn read_write_chain_carries_data() {
    let (mut g, o) = graph_with(1);
    for i in 0..4 {
        let t = submit(&mut g, &[(o[0], Mode::ReadWrite)]);
        assert_eq!(g.accesses(t)[0].version, i);
        assert!(g.incoming(t).iter().all(|e| e.object == Some(o[0])));
    }
    assert_eq!(g.edge_count(), 3);
}

#[test]
fn a_group_is_unordered_inside_and_ordered_outside() {
    for mode in [Mode::Commutative, Mode::Reduce, Mode::Racy] {
        let (mut g, o) = graph_with(1);
        submit(&mut g, &[(o[0], Mode::Write)]);
        let members: Vec<_> = (0..3).map(|_| submit(&mut g, &[(o[0], mode)])).collect();
        let reader = submit(&mut g, &[(o[0], Mode::Read)]);
        let late = submit(&mut g, &[(o[0], mode)]);
        for m in members {
            assert_eq!(preds(&g, m), [0]);
            assert_eq!(g.accesses(m)[0].version, 1);
        }
        assert_eq!(preds(&g, reader), [1, 2, 3]);
        assert_eq!(g.accesses(reader)[0].version, 4);
        assert_eq!(preds(&g, late), [1, 2, 3, 4], "a reader ends the group");
    }
}

#[test]
fn different_groups_follow_each_other() {
    let (mut g, o) = graph_with(1);
    submit(&mut g, &[(o[0], Mode::Reduce)]);
    submit(&mut g, &[(o[0], Mode::Reduce)]);
    let a = submit(&mut g, &[(o[0], Mode::Commutative)]);
    let b = submit(&mut g, &[(o[0], Mode::Commutative)]);
    assert_eq!(preds(&g, a), [0, 1]);
    assert_eq!(preds(&g, b), [0, 1]);
}

#[test]
fn one_edge_per_object_that_flows_and_no_order_edge_beside_it() {
    let (mut g, o) = graph_with(3);
    submit(&mut g, &[(o[0], Mode::Write), (o[1], Mode::Write), (o[2], Mode::Read)]);
    let t = submit(&mut g, &[(o[0], Mode::Read), (o[1], Mode::Read), (o[2], Mode::Write)]);
    let objects: Vec<_> = g.incoming(t).iter().map(|e| e.object).collect();
    assert_eq!(objects, [Some(o[0]), Some(o[1])]);
    assert_eq!(g.outgoing(TaskId(0)).count(), 2);
}

#[test]
fn an_object_named_twice_is_joined_or_refused() {
    let (mut g, o) = graph_with(1);
    let t = submit(&mut g, &[(o[0], Mode::Read), (o[0], Mode::Write)]);
    assert_eq!(g.accesses(t).len(), 1);
    assert_eq!(g.accesses(t)[0].mode, Mode::ReadWrite);
    let kernel = g.kernel("k");
    let accesses = [(o[0], Mode::Read), (o[0], Mode::Commutative)];
    let refused = g.submit(TaskSpec { accesses: &accesses, ..TaskSpec::new(kernel) });
    assert!(matches!(refused, Err(GraphError::MixedModes { .. })));
    assert_eq!(g.len(), 1, "a refused task leaves nothing behind");
}

#[test]
fn bad_submissions_are_refused() {
    let mut g = TaskGraph::new("bad");
    let k = g.kernel("k");
    let ghost = g.add_object(ObjectSpec::default()).unwrap();
    let bad = |g: &mut TaskGraph, spec: TaskSpec<'_>| g.submit(spec).unwrap_err();
    let spec = TaskSpec::new(k);
    let read = [(ghost, Mode::Read)];
    let unknown = [(ObjectId(7), Mode::Write)];
    assert!(matches!(
        bad(&mut g, TaskSpec { accesses: &read, ..spec }),
        GraphError::ReadBeforeWrite { .. }
    ));
    assert!(matches!(
        bad(&mut g, TaskSpec { accesses: &unknown, ..spec }),
        GraphError::UnknownObject { .. }
    ));
    assert!(matches!(
        bad(&mut g, TaskSpec { after: &[TaskId(0)], ..spec }),
        GraphError::UnknownTask { .. }
    ));
    for cost in [f64::NAN, f64::INFINITY, -1.0] {
        assert!(matches!(
            bad(&mut g, TaskSpec { cost: Cost::Work(cost), ..spec }),
            GraphError::BadCost { .. }
        ));
    }
    assert!(matches!(bad(&mut g, TaskSpec { cores: 0, ..spec }), GraphError::NoCores { .. }));
    assert!(g.is_empty());
}

#[test]
fn summary_of_a_diamond() {
    let (mut g, o) = graph_with(3);
    submit(&mut g, &[(o[0], Mode::Write)]);
    submit(&mut g, &[(o[0], Mode::Read), (o[1], Mode::Write)]);
    submit(&mut g, &[(o[0], Mode::Read), (o[2], Mode::Write)]);
    submit(&mut g, &[(o[1], Mode::Read), (o[2], Mode::Read)]);
    let s = g.summary();
    assert_eq!((s.tasks, s.edges, s.depth, s.width, s.flow_bytes), (4, 4, 3, 2, 32));
}

#[test]
fn many_accesses_are_joined_like_few() {
    for others in [0u32, 1000] {
        let (mut g, o) = graph_with(2 + others as usize);
        let mut accesses = vec![(o[0], Mode::Read), (o[1], Mode::Write)];
        accesses.extend(o[2..].iter().map(|o| (*o, Mode::Read)));
        accesses.extend([(o[0], Mode::Write), (o[1], Mode::Write)]);
        let t = submit(&mut g, &accesses);
        assert_eq!(g.accesses(t).len(), o.len());
        let modes = [g.accesses(t)[0].mode, g.accesses(t)[1].mode];
        assert_eq!(modes, [Mode::ReadWrite, Mode::Write]);
        accesses.push((o[1], Mode::Racy));
        let kernel = g.kernel("k");
        let refused = g.submit(TaskSpec { accesses: &accesses, ..TaskSpec::new(kernel) });
        assert!(matches!(refused, Err(GraphError::MixedModes { .. })));
    }
}
