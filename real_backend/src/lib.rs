//! Windtunnel: `real_backend`.
