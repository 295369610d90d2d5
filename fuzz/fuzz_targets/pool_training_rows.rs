//! Fuzz target: the reader of rows of a pool.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| volley_fuzz::fuzz("pool-training-rows", file));
