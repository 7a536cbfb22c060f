//! Windtunnel: `tests`.
