//! The conformance suite that every scheduler passes in every world, and the end-to-end tests.
//!
//! [`conformance`] is public: a scheduler of one's own is checked by
//! `windtunnel_tests::conformance::check_simulated(&MY_SCHEDULER, seed)` in a test. [`cases`] makes
//! the graphs and clusters it is tried on, all from one seed. [`conservation`] does the books of
//! any simulated run.

pub mod cases;
pub mod conformance;
pub mod conservation;
