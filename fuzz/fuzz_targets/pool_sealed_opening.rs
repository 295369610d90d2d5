//! Fuzz target: the reader of sealed shares of decryptions.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| volley_fuzz::fuzz("pool-sealed-opening", file));
