//! Scheduling algorithms, one file each, and the registry that names them.
//!
//! Planners see the whole graph and make a schedule of it: [`heft`]. They share
//! [`order`] (in which order, and how ties are broken), [`ranks`] and
//! [`runtime::PartialSchedule`].
//!
//! Online schedulers decide when tasks are ready. In immediate mode ([`immediate`]): [`mct`].
//! Binding late, when a lane is free ([`kinds`]): [`first_fit`]. They share [`desk`] (what is to
//! be placed now), [`candidates`] (where that may be) and [`backlog`] (when lanes will be free).
//!
//! What is absent: drivers. A scheduler sees a [`runtime::View`] and never the simulator or the
//! real backend.

pub mod backlog;
pub mod bits;
pub mod candidates;
pub mod cpop;
pub mod desk;
pub mod etf;
pub mod first_fit;
pub mod heft;
pub mod immediate;
pub mod kinds;
pub mod mct;
pub mod order;
pub mod peft;
pub mod ranks;
pub mod ready;
mod registry;
#[cfg(test)]
mod testing;

pub use registry::{all, find};
