//! YAML experiments: a grid of runs, their store, the report, and the `windtunnel` command.

pub mod record;
