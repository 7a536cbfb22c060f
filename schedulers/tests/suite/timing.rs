//! Exclusive transfers and memories that fill up, against slow definitions and proved optima.

use crate::import::{Plain, PlainCost, files, processors};
use crate::random::{Mix, cluster, graph};
use crate::{cases, lists};
use proptest::prelude::*;
use runtime::cluster::{NetworkModel, bytes_ns};
use runtime::graph::{Access, Mode};
use runtime::{ChannelId, Cluster, ClusterSpec, Costs, MemoryId, Ns, ObjectId, Problem, TaskId};
use schedulers::instance::{Flow, Instance, Placement};
use schedulers::search::annealing::Annealing;
use schedulers::search::evaluator::Evaluator;
use schedulers::search::moves::random_move;
use schedulers::search::planner::Search;
use schedulers::search::reads::Reads;
use schedulers::search::routes::{Exclusive, Routes};
use schedulers::search::run::{Budget, Run};
use schedulers::search::timing::{Memory, Model};
use schedulers::stream::Stream;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Starts by definition: each unit in order, its transfers by the end of their producers.
fn starts(instance: &Instance, order: &[u32], lanes: &[u32], exclusive: Exclusive) -> Vec<Ns> {
    let mut start = vec![0; instance.len()];
    let mut finish = vec![0; instance.len()];
    let mut lane_free: BTreeMap<u32, Ns> = BTreeMap::new();
    let mut line_free: BTreeMap<(u32, u32), Ns> = BTreeMap::new();
    let mut arrived: BTreeMap<(u32, u32, u32), Ns> = BTreeMap::new();
    for &unit in order {
        let mut at_ns = 0;
        for node in instance.unit(unit) {
            let to = instance.memory_of(lanes[node as usize]);
            at_ns = at_ns.max(instance.release_ns(node, to));
            for lane in lanes[node as usize]..lanes[node as usize] + instance.cores(node) {
                let free = lane_free.get(&lane).copied().unwrap_or(instance.lane_free_ns(lane));
                at_ns = at_ns.max(free);
            }
            for arc in instance.preds(node) {
                at_ns = at_ns.max(finish[arc.node as usize]);
            }
            let mut flows = instance.flows(node).to_vec();
            flows.sort_by_key(|f| finish[f.from as usize]);
            for flow in flows {
                let from = instance.memory_of(lanes[flow.from as usize]);
                if from == to {
                    continue;
                }
                let key = (flow.from, flow.object.0, to);
                let arrives_ns = *arrived.entry(key).or_insert_with(|| {
                    let lines = match exclusive {
                        // Ports that send and ports that receive are told apart.
                        Exclusive::Ports => [(0, from), (1, to)],
                        Exclusive::Pairs => [(from.min(to), from.max(to)); 2],
                    };
                    let free = lines.iter().filter_map(|l| line_free.get(l)).copied().max();
                    let begins = finish[flow.from as usize].max(free.unwrap_or(0));
                    let ends = begins + instance.flow_ns(flow, from, to);
                    line_free.extend(lines.map(|l| (l, ends)));
                    ends
                });
                at_ns = at_ns.max(arrives_ns);
            }
        }
        for node in instance.unit(unit) {
            let lane = lanes[node as usize];
            start[node as usize] = at_ns;
            finish[node as usize] = at_ns + instance.duration_ns(node, lane);
            for lane in lane..lane + instance.cores(node) {
                lane_free.insert(lane, finish[node as usize]);
            }
        }
    }
    start
}

/// What a node waits for: when it can leave, from which memory, and what tells transfers apart.
type Wait = (Ns, MemoryId, (ObjectId, Option<TaskId>));

/// Everything that a node of a fresh problem reads, its producers' data first.
fn waits(
    problem: &Problem<'_>,
    instance: &Instance,
    node: u32,
    lanes: &[u32],
    finish: &[Ns],
) -> Vec<Wait> {
    let (graph, cluster) = (problem.graph, problem.cluster);
    let flow = |f: &Flow| {
        let from = instance.memory(instance.memory_of(lanes[f.from as usize]));
        (finish[f.from as usize], from, (f.object, Some(instance.task(f.from))))
    };
    let mut waits: Vec<Wait> = instance.flows(node).iter().map(flow).collect();
    for access in graph.accesses(instance.task(node)) {
        if access.mode.reads() && access.version == 0 {
            let home = cluster.home(graph.object(access.object).home);
            waits.push((problem.now_ns, home, (access.object, None)));
        }
    }
    waits.sort_by_key(|w| w.0);
    waits
}

