//! Fuzz target: the reader of owners before round one.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| volley_fuzz::fuzz("pool-owner-before-round-one", file));
