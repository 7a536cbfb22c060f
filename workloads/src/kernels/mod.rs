//! Bodies of tasks, over plain slices.

pub mod dense;
pub mod sample;
pub mod sort;
pub mod sparse;
pub mod words;

use runtime::kernel::KernelError;

/// A buffer of the wrong size.
fn size(what: &'static str, expected: usize, given: usize) -> KernelError {
    KernelError::Size { what, expected, given }
}

fn check_size(what: &'static str, given: usize, expected: usize) -> Result<(), KernelError> {
    if given == expected { Ok(()) } else { Err(size(what, expected, given)) }
}
