//! Flow events per second of the fluid network. One event is a start or an end.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sim::network::MaxMin;

const CAPACITY_BYTES_PER_S: f64 = 1e9;
const MEAN_BYTES: f64 = 1e6;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Exponential with mean 1.
    fn exponential(&mut self) -> f64 {
        let unit = ((self.next() >> 11) + 1) as f64 / (1_u64 << 53) as f64;
        -libm::log(unit)
    }

    fn flow(&mut self, hosts: u64) -> Flow {
        let from = self.next() % hosts;
        let to = (from + 1 + self.next() % (hosts - 1)) % hosts;
        let bytes = 1 + (self.exponential() * MEAN_BYTES) as u64;
        Flow { bytes, route: [from as u32, (hosts + to) as u32] }
    }
}

/// From one host of a star to another: up, then down.
struct Flow {
    bytes: u64,
    route: [u32; 2],
}

fn star(hosts: u64) -> MaxMin {
    MaxMin::new(&vec![CAPACITY_BYTES_PER_S; 2 * hosts as usize])
}

fn flows(hosts: u64, count: usize) -> Vec<Flow> {
    let mut random = Random(1);
    (0..count).map(|_| random.flow(hosts)).collect()
}

/// Flows that arrive as a Poisson process which keeps each channel busy for `load` of the time.
fn arrivals(hosts: u64, load: f64, count: usize) -> Vec<(u64, Flow)> {
    let mut random = Random(2);
    let gap_ns = MEAN_BYTES / CAPACITY_BYTES_PER_S * 1e9 / (load * hosts as f64);
    let mut at_ns = 0.0;
    let flows = flows(hosts, count).into_iter();
    flows
        .map(|flow| {
            at_ns += random.exponential() * gap_ns;
            (at_ns as u64, flow)
        })
        .collect()
}

fn run_open(hosts: u64, arrivals: &[(u64, Flow)]) -> u64 {
    let mut network = star(hosts);
    let mut arrivals = arrivals.iter().peekable();
    let mut last_ns = 0;
    loop {
        let completes = network.next_completion();
        let next_ns = completes.map_or(u64::MAX, |(end_ns, _)| end_ns);
        if let Some((start_ns, flow)) = arrivals.next_if(|(start_ns, _)| *start_ns < next_ns) {
            network.start(*start_ns, flow.bytes, &flow.route);
        } else if let Some((end_ns, flow)) = completes {
            network.finish(end_ns, flow);
            last_ns = end_ns;
        } else {
            return last_ns;
        }
    }
}

/// Starts a flow whenever one ends, so that `concurrent` run at a time.
fn run_closed(hosts: u64, concurrent: usize, flows: &[Flow]) -> u64 {
    let mut network = star(hosts);
    let mut waiting = flows.iter();
    for flow in waiting.by_ref().take(concurrent) {
        network.start(0, flow.bytes, &flow.route);
    }
    let mut last_ns = 0;
    while let Some((end_ns, flow)) = network.next_completion() {
        network.finish(end_ns, flow);
        if let Some(flow) = waiting.next() {
            network.start(end_ns, flow.bytes, &flow.route);
        }
        last_ns = end_ns;
    }
    last_ns
}

fn benches(criterion: &mut Criterion) {
    const COUNT: usize = 10_000;
    let mut group = criterion.benchmark_group("network");
    group.sample_size(10).throughput(Throughput::Elements(2 * COUNT as u64));
    for (hosts, load) in [(256, 0.3), (256, 0.5), (256, 0.7), (16, 0.5)] {
        let arrivals = arrivals(hosts, load, COUNT);
        let id = BenchmarkId::new(format!("star-{hosts}-poisson"), load);
        group.bench_function(id, |b| b.iter(|| run_open(hosts, &arrivals)));
    }
    for concurrent in [1, 4, 16, 32, 64, 1000] {
        let flows = flows(16, COUNT);
        let id = BenchmarkId::new("star-16-concurrent", concurrent);
        group.bench_function(id, |b| b.iter(|| run_closed(16, concurrent, &flows)));
    }
    group.finish();
}

criterion_group!(network, benches);
criterion_main!(network);
