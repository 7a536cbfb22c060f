//! Fuzzes the reader of the trace.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| windtunnel_fuzz::trace_file(data));