/// Starts by definition where transfers take the links of their routes, or ports.
fn starts_on_routes(
    problem: &Problem<'_>,
    instance: &Instance,
    order: &[u32],
    lanes: &[u32],
) -> Vec<Ns> {
    let cluster = problem.cluster;
    let mut start = vec![0; instance.len()];
    let mut finish = vec![0; instance.len()];
    let mut lane_free: BTreeMap<u32, Ns> = BTreeMap::new();
    let mut line_free: BTreeMap<(u32, u32), Ns> = BTreeMap::new();
    let mut arrived: BTreeMap<(MemoryId, (ObjectId, Option<TaskId>)), Ns> = BTreeMap::new();
    for &unit in order {
        let mut at_ns = 0;
        for node in instance.unit(unit) {
            let to = instance.memory(instance.memory_of(lanes[node as usize]));
            for lane in lanes[node as usize]..lanes[node as usize] + instance.cores(node) {
                at_ns = at_ns.max(lane_free.get(&lane).copied().unwrap_or(0));
            }
            for arc in instance.preds(node) {
                at_ns = at_ns.max(finish[arc.node as usize]);
            }
            for (leaves_ns, from, what) in waits(problem, instance, node, lanes, &finish) {
                let bytes = problem.graph.object(what.0).bytes;
                let whole_ns = if from == to { 0 } else { cluster.transfer_ns(from, to, bytes) };
                let mut route = Vec::new();
                cluster.route(from, to, &mut route);
                let speed = |c: &ChannelId| cluster.channels()[c.index()].bytes_per_s;
                let lines: Vec<((u32, u32), Ns)> = match cluster.network() {
                    NetworkModel::OnePort => vec![((0, from.0), whole_ns), ((1, to.0), whole_ns)],
                    _ => route.iter().map(|c| ((2, c.0), bytes_ns(bytes, speed(c)))).collect(),
                };
                let arrives_ns = if from == to {
                    leaves_ns
                } else {
                    *arrived.entry((to, what)).or_insert_with(|| {
                        let free = lines.iter().filter_map(|(line, _)| line_free.get(line)).max();
                        let begins_ns = leaves_ns.max(free.copied().unwrap_or(0));
                        line_free.extend(lines.iter().map(|(line, ns)| (*line, begins_ns + ns)));
                        begins_ns + whole_ns
                    })
                };
                at_ns = at_ns.max(arrives_ns);
            }
        }
        for node in instance.unit(unit) {
            let lane = lanes[node as usize];
            start[node as usize] = at_ns;
            finish[node as usize] = at_ns + instance.duration_ns(node, lane);
            for lane in lane..lane + instance.cores(node) {
                lane_free.insert(lane, finish[node as usize]);
            }
        }
    }
    start
}

/// What is held: in which memory, from when until when, how much.
type Held = (u32, Ns, Ns, u64);

/// What nodes hold by the model of the oracles.
fn held_by_nodes(instance: &Instance, placed: &[Placement], memory: Memory) -> Vec<Held> {
    let end =
        |n: u32| placed[n as usize].start_ns + instance.duration_ns(n, placed[n as usize].lane);
    let until = |n: u32| match memory {
        Memory::Buffers => instance.succs(n).iter().map(|a| end(a.node)).fold(end(n), Ns::max),
        _ => Ns::MAX,
    };
    let of = |n: u32| {
        let at = placed[n as usize];
        (instance.memory_of(at.lane), at.start_ns, until(n), instance.output_bytes(n))
    };
    (0..instance.len() as u32).map(of).collect()
}

