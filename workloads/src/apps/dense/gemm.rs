//! Matrix product C = A B on tiles.
//!
//! *Tiled*: tile (i, j) of C collects A(i, k) B(k, j) for k = 0, 1, ..., reading tiles wherever
//! they are. *SUMMA* (van de Geijn and Watts, Concurrency 9(4), 1997): in step k, column k of A is
//! broadcast along the rows of a grid of processes and row k of B along its columns, by tasks that
//! copy; a product then reads its own process's copies. *2.5D* (Solomonik and Demmel, Euro-Par
//! 2011): with several layers each does its share of the steps into a C of its own, and these are
//! added up at the end.
//!
//! Additions to a tile are a chain in the order of k, so the result has the same bits on every
//! machine and under every scheduler. With one layer SUMMA and tiled have the same bits too.

use super::distribution::{self, Distribution};
use super::probe;
use super::submit::{Call, Role, add_tile};
use super::tiles::Cut;
use crate::apps::{App, CheckError, Verdict, judge};
use crate::kernels::dense;
use crate::random::Stream;
use crate::registry::{Family, Workload, WorkloadError, WorkloadInfo, check_bytes, check_tasks};
use crate::registry::{conflict, count};
use runtime::graph::GraphError;
use runtime::kernel::{Inputs, KernelSet, as_mut_slice};
use runtime::registry::{Kind, ParameterInfo, Parameters};
use runtime::{Mode, ObjectId, TaskGraph};
use std::ops::Range;
use std::sync::Arc;

/// The registry's entry.
pub const INFO: WorkloadInfo = WorkloadInfo {
    name: "gemm",
    family: Family::Application,
    summary: "tiled product of random matrices of f64, as SUMMA and in 2.5D too; work is counted in \
              floating-point operations",
    source: "van de Geijn and Watts 1997; Solomonik and Demmel 2011",
    parameters: &PARAMETERS,
    build,
};

const PARAMETERS: [ParameterInfo; 10] = [
    count("m", "rows of A and C", 1024, 1, 1_000_000),
    count("n", "columns of B and C", 1024, 1, 1_000_000),
    count("k", "columns of A and rows of B", 1024, 1, 1_000_000),
    count("tile", "order of a tile, at most the largest of m, n and k", 256, 1, 16_384),
    ParameterInfo {
        name: "algorithm",
        summary: "products read tiles where they are, or panels are broadcast along the grid",
        kind: Kind::Choice { default: "tiled", options: &["tiled", "summa"] },
    },
    ParameterInfo {
        name: "broadcast",
        summary: "how SUMMA passes a tile on: from one process to the next, by doubling, or from its \
                  owner to all",
        kind: Kind::Choice { default: "ring", options: &["ring", "binomial", "flat"] },
    },
    distribution::DISTRIBUTION,
    distribution::GRID_ROWS,
    distribution::GRID_COLUMNS,
    distribution::LAYERS,
];

fn build(parameters: &Parameters, seed: u64) -> Result<Workload, WorkloadError> {
    let [m, n, k, tile, layers] =
        ["m", "n", "k", "tile", "layers"].map(|name| parameters.int(name) as usize);
    let largest = m.max(n).max(k);
    if tile > largest {
        return Err(conflict("tile", tile, format!("at most max(m, n, k) = {largest}")));
    }
    let [m, n, k] = [m, n, k].map(|length| Cut { length, tile });
    let homes = Distribution::new(parameters);
    let algorithm = match parameters.text("algorithm") {
        "summa" => Algorithm::Summa(match parameters.text("broadcast") {
            "ring" => Broadcast::Ring,
            "binomial" => Broadcast::Binomial,
            _ => Broadcast::Flat,
        }),
        _ => Algorithm::Tiled,
    };
    let gemm = Gemm { m, n, k, layers: layers.min(k.count()), homes, algorithm, seed };
    gemm.check_size()?;
    let graph = gemm.graph()?;
    Ok(Workload { graph, program: None, app: Some(Arc::new(gemm)) })
}

#[derive(Clone, Copy)]
enum Algorithm {
    Tiled,
    Summa(Broadcast),
}

#[derive(Clone, Copy)]
enum Broadcast {
    Ring,
    Binomial,
    Flat,
}

impl Broadcast {
    /// Whom the process that is `position` places after the owner gets the tile from.
    fn parent(self, position: usize) -> usize {
        match self {
            Self::Ring => position - 1,
            // Without its highest bit: before round r those below 2^r have it.
            Self::Binomial => position - (1 << position.ilog2()),
            Self::Flat => 0,
        }
    }
}

