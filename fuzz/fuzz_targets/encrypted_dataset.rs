//! Fuzz target: the reader of encrypted datasets.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| volley_fuzz::fuzz("encrypted-dataset", file));
