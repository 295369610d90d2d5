//! Fuzz target: the reader of ciphertexts.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| volley_fuzz::fuzz("ciphertext", file));
