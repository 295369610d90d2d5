//! Fuzz target: the reader of owners who have their keys.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| volley_fuzz::fuzz("pool-key-holder", file));
