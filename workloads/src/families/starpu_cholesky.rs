//! The tiled Cholesky factorisation as StarPU's example submits it, with its kernels' names.
//!
//! For each column k: `chol_model_potrf` of the diagonal tile, `chol_model_trsm` of the tiles below
//! it, then for each column n behind it `chol_model_syrk` of its diagonal tile and
//! `chol_model_gemm` of the tiles below. Durations come from a cost model (`windtunnel import
//! starpu`); without one a task's work is its number of operations.

use crate::kernels::dense;
use crate::registry::{Family, Workload, WorkloadError, WorkloadInfo};
use crate::registry::{check_bytes, check_tasks, count};
use runtime::graph::{GraphError, ObjectSpec};
use runtime::registry::{Kind, ParameterInfo, Parameters};
use runtime::{Cost, Mode, ObjectId, TaskGraph, TaskSpec};

/// The registry's entry.
pub const INFO: WorkloadInfo = WorkloadInfo {
    name: "starpu-cholesky",
    family: Family::Exact,
    summary: "tiled Cholesky factorisation with the kernel names of StarPU's example, to be run \
              with a machine's measured costs",
    source: "Augonnet, Thibault, Namyst and Wacrenier 2011; Buttari, Langou, Kurzak and Dongarra \
             2009",
    parameters: &PARAMETERS,
    build,
};

const PARAMETERS: [ParameterInfo; 4] = [
    count("tiles", "tiles per side", 10, 1, 400),
    count("tile", "order of a tile", 960, 1, 65_536),
    ParameterInfo {
        name: "precision",
        summary: "f32 (the kernels chol_model_*) or f64",
        kind: Kind::Choice { default: "f32", options: &["f32", "f64"] },
    },
    ParameterInfo {
        name: "write_back",
        summary: "whether the run lasts until the factor is back in main memory; StarPU's \
                  example measures until the last task has ended",
        kind: Kind::Bool { default: false },
    },
];

fn build(parameters: &Parameters, _: u64) -> Result<Workload, WorkloadError> {
    let (tiles, order) = (parameters.int("tiles") as usize, parameters.int("tile") as usize);
    let element = if parameters.text("precision") == "f64" { 8 } else { 4 };
    let t = tiles as f64;
    check_tasks(INFO.name, t * (t + 1.0) * (t + 2.0) / 6.0)?;
    check_bytes(INFO.name, t * t * (order * order * element) as f64)?;
    let mut graph = TaskGraph::new(INFO.name);
    for i in 0..tiles {
        for j in 0..=i {
            graph.add_object(ObjectSpec {
                name: &format!("A[{i},{j}]"),
                bytes: (order * order * element) as u64,
                initial: true,
                keep: parameters.bool("write_back"),
                ..ObjectSpec::default()
            })?;
        }
    }
    let mut submit = Submit { graph, order };
    for k in 0..tiles {
        submit.column(k, tiles)?;
    }
    Ok(Workload { graph: submit.graph, program: None, app: None })
}

struct Submit {
    graph: TaskGraph,
    order: usize,
}

impl Submit {
    fn column(&mut self, k: usize, tiles: usize) -> Result<(), GraphError> {
        use Mode::{Read, ReadWrite};
        let tile = |i: usize, j: usize| ObjectId::from_index(i * (i + 1) / 2 + j);
        let n = self.order as f64;
        self.task("chol_model_potrf", dense::potrf_flops(n), &[(tile(k, k), ReadWrite)])?;
        let trsm = dense::trsm_flops(n, n);
        for m in k + 1..tiles {
            let accesses = [(tile(k, k), Read), (tile(m, k), ReadWrite)];
            self.task("chol_model_trsm", trsm, &accesses)?;
        }
        for j in k + 1..tiles {
            let accesses = [(tile(j, k), Read), (tile(j, j), ReadWrite)];
            self.task("chol_model_syrk", dense::syrk_flops(n, n), &accesses)?;
            for m in j + 1..tiles {
                let accesses = [(tile(m, k), Read), (tile(j, k), Read), (tile(m, j), ReadWrite)];
                self.task("chol_model_gemm", dense::gemm_flops(n, n, n), &accesses)?;
            }
        }
        Ok(())
    }

    fn task(
        &mut self,
        kernel: &str,
        flops: f64,
        accesses: &[(ObjectId, Mode)],
    ) -> Result<(), GraphError> {
        let kernel = self.graph.kernel(kernel);
        let side = self.order as u32;
        let shape = match accesses.len() {
            1 => [side, 0, 0, 0],
            2 => [side, side, 0, 0],
            _ => [side, side, side, 0],
        };
        let cost = Cost::Work(flops);
        self.graph.submit(TaskSpec { shape, cost, accesses, ..TaskSpec::new(kernel) })?;
        Ok(())
    }
}
