//! Fuzzes the reader of the task-graph file.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| windtunnel_fuzz::task_graph(data));
