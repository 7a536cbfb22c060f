//! The report of a hand-made run directory.
