//! Handles of data.

use bytemuck::{AnyBitPattern, NoUninit};
use runtime::ObjectId;
use std::fmt;
use std::marker::PhantomData;

/// What data consists of: plain numbers, or structures of them without padding.
pub trait Element: AnyBitPattern + NoUninit {}

impl<T: AnyBitPattern + NoUninit> Element for T {}

/// A handle of an array that tasks access. It is a number: the content lies wherever the run has
/// copies of it.
pub struct Data<T> {
    object: ObjectId,
    len: usize,
    element: PhantomData<fn() -> T>,
}

impl<T> Data<T> {
    pub(crate) fn new(object: ObjectId, len: usize) -> Self {
        Self { object, len, element: PhantomData }
    }

    /// The object of the task graph.
    pub fn object(self) -> ObjectId {
        self.object
    }

    /// Number of elements.
    pub fn len(self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len == 0
    }
}

impl<T> Clone for Data<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Data<T> {}

impl<T> fmt::Debug for Data<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{} x {}]", self.object, self.len, std::any::type_name::<T>())
    }
}
