//! Fuzzes the reader of WfFormat.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| windtunnel_fuzz::wf_format(data));