/// The matrices of one product.
struct Gemm {
    m: Cut,
    n: Cut,
    k: Cut,
    layers: usize,
    homes: Distribution,
    algorithm: Algorithm,
    seed: u64,
}

/// One of the matrices.
#[derive(Clone, Copy)]
enum Matrix {
    A,
    B,
    C,
}

/// A column of A or a row of B: for each tile, where each process along the other direction of the
/// grid reads it.
type Panel = Vec<Vec<ObjectId>>;

impl Gemm {
    /// Rows and columns of a matrix.
    fn cuts(&self, matrix: Matrix) -> (Cut, Cut) {
        match matrix {
            Matrix::A => (self.m, self.k),
            Matrix::B => (self.k, self.n),
            Matrix::C => (self.m, self.n),
        }
    }

    /// Tiles of A come first, then those of B and C, each by row.
    fn object(&self, matrix: Matrix, i: usize, j: usize) -> ObjectId {
        let tiles = |matrix| {
            let (rows, columns) = self.cuts(matrix);
            rows.count() * columns.count()
        };
        let first = match matrix {
            Matrix::A => 0,
            Matrix::B => tiles(Matrix::A),
            Matrix::C => tiles(Matrix::A) + tiles(Matrix::B),
        };
        ObjectId::from_index(first + i * self.cuts(matrix).1.count() + j)
    }