/// What tasks of a fresh problem need: data where they are made and read, and scratch.
fn needed(problem: &Problem<'_>, instance: &Instance, placed: &[Placement]) -> Vec<Held> {
    let graph = problem.graph;
    let at = |t: TaskId| placed[instance.node_of(t).expect("it is planned") as usize];
    let memory = |t: TaskId| instance.memory_of(at(t).lane);
    let end = |t: TaskId| {
        at(t).start_ns
            + instance.duration_ns(instance.node_of(t).expect("it is planned"), at(t).lane)
    };
    // Readers by who writes what; nobody has written initial data.
    let mut readers: BTreeMap<(ObjectId, Option<TaskId>), Vec<TaskId>> = BTreeMap::new();
    let mut held = Vec::new();
    for task in graph.task_ids() {
        held.push((memory(task), at(task).start_ns, end(task), graph.task(task).scratch_bytes));
        for access in graph.accesses(task) {
            if access.mode.writes() && access.mode != Mode::Racy {
                readers.entry((access.object, Some(task))).or_default();
            }
            if access.mode.reads() && access.version == 0 {
                readers.entry((access.object, None)).or_default().push(task);
            }
        }
        for edge in graph.incoming(task) {
            if let Some(object) = edge.object {
                readers.entry((object, Some(edge.from))).or_default().push(task);
            }
        }
    }
    for ((object, writer), readers) in readers {
        let bytes = graph.object(object).bytes;
        let done = |t: &TaskId| {
            let changes = |a: &&Access| a.object == object && a.mode.writes();
            let is_changed = graph.accesses(*t).iter().any(|a| changes(&a));
            if is_changed { at(*t).start_ns } else { end(*t) }
        };
        let home = problem.cluster.home(graph.object(object).home);
        let source = match writer {
            Some(writer) => Some(memory(writer)),
            None => (0..instance.memory_count() as u32).find(|m| instance.memory(*m) == home),
        };
        for m in 0..instance.memory_count() as u32 {
            let here = readers.iter().filter(|t| source == Some(m) || memory(**t) == m);
            let last = here.clone().map(done).max();
            let first = here.map(|t| at(*t).start_ns).min();
            let (from, until) = match writer {
                Some(w) if source == Some(m) => (Some(at(w).start_ns), last.max(Some(end(w)))),
                None if source == Some(m) => (Some(0), last),
                _ => (first, last),
            };
            if let (Some(from), Some(until)) = (from, until) {
                held.push((m, from, until, bytes));
            }
        }
    }
    held
}

/// Bytes beyond the capacity, looked at whenever something starts.
fn excess(held: &[Held], memories: usize, capacity: u64) -> u64 {
    let of = |m: u32| {
        let here = held.iter().filter(|h| h.0 == m);
        let at = |t: Ns| here.clone().filter(|h| h.1 <= t && t < h.2).map(|h| h.3).sum::<u64>();
        here.clone().map(|h| at(h.1)).max().unwrap_or(0).saturating_sub(capacity)
    };
    (0..memories as u32).map(of).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(150)))]

    #[test]
    fn models_are_computed_as_they_are_defined(
        mix in crate::plans::mix(),
        which in 0usize..3,
        memory in 0usize..4,
        capacity in 0u64..300,
    ) {
        let graph = graph(&Mix { tasks: mix.tasks.max(1), ..mix });
        let cluster = cluster(&mix, &graph);
        let costs = Costs::resolve(&graph, &cluster, None).expect("it runs somewhere");
        let problem = Problem::fresh(&graph, &cluster, &costs);
        let instance = Instance::new(&problem).expect("it has one");
        let (_, mut heft) = lists().remove(0);
        let plan = heft.plan(&problem).expect("there is a plan");
        let (order, placed) = instance.placements(&plan).expect("it is whole");
        let lanes: Vec<u32> = placed.iter().map(|p| p.lane).collect();
        let exclusive = [None, Some(Exclusive::Pairs), Some(Exclusive::Ports)][which];
        let routes = exclusive.map(|e| Routes::exclusive(&problem, &instance, e));
        let kinds = [Memory::Unlimited, Memory::Resident, Memory::Buffers, Memory::Copies];
        let memory = kinds[memory];
        let capacity_bytes = vec![Some(capacity); instance.memory_count()];
        let mut model = Model { routes, memory, capacity_bytes, ..Model::default() };
        if memory == Memory::Copies {
            model.reads = Reads::of(&problem, &instance, true);
            let nodes = 0..instance.len() as u32;
            let scratch_bytes = |n: u32| graph.task(instance.task(n)).scratch_bytes;
            model.held_bytes = nodes.map(scratch_bytes).collect();
        }
        let mut evaluator = Evaluator::with_model(&instance, &order, &lanes, model);
        let mut stream = Stream::new(mix.seed, "timing");
        for _ in 0..20 {
            let before = evaluator.score();
            random_move(&mut evaluator, 30, &mut stream);
            evaluator.evaluate(Ns::MAX);
            evaluator.undo();
            prop_assert_eq!(evaluator.score(), before);
            random_move(&mut evaluator, 30, &mut stream);
            let score = evaluator.evaluate(Ns::MAX).expect("there is no limit");
            evaluator.commit();
            let placed = evaluator.placements();
            let (order, lanes) = (evaluator.order(), evaluator.lanes());
            let found: Vec<Ns> = placed.iter().map(|p| p.start_ns).collect();
            if let Some(exclusive) = exclusive {
                prop_assert_eq!(&found, &starts(&instance, order, lanes, exclusive));
            }
            let held = match memory {
                Memory::Unlimited => Vec::new(),
                Memory::Copies => needed(&problem, &instance, &placed),
                _ => held_by_nodes(&instance, &placed, memory),
            };
            let too_much = excess(&held, instance.memory_count(), capacity);
            prop_assert_eq!(score.excess_bytes, too_much);
            let end = |(n, p): (u32, &Placement)| p.start_ns + instance.duration_ns(n, p.lane);
            let ends = (0..).zip(&placed).map(end);
            let makespan_ns = ends.max().unwrap_or(0);
            prop_assert!(score.makespan_ns >= makespan_ns);
            prop_assert_eq!(score.makespan_ns == makespan_ns, too_much == 0);
        }
    }

    #[test]
    fn transfers_wait_for_the_links_of_their_routes(
        mix in crate::plans::mix(),
        is_one_port in any::<bool>(),
        // Many tasks make passes that begin, jump and end between others.
        times in prop::sample::select(vec![1, 1, 8]),
    ) {
        let graph = graph(&Mix { tasks: mix.tasks.max(1) * times, ..mix });
        let network = if is_one_port { NetworkModel::OnePort } else { NetworkModel::MaxMin };
        let spec = ClusterSpec { network, ..cluster(&mix, &graph).spec().clone() };
        let cluster = Cluster::new(spec).expect("only the network differs");
        let costs = Costs::resolve(&graph, &cluster, None).expect("it runs somewhere");
        let problem = Problem::fresh(&graph, &cluster, &costs);
        let instance = Instance::new(&problem).expect("it has one");
        let Some(routes) = Routes::of(&problem, &instance) else { return Ok(()) };
        let (_, mut heft) = lists().remove(0);
        let plan = heft.plan(&problem).expect("there is a plan");
        let (order, placed) = instance.placements(&plan).expect("it is whole");
        let lanes: Vec<u32> = placed.iter().map(|p| p.lane).collect();
        let model = Model { routes: Some(routes), ..Model::default() };
        let mut evaluator = Evaluator::with_model(&instance, &order, &lanes, model);
        let expected = |order: &[u32], lanes: &[u32]| {
            starts_on_routes(&problem, &instance, order, lanes)
        };
        walk(&mut evaluator, mix.seed, expected)?;
    }
}

