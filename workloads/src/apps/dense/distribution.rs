//! Where tiles are at home: distributions over a virtual grid of processes.
//!
//! A process is a home index; a cluster says which memory that is (its homes in turn). Process
//! (r, c) of layer l of a grid of R rows and C columns is number `(l R + r) C + c`. Names follow
//! ScaLAPACK (Blackford et al., 1997), layers Solomonik and Demmel (Euro-Par 2011).

use crate::registry::count;
use runtime::registry::{Kind, ParameterInfo, Parameters};

/// Which distribution.
pub const DISTRIBUTION: ParameterInfo = ParameterInfo {
    name: "distribution",
    summary: "home of the tiles over a grid of processes: whole bands of tile rows or columns, \
              dealt out in blocks or cyclically, or both ways on the grid",
    kind: Kind::Choice {
        default: "block-cyclic",
        options: &["block-cyclic", "block", "row", "column", "row-cyclic", "column-cyclic"],
    },
};
/// Rows of the grid.
pub const GRID_ROWS: ParameterInfo =
    count("grid_rows", "rows of the grid of processes that tiles are at home in", 1, 1, 1024);
/// Columns of the grid.
pub const GRID_COLUMNS: ParameterInfo =
    count("grid_columns", "columns of the grid of processes that tiles are at home in", 1, 1, 1024);
/// Layers of the grid.
pub const LAYERS: ParameterInfo = count(
    "layers",
    "layers of the grid of processes, among which the steps are divided (2.5D); partial sums are \
     added up at the end",
    1,
    1,
    64,
);

/// A distribution of tiles; rows and columns are dealt out independently of each other.
#[derive(Clone, Copy, Debug)]
pub struct Distribution {
    /// Rows of the grid; a distribution by columns has one.
    pub rows: usize,
    /// Columns of the grid; a distribution by rows has one.
    pub columns: usize,
    is_cyclic: bool,
}

impl Distribution {
    /// As the parameters say.
    pub fn new(parameters: &Parameters) -> Self {
        let [rows, columns] =
            ["grid_rows", "grid_columns"].map(|name| parameters.int(name) as usize);
        let name = parameters.text(DISTRIBUTION.name);
        let (rows, columns) = match name {
            "row" | "row-cyclic" => (rows * columns, 1),
            "column" | "column-cyclic" => (1, rows * columns),
            _ => (rows, columns),
        };
        Self { rows, columns, is_cyclic: name.ends_with("cyclic") }
    }

    /// Row of the grid that tile row `i` of `count` belongs to.
    pub fn row(&self, i: usize, count: usize) -> usize {
        self.deal(i, count, self.rows)
    }

    /// Column of the grid that tile column `j` of `count` belongs to.
    pub fn column(&self, j: usize, count: usize) -> usize {
        self.deal(j, count, self.columns)
    }

    fn deal(&self, i: usize, count: usize, among: usize) -> usize {
        // In blocks the sizes differ by one at most.
        if self.is_cyclic { i % among } else { i * among / count }
    }

    /// The home index of process (`row`, `column`) of a layer.
    pub fn process(&self, layer: usize, row: usize, column: usize) -> u32 {
        ((layer * self.rows + row) * self.columns + column) as u32
    }

    /// The home of tile `at` of a matrix of `counts` tiles, in layer 0.
    pub fn home(&self, at: (usize, usize), counts: (usize, usize)) -> u32 {
        self.home_in(0, at, counts)
    }

    /// The home of tile `at` in a layer.
    pub fn home_in(&self, layer: usize, at: (usize, usize), counts: (usize, usize)) -> u32 {
        self.process(layer, self.row(at.0, counts.0), self.column(at.1, counts.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime::registry::Value;

    fn homes(name: &str, grid: (i64, i64), counts: (usize, usize)) -> Vec<u32> {
        let given = [
            ("distribution".to_owned(), Value::Text(name.to_owned())),
            ("grid_rows".to_owned(), Value::Int(grid.0)),
            ("grid_columns".to_owned(), Value::Int(grid.1)),
        ];
        let infos = [DISTRIBUTION, GRID_ROWS, GRID_COLUMNS];
        let of = Distribution::new(&Parameters::resolve("test", &infos, &given).unwrap());
        let tiles = (0..counts.0).flat_map(|i| (0..counts.1).map(move |j| (i, j)));
        tiles.map(|at| of.home(at, counts)).collect()
    }

    #[test]
    fn tiles_are_dealt_out_as_the_name_says() {
        let grid = (2, 2);
        assert_eq!(homes("block-cyclic", grid, (3, 4)), [0, 1, 0, 1, 2, 3, 2, 3, 0, 1, 0, 1]);
        assert_eq!(homes("block", grid, (3, 4)), [0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3]);
        assert_eq!(homes("row", grid, (5, 2)), [0, 0, 0, 0, 1, 1, 2, 2, 3, 3]);
        assert_eq!(homes("row-cyclic", grid, (5, 2)), [0, 0, 1, 1, 2, 2, 3, 3, 0, 0]);
        assert_eq!(homes("column", grid, (1, 6)), [0, 0, 1, 2, 2, 3]);
        assert_eq!(homes("column-cyclic", grid, (1, 6)), [0, 1, 2, 3, 0, 1]);
    }

    #[test]
    fn blocks_are_whole_and_in_order_also_where_processes_outnumber_tiles() {
        for (count, among) in [(1, 7), (3, 7), (7, 3), (12, 4), (100, 7)] {
            let of = Distribution { rows: among, columns: 1, is_cyclic: false };
            let rows: Vec<usize> = (0..count).map(|i| of.row(i, count)).collect();
            assert!(rows.is_sorted() && rows.iter().all(|r| *r < among), "{rows:?}");
            let sizes = (0..among).map(|r| rows.iter().filter(|row| **row == r).count());
            let (least, most) = (sizes.clone().min().unwrap(), sizes.max().unwrap());
            assert!(most - least <= 1, "{rows:?}");
        }
    }
}
