//! Windtunnel as a library: your kernels and data, any scheduler, the simulator and real threads.
//!
//! Map: a [`Flow`] says what is to be run, a [`Testbed`] where; [`Flow::simulate`] predicts,
//! [`Flow::run`] measures, [`Flow::start`] begins a [`Live`] run that is submitted to while it goes
//! on. A scheduler is a name of the registry or an object of one's own ([`IntoScheduler`]).
//!
//! # Example
//! ```
//! use windtunnel::{Flow, Testbed};
//!
//! let mut flow = Flow::new("six times seven");
//! let set = flow.kernel("set", |args| {
//!     args.buffers[0].as_mut_slice::<i64>()?[0] = args.params[0];
//!     Ok(None)
//! })?;
//! let multiply = flow.kernel("multiply", |args| {
//!     args.buffers[0].as_mut_slice::<i64>()?[0] *= args.params[0];
//!     Ok(None)
//! })?;
//! let x = flow.result::<i64>("x", 1)?;
//! flow.task(set).writes(x).params(&[6]).work(1e-3).submit()?;
//! flow.task(multiply).updates(x).params(&[7]).work(1e-3).submit()?;
//!
//! let testbed = Testbed::host(2)?;
//! assert_eq!(flow.simulate(&testbed, "heft")?.makespan_ns, 2_000_000);
//! assert_eq!(flow.run(&testbed, "mct")?.get(x)?, [42]);
//! # Ok::<(), windtunnel::Error>(())
//! ```
//!
//! # Tasks that submit tasks
//! A task may go on: [`Submission::then`] is given what its kernel returned and submits more. In a
//! simulation, which runs no kernels, [`Submission::expects`] says what it would be. Here a number
//! is halved until it is odd:
//! ```
//! use windtunnel::{Data, Error, Flow, KernelId, Testbed};
//!
//! fn halve(flow: &mut Flow, kernel: KernelId, x: Data<i64>, guess: i64) -> Result<(), Error> {
//!     let go_on = move |outcome: &[i64], flow: &mut Flow| match outcome {
//!         [x2, ..] if x2 % 2 == 0 => halve(flow, kernel, x, x2 / 2),
//!         _ => Ok(()),
//!     };
//!     flow.task(kernel).updates(x).expects(&[guess]).then(go_on).submit()?;
//!     Ok(())
//! }
//!
//! let mut flow = Flow::new("halve");
//! let kernel = flow.kernel("halve", |args| {
//!     let x = &mut args.buffers[0].as_mut_slice::<i64>()?[0];
//!     *x /= 2;
//!     Ok(Some([*x].into()))
//! })?;
//! let x = flow.input("x", &[40_i64])?;
//! flow.keep(x);
//! halve(&mut flow, kernel, x, 20)?;
//! let testbed = Testbed::host(1)?;
//! assert_eq!(flow.run(&testbed, "mct")?.get(x)?, [5]);
//! assert_eq!(flow.simulate(&testbed, "mct")?.trace.tasks.len(), 3);
//! # Ok::<(), Error>(())
//! ```
//!
//! # Live
//! ```
//! use windtunnel::{Flow, Testbed};
//!
//! let mut flow = Flow::new("live");
//! let square = flow.kernel("square", |args| {
//!     let [x] = args.buffers_exactly()?;
//!     x.as_mut_slice::<f64>()?.iter_mut().for_each(|x| *x *= *x);
//!     Ok(None)
//! })?;
//! let live = flow.start(&Testbed::host(2)?, "mct")?;
//! let x = live.submit(|flow| {
//!     let x = flow.input("x", &[1.0, 2.0, 3.0])?;
//!     flow.task(square).updates(x).submit()?;
//!     Ok(x)
//! })?;
//! assert_eq!(live.read(x)?.wait()?, [1.0, 4.0, 9.0]); // or .await
//! live.finish()?;
//! # Ok::<(), windtunnel::Error>(())
//! ```
//!
//! # What is absent
//! Hardware and decisions: this crate puts `runtime`, `sim`, `schedulers` and `real_backend`
//! together and adds nothing to what they do. The MILP planners are not named here, so that nobody
//! builds a solver unasked; give an object of `milp::all()` instead.

mod board;
mod carry_out;
mod choice;
mod contents;
mod data;
mod error;
mod flow;
mod growth;
mod live;
mod results;
mod submission;
mod testbed;

pub use choice::{IntoScheduler, Named, scheduler};
pub use data::{Data, Element};
pub use error::Error;
pub use flow::Flow;
pub use live::{DataFuture, Live, OutcomeFuture};
pub use results::Results;
pub use submission::Submission;
pub use testbed::Testbed;

pub use runtime::cluster::{self, ClusterSpec};
pub use runtime::kernel::{KernelArgs, KernelBuffer, KernelError, KernelResult};
pub use runtime::registry::Value;
pub use runtime::{
    Decisions, DeviceId, Event, KernelId, LaneId, Mode, Ns, Planned, Planner, Scheduler, TaskId,
    Trace, View,
};
pub use sim::{Noise, SimOutput};

/// The examples of the project's front page, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
