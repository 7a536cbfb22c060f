//! Windtunnel: `runtime`.