/// Makes random changes, keeps some, and compares each with times from nothing.
fn walk(
    evaluator: &mut Evaluator<'_>,
    seed: u64,
    expected: impl Fn(&[u32], &[u32]) -> Vec<Ns>,
) -> Result<(), TestCaseError> {
    let instance = evaluator.instance();
    let mut stream = Stream::new(seed, "timing");
    let check = |evaluator: &Evaluator<'_>| -> Result<Ns, TestCaseError> {
        let (order, lanes) = (evaluator.order(), evaluator.lanes());
        let found: Vec<Ns> = evaluator.placements().iter().map(|p| p.start_ns).collect();
        prop_assert_eq!(&found, &expected(order, lanes));
        let ends = (0..).zip(&found).map(|(n, at)| at + instance.duration_ns(n, lanes[n as usize]));
        let sum_ns: u128 = ends.clone().map(u128::from).sum();
        prop_assert_eq!(evaluator.score().sum_ns, sum_ns);
        Ok(ends.max().unwrap_or(0))
    };
    for step in 0..60 {
        let before = (evaluator.score(), evaluator.placements(), evaluator.order().to_vec());
        for _ in 0..1 + stream.index(3) {
            random_move(evaluator, 1 + stream.index(50), &mut stream);
        }
        let (order, lanes) = (evaluator.order().to_vec(), evaluator.lanes().to_vec());
        let starts = expected(&order, &lanes);
        let ends =
            (0..).zip(&starts).map(|(n, at)| at + instance.duration_ns(n, lanes[n as usize]));
        let makespan_ns = ends.max().unwrap_or(0);
        // A limit that some changes pass and others do not.
        let limit_ns =
            before.0.makespan_ns.saturating_add(u64::from(stream.index(60))).max(20) - 20;
        let score = evaluator.evaluate(limit_ns);
        let found = score.map(|s| s.makespan_ns);
        let is_within = makespan_ns <= limit_ns;
        prop_assert_eq!(found, is_within.then_some(makespan_ns), "step {}", step);
        if is_within && stream.index(4) > 0 {
            evaluator.commit();
            prop_assert_eq!(check(evaluator)?, makespan_ns);
        } else {
            evaluator.undo();
            let after = (evaluator.score(), evaluator.placements(), evaluator.order().to_vec());
            prop_assert_eq!(after, before);
        }
        if stream.index(20) == 0 {
            evaluator.set(&order, &lanes);
            prop_assert_eq!(check(evaluator)?, makespan_ns);
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct File {
    timing: String,
    tasks: Vec<Task>,
    edges: Vec<Edge>,
    links: Links,
    memory_capacity: Option<Vec<u64>>,
    optimal_makespan: u64,
}

#[derive(Deserialize)]
struct Task {
    cost: Vec<u64>,
    memory: u64,
}

#[derive(Deserialize)]
struct Edge {
    src: usize,
    dst: usize,
    data: u64,
}

#[derive(Deserialize)]
struct Links {
    bandwidth: Vec<Vec<u64>>,
    latency: Vec<Vec<u64>>,
}

/// The makespan that annealing by a model reaches, and what exceeds capacities there.
fn annealed(
    file: &File,
    model: impl FnOnce(&Problem<'_>, &Instance, &[u64]) -> Model,
) -> (Ns, u64) {
    let count = file.links.latency.len();
    let pairs = (0..count).flat_map(|b| (0..b).map(move |a| (a, b)));
    let Links { bandwidth, latency } = &file.links;
    let links = pairs.map(|(a, b)| (a, b, bandwidth[a][b] as f64 * 1e9, latency[a][b]));
    let cluster = processors(&vec![1.0; count], &links.collect::<Vec<_>>());
    let plain = Plain {
        costs: file.tasks.iter().map(|t| PlainCost::Table(t.cost.clone())).collect(),
        edges: file.edges.iter().map(|e| (e.src, e.dst, Some(e.data))).collect(),
    };
    let graph = plain.graph(count);
    let held = plain.order().into_iter().map(|t| file.tasks[t].memory).collect::<Vec<_>>();
    let costs = Costs::resolve(&graph, &cluster, None).expect("it runs everywhere");
    let problem = Problem::fresh(&graph, &cluster, &costs);
    let instance = Instance::new(&problem).expect("it has one");
    let (_, mut heft) = lists().remove(0);
    let plan = heft.plan(&problem).expect("there is a plan");
    let (order, placed) = instance.placements(&plan).expect("it is whole");
    let lanes: Vec<u32> = placed.iter().map(|p| p.lane).collect();
    let by_node: Vec<u64> =
        (0..instance.len() as u32).map(|n| held[instance.task(n).index()]).collect();
    let model = model(&problem, &instance, &by_node);
    let mut evaluator = Evaluator::with_model(&instance, &order, &lanes, model);
    let budget = Budget { evaluations: 20_000, time_ns: None };
    let mut run = Run::new(&evaluator, 0, budget, Stream::new(1, "annealing"), None);
    Annealing::default().search(&mut run, &mut evaluator);
    let best = run.incumbent().clone();
    let score = evaluator.set(&best.order, &best.lanes);
    (score.makespan_ns, score.excess_bytes)
}

#[test]
fn nothing_is_below_the_optima_of_the_models() {
    let (mut sum, mut count) = (0.0, 0);
    for (name, text) in files("oracles/optimal", ".json") {
        let file: File = serde_json::from_str(&text).expect("the format is known");
        let is_exclusive = file.timing == "exclusive-links";
        let memory = match file.timing.as_str() {
            "contention-free+buffers" => Memory::Buffers,
            "contention-free+resident" => Memory::Resident,
            _ => Memory::Unlimited,
        };
        if !is_exclusive && memory == Memory::Unlimited {
            continue;
        }
        let (makespan_ns, excess_bytes) = annealed(&file, |problem, instance, held| {
            let routes =
                is_exclusive.then(|| Routes::exclusive(problem, instance, Exclusive::Pairs));
            let all = file.memory_capacity.clone();
            let none = || vec![None; instance.memory_count()];
            let capacity_bytes = all.map_or_else(none, |c| c.into_iter().map(Some).collect());
            Model { routes, memory, held_bytes: held.to_vec(), capacity_bytes, ..Model::default() }
        });
        assert_eq!(excess_bytes, 0, "{name}: no schedule within the capacities was found");
        let optimum = file.optimal_makespan;
        assert!(makespan_ns >= optimum, "{name}: {makespan_ns} is below {optimum}");
        let gap = makespan_ns as f64 / optimum as f64 * 100.0 - 100.0;
        println!("{name}: {gap:.2} % above the optimum");
        sum += gap;
        count += 1;
    }
    if count > 0 {
        println!("{count} instances, {:.2} % above the optimum on average", sum / f64::from(count));
    }
}
