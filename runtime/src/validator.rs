//! The independent judge of traces.
