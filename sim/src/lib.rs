//! The virtual-time driver: the executive's commands are priced by a cost model and a network
//! model, and a virtual clock moves from one completion to the next.
//!
//! Map: [`driver`] is the loop; [`transfers`] carries copies out on the network model of the
//! cluster, [`network`] is its max-min fair fluid model; [`noise`] disturbs durations,
//! [`disturbance`] devices and attempts, [`links`] what links carry; `queue`
//! orders events; `shared` is for devices whose lanes share one capacity; [`Window`] lets a graph
//! become known piece by piece. [`Wire`] is the network
//! model for drivers with a clock of their own.
//!
//! What is absent: threads, wall time and global state. One simulation is one call of [`run`].
//!
//! ```
//! use runtime::cluster::{ClusterSpec, DeviceSpec, MemorySpec};
//! use runtime::{Cluster, Cost, Costs, Decisions, Event, Scheduler, TaskGraph, TaskSpec, View};
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
//! let mut graph = TaskGraph::new("one task");
//! let kernel = graph.kernel("work");
//! graph.submit(TaskSpec { cost: Cost::Work(2.0), ..TaskSpec::new(kernel) })?;
//! let cluster = Arc::new(Cluster::new(ClusterSpec {
//!     memories: vec![MemorySpec { name: "ram".into(), ..Default::default() }],
//!     devices: vec![DeviceSpec {
//!         name: "cpu".into(),
//!         memory: "ram".into(),
//!         lanes: 1,
//!         speed: 4.0,
//!         ..Default::default()
//!     }],
//!     ..Default::default()
//! })?);
//! let costs = Costs::resolve(&graph, &cluster, None)?;
//! let spec = sim::SimSpec::new(graph, cluster, costs, Box::new(OnTheFirst));
//! assert_eq!(sim::run(spec)?.makespan_ns, 500_000_000);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod disturbance;
pub mod driver;
pub mod links;
pub mod network;
pub mod noise;
mod queue;
mod shared;
pub mod transfers;
mod window;
mod wire;

pub use disturbance::{Disturbance, Spells};
pub use driver::{Arrival, Arrivals, OutcomeModel, SimError, SimOutput, SimSpec, run};
pub use links::{LinkSpell, LinkTrouble};
pub use noise::Noise;
pub use window::Window;
pub use wire::Wire;
