//! Fuzz target: the reader of 1/B of a pool.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| volley_fuzz::fuzz("pool-preconditioner", file));
