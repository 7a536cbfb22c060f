//! CPU workers and streams of fake GPUs in one run.

use crate::clusters::spec;
use crate::schedulers::Random;
use gpu::fake::{FakeGpus, FakeSpec};
use gpu::twin::Twin;
use real_backend::{GpuSpec, RunOutput, RunSpec, run};
use runtime::cluster::{Capacity, ClusterSpec, DeviceSpec, LinkSpec, MemoryKind, MemorySpec};
use runtime::graph::ObjectSpec;
use runtime::replay::replay_inputs;
use runtime::validator::validate;
use runtime::{
    Cluster, Decisions, DeviceId, Event, Mode, ObjectId, Scheduler, TaskGraph, TaskSpec, View,
};
use std::sync::Arc;

/// A host of so many lanes, GPUs of so many streams each, memory of `capacity_bytes` on each GPU,
/// and a disk if asked for. Objects are at home in the host's memory, or where `home` says.
pub struct Machine {
    pub cpu_lanes: u32,
    pub gpus: u32,
    pub streams: u32,
    pub capacity_bytes: Option<u64>,
    pub home: &'static str,
    pub has_disk: bool,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            cpu_lanes: 2,
            gpus: 1,
            streams: 3,
            capacity_bytes: None,
            home: "host",
            has_disk: false,
        }
    }
}

impl Machine {
    pub fn cluster(&self) -> Arc<Cluster> {
        let memory = |name: &str, kind, capacity_bytes| MemorySpec {
            name: name.to_owned(),
            kind,
            capacity_bytes,
            copies_in: (kind == MemoryKind::Hbm).then_some(2),
            copies_out: (kind == MemoryKind::Hbm).then_some(2),
        };
        let link = |a: &str, b: &str| LinkSpec {
            name: format!("{a}-{b}"),
            a: a.to_owned(),
            b: b.to_owned(),
            bytes_per_s: 2e10,
            ..Default::default()
        };
        let mut cluster = ClusterSpec {
            name: "host with GPUs".to_owned(),
            memories: vec![memory("host", MemoryKind::Dram, None)],
            homes: vec![self.home.to_owned()],
            ..Default::default()
        };
        if self.cpu_lanes > 0 {
            cluster.devices.push(DeviceSpec {
                name: "cpu".to_owned(),
                class: "cpu".to_owned(),
                memory: "host".to_owned(),
                lanes: self.cpu_lanes,
                speed: 1.0,
                ..Default::default()
            });
        }
        for at in 0..self.gpus {
            let name = format!("hbm{at}");
            cluster.memories.push(memory(&name, MemoryKind::Hbm, self.capacity_bytes));
            cluster.links.push(link("host", &name));
            if at > 0 {
                cluster.links.push(link("hbm0", &name));
            }
            cluster.devices.push(DeviceSpec {
                name: format!("gpu{at}"),
                class: "gpu".to_owned(),
                memory: name,
                lanes: self.streams,
                speed: 10.0,
                capacity: Capacity::Shared,
                ..Default::default()
            });
        }
        if self.has_disk {
            cluster.memories.push(memory("disk", MemoryKind::Disk, None));
            cluster.links.push(link("host", "disk"));
            cluster.links.push(link("disk", "hbm0"));
        }
        Arc::new(Cluster::new(cluster).expect("a valid cluster"))
    }

    /// A run on it, with the kernels' twins on the CPU.
    pub fn spec(
        &self,
        graph: TaskGraph,
        fake: FakeSpec,
        scheduler: impl Scheduler + 'static,
    ) -> RunSpec {
        let mut spec = spec(graph, self.cluster(), scheduler);
        let gpus = FakeGpus::new(FakeSpec { gpus: self.gpus, ..fake }).expect("no fault");
        let gpus = GpuSpec::new(Box::new(gpus));
        for name in gpus.kernels.names() {
            spec.kernels.insert(name, Twin(Arc::clone(gpus.kernels.get(name).unwrap())));
        }
        spec.gpus = Some(gpus);
        spec
    }
}

/// Places every task at once, on any device that it can run on.
pub struct Anywhere(pub Random);

impl Scheduler for Anywhere {
    fn decide(&mut self, events: &[Event], view: &View<'_>, out: &mut Decisions) {
        for event in events {
            if let Event::Ready { task } = *event {
                let devices = view.cluster().device_count() as u64;
                out.place(task, DeviceId(self.0.below(devices) as u32));
            }
        }
    }
}

/// Vectors that are added to each other in a random order.
pub struct Sums {
    pub graph: TaskGraph,
    /// What the vectors are in the end.
    pub expected: Vec<Vec<f32>>,
}

/// The elements of a vector before the run.
fn element(vector: usize, at: usize) -> f32 {
    ((vector * 31 + at * 7) % 19) as f32 - 9.0
}

pub fn fill(object: ObjectId, bytes: &mut [u8]) {
    for (at, element_bytes) in bytes.chunks_exact_mut(4).enumerate() {
        element_bytes.copy_from_slice(&element(object.index(), at).to_ne_bytes());
    }
}

