//! What is to be run: task graphs from generators, some with real kernels, and readers of recorded
//! graphs.
