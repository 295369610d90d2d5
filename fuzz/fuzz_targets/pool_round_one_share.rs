//! Fuzz target: the reader of shares of round one.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| volley_fuzz::fuzz("pool-round-one-share", file));
