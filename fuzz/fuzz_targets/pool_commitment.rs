//! Fuzz target: the reader of commitments.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| volley_fuzz::fuzz("pool-commitment", file));
