//! The wall-clock driver: the executive's commands are carried out by pinned CPU workers and on
//! streams of GPUs, on real memory, with real kernels.
//!
//! Map: [`run()`] is a run from start to end, of a [`RunSpec`]; [`start`] begins one that tasks are
//! submitted to from outside, through a [`Submitter`]; `core` is what its threads share
//! under the lock (the executive, the buffers, what is under way) and `crew` what they share
//! without one (mailboxes, the clock); `worker`, `mover` and `service` are the threads' loops;
//! `pilot` drives GPUs, on a thread of its own; `pace` tells how well an emulated run kept to its
//! model; `buffers` lends memory and extents of disks, and holds all of this crate's `unsafe`;
//! `disks` makes their files; `synthetic` stands in for kernels without a body; [`Machine`] knows
//! what this computer has, [`gpu_cluster()`] describes it with its GPUs. What a run recorded can be
//! stepped through again by [`runtime::replay`].
//!
//! What is absent: decisions. Who runs what, where, when and on which copy is the executive's, the
//! same one that the simulator drives. A GPU's pilot brings completions to it in the same way
//! as a worker (`Core::step`, under the lock).
//!
//! # A run
//! One worker thread per lane, pinned to a core; movers for transfers; one service thread for
//! timers and thinking. Whichever worker brings a completion steps the executive under a lock,
//! takes its own next tasks along and passes the others on through mailboxes. A worker that finds
//! the lock taken leaves a slip and goes on with its next task, if it was given one ahead
//! ([`RunSpec::issue_ahead`]); whoever has the lock serves slips too, and looks for more after
//! having let it go: a lock that changes hands costs more than a step, and nobody waits for it.
//! Nobody waits busily for long either: after some microseconds an idle worker sleeps.
//!
//! # Time
//! Nanoseconds on the system's monotonic clock. A task's end is the instant at which its kernel
//! returned; inputs must come in order, so it is moved up to the last input that another worker
//! brought meanwhile. Time 0 is after the first call of the scheduler and after initial objects got
//! their content: that is planning and set-up, and [`RunOutput::planning_ns`] tells how long the
//! former took. What the first call is *charged* ([`RunSpec::thinking`]) counts all the same: the
//! clock then starts at that much instead of 0.
//!
//! # Thinking
//! The scheduler is called under the lock, so its thinking takes real time however it is charged.
//! When it is charged nothing, its answer is used at once. When it is charged its processor time
//! ([`measured_thinking`]) that time has passed already: it is recorded, and the answer is used at
//! once. When it is charged more than that ([`Thinking::Fixed`](runtime::executive::Thinking)), the
//! service delivers the answer when the rest has passed, and lanes go on meanwhile.
//!
//! # Disks
//! A memory of kind disk is a temporary file, whose buffers are extents with checksums. Objects go
//! between it and main memory as the executive says, by movers, several at a time within the
//! memory's copy engines, while workers compute. What fails there ends the run as
//! [`RunError::Disk`] with the object's name; the file is gone however the run ends.
//!
//! # GPUs
//! With [`RunSpec::gpus`] memories of kind `hbm` are those of GPUs, in order, and the lanes of
//! devices that compute there are streams. One thread, the pilot, drives them all, through
//! [`gpu::Gpus`]: CUDA, or a device without hardware. Budgets are the memories' capacities; what
//! does not fit goes to the level below as in every other memory. Times are the device's own,
//! aligned with the host's clock, between the submission and the moment at which the end was seen.
//! A kernel that faults loses its device: its task fails, the run ends, the process goes on.
//!
//! # Emulated clusters
//! With [`RunSpec::emulation`] any cluster runs on this host, however many devices it has and
//! whatever its memories are. Each memory is an arena of main memory, whose capacity the executive
//! keeps; each transfer is a real copy, held back until the model of the links lets it arrive; each
//! lane is a thread that runs a task's kernel once and then sleeps until the task's modelled end.
//! So data movement is real and shows in the numbers that come out, while times are the model's as
//! long as the host keeps up; by how much it did not is among [`RunOutput::notes`]. Workers are not
//! pinned. Thinking and the executive itself take the host's own time.
//!
//! Links are shared as the simulator shares them, because a driver is given the simulator's network
//! model ([`LinkModel`](runtime::LinkModel)) and asks it, at the instants that really come, what
//! arrives when.
//!
//! # Example
//! ```
//! use real_backend::{Machine, RunSpec, host_cluster, run};
//! use runtime::graph::{Mode, ObjectSpec, TaskGraph, TaskSpec};
//! use runtime::kernel::KernelArgs;
//! use runtime::{Cluster, Costs, Decisions, Event, Scheduler, View};
//! use std::sync::Arc;
//!
//! struct OnTheFirst;
//! impl Scheduler for OnTheFirst {
//!     fn decide(&mut self, events: &[Event], _: &View<'_>, out: &mut Decisions) {
//!         for event in events {
//!             if let Event::Ready { task } = *event {
//!                 out.place(task, runtime::DeviceId(0));
//!             }
//!         }
//!     }
//! }
//!
//! let mut graph = TaskGraph::new("six times seven");
//! let x = graph.add_object(ObjectSpec { bytes: 8, keep: true, ..Default::default() })?;
//! let (set, multiply) = (graph.kernel("set"), graph.kernel("multiply"));
//! let (first, then) = ([(x, Mode::Write)], [(x, Mode::ReadWrite)]);
//! graph.submit(TaskSpec { params: &[6], accesses: &first, ..TaskSpec::new(set) })?;
//! graph.submit(TaskSpec { params: &[7], accesses: &then, ..TaskSpec::new(multiply) })?;
//!
//! let cluster = Arc::new(Cluster::new(host_cluster(&Machine::detect(), 2, 1.0))?);
//! let costs = Costs::resolve(&graph, &cluster, None)?;
//! let mut spec = RunSpec::new(graph, cluster, costs, Box::new(OnTheFirst));
//! spec.kernels.insert("set", |args: &mut KernelArgs<'_, '_>| {
//!     args.buffers[0].as_mut_slice::<i64>()?[0] = args.params[0];
//!     Ok(None)
//! });
//! spec.kernels.insert("multiply", |args: &mut KernelArgs<'_, '_>| {
//!     args.buffers[0].as_mut_slice::<i64>()?[0] *= args.params[0];
//!     Ok(None)
//! });
//! let output = run(spec)?;
//! assert_eq!(output.object_bytes(x), Some(&42i64.to_ne_bytes()[..]));
//! assert_eq!(output.trace.tasks.len(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod buffers;
mod clock;
mod core;
mod crew;
mod disks;
mod gpu_cluster;
mod machine;
mod mover;
mod pace;
mod pilot;
mod planning;
mod run;
mod service;
mod spec;
mod submitter;
mod synthetic;
mod worker;

pub use buffers::DiskFault;
pub use clock::measured_thinking;
pub use disks::{Pages, ScratchFile, scratch_file};
pub use gpu_cluster::{GpuShape, gpu_cluster};
pub use machine::{Machine, NumaNode, host_cluster};
pub use run::{Running, run, start};
pub use spec::{DiskError, GpuSpec, RunError, RunOutput, RunSpec, Spent};
pub use submitter::Submitter;
