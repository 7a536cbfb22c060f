//! Fuzzes the reader of DOT.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| windtunnel_fuzz::graphviz(data));
