//! A sparse matrix in blocks of consecutive rows, each block an object.

use super::matrix::Sparse;
use crate::apps::dense::Cut;
use crate::kernels::sparse;
use runtime::graph::{GraphError, ObjectSpec};
use runtime::kernel::as_mut_slice;
use runtime::{Mode, ObjectId, TaskGraph};

/// See the module's documentation.
pub struct Blocks {
    /// All of it.
    pub matrix: Sparse,
    /// How rows, and with them columns, are cut.
    pub cut: Cut,
    /// By block of rows: the blocks of columns with entries, in order.
    needed: Vec<Vec<u32>>,
}

impl Blocks {
    /// Blocks of `block` rows.
    pub fn new(matrix: Sparse, block: usize) -> Self {
        let cut = Cut { length: matrix.rows(), tile: block };
        let needed = (0..cut.count()).map(|i| {
            let mut blocks = vec![i as u32];
            for row in cut.range(i) {
                blocks.extend(matrix.neighbours(row).iter().map(|c| c / block as u32));
                // Rows beside each other mostly need the same: the list stays short.
                blocks.dedup();
            }
            blocks.sort_unstable();
            blocks.dedup();
            blocks
        });
        Self { needed: needed.collect(), matrix, cut }
    }

    /// Number of blocks.
    pub fn count(&self) -> usize {
        self.cut.count()
    }

    /// Blocks that a block of rows is multiplied with, in all.
    pub fn edges(&self) -> usize {
        self.needed.iter().map(Vec::len).sum()
    }

    /// Entries of a block.
    pub fn entries(&self, block: usize) -> usize {
        self.matrix.entries(self.cut.range(block))
    }

    /// Adds the blocks to a graph that has no objects yet: block `i` is object `i`.
    pub fn add_to(&self, graph: &mut TaskGraph) -> Result<(), GraphError> {
        for i in 0..self.count() {
            let bytes = sparse::block_bytes(self.cut.size(i), self.entries(i));
            let (name, home) = (&format!("A[{i}]"), i as u32);
            let object = graph.add_object(ObjectSpec {
                name,
                bytes,
                home,
                initial: true,
                ..ObjectSpec::default()
            })?;
            debug_assert_eq!(object.index(), i);
        }
        Ok(())
    }

    /// What a product with block `i` accesses: the block, what it needs of `x`, and the result.
    pub fn accesses(
        &self,
        i: usize,
        x: impl Fn(usize) -> ObjectId,
        y: ObjectId,
    ) -> Vec<(ObjectId, Mode)> {
        let read = self.needed[i].iter().map(|block| (x(*block as usize), Mode::Read));
        let own = (ObjectId::from_index(i), Mode::Read);
        std::iter::once(own).chain(read).chain([(y, Mode::Write)]).collect()
    }

    /// Writes block `i` as [`sparse::spmm`] reads it.
    pub fn fill(&self, i: usize, bytes: &mut [u8]) {
        let words = as_mut_slice::<u64>(bytes).expect("buffers are aligned and of that size");
        let (starts, rest) = words.split_at_mut(self.cut.size(i) + 1);
        let (columns, values) = rest.split_at_mut(self.entries(i));
        let mut filled = 0;
        for (start, row) in starts.iter_mut().zip(self.cut.range(i)) {
            *start = filled as u64;
            for (column, value) in self.matrix.row(row) {
                let (block, place) = (column / self.cut.tile, column % self.cut.tile);
                let at = self.needed[i].binary_search(&(block as u32)).expect("it is needed");
                columns[filled] = sparse::column(at, place);
                values[filled] = value.to_bits();
                filled += 1;
            }
        }
        starts[self.cut.size(i)] = filled as u64;
    }
}
