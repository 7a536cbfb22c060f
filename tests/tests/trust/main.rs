//! Why figures of the simulator can be believed.
//!
//! `laws`: conservation laws over random graphs, clusters and disturbances; `broken`: that each law
//! catches a run that breaks it; `exec_oracle`: times of independent solvers; `degenerate`: inputs
//! at the edge, small and huge. That the same bytes come out of every build and on any number of
//! threads is tested in `cli_run`.

mod broken;
mod degenerate;
mod exec_oracle;
mod laws;
