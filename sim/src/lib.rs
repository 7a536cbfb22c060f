//! Windtunnel: `sim`.
