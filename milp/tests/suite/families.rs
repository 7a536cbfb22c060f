//! Fresh instances of three kinds, as functions of a seed: `rand` is wide and bound by load,
//! `layer` has layers about as wide as the machine, `fork` forks and joins again and again.

use crate::import::{Edge, File, Links, Task};
use schedulers::stream::Stream;

/// The kinds.
pub const FAMILIES: [&str; 3] = ["rand", "layer", "fork"];

/// An instance with unrelated processors; `travel` is the mean time of a transfer over the mean of
/// a task. Its optimum is not known.
pub fn fresh(family: &str, tasks: usize, processors: usize, travel: f64, seed: u64) -> File {
    let mut stream = Stream::new(seed, &format!("{family}-{tasks}-{processors}-{travel}"));
    let mut within = |low: u64, high: u64| low + stream.below(high - low + 1);
    let pairs = match family {
        "rand" => random(tasks, &mut within),
        "layer" => layers(tasks, processors, &mut within),
        _ => forks(tasks, &mut within),
    };
    let cost = |within: &mut dyn FnMut(u64, u64) -> u64| {
        let base = within(5, 25);
        (0..processors).map(|_| (base * within(50, 150) / 100).max(1)).collect()
    };
    let rows = (0..tasks).map(|_| Task { cost: cost(&mut within), memory: 0 }).collect();
    let mean = (15.0 * travel).round().max(1.0) as u64;
    let edges = pairs.iter().map(|&(src, dst)| Edge {
        src,
        dst,
        data: within(mean / 2 + 1, mean * 3 / 2 + 1),
    });
    let edges = edges.collect();
    let mut bandwidth = vec![vec![0; processors]; processors];
    let mut latency = bandwidth.clone();
    for b in 0..processors {
        for a in 0..b {
            let (speed, wait) = (1 + u64::from(within(0, 3) == 0), within(0, 2));
            (bandwidth[a][b], bandwidth[b][a]) = (speed, speed);
            (latency[a][b], latency[b][a]) = (wait, wait);
        }
    }
    File {
        timing: "contention-free".into(),
        processors,
        tasks: rows,
        edges,
        links: Links { bandwidth, latency },
        memory_capacity: None,
        optimal_makespan: 0,
        schedule: Vec::new(),
    }
}

type Within<'a> = &'a mut dyn FnMut(u64, u64) -> u64;

/// About 0.9 edges per task.
fn random(tasks: usize, within: Within<'_>) -> Vec<(usize, usize)> {
    let all = (0..tasks).flat_map(|to| (0..to).map(move |from| (from, to)));
    all.filter(|_| within(1, 10 * tasks as u64) <= 18).collect()
}

fn layers(tasks: usize, processors: usize, within: Within<'_>) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    let (mut previous, mut first) = (0..0, 0);
    while first < tasks {
        let width = within(processors as u64 - 1, processors as u64 + 1) as usize;
        let layer = first..(first + width).min(tasks);
        for task in layer.clone() {
            let mut parents: Vec<usize> = previous.clone().collect();
            let keep = within(1, 3) as usize;
            while parents.len() > keep {
                parents.remove(within(0, parents.len() as u64 - 1) as usize);
            }
            pairs.extend(parents.into_iter().map(|p| (p, task)));
        }
        (first, previous) = (layer.end, layer);
    }
    pairs
}

fn forks(tasks: usize, within: Within<'_>) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    let mut last = 0;
    while last + 1 < tasks {
        let join = (last + 1 + within(2, 6) as usize).min(tasks - 1);
        match join - last {
            1 => pairs.push((last, join)),
            _ => pairs.extend((last + 1..join).flat_map(|t| [(last, t), (t, join)])),
        }
        last = join;
    }
    pairs
}
