//! Fuzz target: the reader of encrypted sums.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| volley_fuzz::fuzz("pool-sums", file));
