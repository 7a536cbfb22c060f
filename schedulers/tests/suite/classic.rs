//! The Standard Task Graph set and job shops.

use crate::checker::check;
use crate::import::{Plain, PlainCost, files, identical, processors, shared};
use crate::planners;
use runtime::{Costs, Problem, bounds};

/// Numbers of a line.
fn numbers(line: &str) -> Vec<u64> {
    line.split_whitespace().map(|n| n.parse().expect("a number")).collect()
}

/// `id cost predecessors`, with a dummy first and last task.
fn stg(text: &str) -> Plain {
    let mut plain = Plain::default();
    for line in text.lines().skip(1).take_while(|l| !l.starts_with('#')) {
        let numbers = numbers(line);
        let [id, cost, _] = numbers[..3] else { panic!("three numbers come first: {line}") };
        assert_eq!(id as usize, plain.costs.len());
        plain.costs.push(PlainCost::Table(vec![cost]));
        plain.edges.extend(numbers[3..].iter().map(|p| (*p as usize, id as usize, None)));
    }
    plain
}

#[test]
fn list_schedules_on_identical_processors_keep_to_grahams_bound() {
    let Some(folder) = shared("oracles/stg") else { return };
    let table = std::fs::read_to_string(folder.join("optimal.csv")).expect("the optima are there");
    let mut compared = 0;
    for line in table.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let name = fields[0].trim_start_matches("50/");
        // Not all optima are known.
        let Some(&optimum) = numbers(fields[8]).first() else { continue };
        let processors = numbers(fields[2])[0];
        let text = std::fs::read_to_string(folder.join(name)).expect("the graph is there");
        let (graph, cluster) = (stg(&text).graph(1), identical(processors as u32));
        let costs = Costs::resolve(&graph, &cluster, None).expect("it runs everywhere");
        let bound = bounds::lower_bound(&graph, &cluster, &costs);
        assert!(bound.makespan_ns <= optimum, "{name}: {} exceeds the optimum", bound.kind);
        let problem = Problem::fresh(&graph, &cluster, &costs);
        for (planner, mut plan) in planners() {
            let plan = plan.plan(&problem).expect("there is a plan");
            check(&graph, &cluster, &costs, &plan)
                .unwrap_or_else(|e| panic!("{name}, {planner}: {e}"));
            let makespan_ns = plan.makespan_ns();
            assert!(makespan_ns >= optimum, "{name}: {planner} is below the optimum");
            // Graham (1969): (2 - 1/m) of the optimum, for whatever leaves no processor idle
            // while a task is ready. CPOP keeps tasks for one processor; with one memory it has
            // one device, and so does not.
            assert!(
                makespan_ns * processors <= optimum * (2 * processors - 1),
                "{name}: {planner}"
            );
        }
        compared += 1;
    }
    println!("{compared} pairs of graph and machine");
}

/// Jobs as chains of tasks, each on its own machine.
fn job_shop(text: &str) -> (Plain, usize) {
    let mut lines = text.lines().filter(|l| !l.starts_with('#') && !l.trim().is_empty());
    let sizes = numbers(lines.next().expect("jobs and machines"));
    let machines = sizes[1] as usize;
    let mut plain = Plain::default();
    for line in lines {
        for (step, operation) in numbers(line).chunks(2).enumerate() {
            let mut row = vec![u64::MAX; machines];
            row[operation[0] as usize] = operation[1];
            let task = plain.costs.len();
            plain.costs.push(PlainCost::Table(row));
            if step > 0 {
                plain.edges.push((task - 1, task, None));
            }
        }
    }
    assert_eq!(plain.costs.len(), (sizes[0] * sizes[1]) as usize);
    (plain, machines)
}

#[test]
fn job_shops_are_scheduled_on_their_machines_and_not_below_the_optimum() {
    let files = files("oracles/jobshop", "");
    let Some((_, optima)) = files.iter().find(|f| f.0 == "best_known.csv") else { return };
    for line in optima.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let (name, optimum) = (fields[0], numbers(fields[6])[0]);
        let (_, text) = files.iter().find(|f| f.0 == name).expect("the instance is there");
        let (plain, machines) = job_shop(text);
        let pairs = (0..machines).flat_map(|b| (0..b).map(move |a| (a, b, 1e9, 0)));
        let cluster = processors(&vec![1.0; machines], &pairs.collect::<Vec<_>>());
        let graph = plain.graph(machines);
        let costs = Costs::resolve(&graph, &cluster, None).expect("each has its machine");
        let bound = bounds::lower_bound(&graph, &cluster, &costs);
        assert!(bound.makespan_ns <= optimum, "{name}: {} exceeds {optimum}", bound.kind);
        let problem = Problem::fresh(&graph, &cluster, &costs);
        for (planner, mut plan) in planners() {
            let plan = plan.plan(&problem).expect("there is a plan");
            check(&graph, &cluster, &costs, &plan)
                .unwrap_or_else(|e| panic!("{name}, {planner}: {e}"));
            assert!(plan.makespan_ns() >= optimum, "{name}: {planner} is below the optimum");
        }
    }
}
