//! Scheduling algorithms, one file each, and the registry that names them.
//!
//! *Planners* see the whole graph and make a schedule of it: [`heft`], [`cpop`], [`peft`], [`etf`].
//! They share [`order`] (in which order, and how ties are broken), [`ranks`], [`ready`] and
//! [`runtime::PartialSchedule`].
//!
//! Planners that search look at very many schedules of a flat [`instance`]: [`search`].
//!
//! *Online* schedulers decide when tasks are ready. In immediate mode ([`immediate`]): [`mct`],
//! [`dmda`], [`owner_computes`], [`random`], [`round_robin`]; in batches: [`min_min`]; late, when a
//! lane is free ([`kinds`]): [`first_fit`], [`work_stealing`]. They share [`desk`] (what is to be
//! placed now), [`candidates`] (where that may be) and [`backlog`] (when lanes will be free).
//!
//! What is absent: drivers. A scheduler sees a [`runtime::View`] and never the simulator or the
//! real backend.

pub mod backlog;
pub mod bits;
pub mod candidates;
pub mod contention_heft;
pub mod cpop;
pub mod desk;
pub mod dmda;
pub mod etf;
pub mod exact;
pub mod first_fit;
pub mod heft;
pub mod immediate;
pub mod instance;
pub mod kinds;
pub mod mct;
pub mod min_min;
pub mod order;
pub mod owner_computes;
pub mod peft;
pub mod random;
pub mod ranks;
pub mod ready;
mod registry;
pub mod round_robin;
pub mod search;
pub mod stream;
#[cfg(test)]
mod testing;
pub mod work_stealing;

/// How to add a scheduler.
#[doc = include_str!("../../docs/add-a-scheduler.md")]
pub mod guide {}

pub use registry::{all, find};
