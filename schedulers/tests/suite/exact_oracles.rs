//! Published instances with proved optima, as graphs on machines.

use crate::import::{Plain, PlainCost, files, identical, processors, shared};
use runtime::{Cluster, TaskGraph};
use serde::Deserialize;

/// An instance whose optimum is known.
pub struct Solved {
    pub name: String,
    pub graph: TaskGraph,
    pub cluster: Cluster,
    pub optimum_ns: u64,
}

/// A published instance of any timing model.
pub struct Published {
    /// Whether transfers and memories limit nothing, as in plans.
    pub is_free: bool,
    pub solved: Solved,
}

#[derive(Deserialize)]
struct File {
    timing: String,
    processors: usize,
    tasks: Vec<Task>,
    edges: Vec<Edge>,
    links: Links,
    optimal_makespan: u64,
}

#[derive(Deserialize)]
struct Task {
    cost: Vec<u64>,
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

/// Unrelated processors with communication and no other limits; a unit is a nanosecond.
pub fn optimal() -> Vec<Solved> {
    published().into_iter().filter(|p| p.is_free).map(|p| p.solved).collect()
}

/// All instances of unrelated processors with communication; a unit is a nanosecond.
pub fn published() -> Vec<Published> {
    let mut published = Vec::new();
    for (name, text) in files("oracles/optimal", ".json") {
        let file: File = serde_json::from_str(&text).expect("the format is known");
        let plain = Plain {
            costs: file.tasks.iter().map(|t| PlainCost::Table(t.cost.clone())).collect(),
            edges: file.edges.iter().map(|e| (e.src, e.dst, Some(e.data))).collect(),
        };
        let pairs = (0..file.processors).flat_map(|b| (0..b).map(move |a| (a, b)));
        let Links { bandwidth, latency } = &file.links;
        // Pairs are symmetric.
        let link = |(a, b): (usize, usize)| {
            assert_eq!(
                (bandwidth[a][b], latency[a][b]),
                (bandwidth[b][a], latency[b][a]),
                "{name}"
            );
            (a, b, bandwidth[a][b] as f64 * 1e9, latency[a][b])
        };
        let links: Vec<_> = pairs.map(link).collect();
        let solved = Solved {
            name,
            graph: plain.graph(file.processors),
            cluster: processors(&vec![1.0; file.processors], &links),
            optimum_ns: file.optimal_makespan,
        };
        published.push(Published { is_free: file.timing == "contention-free", solved });
    }
    published
}

/// Job shops: every machine is a processor that alone can run its tasks, communication is free.
pub fn job_shops() -> Vec<Solved> {
    let Some(folder) = shared("oracles/jobshop") else { return Vec::new() };
    let known = std::fs::read_to_string(folder.join("best_known.csv")).expect("it can be read");
    let mut solved = Vec::new();
    for line in known.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let text = std::fs::read_to_string(folder.join(cells[0])).expect("it can be read");
        let numbers: Vec<u64> = (text.lines().filter(|l| !l.starts_with('#')))
            .filter(|l| l.split_whitespace().all(|w| w.parse::<u64>().is_ok()))
            .flat_map(|l| l.split_whitespace().map(|w| w.parse().expect("a number")))
            .collect();
        let (jobs, machines) = (numbers[0] as usize, numbers[1] as usize);
        let mut plain = Plain::default();
        for (i, step) in numbers[2..].chunks(2).take(jobs * machines).enumerate() {
            let mut row = vec![u64::MAX; machines];
            row[step[0] as usize] = step[1];
            plain.costs.push(PlainCost::Table(row));
            if i % machines > 0 {
                plain.edges.push((i - 1, i, None));
            }
        }
        assert_eq!(plain.costs.len(), jobs * machines, "{line}");
        let pairs = (0..machines).flat_map(|b| (0..b).map(move |a| (a, b)));
        let links: Vec<_> = pairs.map(|(a, b)| (a, b, 1e9, 0)).collect();
        solved.push(Solved {
            name: cells[0].to_owned(),
            graph: plain.graph(machines),
            cluster: processors(&vec![1.0; machines], &links),
            optimum_ns: optimum(&cells),
        });
    }
    solved
}

/// The optimum in a line of the table of job shops.
fn optimum(cells: &[&str]) -> u64 {
    let number = cells.iter().skip(1).filter_map(|c| c.parse::<u64>().ok());
    number.max().expect("there is an optimum")
}

/// Graphs of the Standard Task Graph set with trusted optima: identical processors, nothing moves.
pub fn standard() -> Vec<Solved> {
    let Some(folder) = shared("oracles/stg") else { return Vec::new() };
    let table = std::fs::read_to_string(folder.join("optimal.csv")).expect("it can be read");
    let mut solved = Vec::new();
    for line in table.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let Ok(optimum_ns) = cells[8].parse() else { continue };
        let name = cells[0].rsplit('/').next().expect("a name");
        let text = std::fs::read_to_string(folder.join(name)).expect("it can be read");
        let mut plain = Plain::default();
        for row in text.lines().skip(1).take_while(|l| !l.starts_with('#')) {
            let numbers: Vec<usize> =
                row.split_whitespace().map(|w| w.parse().expect("a number")).collect();
            if let [task, cost, _, before @ ..] = numbers.as_slice() {
                plain.costs.push(PlainCost::Table(vec![*cost as u64]));
                plain.edges.extend(before.iter().map(|from| (*from, *task, None)));
            }
        }
        solved.push(Solved {
            name: format!("{name} on {}", cells[2]),
            graph: plain.graph(1),
            cluster: identical(cells[2].parse().expect("a number")),
            optimum_ns,
        });
    }
    solved
}
