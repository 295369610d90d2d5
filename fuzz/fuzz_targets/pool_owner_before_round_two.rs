//! Fuzz target: the reader of owners before round two.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| volley_fuzz::fuzz("pool-owner-before-round-two", file));
