//! Fuzz target: the reader of who a party of a pool is.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| volley_fuzz::fuzz("party", file));
