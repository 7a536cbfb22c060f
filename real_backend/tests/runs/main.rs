//! Real runs on this machine: every test starts threads and moves real bytes.

mod clusters;
mod emulated;
mod failures;
mod gpu_faults;
mod gpus;
mod growth;
mod lanes;
mod memories;
mod modes;
mod random_runs;
mod replays;
mod schedulers;
mod stamps;
mod thinking;
