//! How a side of a matrix is cut into tiles.

use std::ops::Range;

/// A side of `length` cut into pieces of `tile`; the last one is smaller where `tile` does not
/// divide it.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    /// Rows or columns in all.
    pub length: usize,
    /// Rows or columns of a tile.
    pub tile: usize,
}

impl Cut {
    /// Tiles along this side.
    pub fn count(&self) -> usize {
        self.length.div_ceil(self.tile)
    }

    /// Rows or columns of tile `i`.
    pub fn size(&self, i: usize) -> usize {
        self.tile.min(self.length - i * self.tile)
    }

    /// The rows or columns of the matrix that tile `i` covers.
    pub fn range(&self, i: usize) -> Range<usize> {
        i * self.tile..i * self.tile + self.size(i)
    }
}
