//! Whole runs on one and two cores: the runtime, its scheduler and the kernels together, beside
//! OpenBLAS on as many threads.

use crate::openblas::OpenBlas;
use crate::roof::Roof;
use crate::stopwatch::{Seconds, seconds, time};
use real_backend::{Machine, RunSpec, host_cluster};
use runtime::kernel::{Kernel, KernelArgs, KernelResult, KernelSet};
use runtime::registry::Value;
use runtime::{Cluster, Costs, ObjectId};
use rustix::time::ClockId;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use workloads::Workload;

const REPETITIONS: usize = 5;

/// One line: a workload of order n, and the same by OpenBLAS.
pub struct Line {
    /// Name in the registry.
    pub workload: &'static str,
    /// Order of the matrices.
    pub n: usize,
    /// Order of the tiles.
    pub tile: usize,
    /// Other parameters, in whole numbers.
    pub counts: &'static [(&'static str, i64)],
    /// Floating-point operations that are counted, whatever is really done.
    pub flops: f64,
    /// OpenBLAS's call on matrices of order n; the first one is destroyed.
    pub call: fn(&OpenBlas, usize, &mut [f64], &[f64]),
}

/// A kernel whose processor time is added up.
struct Timed {
    kernel: Arc<dyn Kernel>,
    total_ns: Arc<AtomicU64>,
}

impl Kernel for Timed {
    fn run(&self, args: &mut KernelArgs<'_, '_>) -> KernelResult {
        let started_s = seconds(ClockId::ThreadCPUTime);
        let result = self.kernel.run(args);
        let spent_s = seconds(ClockId::ThreadCPUTime) - started_s;
        self.total_ns.fetch_add((spent_s * 1e9) as u64, Ordering::Relaxed);
        result
    }
}

impl Line {
    fn make(&self) -> Workload {
        let order: &[&str] = match self.workload {
            "gemm" => &["m", "n", "k"],
            "qr" => &["m", "n"],
            _ => &["n"],
        };
        let order = order.iter().map(|name| (*name, self.n as i64));
        let counts = order.chain([("tile", self.tile as i64)]).chain(self.counts.iter().copied());
        let given: Vec<_> = counts.map(|(k, v)| (k.to_owned(), Value::Int(v))).collect();
        let info = workloads::registry::find(self.workload).expect("it is registered");
        info.make(&given, 1).expect("the parameters are fine")
    }

    /// One run, checked: from the first submission to the last result, and all kernels' own time.
    fn run_once(&self, workload: &Workload, threads: u32) -> Seconds {
        let cluster = host_cluster(&Machine::detect(), threads, 1e11);
        let cluster = Arc::new(Cluster::new(cluster).expect("this machine is a cluster"));
        let costs = Costs::resolve(&workload.graph, &cluster, None).expect("all can run");
        let app = Arc::clone(workload.app.as_ref().expect("it has kernels"));
        let (total_ns, bodies) = (Arc::new(AtomicU64::new(0)), app.kernels());
        let mut kernels = KernelSet::default();
        for name in bodies.names() {
            let kernel = Arc::clone(bodies.get(name).expect("it was just named"));
            kernels.insert(name, Timed { kernel, total_ns: Arc::clone(&total_ns) });
        }
        let scheduler = schedulers::find("work-stealing").expect("it is registered");
        let plain =
            RunSpec::new(workload.graph.clone(), cluster, costs, scheduler.build_default(1));
        let inputs = Arc::clone(&app);
        let fill = move |object: ObjectId, bytes: &mut [u8]| inputs.fill(object, bytes);
        let spec = RunSpec { kernels, inputs: Some(Box::new(fill)), ..plain };
        let output = real_backend::run(spec).expect("it runs");
        let kept = workload.graph.object_ids().filter(|o| workload.graph.object(*o).keep);
        let results: Vec<(ObjectId, &[u8])> =
            kept.map(|o| (o, output.object_bytes(o).expect("it is at home"))).collect();
        app.check(&results).expect("the result is right");
        let cpu = total_ns.load(Ordering::Relaxed) as f64 * 1e-9;
        Seconds { wall: output.makespan_ns as f64 * 1e-9, cpu }
    }

    fn openblas(&self, blas: &OpenBlas, threads: u32) -> Seconds {
        blas.set_threads(threads);
        let n = self.n;
        // Symmetric and diagonally dominant: good for every call.
        let element = |at: usize| {
            let (i, j) = (at % n, at / n);
            let any = (i.min(j) * 31 + i.max(j) * 17) % 101;
            any as f64 / 101.0 - 0.5 + if i == j { n as f64 } else { 0.0 }
        };
        let matrix: Vec<f64> = (0..n * n).map(element).collect();
        let mut best = Seconds::MAX;
        for _ in 0..REPETITIONS {
            let mut work = matrix.clone();
            let once = || (self.call)(blas, n, &mut work, &matrix);
            best = best.min(time(ClockId::ProcessCPUTime, once));
        }
        best
    }

    fn print(&self, roof: &Roof, blas: Option<&OpenBlas>, threads: u32) {
        let workload = self.make();
        let mut ours = Seconds::MAX;
        for _ in 0..REPETITIONS {
            ours = ours.min(self.run_once(&workload, threads));
        }
        let peak = roof.peak_flops * f64::from(threads);
        let title = format!("{} {}/{}", self.workload, self.n, self.tile);
        print!(
            "{title:<26}{threads:>6}{:>9.3}{:>9.1}{:>8.0}%{:>9.3}{:>8.0}%",
            ours.wall,
            self.flops / ours.wall / 1e9,
            100.0 * self.flops / ours.wall / peak,
            ours.cpu,
            100.0 * self.flops / ours.cpu / roof.peak_flops,
        );
        match blas.map(|blas| self.openblas(blas, threads)) {
            Some(theirs) => println!(
                "{:>10.3}{:>9.1}{:>9.2}",
                theirs.wall,
                self.flops / theirs.wall / 1e9,
                theirs.wall / ours.wall
            ),
            None => println!(),
        }
    }
}

/// Prints the table.
pub fn print(lines: &[Line], roof: &Roof, blas: Option<&OpenBlas>) {
    println!(
        "\nruns, checked, least of {REPETITIONS}; ratio: how many times as fast as OpenBLAS, by the clock"
    );
    println!(
        "{:<26}{:>6}{:>9}{:>9}{:>9}{:>9}{:>9}{:>10}{:>9}{:>9}",
        "workload n/tile",
        "cores",
        "wall s",
        "GF/s",
        "of peak",
        "kernel s",
        "of peak",
        "OpenBLAS s",
        "GF/s",
        "ratio"
    );
    for line in lines {
        for threads in [1, 2] {
            line.print(roof, blas, threads);
        }
    }
}
