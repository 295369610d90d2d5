//! Fuzz target: the reader of sealed secret keys.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| volley_fuzz::fuzz("sealed-secret-key", file));
