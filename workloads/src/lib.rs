//! Windtunnel: `workloads`.