    fn tiles(&self, matrix: Matrix) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (rows, columns) = self.cuts(matrix);
        (0..rows.count()).flat_map(move |i| (0..columns.count()).map(move |j| (i, j)))
    }

    fn home(&self, layer: usize, matrix: Matrix, at: (usize, usize)) -> u32 {
        let (rows, columns) = self.cuts(matrix);
        self.homes.home_in(layer, at, (rows.count(), columns.count()))
    }

    fn tile_size(&self, matrix: Matrix, (i, j): (usize, usize)) -> (usize, usize) {
        let (rows, columns) = self.cuts(matrix);
        (rows.size(i), columns.size(j))
    }

    /// The steps that a layer does.
    fn steps(&self, layer: usize) -> Range<usize> {
        let count = self.k.count();
        layer * count / self.layers..(layer + 1) * count / self.layers
    }

    fn check_size(&self) -> Result<(), WorkloadError> {
        let [m, n, k] = [self.m, self.n, self.k].map(|cut| cut.count() as f64);
        let (rows, columns) = (self.homes.rows as f64, self.homes.columns as f64);
        let copies = match self.algorithm {
            Algorithm::Tiled => 0.0,
            Algorithm::Summa(_) => k * (m * columns.min(n) + n * rows.min(m)),
        };
        check_tasks(INFO.name, m * n * (k + self.layers as f64) + copies)?;
        let [m, n, k] = [self.m, self.n, self.k].map(|cut| cut.length as f64);
        let panels = k * (m * columns + n * rows);
        check_bytes(INFO.name, 8.0 * (m * k + k * n + m * n * self.layers as f64 + panels))
    }

    fn graph(&self) -> Result<TaskGraph, GraphError> {
        let mut graph = TaskGraph::new(INFO.name);
        let all = [(Matrix::A, "A"), (Matrix::B, "B"), (Matrix::C, "C")];
        for (matrix, name) in all {
            let role = if let Matrix::C = matrix { Role::Result } else { Role::Input };
            for at in self.tiles(matrix) {
                let (size, home) = (self.tile_size(matrix, at), self.home(0, matrix, at));
                let object =
                    add_tile(&mut graph, &format!("{name}[{},{}]", at.0, at.1), size, home, role)?;
                debug_assert_eq!(object, self.object(matrix, at.0, at.1));
            }
        }
        let sums = self.add_partial_sums(&mut graph)?;
        // Layers take turns, as they would work at the same time.
        for step in 0..self.k.count().div_ceil(self.layers) {
            for (layer, sums) in sums.iter().enumerate() {
                if let Some(k) = self.steps(layer).nth(step) {
                    self.submit_step(&mut graph, layer, k, sums)?;
                }
            }
        }
        for sums in &sums[1..] {
            self.submit_sum(&mut graph, sums)?;
        }
        Ok(graph)
    }

    /// The tiles of C that each layer adds to; those of layer 0 are the result's.
    fn add_partial_sums(&self, graph: &mut TaskGraph) -> Result<Vec<Vec<ObjectId>>, GraphError> {
        let mut all =
            vec![self.tiles(Matrix::C).map(|(i, j)| self.object(Matrix::C, i, j)).collect()];
        for layer in 1..self.layers {
            let mut sums = Vec::new();
            for at in self.tiles(Matrix::C) {
                let name = format!("C{layer}[{},{}]", at.0, at.1);
                let (size, home) = (self.tile_size(Matrix::C, at), self.home(layer, Matrix::C, at));
                sums.push(add_tile(graph, &name, size, home, Role::Temporary)?);
            }
            all.push(sums);
        }
        Ok(all)
    }

    /// Adds column `k` of A times row `k` of B to the sums of a layer.
    fn submit_step(
        &self,
        graph: &mut TaskGraph,
        layer: usize,
        k: usize,
        sums: &[ObjectId],
    ) -> Result<(), GraphError> {
        let (rows, columns) = (self.m.count(), self.n.count());
        let column: Vec<_> = (0..rows).map(|i| (i, k)).collect();
        let row: Vec<_> = (0..columns).map(|j| (k, j)).collect();
        let (a, b) = match self.algorithm {
            Algorithm::Tiled => (self.in_place(Matrix::A, &column), self.in_place(Matrix::B, &row)),
            Algorithm::Summa(how) => (
                self.broadcast(graph, how, layer, Matrix::A, &column)?,
                self.broadcast(graph, how, layer, Matrix::B, &row)?,
            ),
        };
        let is_first = k == self.steps(layer).start;
        let (kernel, mode) = match is_first {
            true => ("multiply", Mode::Write),
            false => ("multiply_add", Mode::ReadWrite),
        };
        for (i, j) in self.tiles(Matrix::C) {
            let (from_a, from_b) = (self.homes.column(j, columns), self.homes.row(i, rows));
            let (m, n, depth) = (self.m.size(i), self.n.size(j), self.k.size(k));
            let accesses = [
                (a[i][from_a], Mode::Read),
                (b[j][from_b], Mode::Read),
                (sums[i * columns + j], mode),
            ];
            let call = Call {
                kernel,
                at: &[i, j, k],
                shape: &[m, n, depth],
                flops: dense::gemm_flops(m as f64, n as f64, depth as f64),
                scratch_bytes: 0,
                accesses: &accesses,
            };
            call.submit(graph)?;
        }
        Ok(())
    }

    /// A panel whose tiles everybody reads where they are.
    fn in_place(&self, matrix: Matrix, tiles: &[(usize, usize)]) -> Panel {
        let processes = self.homes.rows.max(self.homes.columns);
        tiles.iter().map(|(i, j)| vec![self.object(matrix, *i, *j); processes]).collect()
    }

    /// Passes the tiles of a panel on to the processes of a layer that will read them: those of A
    /// along rows of the grid, those of B along columns.
    fn broadcast(
        &self,
        graph: &mut TaskGraph,
        how: Broadcast,
        layer: usize,
        matrix: Matrix,
        tiles: &[(usize, usize)],
    ) -> Result<Panel, GraphError> {
        let (rows, columns) = self.cuts(matrix);
        let mut panel = Panel::new();
        for &(i, j) in tiles {
            let source = self.object(matrix, i, j);
            let (row, column) =
                (self.homes.row(i, rows.count()), self.homes.column(j, columns.count()));
            let (own, among) = match matrix {
                Matrix::A => (column, self.homes.columns),
                _ => (row, self.homes.rows),
            };
            let process = |place| match matrix {
                Matrix::A => self.homes.process(layer, row, place),
                _ => self.homes.process(layer, place, column),
            };
            let mut copies = vec![source; among];
            let mut holders = Vec::new();
            for place in self.readers(matrix, own, among) {
                // The owner's layer has the tile already; its other layers fetch it first.
                let from = match holders.len() {
                    0 => source,
                    position => holders[how.parent(position)],
                };
                copies[place] = match (layer, place == own) {
                    (0, true) => source,
                    _ => self.submit_copy(graph, matrix, (i, j), from, process(place))?,
                };
                holders.push(copies[place]);
            }
            panel.push(copies);
        }
        Ok(panel)
    }

    /// Places along the grid that read a panel: its owner, then in turn those with tiles of C.
    fn readers(&self, matrix: Matrix, own: usize, among: usize) -> Vec<usize> {
        let mut reads = vec![false; among];
        match matrix {
            Matrix::A => {
                let count = self.n.count();
                (0..count).for_each(|j| reads[self.homes.column(j, count)] = true);
            }
            _ => {
                let count = self.m.count();
                (0..count).for_each(|i| reads[self.homes.row(i, count)] = true);
            }
        }
        let others = (1..among).map(|d| (own + d) % among).filter(|place| reads[*place]);
        std::iter::once(own).chain(others).collect()
    }

    fn submit_copy(
        &self,
        graph: &mut TaskGraph,
        matrix: Matrix,
        at: (usize, usize),
        from: ObjectId,
        process: u32,
    ) -> Result<ObjectId, GraphError> {
        let (m, n) = self.tile_size(matrix, at);
        let letter = if let Matrix::A = matrix { "A" } else { "B" };
        let name = format!("{letter}[{},{}]@{process}", at.0, at.1);
        let to = add_tile(graph, &name, (m, n), process, Role::Temporary)?;
        let call = Call {
            kernel: "copy",
            at: &[at.0, at.1, process as usize],
            shape: &[m, n],
            flops: (m * n) as f64,
            scratch_bytes: 0,
            accesses: &[(from, Mode::Read), (to, Mode::Write)],
        };
        call.submit(graph)?;
        Ok(to)
    }

    /// Adds the sums of a layer to the result.
    fn submit_sum(&self, graph: &mut TaskGraph, sums: &[ObjectId]) -> Result<(), GraphError> {
        for ((i, j), sum) in self.tiles(Matrix::C).zip(sums) {
            let (m, n) = self.tile_size(Matrix::C, (i, j));
            let call = Call {
                kernel: "add",
                at: &[i, j],
                shape: &[m, n],
                flops: (m * n) as f64,
                scratch_bytes: 0,
                accesses: &[(*sum, Mode::Read), (self.object(Matrix::C, i, j), Mode::ReadWrite)],
            };
            call.submit(graph)?;
        }
        Ok(())
    }

    /// Tile of A or B: uniform in [-1/2, 1/2).
    fn fill_tile(&self, object: ObjectId, tile: &mut [f64]) {
        let mut stream = Stream::nth(self.seed, "gemm matrices", object.0.into());
        tile.iter_mut().for_each(|element| *element = stream.unit() - 0.5);
    }

    /// Adds A or B, made again tile by tile, times each vector; of absolute values if asked for.
    fn apply(&self, matrix: Matrix, absolute: bool, from: &[Vec<f64>], to: &mut [Vec<f64>]) {
        let lend = |i, j, tile: &mut Vec<f64>| {
            self.fill_tile(self.object(matrix, i, j), tile);
            if absolute {
                tile.iter_mut().for_each(|element| *element = element.abs());
            }
        };
        probe::apply(self.cuts(matrix), self.tiles(matrix), lend, from, to);
    }

    /// A B times each vector.
    fn apply_product(&self, absolute: bool, from: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let mut between = vec![vec![0.0; self.k.length]; from.len()];
        self.apply(Matrix::B, absolute, from, &mut between);
        let mut to = vec![vec![0.0; self.m.length]; from.len()];
        self.apply(Matrix::A, absolute, &between, &mut to);
        to
    }
}

