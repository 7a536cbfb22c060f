//! Windtunnel: `experiments`.
