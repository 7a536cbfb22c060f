//! The fluid network: recorded answers of independent solvers, cases by hand, a slow textbook
//! solver to compare with, conservation of bytes, and sizes at both ends.

mod allocation;
mod by_hand;
mod conservation;
mod driver;
mod limits;
mod misuse;
mod oracle;
mod textbook;
