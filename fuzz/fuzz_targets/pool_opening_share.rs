//! Fuzz target: the reader of shares of decryptions for all.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| volley_fuzz::fuzz("pool-opening-share", file));
