//! Fuzz target: the reader of jobs of pools.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| volley_fuzz::fuzz("pool-job", file));