impl Sums {
    pub fn new(vectors: usize, tasks: usize, length: usize, random: &mut Random) -> Self {
        let mut graph = TaskGraph::new("sums");
        let bytes = 4 * length as u64;
        let objects: Vec<ObjectId> = (0..vectors)
            .map(|_| ObjectSpec { bytes, initial: true, keep: true, ..Default::default() })
            .map(|object| graph.add_object(object).unwrap())
            .collect();
        let mut expected: Vec<Vec<f32>> =
            (0..vectors).map(|v| (0..length).map(|at| element(v, at)).collect()).collect();
        let kernel = graph.kernel("axpy");
        for _ in 0..tasks {
            let from = random.below(vectors as u64) as usize;
            let to = (from + 1 + random.below(vectors as u64 - 1) as usize) % vectors;
            let factor = [0.5, -0.25, 1.0][random.below(3) as usize];
            let accesses = [(objects[from], Mode::Read), (objects[to], Mode::ReadWrite)];
            let params = [gpu::bind::bits(factor)];
            let shape = [length as u32, 0, 0, 0];
            let task =
                TaskSpec { shape, params: &params, accesses: &accesses, ..TaskSpec::new(kernel) };
            graph.submit(task).unwrap();
            let source = expected[from].clone();
            for (y, x) in expected[to].iter_mut().zip(source) {
                *y = factor.mul_add(x, *y);
            }
        }
        Self { graph, expected }
    }

    pub fn check(&self, output: &RunOutput) {
        for (object, expected) in self.graph.object_ids().zip(&self.expected) {
            let bytes = output.object_bytes(object).expect("it is kept");
            let found: Vec<f32> =
                bytes.chunks_exact(4).map(|b| f32::from_ne_bytes(b.try_into().unwrap())).collect();
            assert_eq!(&found, expected, "{object}");
        }
        let violations = validate(&output.trace);
        assert!(violations.is_empty(), "{violations:?}");
    }
}

fn run_sums(machine: &Machine, fake: FakeSpec, seed: u64, sizes: (usize, usize, usize)) {
    let sums = Sums::new(sizes.0, sizes.1, sizes.2, &mut Random(seed));
    let scheduler = Anywhere(Random(seed + 1));
    let mut spec = machine.spec(sums.graph.clone(), fake, scheduler);
    spec.inputs = Some(Box::new(fill));
    let mut output = run(spec).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
    output.read_results().unwrap();
    sums.check(&output);
    assert_eq!(output.trace.tasks.len(), sizes.1);
}

fn quick(seed: u64) -> FakeSpec {
    FakeSpec { seed, shortest_ns: 1_000, longest_ns: 30_000, ..FakeSpec::default() }
}

#[test]
fn cpus_and_gpus_compute_the_same_together() {
    for seed in 0..6 {
        let (gpus, streams) = (1 + seed as u32 % 2, 1 + seed as u32 % 4);
        let machine = Machine { gpus, streams, ..Machine::default() };
        run_sums(&machine, quick(seed), seed, (6, 150, 40));
    }
}

#[test]
fn gpus_alone_and_data_at_home_on_a_gpu() {
    for seed in 0..4 {
        let home = if seed % 2 == 0 { "hbm0" } else { "host" };
        let machine = Machine { cpu_lanes: 0, gpus: 2, home, ..Machine::default() };
        run_sums(&machine, quick(seed), seed, (5, 100, 33));
    }
}

#[test]
fn memories_of_gpus_that_hold_two_vectors_evict_to_the_host() {
    for seed in 0..4 {
        // Two vectors of 1024 bytes are the largest working set.
        let capacity_bytes = Some(2048 + 1024 * (seed % 3));
        let machine = Machine { gpus: 2, capacity_bytes, ..Machine::default() };
        run_sums(&machine, quick(seed), seed, (8, 150, 256));
    }
}

#[test]
fn objects_at_home_on_a_disk_pass_through_the_host() {
    for seed in 0..2 {
        let capacity_bytes = Some(3 * 1024);
        let machine =
            Machine { home: "disk", has_disk: true, capacity_bytes, ..Machine::default() };
        run_sums(&machine, quick(seed), seed, (6, 60, 256));
    }
}

#[test]
fn tasks_without_a_body_last_their_time_on_streams_side_by_side() {
    let mut graph = TaskGraph::new("bodiless");
    let kernel = graph.kernel("nobody knows it");
    for _ in 0..8 {
        let cost = runtime::Cost::Work(0.05);
        graph.submit(TaskSpec { cost, ..TaskSpec::new(kernel) }).unwrap();
    }
    let machine = Machine { cpu_lanes: 0, streams: 4, ..Machine::default() };
    let output = run(machine.spec(graph, quick(1), Anywhere(Random(3)))).unwrap();
    for task in &output.trace.tasks {
        let lasted_ns = task.finished_ns - task.started_ns;
        assert!(lasted_ns >= 4_900_000, "{lasted_ns}: 0.05 units of work at 10 a second");
    }
    let busy_ns: u64 = output.trace.tasks.iter().map(|t| t.finished_ns - t.started_ns).sum();
    assert!(busy_ns > output.makespan_ns * 2, "streams overlap");
    let notes = output.notes.join("\n");
    assert!(notes.contains("the clock of GPU 0 is aligned with the host's"), "{notes}");
    let provenance = &output.trace.header.provenance;
    assert!(provenance.iter().any(|(label, text)| label == "gpu" && text.contains("fake GPU")));
}

#[test]
fn a_run_on_gpus_replays_to_the_same_commands() {
    let sums = Sums::new(5, 80, 16, &mut Random(9));
    let machine = Machine { gpus: 2, capacity_bytes: Some(512), ..Machine::default() };
    let mut spec = machine.spec(sums.graph.clone(), quick(5), Anywhere(Random(4)));
    spec.inputs = Some(Box::new(fill));
    let output = run(spec).unwrap();
    sums.check(&output);
    let again = replay_inputs(&output.trace, Box::new(Anywhere(Random(4)))).unwrap();
    assert_eq!(again.digest, output.digest);
}