impl Inputs for Gemm {
    fn fill(&self, object: ObjectId, bytes: &mut [u8]) {
        let tile = as_mut_slice(bytes).expect("buffers are aligned and have the object's size");
        self.fill_tile(object, tile);
    }
}

impl App for Gemm {
    fn kernels(&self) -> KernelSet {
        let mut kernels = KernelSet::default();
        dense::add_multiply_to(&mut kernels);
        kernels
    }

    /// Forward error `|C - A B|` over `(n + k) eps |A| |B|` in the norm of largest row sums,
    /// estimated from below by what the difference does to vectors of signs.
    fn check(&self, results: &[(ObjectId, &[u8])]) -> Result<Verdict, CheckError> {
        let read = |(i, j)| {
            let (object, size) = (self.object(Matrix::C, i, j), self.tile_size(Matrix::C, (i, j)));
            probe::read_tile(results, object, size)
        };
        let product: Vec<&[f64]> = self.tiles(Matrix::C).map(read).collect::<Result<_, _>>()?;
        let probes = probe::signs("gemm probe", self.seed, self.n.length);
        let mut found = vec![vec![0.0; self.m.length]; probes.len()];
        let columns = self.n.count();
        let lend = |i: usize, j: usize, tile: &mut Vec<f64>| {
            tile.copy_from_slice(product[i * columns + j]);
        };
        probe::apply(self.cuts(Matrix::C), self.tiles(Matrix::C), lend, &probes, &mut found);
        let expected = self.apply_product(false, &probes);
        let norm = self.apply_product(true, &[vec![1.0; self.n.length]]);
        let norm = norm[0].iter().copied().fold(0.0, f64::max);
        let pairs = found.iter().zip(&expected).map(|(a, b)| (&a[..], &b[..]));
        let terms = (self.n.length + self.k.length) as f64;
        let ratio = probe::largest_difference(pairs) / (norm * terms * f64::EPSILON);
        judge("forward error over n + k times the machine epsilon", ratio, 30.0)
    }
}
