//! The report.
pub mod stats;
pub mod grid;
pub mod board;
pub mod table;
pub mod verdict;
pub mod versus;
