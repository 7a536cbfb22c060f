//! Windtunnel: `schedulers`.
