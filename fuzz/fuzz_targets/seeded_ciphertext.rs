//! Fuzz target: the reader of seeded ciphertexts.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| volley_fuzz::fuzz("seeded-ciphertext", file));
