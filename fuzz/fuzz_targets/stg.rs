//! Fuzzes the reader of STG.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| windtunnel_fuzz::standard(data));
