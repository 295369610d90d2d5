//! Fuzz target: the reader of encrypted rows.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| volley_fuzz::fuzz("encrypted-rows", file));
