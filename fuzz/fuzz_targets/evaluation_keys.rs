//! Fuzz target: the reader of evaluation keys.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| volley_fuzz::fuzz("evaluation-keys", file));
