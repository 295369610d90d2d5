//! Fuzz target: the reader of public keys.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| volley_fuzz::fuzz("public-key", file));
