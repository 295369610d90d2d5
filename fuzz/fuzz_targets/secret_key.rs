//! Fuzz target: the reader of secret keys in clear.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| volley_fuzz::fuzz("secret-key", file));
